from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distrust_hub.adapters.mlx_format import read_mlx, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.adapters.tensors import MAX_RANK, read_tensors
from distrust_hub.adapters.verify import base_shapes, verify_adapter
from distrust_hub.errors import AdapterError
from distrust_hub.files import sha256_file
from distrust_hub.models.resolve import BaseModel, resolve_base
from tests.adapters.conftest import LORA, QUANTISED, Trained, random_adapter
from tests.tiny import make_tiny_model

pytestmark = pytest.mark.mlx

Q2 = "model.layers.2.self_attn.q_proj"


@pytest.fixture
def base(tiny_base: Path) -> BaseModel:
    return resolve_base(str(tiny_base))


def rewrite(folder: Path, changes: dict[str, Any], **config: Any) -> None:
    """Save the adapter again with other tensors (None removes one) and config values."""
    old, tensors = read_mlx(folder)
    tensors.update(changes)
    write_adapter(folder, dataclasses.replace(old, **config), {k: v for k, v in tensors.items() if v is not None})


def test_verify_adapter_describes_a_good_one(adapter: Trained, base: BaseModel) -> None:
    info = verify_adapter(adapter.folder, base)
    assert info.base == "same"
    assert info.sha256 == sha256_file(adapter.folder / "adapters.safetensors")
    assert len(info.modules) == 14
    assert info.config.rank == LORA["rank"]
    assert info.parameters == sum(v.size for v in read_mlx(adapter.folder)[1].values())
    assert verify_adapter(adapter.folder).base == "unknown"


def test_verify_adapter_reads_a_peft_only_folder(adapter: Trained, base: BaseModel) -> None:
    write_peft(adapter.folder)
    (adapter.folder / "adapters.safetensors").unlink()
    assert len(verify_adapter(adapter.folder, base).modules) == 14


@pytest.mark.parametrize("name", ["adapters.safetensors", "adapter_config.json"])
def test_verify_adapter_names_a_missing_file(adapter: Trained, name: str) -> None:
    (adapter.folder / name).unlink()
    with pytest.raises(AdapterError, match=name):
        verify_adapter(adapter.folder)


def test_verify_adapter_names_every_bad_tensor_with_both_shapes(adapter: Trained, base: BaseModel) -> None:
    rewrite(
        adapter.folder,
        {
            f"{Q2}.lora_a": np.ones((60, 4)),
            "model.layers.1.mlp.up_proj.lora_b": np.ones((4, 100)),
            "model.layers.9.mlp.up_proj.lora_a": np.ones((64, 4)),
            "model.layers.9.mlp.up_proj.lora_b": np.ones((4, 128)),
        },
    )
    with pytest.raises(AdapterError) as caught:
        verify_adapter(adapter.folder, base)
    message = str(caught.value)
    assert f"{Q2}.lora_a: shape (60, 4), the base needs (64, 4)" in message
    assert "model.layers.1.mlp.up_proj.lora_b: shape (4, 100), the base needs (4, 128)" in message
    assert "model.layers.9.mlp.up_proj: the base has no such linear layer" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("changes", "config", "message"),
    [
        ({f"{Q2}.lora_b": None}, {}, f"{Q2}: has lora_a, expected lora_a, lora_b"),
        ({f"{Q2}.weight": np.ones(3)}, {}, f"{Q2}: has lora_a, lora_b, weight"),
        ({f"{Q2}.lora_a": np.ones((64, 5))}, {}, r"lora_a \(64, 5\)"),
        ({}, {"rank": MAX_RANK + 1}, f"rank is {MAX_RANK + 1}, expected 1 to {MAX_RANK}"),
        ({f"{Q2}.lora_a": np.ones((2, 64, 4))}, {}, "expert layers are not supported"),
        ({f"{Q2}.lora_a": np.full((64, 4), np.nan)}, {}, rf"NaN or infinity in {Q2}\.lora_a"),
        ({}, {"scale": 0.0}, "changes nothing"),
    ],
)
def test_verify_adapter_refuses(adapter: Trained, changes: dict, config: dict, message: str) -> None:
    rewrite(adapter.folder, changes, **config)
    with pytest.raises(AdapterError, match=message):
        verify_adapter(adapter.folder)


def test_verify_adapter_refuses_an_untrained_adapter(adapter: Trained) -> None:
    zeros = {name: np.zeros_like(v) for name, v in read_mlx(adapter.folder)[1].items() if name.endswith("lora_b")}
    rewrite(adapter.folder, zeros)
    with pytest.raises(AdapterError, match="changes nothing"):
        verify_adapter(adapter.folder)


