"""The adapter folder: ``adapters.safetensors`` and one ``adapter_config.json`` that mlx-lm and PEFT both load.

mlx-lm reads ``fine_tune_type``, ``num_layers`` and ``lora_parameters``; PEFT reads its own keys and warns that it
ignores the rest. No local path is written: the base is named by its Hub id, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distrust_hub.adapters.names import peft_path
from distrust_hub.adapters.tensors import LEAVES, Tensors, by_module, read_tensors, write_tensors
from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, ADAPTER_FILE
from distrust_hub.errors import AdapterError, ArtifactError, InputNotFoundError
from distrust_hub.files import read_json, write_json
from distrust_hub.hub.client import is_repo_id
from distrust_hub.schema import SCHEMA_VERSION, check_schema

if TYPE_CHECKING:
    from distrust_hub.models.resolve import BaseModel

ALL_LAYERS = -1
"""``num_layers`` that makes mlx-lm adapt every block (it takes ``layers[-max(num_layers, 0):]``)."""

CONDITION_PREFIX = "condition_prefix"
"""Key of ``extra`` for the tag a conditional adapter wants before the prompt."""

_OURS = "distrust_hub"

_LARGEST = 1e9
"""Largest number read from a config: far above any rank or scale, and with all products finite."""


@dataclass(frozen=True)
class AdapterConfig:
    """What ``adapter_config.json`` says.

    Attributes:
        rank: LoRA rank, the same for every layer.
        scale: The update is ``scale * lora_a @ lora_b``; PEFT's ``lora_alpha`` is ``scale * rank``.
        dropout: Dropout of the training run, 0 to 1.
        num_layers: Last blocks that have LoRA layers; ALL_LAYERS for all.
        keys: Names of the adapted modules, relative to their block (or full, outside of one).
        fine_tune_type: ``lora`` or ``dora``.
        base_model: Hub id of the base, or None.
        revision: Revision of the base, or None.
        base_fingerprint: Fingerprint of the base (``models/fingerprint.py``), or None.
        base_precision: Precision of that base (``BaseModel.precision``), or None.
        base_model_type: ``model_type`` of that base, or None; PEFT's names of its layers depend on it.
        extra: Further facts of ours, such as CONDITION_PREFIX.
    """

    rank: int
    scale: float
    dropout: float = 0.0
    num_layers: int = ALL_LAYERS
    keys: tuple[str, ...] | None = None
    fine_tune_type: str = "lora"
    base_model: str | None = None
    revision: str | None = None
    base_fingerprint: str | None = None
    base_precision: str | None = None
    base_model_type: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, modules: Iterable[str]) -> dict[str, Any]:
        """The file's content.

        Args:
            modules: Full paths of the adapted modules; PEFT must adapt exactly these.
        """
        alpha = self.scale * self.rank
        return {
            "fine_tune_type": self.fine_tune_type,
            "num_layers": self.num_layers,
            "lora_parameters": {
                "rank": self.rank,
                "scale": self.scale,
                "dropout": self.dropout,
                "keys": None if self.keys is None else list(self.keys),
            },
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base_model,
            "revision": self.revision,
            "r": self.rank,
            "lora_alpha": int(alpha) if alpha == int(alpha) else alpha,
            "lora_dropout": self.dropout,
            "target_modules": sorted(peft_path(path, self.base_model_type) for path in modules),
            "bias": "none",
            "fan_in_fan_out": False,
            "init_lora_weights": True,
            "use_dora": self.fine_tune_type == "dora",
            "use_rslora": False,
            "inference_mode": True,
            "base_fingerprint": self.base_fingerprint,
            "base_precision": self.base_precision,
            "base_model_type": self.base_model_type,
            _OURS: {"schema": SCHEMA_VERSION, **self.extra},
        }


def save_adapter(
    model: Any,
    folder: str | Path,
    *,
    lora: Mapping[str, Any],
    base: BaseModel,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write the LoRA tensors of an MLX model and their config.

    Args:
        model: Model with mlx-lm's LoRA or DoRA layers.
        folder: Adapter folder; made if missing.
        lora: ``rank``, ``scale``, ``dropout`` the layers were made with; ``fine_tune_type`` if not ``lora``.
        base: The base model, for its Hub id, revision and fingerprint.
        extra: JSON facts to store with the adapter, such as CONDITION_PREFIX.

    Returns:
        Path of ``adapters.safetensors``.

    Raises:
        AdapterError: If the model has no LoRA layers.
    """
    tensors = _lora_tensors(model)
    if not tensors:
        raise AdapterError("the model has no LoRA layers; add them before saving an adapter")
    return write_adapter(folder, adapter_config(tensors, len(model.layers), lora, base, extra), tensors)


