"""Put an adapter on a loaded base and take it off again, without loading the base a second time (MLX)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrust_hub.adapters.folder import read_adapter, resolve_adapter_base
from distrust_hub.adapters.locate import locate_adapter
from distrust_hub.adapters.mlx_format import AdapterConfig
from distrust_hub.adapters.tensors import Tensors, by_module
from distrust_hub.adapters.verify import verify_adapter
from distrust_hub.errors import AdapterError
from distrust_hub.models.load import LoadedModel, load_base
from distrust_hub.models.runtime import mx, nn, tree_unflatten  # isort: split

from mlx_lm.tuner.dora import DoRALinear  # after the runtime, which prepares the import of MLX
from mlx_lm.tuner.lora import LoRALinear

_PROBE = "A letter of 1842, in the hand of the one who saw it, says otherwise."
_PROBE_TOKENS = 16
"""What a saved adapter is compared on."""


def load_adapter(adapter: str | Path, model: str | None = None) -> LoadedModel:
    """Load a base model with an adapter on it.

    Args:
        adapter: Adapter folder, or Hub id with an optional ``@revision``.
        model: Base model: Hub id, folder or ``.gguf`` file. None takes the one the adapter names.

    Raises:
        AdapterError: If the adapter does not verify, or names no base and none is given.
    """
    folder = locate_adapter(adapter)
    config, _ = read_adapter(folder)
    loaded = load_base(resolve_adapter_base(config, model, adapter))
    apply_adapter(loaded, folder)
    return loaded


def apply_adapter(loaded: LoadedModel, folder: str | Path) -> AdapterConfig:
    """Wrap the adapted layers of a loaded base in place; an adapter that is already on is taken off first.

    Args:
        loaded: The base, as ``load_base`` returns it.
        folder: Adapter folder in mlx-lm's or PEFT's format.

    Raises:
        AdapterError: If the adapter does not verify against this base; the model is then as it was.
    """
    verify_adapter(folder, loaded.base)
    config, tensors = read_adapter(folder)
    layers = by_module(tensors)
    plain = {name: _unwrapped(module) for name, module in loaded.model.named_modules()}
    missing = [name for name in layers if not isinstance(plain.get(name), (nn.Linear, nn.QuantizedLinear))]
    if missing:
        raise AdapterError(f"{folder}: the loaded model has no linear layers named {', '.join(missing)}")
    wrapped = [(name, _wrap(plain[name], config)) for name in layers]
    _fill(dict(wrapped), layers, folder)
    remove_adapter(loaded)
    loaded.model.update_modules(tree_unflatten(wrapped))
    loaded.model.eval()
    mx.eval(loaded.model.parameters())
    return config


def remove_adapter(loaded: LoadedModel) -> None:
    """Take the adapter off: the original layers are put back, so answers are the base model's to the last bit."""
    modules = loaded.model.named_modules()
    plain = [(name, _unwrapped(module)) for name, module in modules if _unwrapped(module) is not module]
    if plain:
        loaded.model.update_modules(tree_unflatten(plain))


def check_saved(loaded: LoadedModel, folder: str | Path) -> None:
    """Read an adapter back from disk onto the model it was trained on: answers must then be the same to the last bit.

    The base is not loaded again: the saved layers take the place of the trained ones.

    Args:
        loaded: The model with its trained layers.
        folder: What was saved of it.

    Raises:
        AdapterError: If the adapter does not verify, changes nothing, or gives other answers.
    """
    tokens = mx.array([loaded.tokenizer.encode(_PROBE)[:_PROBE_TOKENS]])
    loaded.model.eval()
    trained = loaded.model(tokens)
    mx.eval(trained)
    apply_adapter(loaded, folder)
    found = loaded.model(tokens)
    if not mx.array_equal(found, trained, equal_nan=True):
        largest = mx.abs(found - trained).max().item()
        raise AdapterError(f"{folder}: read back from disk, logits differ by up to {largest:g}; save it again")


def _unwrapped(module: Any) -> Any:
    return module.linear if isinstance(module, (LoRALinear, DoRALinear)) else module


def _wrap(linear: Any, config: AdapterConfig) -> Any:
    kind = DoRALinear if config.fine_tune_type == "dora" else LoRALinear
    return kind.from_base(linear, r=config.rank, scale=config.scale, dropout=0.0)


def _fill(wrapped: Mapping[str, Any], layers: Mapping[str, Tensors], folder: str | Path) -> None:
    """Set the LoRA tensors of new layers, all shapes checked first."""
    problems = [
        f"{name}.{leaf}: shape {value.shape}, the model needs {wrapped[name][leaf].shape}"
        for name, parts in layers.items()
        for leaf, value in parts.items()
        if value.shape != wrapped[name][leaf].shape
    ]
    if problems:
        raise AdapterError(f"{folder}: {len(problems)} tensors do not fit the model: {'; '.join(problems)}")
    for name, parts in layers.items():
        for leaf, value in parts.items():
            wrapped[name][leaf] = mx.array(value)
