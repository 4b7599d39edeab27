from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distrust_hub.adapters.mlx_format import read_mlx, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.errors import AdapterError
from tests.adapters.conftest import Trained, logits, random_adapter
from tests.tiny import make_tiny_model

pytestmark = pytest.mark.mlx


@pytest.mark.parametrize("dora", [False, True])
def test_apply_adapter_gives_the_trained_models_logits(tiny_base: Path, tmp_path: Path, dora: bool) -> None:
    from distrust_hub.adapters.load import apply_adapter
    from distrust_hub.models.load import load_base

    trained = random_adapter(tiny_base, tmp_path / "a", dora=dora)
    loaded = load_base(str(tiny_base))
    assert not np.allclose(logits(loaded.model), trained.logits, atol=1e-2)
    apply_adapter(loaded, trained.folder)
    assert np.array_equal(logits(loaded.model), trained.logits)


def test_apply_adapter_swaps_and_remove_restores_exactly(tiny_base: Path, tmp_path: Path) -> None:
    from distrust_hub.adapters.load import apply_adapter, remove_adapter
    from distrust_hub.models.load import load_base

    first = random_adapter(tiny_base, tmp_path / "a", seed=1)
    second = random_adapter(tiny_base, tmp_path / "b", seed=2, dora=True)
    loaded = load_base(str(tiny_base))
    before = logits(loaded.model)
    for trained in (first, second, first):
        apply_adapter(loaded, trained.folder)
        assert np.array_equal(logits(loaded.model), trained.logits)
    remove_adapter(loaded)
    assert np.array_equal(logits(loaded.model), before)


def test_apply_adapter_of_fewer_layers_leaves_none_of_the_adapter_before(
    adapter: Trained, tiny_base: Path, tmp_path: Path
) -> None:
    from distrust_hub.adapters.load import apply_adapter
    from distrust_hub.models.load import load_base

    config, tensors = read_mlx(adapter.folder)
    few = {name: value for name, value in tensors.items() if ".2.self_attn.q_proj." in name}
    write_adapter(tmp_path / "few", config, few)
    alone, swapped = load_base(str(tiny_base)), load_base(str(tiny_base))
    apply_adapter(alone, tmp_path / "few")
    for folder in (adapter.folder, tmp_path / "few"):
        apply_adapter(swapped, folder)
    assert np.array_equal(logits(swapped.model), logits(alone.model))


def test_apply_adapter_that_does_not_fit_leaves_the_model_alone(adapter: Trained, tmp_path: Path) -> None:
    from distrust_hub.adapters.load import apply_adapter
    from distrust_hub.models.load import load_base

    other = load_base(str(make_tiny_model(tmp_path / "other", layers=1)))
    before = logits(other.model)
    with pytest.raises(AdapterError, match="another base"):
        apply_adapter(other, adapter.folder)
    assert np.array_equal(logits(other.model), before)


def test_apply_adapter_checks_shapes_against_the_model_itself(adapter: Trained) -> None:
    from distrust_hub.adapters.load import _fill, _wrap
    from distrust_hub.models.runtime import nn

    config, _ = read_mlx(adapter.folder)
    wrapped = {"lm_head": _wrap(nn.Linear(6, 8), config)}
    with pytest.raises(AdapterError, match=r"lm_head\.lora_b: shape \(4, 9\), the model needs \(4, 8\)"):
        _fill(wrapped, {"lm_head": {"lora_a": np.ones((6, 4)), "lora_b": np.ones((4, 9))}}, "adapters")


def test_load_adapter_reads_a_peft_only_folder(adapter: Trained, tiny_base: Path) -> None:
    from distrust_hub.adapters.load import load_adapter

    write_peft(adapter.folder)
    (adapter.folder / "adapters.safetensors").unlink()
    loaded = load_adapter(adapter.folder, str(tiny_base))
    np.testing.assert_allclose(logits(loaded.model), adapter.logits, atol=1e-6)


def test_load_adapter_without_a_known_base_asks_for_it(adapter: Trained) -> None:
    from distrust_hub.adapters.load import load_adapter

    assert read_mlx(adapter.folder)[0].base_model is None
    with pytest.raises(AdapterError, match="--model"):
        load_adapter(adapter.folder)


def test_load_adapter_names_a_missing_folder(tmp_path: Path) -> None:
    from distrust_hub.adapters.load import load_adapter

    with pytest.raises(AdapterError, match="no such adapter folder"):
        load_adapter(tmp_path / "nothing")


@pytest.mark.parametrize("dora", [False, True])
def test_check_saved_compares_the_file_with_the_model_it_was_saved_from(
    tiny_base: Path, tmp_path: Path, dora: bool
) -> None:
    from distrust_hub.adapters.load import apply_adapter, check_saved
    from distrust_hub.models.load import load_base

    trained = random_adapter(tiny_base, tmp_path / "a", dora=dora)
    loaded = load_base(str(tiny_base))
    apply_adapter(loaded, trained.folder)
    check_saved(loaded, trained.folder)
    assert np.array_equal(logits(loaded.model), trained.logits)
    config, tensors = read_mlx(trained.folder)
    name = next(name for name in tensors if name.endswith("lora_b"))
    write_adapter(trained.folder, config, {**tensors, name: tensors[name] * np.float32(1.001)})
    with pytest.raises(AdapterError, match="read back from disk, logits differ by up to"):
        check_saved(loaded, trained.folder)
