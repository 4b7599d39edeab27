"""Configs as transformers 5 writes them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from distrust_hub.models.config_names import fields_for_mlx
from tests.tiny import make_tiny_model

LLAMA3 = {
    "rope_theta": 500000.0,
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


def newer(folder: Path, rope: dict[str, object]) -> Path:
    """The same model with its rotary parameters where transformers 5 puts them."""
    config = json.loads((folder / "config.json").read_text())
    del config["rope_theta"]
    (folder / "config.json").write_text(json.dumps({**config, "rope_parameters": rope}))
    return folder


def test_rope_parameters_are_found_and_nothing_there_is_replaced() -> None:
    assert fields_for_mlx({"rope_theta": 1e4}) == {}
    assert fields_for_mlx({"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}, "rope_theta": 1e4}) == {}
    neox = {"model_type": "gpt_neox", "rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.25}}
    assert fields_for_mlx(neox) == {"rotary_emb_base": 1e4, "rotary_pct": 0.25}
    found = fields_for_mlx({"rope_parameters": LLAMA3, "rope_scaling": None})
    assert found["rope_theta"] == 500000.0
    assert found["rope_scaling"]["type"] == found["rope_scaling"]["rope_type"] == "llama3"


def test_rope_parameters_of_each_kind_of_layer_and_of_nested_configs_are_found() -> None:
    kinds = {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}
    found = fields_for_mlx({"text_config": {"hidden_size": 8, "rope_parameters": kinds}})
    assert found["text_config"]["hidden_size"] == 8
    assert found["text_config"]["rope_theta"] == 1e6
    assert found["text_config"]["rope_local_base_freq"] == 1e4


@pytest.mark.parametrize(
    "odd", [{}, {"rope_parameters": None}, {"rope_parameters": {"full_attention": 1}}, {"text_config": []}]
)
def test_configs_without_rope_parameters_need_nothing(odd: dict[str, object]) -> None:
    assert fields_for_mlx(odd) == {}


@pytest.mark.mlx
def test_a_base_saved_by_transformers_5_is_computed_with_its_own_rotary_base(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("mlx.core")
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx

    def logits(name: str, **rope: object) -> mx.array:
        folder = make_tiny_model(tmp_path / name, scale=0.3)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **rope}))
        return load_base(str(folder)).model(mx.array([list(range(3, 200))]))

    older = logits("older", rope_theta=500000.0, rope_scaling={k: v for k, v in LLAMA3.items() if k != "rope_theta"})
    folder = newer(make_tiny_model(tmp_path / "newer", scale=0.3), LLAMA3)
    with caplog.at_level(logging.WARNING):
        loaded = load_base(str(folder))
    assert mx.array_equal(loaded.model(mx.array([list(range(3, 200))])), older)
    assert not mx.allclose(older, logits("plain"))
    assert "rope_theta (500000.0)" in caplog.text


@pytest.mark.mlx
def test_a_base_whose_rotary_base_is_mlx_lms_default_is_loaded_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("mlx.core")
    from distrust_hub.models.load import load_base

    load_base(str(newer(make_tiny_model(tmp_path / "tiny"), {"rope_theta": 10000.0, "rope_type": "default"})))
    assert not caplog.records
