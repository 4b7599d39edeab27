"""Adapters of bases whose layers have other names in mlx-lm than in transformers, or other shapes in the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distrust_hub.adapters.names import mlx_path, peft_path
from distrust_hub.adapters.peft_format import convert_peft_to_mlx, read_peft, write_peft
from distrust_hub.errors import AdapterError
from tests.adapters.architectures import made_by_transformers, make_gpt2, make_neox
from tests.adapters.conftest import logits, random_adapter

MADE_BY_TRANSFORMERS = {
    "qwen2": {},
    "qwen3": {"head_dim": 16},
    "gemma2": {"head_dim": 16, "query_pre_attn_scalar": 16},
    "gemma3_text": {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window_pattern": 2},
    "mistral": {},
    "phi3": {},
    "olmo2": {},
    "gpt_neox": {"intermediate_size": 256},
    "starcoder2": {},
    "granite": {},
}


@pytest.mark.parametrize(
    ("model_type", "ours", "theirs"),
    [
        ("gpt_neox", "model.h.3.attention.dense", "gpt_neox.layers.3.attention.dense"),
        ("gemma3", "language_model.model.layers.3.mlp.up_proj", "model.language_model.layers.3.mlp.up_proj"),
        ("qwen3_5", "language_model.model.layers.3.mlp.up_proj", "model.layers.3.mlp.up_proj"),
        ("llama", "model.layers.3.mlp.up_proj", "model.layers.3.mlp.up_proj"),
        (None, "model.h.3.attn.c_attn", "model.h.3.attn.c_attn"),
    ],
)
def test_names_of_layers_go_both_ways(model_type: str | None, ours: str, theirs: str) -> None:
    assert peft_path(ours, model_type) == theirs
    assert mlx_path(theirs, model_type) == ours
    assert mlx_path(ours, model_type) == ours  # an adapter that PEFT wrote for an older transformers


@pytest.mark.mlx
def test_renamed_layers_are_named_for_peft_and_read_back(tmp_path: Path) -> None:
    from distrust_hub.adapters.load import load_adapter
    from distrust_hub.adapters.verify import verify_adapter
    from distrust_hub.models.resolve import resolve_base

    base = make_neox(tmp_path / "base")
    trained = random_adapter(base, tmp_path / "a")
    write_peft(trained.folder)
    verify_adapter(trained.folder, resolve_base(str(base)))  # both formats agree
    (trained.folder / "adapters.safetensors").unlink()
    config, tensors = read_peft(trained.folder)
    assert config.base_model_type == "gpt_neox"
    assert all(name.startswith("model.h.") for name in tensors)
    np.testing.assert_array_equal(logits(load_adapter(trained.folder, str(base)).model), trained.logits)


@pytest.mark.mlx
def test_fuse_adapter_writes_renamed_layers_under_the_names_of_the_base(tmp_path: Path) -> None:
    from mlx_lm import load
    from safetensors import safe_open

    from distrust_hub.adapters.fuse import fuse_adapter

    base = make_neox(tmp_path / "base")
    trained = random_adapter(base, tmp_path / "a")
    fused = fuse_adapter(trained.folder, str(base), tmp_path / "fused")
    with (
        safe_open(str(base / "model.safetensors"), "numpy") as one,
        safe_open(str(fused / "model.safetensors"), "numpy") as two,
    ):
        assert set(one.keys()) == set(two.keys())
    np.testing.assert_allclose(logits(load(str(fused))[0]), trained.logits, atol=1e-4)


@pytest.mark.mlx
def test_fuse_adapter_says_that_transformers_does_not_read_names_of_mlx(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from mlx_lm import convert

    from distrust_hub.adapters.fuse import fuse_adapter

    base = make_neox(tmp_path / "base")
    trained = random_adapter(base, tmp_path / "a")
    fuse_adapter(trained.folder, str(base), tmp_path / "fused")
    assert not caplog.records
    convert(str(base), mlx_path=str(tmp_path / "mlx"), dtype="float32")
    fuse_adapter(random_adapter(tmp_path / "mlx", tmp_path / "b").folder, str(tmp_path / "mlx"), tmp_path / "fused-mlx")
    assert "transformers does not" in caplog.text
    assert "--model" in caplog.text


@pytest.mark.mlx
def test_fuse_adapter_refuses_layers_that_the_files_hold_otherwise(tmp_path: Path) -> None:
    from distrust_hub.adapters.fuse import fuse_adapter

    base = make_gpt2(tmp_path / "base")
    trained = random_adapter(base, tmp_path / "a")
    with pytest.raises(AdapterError, match=r"model\.h\.1\.attn\.c_attn and 7 others in another form .* mlx_lm\.fuse"):
        fuse_adapter(trained.folder, str(base), tmp_path / "fused")
    assert not (tmp_path / "fused").exists()


@pytest.mark.torch
@pytest.mark.mlx
@pytest.mark.parametrize("dora", [False, True], ids=["lora", "dora"])
@pytest.mark.parametrize("model_type", MADE_BY_TRANSFORMERS)
def test_peft_and_fused_logits_agree_with_mlx(tmp_path: Path, model_type: str, dora: bool) -> None:
    pytest.importorskip("torch")
    peft = pytest.importorskip("peft")
    from mlx_lm import load

    from distrust_hub.adapters.fuse import fuse_adapter
    from tests.adapters.test_torch import load_torch, relative_error, torch_logits

    base = made_by_transformers(tmp_path / "base", model_type, **MADE_BY_TRANSFORMERS[model_type])
    trained = random_adapter(base, tmp_path / "a", dora=dora)
    write_peft(trained.folder)
    plain = load_torch(base)
    assert relative_error(torch_logits(plain), trained.logits) > 0.05
    model = peft.PeftModel.from_pretrained(plain, str(trained.folder)).eval()
    assert relative_error(torch_logits(model), trained.logits) < 1e-3
    fused = fuse_adapter(trained.folder, str(base), tmp_path / "fused")
    assert relative_error(torch_logits(load_torch(fused)), trained.logits) < 1e-3
    assert relative_error(logits(load(str(fused))[0]), trained.logits) < 1e-4


@pytest.mark.torch
@pytest.mark.mlx
def test_convert_peft_to_mlx_names_layers_as_mlx_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    peft = pytest.importorskip("peft")
    from mlx_lm import load

    from tests.adapters.test_torch import load_torch, relative_error, torch_logits

    base = made_by_transformers(tmp_path / "base", "gpt_neox", intermediate_size=256)
    torch.manual_seed(0)
    config = peft.LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, r=4, target_modules="all-linear")
    model = peft.get_peft_model(load_torch(base), config).eval()
    expected = torch_logits(model)
    model.save_pretrained(tmp_path / "peft")
    convert_peft_to_mlx(tmp_path / "peft", tmp_path / "mlx")
    assert relative_error(logits(load(str(base), adapter_path=str(tmp_path / "mlx"))[0]), expected) < 1e-3
