"""Read a GGUF file by the ``gguf`` package, with every offset and size checked against the file before it is used."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.errors import MissingDependencyError, ModelError

MAX_ARRAY_ITEMS = 1 << 21
"""Longest metadata array read; the largest vocabularies in use are below 300,000 tokens."""


def open_gguf(path: Path) -> Any:
    """Open a GGUF file with every read checked against its end (a ``gguf.GGUFReader``).

    Raises:
        ModelError: If it is not a GGUF file, or damaged.
        MissingDependencyError: If the ``gguf`` package is not installed.
    """
    try:
        from gguf import GGUFReader, GGUFValueType
    except ImportError as error:
        raise MissingDependencyError("gguf", "train", "importing a GGUF file") from error

    class BoundedReader(GGUFReader):
        """The package's reader returns short or empty arrays past the end; this one refuses."""

        def _get(self, offset: Any, dtype: Any, count: Any = 1, override_order: Any = None) -> Any:
            end = int(offset) + int(count) * np.dtype(dtype).itemsize
            if end > len(self.data):
                raise ModelError(f"{path}: truncated: needs byte {end} of {len(self.data)}; download it again")
            return super()._get(int(offset), dtype, count, override_order)

        def _get_field_parts(self, orig_offs: int, raw_type: int) -> Any:
            if raw_type == GGUFValueType.ARRAY:
                items = int(self._get(orig_offs + 4, np.uint64)[0])
                nested = self._get(orig_offs, np.uint32)[0] == GGUFValueType.ARRAY
                if nested or items > MAX_ARRAY_ITEMS:
                    found = "nested" if nested else f"of {items} items"
                    raise ModelError(f"{path}: metadata array {found}; the file is damaged")
            return super()._get_field_parts(orig_offs, raw_type)

    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic != b"GGUF":
        raise ModelError(f"{path}: not a GGUF file: starts with {magic!r}, expected b'GGUF'")
    try:
        return BoundedReader(path)
    except ModelError:
        raise
    except (ValueError, KeyError, IndexError, OverflowError, struct.error) as error:
        raise ModelError(f"{path}: damaged GGUF file: {error}; download it again") from error


def read_metadata(reader: Any, where: str) -> dict[str, Any]:
    """All key-value pairs as plain Python values.

    Args:
        reader: From ``open_gguf``.
        where: File name for messages.

    Raises:
        ModelError: If a string is not UTF-8.
    """
    try:
        return {name: field.contents() for name, field in reader.fields.items()}
    except (ValueError, IndexError) as error:
        raise ModelError(f"{where}: damaged GGUF metadata: {error}; download it again") from error