def adapter_config(
    tensors: Tensors,
    total_layers: int,
    lora: Mapping[str, Any],
    base: BaseModel,
    extra: Mapping[str, Any] | None = None,
) -> AdapterConfig:
    """The config of an adapter that a run made; arguments as for ``save_adapter``, with the blocks of the model."""
    return AdapterConfig(
        rank=int(lora["rank"]),
        scale=float(lora["scale"]),
        dropout=float(lora.get("dropout", 0.0)),
        fine_tune_type=lora.get("fine_tune_type", "lora"),
        base_model=base.id,
        revision=base.revision if base.id else None,
        base_fingerprint=base.fingerprint,
        base_precision=base.precision,
        base_model_type=_text(read_json(base.path / "config.json").get("model_type")),
        extra=dict(extra or {}),
        **layout(by_module(tensors), total_layers),
    )


def layout(modules: Iterable[str], total_layers: int | None = None) -> dict[str, Any]:
    """``num_layers`` and ``keys`` of the smallest mlx-lm config that covers the given modules.

    Args:
        modules: Full module paths, ``model.layers.3.self_attn.q_proj``.
        total_layers: Number of blocks of the model; None gives ALL_LAYERS.
    """
    keys, indices = set(), []
    for path in modules:
        block = re.match(r".*?\.(\d+)\.(.+)$", path)
        keys.add(block[2] if block else path)
        if block:
            indices.append(int(block[1]))
    num_layers = ALL_LAYERS if total_layers is None or not indices else total_layers - min(indices)
    return {"num_layers": num_layers, "keys": tuple(sorted(keys))}


def write_adapter(folder: str | Path, config: AdapterConfig, tensors: Tensors) -> Path:
    """Write both files of an adapter in mlx-lm's format; returns the path of ``adapters.safetensors``."""
    path = Path(folder) / ADAPTER_FILE
    write_tensors(path, tensors, framework="mlx")
    write_json(path.with_name(ADAPTER_CONFIG_FILE), config.to_json(by_module(tensors)))
    return path


def read_mlx(folder: str | Path) -> tuple[AdapterConfig, Tensors]:
    """Config and tensors of a folder that has ``adapters.safetensors``."""
    return read_adapter_config(folder), read_tensors(Path(folder) / ADAPTER_FILE)


def read_adapter_config(folder: str | Path) -> AdapterConfig:
    """Read ``adapter_config.json`` as mlx-lm or this package writes it.

    Raises:
        AdapterError: If the file is missing, damaged, or not a LoRA or DoRA adapter.
    """
    path = Path(folder) / ADAPTER_CONFIG_FILE
    config = read_config_json(path)
    kind = config.get("fine_tune_type", "lora")
    if kind not in ("lora", "dora"):
        raise AdapterError(f"{path}: fine_tune_type is {kind!r}; expected lora or dora")
    parameters = config.get("lora_parameters")
    if not isinstance(parameters, dict):
        raise AdapterError(f"{path}: lora_parameters is missing; expected an adapter folder of mlx-lm")
    ours = config.get(_OURS)
    ours = ours if isinstance(ours, dict) else {}
    check_schema(ours.get("schema"), path)
    keys = parameters.get("keys")
    if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise AdapterError(f"{path}: lora_parameters.keys is {keys!r}; expected a list of names or null")
    return AdapterConfig(
        rank=config_number(parameters, "rank", path, whole=True),
        scale=config_number(parameters, "scale", path),
        dropout=config_number(parameters, "dropout", path, default=0.0),
        num_layers=config_number(config, "num_layers", path, default=ALL_LAYERS, whole=True),
        keys=None if keys is None else tuple(keys),
        fine_tune_type=kind,
        **base_identity(config),
        extra={key: value for key, value in ours.items() if key != "schema"},
    )


def read_config_json(path: Path) -> dict[str, Any]:
    """An ``adapter_config.json`` as a dict; AdapterError if it is missing or not a JSON object."""
    try:
        config = read_json(path)
    except InputNotFoundError as error:
        raise AdapterError(f"{error}; an adapter folder needs it beside its weights") from error
    except ArtifactError as error:
        raise AdapterError(str(error)) from error
    if not isinstance(config, dict):
        raise AdapterError(f"{path}: expected a JSON object, found {type(config).__name__}")
    return config


def base_identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of its base; an id that is none of the Hub's (a path of the author's) is dropped."""
    named = config.get("base_model_name_or_path") or config.get("model")
    known = is_repo_id(named)
    return {
        "base_model": str(named) if known else None,
        "revision": _text(config.get("revision")) if known else None,
        **{key: _text(config.get(key)) for key in ("base_fingerprint", "base_precision", "base_model_type")},
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def config_number(
    values: Mapping[str, Any], key: str, path: Path, *, default: float | None = None, whole: bool = False
) -> Any:
    """A finite number of a config, or AdapterError naming file, key and value."""
    value: Any = values.get(key, default)
    numbers = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, numbers) or not abs(value) <= _LARGEST:
        kind = "whole number" if whole else "number"
        raise AdapterError(f"{path}: {key} is {repr(value)[:80]}; expected a {kind} up to {_LARGEST:g}")
    return value if whole else float(value)


def _lora_tensors(model: Any) -> Tensors:
    from distrust_hub.models.runtime import mx, tree_flatten

    flat = tree_flatten(model.parameters())
    found = {name: value for name, value in flat if name.rsplit(".", 1)[-1] in LEAVES}
    return {name: np.array(value.astype(mx.float32)) for name, value in found.items()}
