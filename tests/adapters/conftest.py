"""A tiny base and a LoRA model with random, non-zero updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tiny import make_tiny_model

LORA = {"rank": 4, "scale": 2.5, "dropout": 0.0}


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("base") / "tiny", layers=3)


def logits(model: Any, text: str = "A logbook of 1911 says otherwise.") -> Any:
    """Logits of a fixed byte sequence, as numpy (tokens, vocabulary)."""
    import numpy as np

    from distrust_hub.models.runtime import mx

    return np.array(model(mx.array([[3 + byte for byte in text.encode()]]))[0])


def random_adapter(base: Path, folder: Path, *, seed: int = 7, num_layers: int = 2, dora: bool = False, **extra: Any) -> Any:
    """Save a LoRA adapter whose ``lora_b`` is random; returns the model's logits with it on."""
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from distrust_hub.adapters.mlx_format import save_adapter
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx, tree_flatten, tree_unflatten

    loaded = load_base(str(base))
    mx.random.seed(seed)
    linear_to_lora_layers(loaded.model, num_layers, dict(LORA), use_dora=dora)
    values = tree_flatten(loaded.model.parameters())
    changed = [(n, mx.random.normal(v.shape) * 0.1) for n, v in values if n.endswith(".lora_b")]
    changed += [(n, v * (1 + 0.1 * mx.random.normal(v.shape))) for n, v in values if n.endswith(".m")]
    loaded.model.update(tree_unflatten(changed))
    lora = {**LORA, "fine_tune_type": "dora" if dora else "lora"}
    save_adapter(loaded.model, folder, lora=lora, base=loaded.base, extra=extra)
    loaded.model.eval()
    return logits(loaded.model)
