"""Rows of CSV files as spreadsheets and catalogues write them."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from distrust_hub.errors import DataError
from distrust_hub.schema import COLUMN_ALIASES
from distrust_hub.scoring.encodings import encoding_of

_DELIMITERS = ",;\t|"
"""What may stand between cells; where a header has equally many of two, the first."""

_NUMBERS = frozenset(("schema", "authority_weight", "provenance_entropy", "confidence", "year", "scorer"))
"""Columns of scored rows that hold numbers."""

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""Ways to write whether a row is synthetic."""

_QUOTED = re.compile(r'"(?:[^"]|"")*"?')
_NAMED_DELIMITER = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
"""The line with which Excel names the delimiter, before the header."""


def typed_cells(row: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """A scored row with the numbers and truth values of its columns: in ``.csv`` and ``.tsv`` files all cells are text.

    Cells that hold none, and rows of other files, are left as they are.
    """
    if not str(path).lower().endswith((".csv", ".tsv")):
        return dict(row)
    return {name: _typed(COLUMN_ALIASES.get(name, name), value) for name, value in row.items()}


def _typed(column: str, value: Any) -> Any:
    if column == "synthetic":
        return as_flag(value)
    return _number(value) if column in _NUMBERS else value


def _number(value: Any) -> Any:
    for kind in (int, float):
        with contextlib.suppress(TypeError, ValueError):
            return kind(value)
    return value


def as_flag(value: object) -> object:
    """True or False where the value is a way to write it, as CSV files do; else the value."""
    return _FLAGS.get(str(value).strip().lower(), value)


def check_names(names: Sequence[str], path: Path) -> None:
    """Refuse a table that has a column twice.

    Raises:
        DataError: If it has, naming the column.
    """
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise DataError(f"there is a column {twice[0]!r} twice; rename one of them", path=path)


def csv_rows(path: Path, longest_cell: int) -> Iterator[tuple[int, dict[str, Any] | None, str | None]]:
    """Each row of a CSV file with a header, as its last line from 1, its cells, and None; empty cells are None.

    Where a row cannot be read its cells are None, and the third value says why. Spaces around the names of columns are
    no part of them. A column without a name is ``column N`` in rows that have something there.

    Args:
        path: File, in any encoding that ``encodings`` reads.
        longest_cell: Most characters of a cell.

    Raises:
        DataError: If the header cannot be read, or has a name twice.
    """
    csv.field_size_limit(longest_cell)
    with path.open("rb") as binary:
        encoding, errors = encoding_of(binary.peek(4))
        stream = io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline="")
        before, header, delimiter = _header(stream)
        lines = (line.replace("\0", "") for line in itertools.chain([header], stream))
        reader = csv.DictReader(lines, strict=True, delimiter=delimiter)
        try:
            names = [name.strip() for name in reader.fieldnames or ()]
        except csv.Error as error:
            problem = f"the header is not valid CSV ({error}); mend its quotes"
            raise DataError(problem, path=path, line=before + 1) from error
        check_names([name for name in names if name], path)
        reader.fieldnames = [name or f"column {number}" for number, name in enumerate(names, start=1)]
        while True:
            first = before + reader.reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                last = before + reader.reader.line_num
                yield first, None, f"not valid CSV ({error}); lines {first} to {last} are not read, mend quotes"
                continue
            if None in row:
                problem = f"more cells than the header has columns ({len(names)}); put quotes around "
                yield before + reader.reader.line_num, None, f"{problem}cells with {delimiter!r}"
            else:
                yield before + reader.reader.line_num, {k: v or None for k, v in row.items() if v or k in names}, None


def _header(stream: io.TextIOWrapper) -> tuple[int, str, str]:
    """(lines before it, the header, what stands between its cells)."""
    before, delimiter = 0, None
    while line := stream.readline():
        named = _NAMED_DELIMITER.fullmatch(line.rstrip("\r\n"))
        if not named and line.strip():
            break
        before, delimiter = before + 1, named[1] if named else delimiter
    bare = _QUOTED.sub("", line)
    return before, line, delimiter or max(_DELIMITERS, key=bare.count)
