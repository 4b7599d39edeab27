"""Safetensors in and out as float32 numpy arrays, and the LoRA tensors of one layer.

In memory every adapter has mlx-lm's names and shapes: ``<module path>.lora_a`` (inputs, rank), ``.lora_b``
(rank, outputs) and, for DoRA, ``.m`` (outputs,).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
from safetensors.numpy import save

from distrust_hub.errors import AdapterError, ModelError
from distrust_hub.files import atomic_write
from distrust_hub.models.weights import read_header

LEAVES = ("lora_a", "lora_b", "m")
"""Last name components of adapter tensors in mlx-lm's format."""

MAX_RANK = 1024
"""Largest LoRA rank read; the same bound as for training."""

_NUMPY_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}

Tensors = dict[str, np.ndarray]


def read_shapes(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """``{name: (shape, dtype code)}`` from a safetensors header; no tensor is read.

    Raises:
        AdapterError: If the file is not safetensors, or truncated.
    """
    try:
        return {name: (tuple(entry["shape"]), entry["dtype"]) for name, entry in read_header(path).items()}
    except ModelError as error:
        raise AdapterError(str(error)) from error


def read_tensors(path: Path) -> Tensors:
    """All tensors of a safetensors file as float32; F64, F32, F16 and BF16 are read.

    Raises:
        AdapterError: If the file is damaged or holds another type, naming the tensor.
    """
    try:
        entries = safetensors.deserialize(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise AdapterError(f"{path}: not a readable safetensors file ({error}); download or save it again") from error
    tensors = {}
    for name, entry in entries:
        kind, data, shape = entry["dtype"], entry["data"], entry["shape"]
        if kind == "BF16":  # the upper half of a float32
            flat = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif kind in _NUMPY_TYPES:
            flat = np.frombuffer(data, _NUMPY_TYPES[kind]).astype(np.float32)
        else:
            raise AdapterError(f"{path}: {name} has type {kind}; expected F32, F16, BF16 or F64")
        tensors[name] = flat.reshape(shape)
    return tensors


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], *, framework: str) -> None:
    """Write float32 safetensors atomically; the same tensors always give the same bytes.

    Args:
        path: Target file.
        tensors: Name to array.
        framework: ``format`` in the metadata: ``"mlx"`` or ``"pt"``.
    """
    arrays = {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in tensors.items()}
    data = save(arrays, metadata={"format": framework})
    with atomic_write(path, "wb") as stream:
        stream.write(data)


def by_module(tensors: Mapping[str, np.ndarray]) -> dict[str, Tensors]:
    """Group tensors by the layer they belong to: ``{module path: {leaf: array}}``, sorted by path."""
    groups: dict[str, Tensors] = {}
    for name in sorted(tensors):
        path, _, leaf = name.rpartition(".")
        groups.setdefault(path, {})[leaf] = tensors[name]
    return groups
