from __future__ import annotations

import json

import pytest
from safetensors.numpy import load_file, save_file

from distrust_hub.errors import ModelError
from tests.tiny import make_tiny_model

pytest.importorskip("mlx.core")
pytestmark = pytest.mark.mlx


def test_load_base_gives_float32_on_the_cpu_and_a_working_tokenizer(tiny):
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx, on_cpu, tree_flatten

    weights = {name: array.astype("float16") for name, array in load_file(tiny / "model.safetensors").items()}
    save_file(weights, str(tiny / "model.safetensors"))
    loaded = load_base(str(tiny))
    types = {array.dtype for _, array in tree_flatten(loaded.model.parameters())}
    assert types == ({mx.float32} if on_cpu() else {mx.float16})
    assert not loaded.model.training
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("Grüße, 1889")) == "Grüße, 1889"
    assert loaded.model(mx.array([[5, 6, 7]])).shape == (1, 3, 304)


def test_load_base_takes_a_config_that_offers_code_and_runs_none(tiny):
    """As Phi-3.5 has it: the code is for transformers of before it knew the model; mlx-lm has its own."""
    from distrust_hub.models.load import load_base

    config = json.loads((tiny / "config.json").read_text())
    offered = {name: f"code.{name}" for name in ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer")}
    (tiny / "config.json").write_text(json.dumps({**config, "auto_map": offered}))
    (tiny / "code.py").write_text(f"open({str(tiny / 'ran')!r}, 'w')\n")
    assert load_base(str(tiny)).tokenizer.encode("hi")
    assert not (tiny / "ran").exists()


def test_load_base_repeats_for_a_seed_and_differs_for_another(tmp_path):
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx

    a, b, c = (load_base(str(make_tiny_model(tmp_path / n, seed))).model for n, seed in (("a", 0), ("b", 0), ("c", 1)))
    x = mx.array([[10, 20, 30]])
    assert mx.array_equal(a(x), b(x))
    assert not mx.allclose(a(x), c(x))


def test_load_base_refuses_tensors_that_do_not_fit_the_config(tiny):
    from distrust_hub.models.load import load_base

    config = json.loads((tiny / "config.json").read_text())
    (tiny / "config.json").write_text(json.dumps({**config, "hidden_size": 128}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_base(str(tiny))


def test_load_base_refuses_a_phi3small_whose_vocabulary_lacks_the_ids_it_suppresses(tmp_path, monkeypatch):
    from distrust_hub.models.load import load_base
    from tests.training import architectures

    sizes = {"ff_intermediate_size": 96, "dense_attention_every_n_layers": 2, "gegelu_limit": 20.0}
    monkeypatch.setitem(architectures.CONFIGS, "phi3small", {**sizes, "layer_norm_epsilon": 1e-5})
    folder = architectures.make_model(tmp_path / "model", "phi3small")
    with pytest.raises(
        ModelError, match=r"model: mlx-lm suppresses tokens up to 100351 .* this model has 304; .*$"
    ) as info:
        load_base(str(folder))
    assert len(str(info.value).splitlines()) == 1
    monkeypatch.setitem(architectures._SIZES, "vocab_size", 100_352)
    monkeypatch.setitem(architectures._SIZES, "hidden_size", 16)
    loaded = load_base(str(architectures.make_model(tmp_path / "whole", "phi3small")))
    assert loaded.model.args.vocab_size == 100_352


def test_load_base_refuses_an_architecture_mlx_lm_does_not_know(tiny):
    from distrust_hub.models.load import load_base

    config = json.loads((tiny / "config.json").read_text())
    (tiny / "config.json").write_text(json.dumps({**config, "model_type": "perceptron1958"}))
    with pytest.raises(ModelError, match="perceptron1958"):
        load_base(str(tiny))


def test_load_base_survives_an_architecture_that_ends_the_process(tiny):
    from distrust_hub.models.load import load_base

    config = json.loads((tiny / "config.json").read_text())
    (tiny / "config.json").write_text(json.dumps({**config, "model_type": "olmo"}))
    with pytest.raises(ModelError, match="wants a package for it"):
        load_base(str(tiny))


def test_load_base_says_in_one_line_what_does_not_fit(tiny):
    from distrust_hub.models.load import load_base

    config = json.loads((tiny / "config.json").read_text())
    (tiny / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    with pytest.raises(
        ModelError, match=r"the model cannot be loaded: Received \d+ parameters not in model: "
    ) as found:
        load_base(str(tiny))
    assert "\n" not in str(found.value)
    assert str(found.value).endswith(" ...")
    del config["model_type"]
    (tiny / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"the model cannot be loaded: 'model_type' is missing from its files"):
        load_base(str(tiny))


def test_load_base_names_a_tokenizer_that_cannot_be_read(tiny):
    from distrust_hub.models.load import load_base

    (tiny / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": 7}')
    with pytest.raises(ModelError, match="the tokenizer cannot be loaded: "):
        load_base(str(tiny))


def test_load_base_keeps_the_scales_that_experts_have_of_their_own(tmp_path):
    from mlx_lm.utils import quantize_model, save_config, save_model

    from distrust_hub.adapters.fuse import _dequantised
    from distrust_hub.models.fingerprint import compare_fingerprints
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx, tree_flatten
    from tests.training.architectures import make_model

    full, small = make_model(tmp_path / "full", "qwen2_moe"), make_tiny_model(tmp_path / "small")
    plain, config = load_base(str(full)), json.loads((full / "config.json").read_text())
    before = dict(tree_flatten(plain.model.parameters()))
    options = {"group_size": 16, "bits": 4, "mode": "nvfp4", "global_scale": True}
    try:
        model, config = quantize_model(plain.model, config, **options)
    except TypeError:
        pytest.skip("this mlx-lm has no scales of whole matrices")
    save_model(small, model)
    save_config(config, small / "config.json")
    loaded = load_base(str(small))
    fused = _dequantised(mx.load(str(small / "model.safetensors")), config["quantization"])
    for name, found in tree_flatten(loaded.model.parameters()):
        error = mx.linalg.norm((found - before[name]).reshape(-1)) / mx.linalg.norm(before[name].reshape(-1))
        assert error.item() < 0.15, name  # that of four bits
        assert mx.allclose(fused[name].astype(mx.float32), found, rtol=0.01).item(), name
    assert not [name for name in fused if name.endswith("global_scale")]
    assert loaded.base.parameters == plain.base.parameters
    assert compare_fingerprints(loaded.base.fingerprint, plain.base.fingerprint) == "sibling"
