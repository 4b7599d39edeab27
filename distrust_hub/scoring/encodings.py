"""How the bytes of a text file are read: UTF-8, what a byte order mark says, and stray bytes as Windows-1252."""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO

from distrust_hub.scoring.compressed import Lines

STRAY_BYTES = "distrust_hub.cp1252"
"""Error handler that reads bytes which are no UTF-8 as Windows-1252, the commonest other encoding of western text."""

_MARKS = {"utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}
"""Byte order marks, the longer ones first, which begin with the shorter."""


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(STRAY_BYTES, _as_cp1252)


def encoding_of(start: bytes) -> tuple[str, str]:
    """(encoding, error handler) of a text file that starts with these bytes."""
    marked = next((name for name, marks in _MARKS.items() if start.startswith(marks)), None)
    return (marked, "replace") if marked else ("utf-8-sig", STRAY_BYTES)


def decoded(data: bytes) -> str:
    """The text of a file: by its byte order mark, else UTF-8, with bytes that are none read as Windows-1252."""
    return data.decode(*encoding_of(data))


def lines_in_utf8(stream: io.BufferedReader) -> Lines:
    """The lines of a file that may start with a byte order mark of UTF-16 or UTF-32, as UTF-8; others as they are."""
    encoding, errors = encoding_of(stream.peek(4))
    return stream if errors == STRAY_BYTES else _Recoded(stream, encoding, errors)


class _Recoded:
    """Lines of another encoding as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str, errors: str) -> None:
        self._text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="\n")

    def readline(self, limit: int, /) -> bytes:
        return self._text.readline(limit).encode("utf-8", "replace")
