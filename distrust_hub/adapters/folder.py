"""Find an adapter folder (or pull it from the Hub) and read it, whichever of the two formats it holds."""

from __future__ import annotations

from pathlib import Path

from distrust_hub.adapters.mlx_format import AdapterConfig, read_mlx
from distrust_hub.adapters.peft_format import read_peft
from distrust_hub.adapters.tensors import Tensors
from distrust_hub.artifacts import ADAPTER_FILE, PEFT_ADAPTER_FILE
from distrust_hub.errors import AdapterError
from distrust_hub.models.registry import DEFAULT_MODEL, bundled_gguf
from distrust_hub.models.resolve import BaseModel, resolve_base


def resolve_adapter_base(config: AdapterConfig, model: str | None, adapter: str | Path) -> BaseModel:
    """The base to use an adapter with: the one given, else the one its config names.

    An adapter trained on the bundled GGUF finds that file again: its Hub id names the model it was made from.

    Raises:
        AdapterError: If neither is there.
        ModelError: If it cannot be resolved.
    """
    if model:
        return resolve_base(model)
    if config.base_model is None:
        raise AdapterError(f"{adapter}: does not say which base it was made for; give it with --model")
    if config.base_model == DEFAULT_MODEL and (bundled := bundled_gguf()):
        base = resolve_base(str(bundled))
        if base.fingerprint == config.base_fingerprint:
            return base
    return resolve_base(config.base_model, revision=config.revision)


def weights_file(folder: str | Path) -> Path:
    """The file an adapter is read from: mlx-lm's, else PEFT's.

    Raises:
        AdapterError: If there is neither.
    """
    for name in (ADAPTER_FILE, PEFT_ADAPTER_FILE):
        path = Path(folder) / name
        if path.is_file():
            return path
    raise AdapterError(f"{folder}: holds neither {ADAPTER_FILE} nor {PEFT_ADAPTER_FILE}; it is not an adapter folder")


def read_adapter(folder: str | Path) -> tuple[AdapterConfig, Tensors]:
    """Config and tensors in mlx-lm's terms, from either format."""
    return read_mlx(folder) if weights_file(folder).name == ADAPTER_FILE else read_peft(folder)
