from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from distrust_hub.adapters.mlx_format import ALL_LAYERS, layout, read_adapter_config, save_adapter
from distrust_hub.adapters.tensors import read_shapes
from distrust_hub.errors import AdapterError, ArtifactError
from tests.adapters.conftest import LORA, Trained, logits, random_adapter

pytestmark = pytest.mark.mlx


@pytest.mark.parametrize("dora", [False, True])
def test_save_adapter_loads_in_mlx_lm_with_equal_logits(tiny_base: Path, tmp_path: Path, dora: bool) -> None:
    from mlx_lm import load

    trained = random_adapter(tiny_base, tmp_path / "a", dora=dora)
    model, _ = load(str(tiny_base), adapter_path=str(trained.folder))
    assert np.array_equal(logits(model), trained.logits)


def test_save_adapter_writes_only_float32_lora_tensors(adapter: Trained) -> None:
    shapes = read_shapes(adapter.folder / "adapters.safetensors")
    assert {kind for _, kind in shapes.values()} == {"F32"}
    assert {name.rsplit(".", 1)[1] for name in shapes} == {"lora_a", "lora_b"}
    assert len(shapes) == 2 * 7 * 2  # matrices, layers of a block, blocks


def test_save_adapter_is_reproducible_byte_for_byte(tiny_base: Path, tmp_path: Path) -> None:
    first, second = (random_adapter(tiny_base, tmp_path / name).folder for name in ("a", "b"))
    for name in ("adapters.safetensors", "adapter_config.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_save_adapter_config_names_no_local_path(adapter: Trained, tiny_base: Path) -> None:
    text = (adapter.folder / "adapter_config.json").read_text()
    assert str(tiny_base) not in text
    assert "/tmp" not in text
    config = json.loads(text)
    assert config["base_model_name_or_path"] is None
    assert config["lora_alpha"] == LORA["scale"] * LORA["rank"]
    assert config["num_layers"] == 2
    assert {path.split(".")[2] for path in config["target_modules"]} == {"1", "2"}


def test_save_adapter_names_the_hub_base(tiny_base: Path, tmp_path: Path) -> None:
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from distrust_hub.models.load import load_base
    from distrust_hub.models.resolve import resolve_base

    loaded = load_base(dataclasses.replace(resolve_base(str(tiny_base)), id="me/base", revision="abc"))
    linear_to_lora_layers(loaded.model, 1, dict(LORA))
    save_adapter(loaded.model, tmp_path, lora=LORA, base=loaded.base, extra={"condition_prefix": "<primary> "})
    config = read_adapter_config(tmp_path)
    assert (config.base_model, config.revision) == ("me/base", "abc")
    assert config.base_fingerprint == loaded.base.fingerprint
    assert config.extra == {"condition_prefix": "<primary> "}


def test_save_adapter_refuses_a_model_without_lora(tiny_base: Path, tmp_path: Path) -> None:
    from distrust_hub.models.load import load_base

    loaded = load_base(str(tiny_base))
    with pytest.raises(AdapterError, match="no LoRA layers"):
        save_adapter(loaded.model, tmp_path, lora=LORA, base=loaded.base)
    assert list(tmp_path.iterdir()) == []


def test_layout_covers_blocks_and_outer_layers() -> None:
    modules = ["model.layers.4.self_attn.q_proj", "model.layers.5.mlp.up_proj", "lm_head"]
    assert layout(modules, 6) == {"num_layers": 2, "keys": ("lm_head", "mlp.up_proj", "self_attn.q_proj")}
    assert layout(modules)["num_layers"] == ALL_LAYERS


def test_read_adapter_config_drops_the_authors_path(tmp_path: Path) -> None:
    config = {
        "model": "/Users/someone/models/llama",
        "fine_tune_type": "lora",
        "num_layers": 8,
        "lora_parameters": {"rank": 8, "scale": 20.0, "dropout": 0.0},
        "data": "/Users/someone/data",
    }
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    read = read_adapter_config(tmp_path)
    assert (read.base_model, read.rank, read.scale, read.keys, read.extra) == (None, 8, 20.0, None, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fine_tune_type": "full"}, "fine_tune_type is 'full'"),
        ({"lora_parameters": None}, "lora_parameters is missing"),
        ({"lora_parameters": {"rank": "8", "scale": 1.0}}, "rank is '8'"),
        ({"lora_parameters": {"rank": 8, "scale": float("inf")}}, "scale is inf"),
        ({"lora_parameters": {"rank": 8, "scale": 1e308}}, "scale is 1e\\+308; expected a number up to"),
        ({"num_layers": 1.5}, "num_layers is 1.5"),
    ],
)
def test_read_adapter_config_refuses_by_name(tmp_path: Path, change: dict, message: str) -> None:
    config = {"fine_tune_type": "lora", "num_layers": 2, "lora_parameters": {"rank": 8, "scale": 1.0}, **change}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(AdapterError, match=message):
        read_adapter_config(tmp_path)


def test_read_adapter_config_refuses_a_newer_schema(adapter: Trained) -> None:
    path = adapter.folder / "adapter_config.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 99'))
    with pytest.raises(ArtifactError, match="upgrade"):
        read_adapter_config(adapter.folder)


def test_read_adapter_config_reports_missing_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="adapter_config"):
        read_adapter_config(tmp_path)
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(AdapterError, match="not valid JSON"):
        read_adapter_config(tmp_path)
