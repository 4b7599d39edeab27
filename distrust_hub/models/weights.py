"""Tensors on disk without MLX: safetensors headers with bounds, sharded writing, conversion of ``.npz``."""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.errors import ModelError
from distrust_hub.files import write_json

MAX_HEADER_BYTES = 100_000_000
"""Largest safetensors header, the limit of the format's reference implementation."""
MAX_TENSORS = 100_000

_ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip


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


def write_sharded(
    tensors: Iterable[tuple[str, int, Callable[[], np.ndarray]]], folder: Path, max_shard_bytes: int
) -> None:
    """Write tensors as ``model.safetensors`` or numbered shards with an index, holding one shard in memory.

    Args:
        tensors: ``(name, bytes, function that makes the array)``.
        folder: Where to write.
        max_shard_bytes: A shard is closed before it would pass this size.
    """
    from safetensors.numpy import save_file

    shards: list[list[tuple[str, int, Callable[[], np.ndarray]]]] = [[]]
    for entry in tensors:
        if shards[-1] and sum(size for _, size, _ in shards[-1]) + entry[1] > max_shard_bytes:
            shards.append([])
        shards[-1].append(entry)
    index: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        single = len(shards) == 1
        name = "model.safetensors" if single else f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file({key: make() for key, _, make in shard}, str(folder / name), metadata={"format": "pt"})
        index |= {key: name for key, _, _ in shard}
    if len(shards) > 1:
        total = sum(size for shard in shards for _, size, _ in shard)
        value = {"metadata": {"total_size": total}, "weight_map": index}
        write_json(folder / "model.safetensors.index.json", value)


def convert_npz(path: Path, folder: Path) -> None:
    """Convert ``.npz`` weights to safetensors in ``folder``, types kept.

    Pickled content is never loaded, and sizes are checked before anything is allocated.

    Raises:
        ModelError: Naming object arrays, or damaged or oversized members.
    """
    entries = [(name, size, make) for name, size, make in _npz_members(path)]
    write_sharded(entries, folder, 1 << 30)


def _npz_members(path: Path) -> list[tuple[str, int, Callable[[], np.ndarray]]]:
    size = path.stat().st_size
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_TENSORS:
                raise ModelError(f"{path}: {len(members)} arrays; expected at most {MAX_TENSORS}")
            for member in members:
                if not member.filename.endswith(".npy"):
                    raise ModelError(f"{path}: member {member.filename!r} is not an array")
                shape, dtype = _npy_header(archive, member, path)
                name = member.filename.removesuffix(".npy")
                if dtype.hasobject:
                    raise ModelError(f"{path}: {name!r} is an object array (pickled Python); save plain arrays instead")
                if dtype.kind not in "fiub" or math.prod(shape) * dtype.itemsize > member.file_size:
                    raise ModelError(f"{path}: {name!r} of shape {shape} and type {dtype} does not fit the file")
                if member.file_size > 100 * size:
                    raise ModelError(f"{path}: {name!r} unpacks to {member.file_size} bytes from a file of {size}")
                found.append((name, math.prod(shape) * dtype.itemsize, _npz_loader(path, name)))
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: damaged .npz file ({error}); save or download it again") from error
    if not found:
        raise ModelError(f"{path}: holds no arrays")
    return found


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
        with np.load(path, allow_pickle=False) as archive:
            return np.ascontiguousarray(archive[name])

    return load
