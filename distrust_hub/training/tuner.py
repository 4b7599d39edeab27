"""The one file that calls mlx-lm's tuner."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError, ModelError
from distrust_hub.models.runtime import mx, nn, on_cpu, tree_flatten
from distrust_hub.training.cpu_ops import checkpointed

from mlx_lm.tuner.trainer import grad_checkpoint  # isort: skip  (after the runtime has prepared MLX)
from mlx_lm.tuner.utils import linear_to_lora_layers  # isort: skip


def add_lora(model: nn.Module, config: TrainConfig) -> dict[str, Any]:
    """Freeze a model and put LoRA or DoRA layers on linear layers of its last ``num_layers`` blocks.

    The same seed gives the same initial values: ``lora_a`` uniform in +-1/sqrt(inputs), ``lora_b`` zero. Experts that
    are stacked in one tensor stay as they are, since an adapter of them has no counterpart in PEFT.

    Returns:
        ``rank``, ``scale``, ``dropout``, ``num_layers``, ``fine_tune_type`` for the adapter's config.

    Raises:
        ConfigError: If ``target_modules`` names a layer that the blocks do not have.
        ModelError: If mlx-lm cannot adapt the model.
    """
    total = len(model.layers)
    layers = total if config.num_layers == -1 else min(config.num_layers, total)
    lora = {"rank": config.rank, "scale": config.scale, "dropout": config.dropout}
    mx.random.seed(config.seed)
    keys = _keys(model, config.target_modules)
    try:
        model.freeze()
        linear_to_lora_layers(model, layers, {**lora, "keys": keys}, use_dora=config.fine_tune_type == "dora")
    except (AttributeError, TypeError, ValueError) as error:  # a model file is not as mlx-lm's tuner expects it
        raise ModelError(f"{type(model).__module__} cannot get {config.fine_tune_type} layers: {error}") from error
    mx.eval(model.trainable_parameters())
    return {**lora, "num_layers": layers, "fine_tune_type": config.fine_tune_type}


def _keys(model: nn.Module, targets: str) -> set[str]:
    """Paths of the adapted layers relative to their block."""
    paths = {path for block in model.layers for path, module in block.named_modules() if _is_plain_linear(module)}
    if targets == "all":
        chosen, missing = paths, [] if paths else ["linear"]
    elif targets == "attention":
        chosen = {path for path in paths if re.search(r"attn|attention", path)}
        missing = [] if chosen else ["attention"]
    else:
        names = [name.strip() for name in targets.split(",") if name.strip()]
        matches = {name: {path for path in paths if path == name or path.endswith(f".{name}")} for name in names}
        chosen = set().union(*matches.values())
        missing = [name for name, found in matches.items() if not found] or ([] if names else [targets])
    if missing:
        raise ConfigError(
            f"target_modules is {targets!r} and no layer is called {', '.join(map(repr, missing))}; "
            f"layers here: {', '.join(sorted({path.rsplit('.', 1)[-1] for path in paths}))}"
        )
    return chosen


def _is_plain_linear(module: nn.Module) -> bool:
    """Whether mlx-lm and PEFT have one kind of LoRA for it; a model file's own kind of layer brings another."""
    return isinstance(module, (nn.Linear, nn.QuantizedLinear)) and not hasattr(module, "to_lora")


def trainable_parameters(model: nn.Module) -> int:
    """Number of values that are trained."""
    return sum(value.size for _, value in tree_flatten(model.trainable_parameters()))


@contextlib.contextmanager
def checkpointed_blocks(model: nn.Module, enabled: bool) -> Iterator[None]:
    """Recompute each block's activations in the backward pass while the context is open.

    mlx-lm's helper changes the class of the blocks for the life of the process; it is put back here. On the CPU it
    would keep everything (see ``cpu_ops``), so ours is used.
    """
    kinds = {type(block): block for block in model.layers} if enabled else {}
    originals = {kind: kind.__call__ for kind in kinds}
    try:
        for kind, block in kinds.items():
            if on_cpu():
                kind.__call__ = checkpointed(kind.__call__)
            else:
                grad_checkpoint(block)
        yield
    finally:
        for kind, original in originals.items():
            kind.__call__ = original
