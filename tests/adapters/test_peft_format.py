from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from distrust_hub.adapters.mlx_format import read_mlx
from distrust_hub.adapters.peft_format import convert_peft_to_mlx, read_peft, to_peft, write_peft
from distrust_hub.adapters.tensors import MAX_RANK, read_tensors
from distrust_hub.errors import AdapterError
from tests.adapters.conftest import Trained, random_adapter

Q0, V1 = "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.v_proj"


def peft_folder(folder: Path, ranks: dict[str, int] | None = None, **config: Any) -> dict[str, np.ndarray]:
    """Write a PEFT adapter of random matrices; returns its tensors."""
    rng = np.random.default_rng(3)
    tensors = {}
    for path, rank in (ranks or {Q0: 4, V1: 4}).items():
        tensors[f"base_model.model.{path}.lora_A.weight"] = rng.normal(size=(rank, 6)).astype(np.float32)
        tensors[f"base_model.model.{path}.lora_B.weight"] = rng.normal(size=(8, rank)).astype(np.float32)
    folder.mkdir(exist_ok=True)
    save_file(tensors, str(folder / "adapter_model.safetensors"))
    content = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], **config}
    (folder / "adapter_config.json").write_text(json.dumps(content))
    return tensors


def update(tensors: dict[str, np.ndarray], path: str, scale: float) -> np.ndarray:
    """What a layer adds to its weight: (outputs, inputs)."""
    return scale * (tensors[f"{path}.lora_a"] @ tensors[f"{path}.lora_b"]).T


@pytest.mark.mlx
@pytest.mark.parametrize("dora", [False, True])
def test_round_trip_mlx_peft_mlx_is_exact(tiny_base: Path, tmp_path: Path, dora: bool) -> None:
    folder = random_adapter(tiny_base, tmp_path / "mlx", dora=dora).folder
    write_peft(folder)
    config, tensors = read_mlx(folder)
    (folder / "adapters.safetensors").unlink()
    convert_peft_to_mlx(folder, tmp_path / "back")
    back, returned = read_mlx(tmp_path / "back")
    assert returned.keys() == tensors.keys()
    assert all(np.array_equal(returned[name], tensors[name]) for name in tensors)
    assert (back.rank, back.scale, back.fine_tune_type) == (config.rank, config.scale, config.fine_tune_type)
    assert (back.keys, back.base_fingerprint) == (config.keys, config.base_fingerprint)


@pytest.mark.mlx
def test_write_peft_transposes_and_names_as_peft(adapter: Trained) -> None:
    _, tensors = read_mlx(adapter.folder)
    written = read_tensors(write_peft(adapter.folder))
    name = "model.layers.2.mlp.up_proj"
    assert np.array_equal(written[f"base_model.model.{name}.lora_A.weight"], tensors[f"{name}.lora_a"].T)
    assert np.array_equal(written[f"base_model.model.{name}.lora_B.weight"], tensors[f"{name}.lora_b"].T)


def test_to_peft_refuses_embeddings_and_experts_by_name() -> None:
    tensors = {
        "model.embed_tokens.lora_a": np.ones((5, 2)),
        "model.layers.0.mlp.switch_mlp.up_proj.lora_a": np.ones((3, 2, 4)),
        f"{Q0}.lora_a": np.ones((4, 2)),
    }
    with pytest.raises(AdapterError, match=r"embed_tokens, model\.layers\.0\.mlp\.switch_mlp\.up_proj$"):
        to_peft(tensors)


def test_read_peft_scales_by_alpha_over_rank(tmp_path: Path) -> None:
    source = peft_folder(tmp_path)
    config, tensors = read_peft(tmp_path)
    assert (config.scale, config.rank) == (2.0, 4)
    prefix = f"base_model.model.{Q0}"
    expected = 2.0 * source[f"{prefix}.lora_B.weight"] @ source[f"{prefix}.lora_A.weight"]
    np.testing.assert_allclose(update(tensors, Q0, config.scale), expected, rtol=1e-5)


def test_read_peft_scales_rslora_by_the_root_of_the_rank(tmp_path: Path) -> None:
    peft_folder(tmp_path, use_rslora=True)
    assert read_peft(tmp_path)[0].scale == 8 / math.sqrt(4)


def test_read_peft_keeps_updates_of_mixed_ranks_and_alphas(tmp_path: Path) -> None:
    source = peft_folder(
        tmp_path, {Q0: 2, V1: 4}, rank_pattern={"q_proj": 2}, alpha_pattern={r"^model\.layers\.0\.self_attn\.q_proj": 5}
    )
    config, tensors = read_peft(tmp_path)
    assert tensors[f"{Q0}.lora_a"].shape == (6, 4)
    for path, scale in ((Q0, 5 / 2), (V1, 8 / 4)):
        prefix = f"base_model.model.{path}"
        expected = scale * source[f"{prefix}.lora_B.weight"] @ source[f"{prefix}.lora_A.weight"]
        np.testing.assert_allclose(update(tensors, path, config.scale), expected, rtol=1e-5)