def test_verify_adapter_refuses_dora_with_the_magnitudes_of_its_base(
    base: BaseModel, tiny_base: Path, tmp_path: Path
) -> None:
    folder = random_adapter(tiny_base, tmp_path / "dora", dora=True).folder
    zeros = {name: np.zeros_like(v) for name, v in read_mlx(folder)[1].items() if name.endswith("lora_b")}
    rewrite(folder, zeros)
    assert verify_adapter(folder, base).base == "same"
    weights = read_tensors(tiny_base / "model.safetensors")
    magnitudes = [name for name in read_mlx(folder)[1] if name.endswith(".m")]
    rewrite(folder, {name: np.linalg.norm(weights[f"{name[:-2]}.weight"], axis=1) for name in magnitudes})
    with pytest.raises(AdapterError, match="changes nothing"):
        verify_adapter(folder, base)
    assert verify_adapter(folder).base == "unknown"


def test_verify_adapter_refuses_a_truncated_file(adapter: Trained) -> None:
    path = adapter.folder / "adapters.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(AdapterError, match="truncated"):
        verify_adapter(adapter.folder)


def test_verify_adapter_refuses_formats_that_disagree(adapter: Trained) -> None:
    write_peft(adapter.folder)
    rewrite(adapter.folder, {f"{Q2}.lora_a": np.ones((64, 4))})
    with pytest.raises(
        AdapterError, match=rf"differs from adapters.safetensors in base_model.model.{Q2}.lora_A.weight"
    ):
        verify_adapter(adapter.folder)


def test_verify_adapter_bounds_both_files(adapter: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    other = write_peft(adapter.folder)
    sizes = sorted((other.stat().st_size, (adapter.folder / "adapters.safetensors").stat().st_size))
    assert sizes[1] == other.stat().st_size
    monkeypatch.setattr("distrust_hub.adapters.verify.MAX_ADAPTER_BYTES", sizes[0])
    with pytest.raises(
        AdapterError, match=rf"adapter_model.safetensors: {sizes[1]} bytes; expected at most {sizes[0]}"
    ):
        verify_adapter(adapter.folder)


def test_verify_adapter_refuses_another_base(adapter: Trained, tmp_path: Path) -> None:
    other = resolve_base(str(make_tiny_model(tmp_path / "other", layers=4)))
    with pytest.raises(AdapterError, match="made for another base"):
        verify_adapter(adapter.folder, other)


def test_verify_adapter_refuses_other_weights_of_the_same_structure_and_precision(
    adapter: Trained, tmp_path: Path
) -> None:
    trained_further = resolve_base(str(make_tiny_model(tmp_path / "instruct", seed=1, layers=3)))
    with pytest.raises(AdapterError, match=r"made for another base .* not for instruct"):
        verify_adapter(adapter.folder, trained_further)


@pytest.mark.parametrize("unknown", ["bits", "precision"])
def test_verify_adapter_warns_of_a_sibling(
    adapter: Trained, base: BaseModel, unknown: str, caplog: pytest.LogCaptureFixture
) -> None:
    sibling = dataclasses.replace(base, fingerprint=f"{base.fingerprint.partition(':')[0]}:{'0' * 64}")
    if unknown == "bits":
        sibling = dataclasses.replace(sibling, quantization="4-bit")
    else:
        rewrite(adapter.folder, {}, base_precision=None)
    with caplog.at_level(logging.WARNING):
        assert verify_adapter(adapter.folder, sibling).base == "sibling"
    assert "other weights of the same structure" in caplog.text


@pytest.mark.parametrize("how", QUANTISED.values(), ids=QUANTISED)
def test_base_shapes_unpacks_quantised_weights(tiny_base: Path, tmp_path: Path, how: dict[str, Any]) -> None:
    from mlx_lm import convert

    convert(str(tiny_base), mlx_path=str(tmp_path / "q"), quantize=True, **how)
    plain, packed = base_shapes(tiny_base), base_shapes(tmp_path / "q")
    assert plain is not None
    assert packed is not None
    assert plain[Q2] == (64, 64)
    assert packed.items() >= {path: shape for path, shape in plain.items() if "layers" in path}.items()


def test_base_shapes_is_silent_about_architectures_that_mlx_renames(tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path)
    config = base / "config.json"
    config.write_text(config.read_text().replace('"model_type": "llama"', '"model_type": "gpt2"'))
    assert base_shapes(base) is None
