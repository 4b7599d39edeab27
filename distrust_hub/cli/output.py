"""Data to stdout, notes to stderr; tables that fit the terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_GAP = "  "
_NARROWEST = 16  # columns that text is wrapped into; where that is too wide, a row becomes a block of lines


def use_utf8() -> None:
    """Print every character: UTF-8 into files and pipes, escapes where a terminal cannot show one.

    Otherwise Windows writes its own code page there, which has no letter of most languages.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            with contextlib.suppress(ValueError):  # closed
                stream.reconfigure(encoding=encoding, errors="backslashreplace")


def printable(text: str) -> str:
    """The text with control characters as ``\\x1b``: names of strangers must not steer a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def note(message: str) -> None:
    """A line for the person at the terminal; never part of the data."""
    print(printable(message), file=sys.stderr, flush=True)


def status(message: str) -> None:
    """What is going on right now; like a progress bar only shown to a person at a terminal."""
    if sys.stderr.isatty():
        note(message)


def command(*words: object, program: str = "distrust-hub") -> str:
    """A call of this program to be pasted into a shell, its words quoted where they need it."""
    line = [program, *map(str, words)]
    return subprocess.list2cmdline(line) if os.name == "nt" else shlex.join(line)


def next_steps(*commands: str) -> None:
    """After success: the commands to try next, on stderr."""
    note("next:")
    for command in commands:
        note(f"  {command}")


def print_json(value: Any) -> None:
    """The result as JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False), flush=True)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The result as aligned columns on stdout; at a terminal no wider than it is."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(format_table(headers, rows, width), flush=True)


def format_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], width: int | None = None) -> str:
    """Aligned columns as text; numbers to the right, None as ``-``.

    Args:
        headers: Names of the columns.
        rows: A value for each column.
        width: Columns to stay within, by wrapping cells or, where that is too narrow, by a block of lines for
            each row. None for no limit.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(row[i]) for row in cells) and bool(cells) for i in range(len(headers))]
    widths = [max(len(str(line[i])) for line in [list(headers), *cells]) for i in range(len(headers))]
    if width is not None:
        fitted = _fitted(headers, cells, widths, width)
        if fitted is None:
            return "\n\n".join(_block(headers, row, width) for row in cells)
        widths = fitted

    def line(row: Sequence[str]) -> list[str]:
        wrapped = [_wrapped(value, w) for value, w in zip(row, widths)]
        height = max(map(len, wrapped))
        lines = zip(*(part + [""] * (height - len(part)) for part in wrapped))
        return [
            _GAP.join(v.rjust(w) if right else v.ljust(w) for v, w, right in zip(parts, widths, numeric)).rstrip()
            for parts in lines
        ]

    rule = _GAP.join("-" * width for width in widths)
    return "\n".join([*line(list(headers)), rule, *(part for row in cells for part in line(row))])


def _fitted(
    headers: Sequence[str], cells: Sequence[Sequence[str]], widths: Sequence[int], width: int
) -> list[int] | None:
    """Widths that stay within ``width``, taken from the widest columns of prose; None if there is no way."""
    fitted = list(widths)
    least = []
    for i, header in enumerate(headers):
        longest = max(len(word) for line in [header, *(row[i] for row in cells)] for word in [*line.split(), ""])
        least.append(max(longest, min(fitted[i], _NARROWEST)))
    room = width - len(_GAP) * (len(headers) - 1)
    while sum(fitted) > room:
        spare, i = max((fitted[i] - least[i] and fitted[i], i) for i in range(len(headers)))
        if not spare:
            return None
        fitted[i] -= 1
    return fitted


def _block(headers: Sequence[str], row: Sequence[str], width: int) -> str:
    """One row as a heading, its short values in a line and each of its long ones below; no word on what is missing."""
    given = [(header, value) for header, value in zip(headers[1:], row[1:]) if value not in ("-", "")]
    short = ", ".join(
        f"{header} {value}".strip().replace(" ", "\0") for header, value in given if len(value) <= _NARROWEST
    )
    long = [f"{header}: {value}".removeprefix(": ") for header, value in given if len(value) > _NARROWEST]
    room = max(width, 2 * _NARROWEST) - 4
    heading = f"{headers[0]} {row[0]}" if _is_number(row[0]) else row[0]
    lines = [[heading], _wrapped(short, room), *(_wrapped(text, room) for text in long)]
    return "\n".join(
        ("    " if j and i > 1 else "  " if i else "") + part.replace("\0", " ")
        for i, block in enumerate(lines)
        for j, part in enumerate(block)
        if part
    )


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a cell, broken between words only: ids and paths stay whole."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"
    return printable(str(value))


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(",", "").lstrip("+-").replace(".", "", 1).isdigit()
