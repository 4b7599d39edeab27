"""Safetensors in and out as float32 numpy arrays, and the LoRA tensors of one layer.

In memory every adapter has mlx-lm's names and shapes: ``<module path>.lora_a`` (inputs, rank), ``.lora_b``
(rank, outputs) and, for DoRA, ``.m`` (outputs,).
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from distrust_hub.errors import AdapterError, ModelError
from distrust_hub.files import atomic_write
from distrust_hub.models.weights import read_header

LEAVES = ("lora_a", "lora_b", "m")
"""Last name components of adapter tensors in mlx-lm's format."""

MAX_RANK = 1024
"""Largest LoRA rank read; the same bound as for training."""

_NUMPY_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}

Tensors = dict[str, np.ndarray]


def read_shapes(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """``{name: (shape, dtype code)}`` from a safetensors header; no tensor is read.

    Raises:
        AdapterError: If the file is not safetensors, or truncated.
    """
    return {name: (tuple(entry["shape"]), entry["dtype"]) for name, entry in _header(path).items()}


def _header(path: Path) -> dict[str, Any]:
    try:
        return read_header(path)
    except ModelError as error:
        raise AdapterError(str(error)) from error


def read_tensors(path: Path, names: Collection[str] | None = None) -> Tensors:
    """Tensors of a safetensors file as float32, all or those of ``names``; F64, F32, F16 and BF16 are read.

    F32 tensors are views of the file on disk, so a file larger than memory can be checked.

    Raises:
        AdapterError: If the file is damaged or holds another type, naming the tensor.
    """
    header = _header(path)
    with path.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + int.from_bytes(mapped[:8], "little")
    return {
        name: _as_float32(path, name, entry, mapped, start)
        for name, entry in sorted(header.items())
        if names is None or name in names
    }


def _as_float32(path: Path, name: str, entry: dict[str, Any], mapped: mmap.mmap, start: int) -> np.ndarray:
    kind, shape, offset = entry["dtype"], entry["shape"], start + entry["data_offsets"][0]
    if kind not in _NUMPY_TYPES:
        raise AdapterError(f"{path}: {name} has type {kind}; expected F32, F16, BF16 or F64")
    count = math.prod(shape)
    flat = np.frombuffer(mapped, _NUMPY_TYPES[kind], count, offset) if count else np.empty(0, np.float32)
    if kind == "BF16":  # the upper half of a float32
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(np.float32, copy=False).reshape(shape)


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
