"""Documents from a file a visitor dropped: text, Markdown, HTML, PDF, JSON, CSV or Parquet. No gradio here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distrust_hub.app.extraction import extracted_text
from distrust_hub.app.limits import Limits
from distrust_hub.errors import DataError, MissingDependencyError
from distrust_hub.schema import Document
from distrust_hub.scoring.encodings import decoded
from distrust_hub.scoring.inputs import iter_source

TEXT_TYPES = (".txt", ".md", ".html", ".htm", ".pdf")
"""Files that are one document."""

_EXTRACTED_TYPES = (".html", ".htm", ".pdf")
"""Those of them whose text is among other things."""

TABLE_TYPES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
"""Files with one document a row."""

UPLOAD_TYPES = (*TEXT_TYPES, *TABLE_TYPES)
TEXT_COLUMNS = ("text", "content", "body", "document", "article", "abstract", "citation", "reference")
"""Columns that may hold the texts of a table, the first one there counting, in any case of letters."""

_START_BYTES = 4096
_MARKED = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
"""Byte order marks of text in which zero bytes are no surprise."""

_MAX_UNPACKED_RATIO = 50


def read_upload(path: str | Path, limits: Limits) -> list[tuple[str, dict[str, Any]]]:
    """Read the documents of an uploaded file.

    Args:
        path: The uploaded copy; its suffix says what it is.
        limits: The app's bounds on bytes and rows.

    Returns:
        (text, metadata) pairs: one for a file of TEXT_TYPES, one per row of a table.

    Raises:
        DataError: If the file is too large, of another type, damaged, or has a row without text. Messages name the
            file but not its folder.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in UPLOAD_TYPES:
        raise DataError(f"files of type {suffix or 'without a suffix'} are not read; give {', '.join(UPLOAD_TYPES)}")
    limits.check_upload(file.stat().st_size, file.name)
    _check_start(file, suffix)
    if suffix in TEXT_TYPES:
        return [(_text(file, suffix, limits), {})]
    if suffix == ".parquet":
        _check_unpacked(file)
    return _documents(file, limits)


def _documents(file: Path, limits: Limits) -> list[tuple[str, dict[str, Any]]]:
    documents: list[tuple[str, dict[str, Any]]] = []
    column = ""
    try:
        for item in iter_source(file):
            if item.row is None:
                raise DataError(item.problem or "not a row", line=item.line)
            if all(value in (None, "") for value in item.row.values()):
                continue  # what spreadsheets leave at the end
            column = column or _text_column(item.row)
            text = item.row.get(column)
            if not isinstance(text, str) or not text.strip():
                raise DataError(f"no text in column {column!r}; write some, or leave the row out", line=item.line)
            limits.check_rows(len(documents) + 1)
            document = Document.from_row(item.row, text_column=column)
            documents.append((document.text, dict(document.metadata)))
    except DataError as error:
        raise DataError(error.problem, path=file.name, line=error.line) from error
    return documents


def _text_column(columns: Iterable[str]) -> str:
    names = [*map(str, columns)]
    for wanted in TEXT_COLUMNS:
        if found := [name for name in names if name.strip().lower() == wanted]:
            return found[0]
    if len(names) == 1:
        return names[0]
    raise DataError(
        f"there is no column named text (there are: {', '.join(names)[:200]}); name the one with the texts so"
    )


def _check_start(file: Path, suffix: str) -> None:
    """Refuse what cannot be what its name says."""
    with file.open("rb") as stream:
        start = stream.read(_START_BYTES)
    if start.startswith(b"%PDF-") and suffix != ".pdf":
        raise DataError("is a PDF by its content; name it .pdf", path=file.name)
    if b"\0" in start and suffix not in (".pdf", ".parquet") and not start.startswith(_MARKED):
        raise DataError("is not text, whatever its name says; save it as one of these types", path=file.name)


def _text(file: Path, suffix: str, limits: Limits) -> str:
    return extracted_text(file, limits) if suffix in _EXTRACTED_TYPES else decoded(file.read_bytes())


def _check_unpacked(file: Path) -> None:
    """Refuse a small Parquet file that unpacks to a huge one."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow", "data", "reading Parquet") from error
    try:
        with parquet.ParquetFile(file) as table:
            groups = range(table.metadata.num_row_groups)
            unpacked = sum(table.metadata.row_group(index).total_byte_size for index in groups)
    except pyarrow.ArrowException as error:
        raise DataError("not a readable Parquet file; write it again", path=file.name) from error
    if unpacked > _MAX_UNPACKED_RATIO * max(file.stat().st_size, 100_000):
        problem = f"unpacks to {unpacked / 1e6:,.0f} MB, too much for its size; score it on your machine"
        raise DataError(problem, path=file.name)
