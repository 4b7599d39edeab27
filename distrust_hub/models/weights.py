"""Tensors on disk without MLX: safetensors headers with bounds, streamed writing, conversion of ``.npz``."""

from __future__ import annotations

import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.errors import ModelError

MAX_HEADER_BYTES = 100_000_000
"""Largest safetensors header, the limit of the format's reference implementation."""
MAX_TENSORS = 100_000
MAX_EXPANSION = 200
"""Largest ratio by which a compressed array may grow; trained weights hardly compress at all."""

_ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
_DTYPES = {"float16": "F16", "float32": "F32", "float64": "F64", "bool": "BOOL"} | {
    f"{kind}int{bits}": f"{kind.upper() or 'I'}{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)
}
"""numpy type name -> safetensors type name."""


def read_header(path: Path) -> dict[str, dict[str, Any]]:
    """Tensor names with ``dtype``, ``shape`` and ``data_offsets`` of a safetensors file, all bounds checked.

    Nothing but the header is read.

    Raises:
        ModelError: If the header is damaged, or a tensor is larger than the file.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        prefix = stream.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
        if not 0 < length <= min(size - 8, MAX_HEADER_BYTES):
            raise ModelError(f"{path}: not a safetensors file, or truncated ({size} bytes); download it again")
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{path}: damaged safetensors header ({error}); download it again") from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise ModelError(f"{path}: damaged safetensors header; expected an object of at most {MAX_TENSORS} tensors")
    header.pop("__metadata__", None)
    for name, entry in header.items():
        _check_entry(path, name, entry, size - 8 - length)
    return header


def _check_entry(path: Path, name: str, entry: Any, data_bytes: int) -> None:
    try:
        item, shape, (start, end) = _ITEM_BYTES.get(entry["dtype"]), entry["shape"], entry["data_offsets"]
        whole = all(type(n) is int and n >= 0 for n in [*shape, start, end])
    except (TypeError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: damaged entry for tensor {name!r}; download it again") from error
    if item is None:
        raise ModelError(f"{path}: tensor {name!r} has type {entry['dtype']!r}, which is not supported")
    if not whole or not start <= end <= data_bytes or end - start != math.prod(shape) * item:
        raise ModelError(f"{path}: tensor {name!r} of shape {shape} does not fit the file; truncated or damaged")


@dataclass(frozen=True)
class PlannedTensor:
    """A tensor to be written: its values are made only when their turn comes.

    Attributes:
        name: Key in the file.
        dtype: numpy type of the values.
        shape: Their shape.
        make: Returns them.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    make: Callable[[], np.ndarray]


def write_safetensors(path: Path, tensors: Sequence[PlannedTensor]) -> None:
    """Write a safetensors file holding one tensor in memory at a time.

    Layout of the format: 8 bytes header length, JSON header padded with spaces to 8 bytes, then the tensors.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        begin, end = end, end + math.prod(tensor.shape) * tensor.dtype.itemsize
        entry = {"dtype": _DTYPES[tensor.dtype.name], "shape": list(tensor.shape), "data_offsets": [begin, end]}
        header[tensor.name] = entry
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            values = np.ascontiguousarray(tensor.make(), dtype=tensor.dtype.newbyteorder("<"))
            stream.write(values.reshape(-1).data)


def convert_npz(path: Path, target: Path) -> None:
    """Convert ``.npz`` weights to a safetensors file, types kept.

    Pickled content is never loaded, and sizes are checked before anything is allocated.

    Raises:
        ModelError: Naming object arrays, or damaged or oversized members.
    """
    write_safetensors(target, _npz_members(path))


def _npz_members(path: Path) -> list[PlannedTensor]:
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_TENSORS:
                raise ModelError(f"{path}: {len(members)} arrays; expected at most {MAX_TENSORS}")
            found = [_npz_member(archive, member, path) for member in members]
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: damaged .npz file ({error}); save or download it again") from error
    if not found:
        raise ModelError(f"{path}: holds no arrays")
    return found


def _npz_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> PlannedTensor:
    name = member.filename.removesuffix(".npy")
    if name == member.filename:
        raise ModelError(f"{path}: member {name!r} is not an array")
    shape, dtype = _npy_header(archive, member, path)
    if dtype.hasobject:
        raise ModelError(f"{path}: {name!r} is an object array (pickled Python); save plain arrays instead")
    if dtype.name not in _DTYPES:
        raise ModelError(f"{path}: {name!r} has type {dtype}; expected numbers")
    if math.prod(shape) * dtype.itemsize > member.file_size:
        raise ModelError(f"{path}: {name!r} of shape {shape} does not fit the file; truncated or damaged")
    if member.file_size > MAX_EXPANSION * member.compress_size:
        raise ModelError(f"{path}: {name!r} unpacks to {member.file_size} bytes from {member.compress_size}")
    return PlannedTensor(name, dtype, shape, _npz_loader(path, name))


def _npy_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ModelError(f"{path}: {member.filename!r} has npy format {version}; save it with a current numpy")
        shape, _, dtype = read(stream)
    return shape, dtype


def _npz_loader(path: Path, name: str) -> Callable[[], np.ndarray]:
    def load() -> np.ndarray:
        try:
            with np.load(path, allow_pickle=False) as archive:
                return np.ascontiguousarray(archive[name])
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError(f"{path}: damaged .npz file ({error}); save or download it again") from error

    return load