def test_read_peft_reads_bfloat16(tmp_path: Path) -> None:
    source = peft_folder(tmp_path)
    header, data, offset = {}, b"", 0
    for name, value in source.items():
        raw = (value.view(np.uint32) >> 16).astype("<u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": list(value.shape), "data_offsets": [offset, offset + len(raw)]}
        data, offset = data + raw, offset + len(raw)
    head = json.dumps(header).encode()
    (tmp_path / "adapter_model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)
    _, tensors = read_peft(tmp_path)
    expected = source[f"base_model.model.{Q0}.lora_A.weight"].T
    np.testing.assert_allclose(tensors[f"{Q0}.lora_a"], expected, rtol=2**-7)


@pytest.mark.parametrize(
    "option",
    [
        {"peft_type": "IA3"},
        {"bias": "all"},
        {"fan_in_fan_out": True},
        {"modules_to_save": ["lm_head"]},
        {"init_lora_weights": "pissa"},
        {"layer_replication": [[0, 2]]},
        {"lora_bias": True},
        {"alpha_pattern": {"(a+)+q_proj": 3}},
        {"alpha_pattern": {"q_proj(": 3}},
        {"rank_pattern": {"q_proj": 3}},
        {"lora_alpha": 0},
    ],
    ids=str,
)
def test_read_peft_refuses_what_mlx_cannot_express_by_name(tmp_path: Path, option: dict[str, Any]) -> None:
    peft_folder(tmp_path, **option)
    named = {
        "lora_alpha": f"lora_alpha of {Q0} is 0",
        "alpha_pattern": "pattern '",
        "rank_pattern": "rank 4 in the weights and 3",
    }
    key = next(iter(option))
    with pytest.raises(AdapterError) as caught:
        read_peft(tmp_path)
    assert named.get(key, f"{key} = {option[key]!r}") in str(caught.value)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+q", ".?" * 28 + "!", "(.|.)" * 28 + "!", "(?x:(.*) *)!", "(?=.*)q_proj", ".*" * 12 + "!", "q" * 301],
)
def test_read_peft_refuses_a_pattern_that_would_take_hours(tmp_path: Path, pattern: str) -> None:
    peft_folder(tmp_path, alpha_pattern={pattern: 3})
    with pytest.raises(AdapterError, match="is too complex to match safely"):
        read_peft(tmp_path)


def test_read_peft_matches_the_patterns_of_many_layers(tmp_path: Path) -> None:
    layers = {f"model.layers.{i}.self_attn.{name}_proj": 2 for i in range(80) for name in "qkvo"}
    patterns = {r".*layers\.(0|1|2|3)\..*self_attn.*(q|v)_proj": 6.0, r"layers\.\d+\.self_attn\.k_proj": 8}
    peft_folder(tmp_path, layers, rank_pattern=layers, alpha_pattern=patterns, lora_alpha=4)
    config, tensors = read_peft(tmp_path)
    assert (config.rank, config.scale, len(tensors)) == (2, 2.0, 640)
    source = read_tensors(tmp_path / "adapter_model.safetensors")
    for path, scale in ((Q0, 3), ("model.layers.4.self_attn.q_proj", 2), ("model.layers.9.self_attn.k_proj", 4)):
        expected = (
            scale * source[f"base_model.model.{path}.lora_B.weight"] @ source[f"base_model.model.{path}.lora_A.weight"]
        )
        np.testing.assert_allclose(update(tensors, path, config.scale), expected, rtol=1e-5)


@pytest.mark.parametrize("key", ["r", "lora_alpha", "lora_dropout"])
def test_read_peft_refuses_a_number_beyond_any_float(tmp_path: Path, key: str) -> None:
    peft_folder(tmp_path, **{key: 10**400})
    with pytest.raises(AdapterError, match=rf"{key} is 10{{70,}}; expected a (whole )?number up to 1e\+09"):
        read_peft(tmp_path)


@pytest.mark.parametrize("rank", [0, MAX_RANK + 1])
def test_read_peft_bounds_the_rank(tmp_path: Path, rank: int) -> None:
    peft_folder(tmp_path, {Q0: rank, V1: 4}, rank_pattern={"q_proj": rank})
    with pytest.raises(AdapterError, match=f"rank {rank}, expected 1 to {MAX_RANK}"):
        read_peft(tmp_path)


def test_read_peft_names_every_tensor_that_is_not_lora(tmp_path: Path) -> None:
    tensors = peft_folder(tmp_path)
    tensors["base_model.model.lm_head.weight"] = np.ones((2, 2), np.float32)
    del tensors[f"base_model.model.{V1}.lora_B.weight"]
    save_file(tensors, str(tmp_path / "adapter_model.safetensors"))
    with pytest.raises(AdapterError, match=rf"lm_head\.weight \(2, 2\).*{V1}: has only lora_a"):
        read_peft(tmp_path)
