from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from distrust_hub.errors import ModelError
from distrust_hub.models.fingerprint import base_fingerprint, compare_fingerprints
from distrust_hub.models.resolve import resolve_base
from tests.models.gguf_files import write_gguf
from tests.tiny import make_tiny_model


def change(folder, name, values):
    weights = load_file(folder / "model.safetensors")
    weights[name] = values(weights[name])
    save_file(weights, str(folder / "model.safetensors"))


def test_fingerprint_is_two_hashes_and_repeats(tiny):
    parts = base_fingerprint(tiny).split(":")
    assert [len(part) for part in parts] == [64, 64]
    assert base_fingerprint(tiny) == ":".join(parts)


def test_fingerprint_ignores_where_and_how_the_same_model_is_stored(tiny, tmp_path):
    other = make_tiny_model(tmp_path / "copy")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "transformers_version": "9", "torch_dtype": "bfloat16"}))
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert base_fingerprint(other) == base_fingerprint(tiny)


def test_fingerprint_ignores_what_some_exports_write_twice(tmp_path):
    """The output embedding of a model that shares it with the input, and rotary frequencies."""
    tied = make_tiny_model(tmp_path / "tied", tie=True)
    before, parameters = base_fingerprint(tied), resolve_base(str(tied)).parameters
    weights = load_file(tied / "model.safetensors")
    assert "lm_head.weight" not in weights
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].copy()
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.ones(8, np.float32)
    save_file(weights, str(tied / "model.safetensors"))
    assert base_fingerprint(tied) == before
    assert resolve_base(str(tied)).parameters == parameters


@pytest.mark.parametrize(
    "name", ["model.embed_tokens.weight", "model.layers.1.self_attn.o_proj.weight", "model.norm.weight"]
)
def test_other_values_of_the_same_structure_are_a_sibling(tiny, name):
    before = base_fingerprint(tiny)
    change(tiny, name, lambda w: w * 1.001)
    assert compare_fingerprints(before, base_fingerprint(tiny)) == "sibling"


def test_another_precision_is_a_sibling(tiny):
    before = base_fingerprint(tiny)
    change(tiny, "model.norm.weight", lambda w: w.astype(np.float16))
    assert compare_fingerprints(before, base_fingerprint(tiny)) == "sibling"


def test_precision_says_how_the_weights_are_stored(tiny, tmp_path):
    assert resolve_base(str(tiny)).precision == "F32"
    assert resolve_base(str(write_gguf(tmp_path / "q4.gguf", tiny, types={"attn_": "Q4_1"}))).precision[:5] == "gguf "


def test_quantised_gguf_is_a_sibling_of_its_source(tiny, tmp_path):
    exact = resolve_base(str(write_gguf(tmp_path / "f32.gguf", tiny)))
    coarse = resolve_base(str(write_gguf(tmp_path / "q4.gguf", tiny, types={"attn_": "Q4_1"})))
    assert compare_fingerprints(exact.fingerprint, coarse.fingerprint) == "sibling"


@pytest.mark.parametrize("shape", [{"layers": 3}, {"hidden": 32}, {"heads": 2}, {"kv_heads": 4}, {"tie": False}])
def test_another_architecture_is_another_base(tiny, tmp_path, shape):
    other = make_tiny_model(tmp_path / "other", **shape)
    assert compare_fingerprints(base_fingerprint(tiny), base_fingerprint(other)) == "other"


def test_another_tokenizer_is_another_base(tiny):
    before = base_fingerprint(tiny)
    tokenizer = json.loads((tiny / "tokenizer.json").read_text())
    tokenizer["model"]["merges"] = [["t", "h"]]
    (tiny / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert compare_fingerprints(before, base_fingerprint(tiny)) == "other"


def test_merges_may_be_pairs_or_strings(tiny):
    seen = set()
    for merges in ([["t", "h"]], ["t h"]):
        tokenizer = json.loads((tiny / "tokenizer.json").read_text())
        tokenizer["model"]["merges"] = merges
        (tiny / "tokenizer.json").write_text(json.dumps(tokenizer))
        seen.add(base_fingerprint(tiny))
    assert len(seen) == 1


@pytest.mark.mlx
@pytest.mark.parametrize(
    ("how", "name"),
    [
        ({"bits": 4, "group_size": 32}, "4-bit"),
        ({"bits": 8, "group_size": 32}, "8-bit"),
        ({"bits": 4, "group_size": 32, "mode": "mxfp4"}, "4-bit mxfp4"),
        ({"bits": 4, "group_size": 16, "mode": "nvfp4"}, "4-bit nvfp4"),
    ],
)
def test_mlx_quantised_folder_is_a_sibling_with_the_same_count(tiny, tmp_path, how, name):
    pytest.importorskip("mlx.core")
    from mlx_lm.utils import quantize_model, save_config, save_model

    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx, nn

    loaded = load_base(str(tiny))
    config = json.loads((tiny / "config.json").read_text())
    model, config = quantize_model(loaded.model, config, **how)
    target = make_tiny_model(tmp_path / "quantised")
    (target / "model.safetensors").unlink()
    save_model(target, model)
    save_config(config, target / "config.json")
    base = resolve_base(str(target))
    assert compare_fingerprints(base.fingerprint, loaded.base.fingerprint) == "sibling"
    assert base.parameters == loaded.base.parameters
    assert base.quantization == name
    linears = [m for m in load_base(base).model.modules() if isinstance(m, nn.QuantizedLinear)]
    assert not linears or mx.default_device() != mx.Device(mx.cpu)


def test_damaged_quantisation_is_refused(tiny):
    weights = load_file(tiny / "model.safetensors")
    name = "model.layers.0.mlp.up_proj"
    weights[f"{name}.scales"] = np.ones((128, 2), np.float32)
    save_file(weights, str(tiny / "model.safetensors"))
    with pytest.raises(ModelError, match="bits None"):
        base_fingerprint(tiny)
