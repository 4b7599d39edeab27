"""A tiny base, and LoRA adapters on it with random, non-zero updates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import make_tiny_model

LORA = {"rank": 4, "scale": 2.5, "dropout": 0.0}


@dataclass
class Trained:
    """An adapter folder and the logits of the model it was saved from."""

    folder: Path
    logits: np.ndarray


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base") / "tiny", layers=3)


@pytest.fixture
def adapter(tiny_base: Path, tmp_path: Path) -> Trained:
    return random_adapter(tiny_base, tmp_path / "adapter")


def logits(model: Any, text: str = "A logbook of 1911 says otherwise.") -> np.ndarray:
    """Logits of a fixed byte sequence: (tokens, vocabulary)."""
    from distrust_hub.models.runtime import mx

    return np.array(model(mx.array([token_ids(text)]))[0])


def token_ids(text: str = "A logbook of 1911 says otherwise.") -> list[int]:
    return [3 + byte for byte in text.encode()]


QUANTISED: dict[str, dict[str, Any]] = {
    "4-bit": {"q_bits": 4, "q_group_size": 32},
    "8-bit": {"q_bits": 8, "q_group_size": 32},
    "mixed": {"quant_predicate": "mixed_3_4"},  # its config has no group sizes
    "mxfp4": {"q_mode": "mxfp4"},
    "nvfp4": {"q_mode": "nvfp4"},
    "mxfp8": {"q_mode": "mxfp8"},
}
"""Ways in which mlx-lm's ``convert`` quantises a base."""


def random_adapter(base: Path, folder: Path, *, seed: int = 7, dora: bool = False, **extra: Any) -> Trained:
    """Save an adapter on the last two blocks whose ``lora_b`` (and DoRA norms) are random."""
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from distrust_hub.adapters.mlx_format import save_adapter
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx, tree_flatten, tree_unflatten

    loaded = load_base(str(base))
    mx.random.seed(seed)
    linear_to_lora_layers(loaded.model, 2, dict(LORA), use_dora=dora)
    values = tree_flatten(loaded.model.parameters())
    changed = [(n, mx.random.normal(v.shape) * 0.1) for n, v in values if n.endswith(".lora_b")]
    changed += [(n, v * (1 + 0.1 * mx.random.normal(v.shape))) for n, v in values if n.endswith(".m")]
    loaded.model.update(tree_unflatten(changed))
    loaded.model.eval()
    lora = {**LORA, "fine_tune_type": "dora" if dora else "lora"}
    save_adapter(loaded.model, folder, lora=lora, base=loaded.base, extra=extra)
    return Trained(folder, logits(loaded.model))
