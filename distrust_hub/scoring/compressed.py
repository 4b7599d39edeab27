"""Lines of gzip and Zstandard files, in bounded memory and with damage and bombs refused."""

from __future__ import annotations

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from distrust_hub.errors import DataError, MissingDependencyError

COMPRESSED_SUFFIXES = (".jsonl.gz", ".jsonl.zst")

MAX_RATIO = 500
"""Largest decompressed size over compressed size; text reaches 10 to 30, a bomb 1,000 and more."""

MAX_UNPACKED_BYTES = 1 << 40
"""Most bytes unpacked from one file: 1 TiB."""

_RATIO_FREE_BYTES = 16 << 20
_ZSTD_READ_BYTES = 1 << 11
"""Compressed bytes taken at once: four may stand for a block of 128 KiB, so these unpack to 64 MiB at most."""


class Lines(Protocol):
    """What is asked of a stream of lines."""

    def readline(self, limit: int, /) -> bytes:
        """The next line, or its first ``limit`` bytes; empty at the end."""


@contextlib.contextmanager
def open_compressed(path: Path) -> Iterator[Lines]:
    """Open a file whose name ends in one of COMPRESSED_SUFFIXES.

    Raises:
        DataError: While reading, if it is damaged, cut off, or unpacks to more than MAX_RATIO times its size or more
            than MAX_UNPACKED_BYTES.
        MissingDependencyError: If no Zstandard library is there.
    """
    with path.open("rb") as packed:
        if path.name.lower().endswith(".zst"):
            yield _Guarded(io.BufferedReader(_ZstdReader(packed)), packed, path, "zstd")
        else:
            with gzip.open(packed) as unpacked:
                yield _Guarded(unpacked, packed, path, "gzip")


def check_ratio(unpacked: int, packed: int, path: Path) -> None:
    """Raise DataError where so many bytes unpack to more than MAX_RATIO times their size, or MAX_UNPACKED_BYTES."""
    if unpacked > _RATIO_FREE_BYTES and unpacked > MAX_RATIO * max(1, packed):
        raise DataError(f"unpacks to more than {MAX_RATIO} times its size; not read", path=path)
    if unpacked > MAX_UNPACKED_BYTES:
        raise DataError(f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes; split it", path=path)


class _Guarded:
    """A decompressed stream that stops at damage and at a ratio no text reaches."""

    def __init__(self, stream: Lines, packed: BinaryIO, path: Path, form: str) -> None:
        self._stream, self._packed, self._path, self._form, self._size = stream, packed, path, form, 0

    def readline(self, limit: int) -> bytes:
        try:
            line = self._stream.readline(limit)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"damaged {self._form} file ({error}); fetch it again", path=self._path) from error
        self._size += len(line)
        check_ratio(self._size, self._packed.tell(), self._path)
        return line


class _ZstdReader(io.RawIOBase):
    """The frames of a Zstandard file, one after the other; unlike the libraries' own it notices a cut-off one."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._new_frame, self._error = _zstd()
        self._frame: Any = None
        self._packed_left = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._packed_left or self._packed.read(_ZSTD_READ_BYTES)
            if not chunk:
                if self._frame is not None:
                    raise EOFError("it ends before its end marker")
                return 0
            self._unpack(chunk)
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _unpack(self, chunk: bytes) -> None:
        self._frame = self._frame or self._new_frame()
        try:
            self._ready = memoryview(self._frame.decompress(chunk))
        except self._error as error:
            raise OSError(str(error)) from error
        self._packed_left = b""
        if self._frame.eof:
            self._packed_left, self._frame = self._frame.unused_data, None


def _zstd() -> tuple[Callable[[], Any], type[Exception]]:
    """(maker of one decompressor per frame, what it raises): the standard library's from Python 3.14 on."""
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.ZstdDecompressor, zstd.ZstdError
    try:
        import zstandard
    except ImportError as error:
        raise MissingDependencyError("zstandard", "data", "reading .zst") from error
    return zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError
