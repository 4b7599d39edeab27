"""The one file that calls mlx-lm's tuner."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from distrust_hub.config import TrainConfig
from distrust_hub.models.runtime import mx, nn, tree_flatten

from mlx_lm.tuner.trainer import grad_checkpoint  # isort: skip  (after the runtime has prepared MLX)
from mlx_lm.tuner.utils import linear_to_lora_layers  # isort: skip


def add_lora(model: nn.Module, config: TrainConfig) -> dict[str, Any]:
    """Freeze a model and put LoRA layers on all linear layers of its last ``num_layers`` blocks.

    The same seed gives the same initial values: ``lora_a`` uniform in +-1/sqrt(inputs), ``lora_b`` zero.

    Returns:
        ``rank``, ``scale``, ``dropout``, ``num_layers`` for the adapter's config.
    """
    total = len(model.layers)
    layers = total if config.num_layers == -1 else min(config.num_layers, total)
    lora = {"rank": config.rank, "scale": config.scale, "dropout": config.dropout}
    mx.random.seed(config.seed)
    model.freeze()
    linear_to_lora_layers(model, layers, lora)
    mx.eval(model.trainable_parameters())
    return {**lora, "num_layers": layers}


def trainable_parameters(model: nn.Module) -> int:
    """Number of values that are trained."""
    return sum(value.size for _, value in tree_flatten(model.trainable_parameters()))


@contextlib.contextmanager
def checkpointed_blocks(model: nn.Module, enabled: bool) -> Iterator[None]:
    """Recompute each block's activations in the backward pass while the context is open.

    mlx-lm's helper changes the class of the blocks for the life of the process; it is put back here.
    """
    block = type(model.layers[0])
    original = block.__call__
    try:
        if enabled:
            grad_checkpoint(model.layers[0])
        yield
    finally:
        block.__call__ = original
