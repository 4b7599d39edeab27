"""Data to stdout, notes to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def note(message: str) -> None:
    """A line for the person at the terminal; never part of the data."""
    print(message, file=sys.stderr, flush=True)


def status(message: str) -> None:
    """What is going on right now; like a progress bar only shown to a person at a terminal."""
    if sys.stderr.isatty():
        note(message)


def next_steps(*commands: str) -> None:
    """After success: the commands to try next, on stderr."""
    note("next:")
    for command in commands:
        note(f"  {command}")


def print_json(value: Any) -> None:
    """The result as JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False), flush=True)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The result as aligned columns on stdout; numbers to the right, None as ``-``."""
    print(format_table(headers, rows), flush=True)


def format_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Aligned columns as text."""
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(row[i]) for row in cells) and bool(cells) for i in range(len(headers))]
    widths = [max(len(str(line[i])) for line in [list(headers), *cells]) for i in range(len(headers))]

    def line(row: Sequence[str]) -> str:
        aligned = (v.rjust(w) if right else v.ljust(w) for v, w, right in zip(row, widths, numeric))
        return "  ".join(aligned).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(list(headers)), rule, *map(line, cells)])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(",", "").lstrip("+-").replace(".", "", 1).isdigit()
