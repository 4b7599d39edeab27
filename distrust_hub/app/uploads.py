"""Documents from a file a visitor dropped: text, Markdown, HTML, PDF, JSON Lines, CSV or Parquet. No gradio here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from distrust_hub.app.limits import Limits
from distrust_hub.app.pdf import pdf_text
from distrust_hub.errors import DataError, MissingDependencyError
from distrust_hub.files import iter_jsonl
from distrust_hub.schema import Document

TEXT_TYPES = (".txt", ".md", ".html", ".htm", ".pdf")
"""Files that are one document."""

TABLE_TYPES = (".jsonl", ".csv", ".parquet")
"""Files with one document a row."""

UPLOAD_TYPES = (*TEXT_TYPES, *TABLE_TYPES)
_MAX_UNPACKED_RATIO = 50
_SKIPPED_TAGS = ("script", "style", "head", "noscript", "template")
_BLOCK_TAGS = ("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "section", "article")


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
    if suffix in TEXT_TYPES:
        return [(_text(file, suffix, limits), {})]
    documents: list[tuple[str, dict[str, Any]]] = []
    for line, row in _rows(file, suffix):
        limits.check_rows(len(documents) + 1)
        document = Document.from_row(row, path=file.name, line=line)
        documents.append((document.text, dict(document.metadata)))
    return documents


def _text(file: Path, suffix: str, limits: Limits) -> str:
    if suffix == ".pdf":
        return pdf_text(file, limits)
    text = _decoded(file)
    return html_text(text) if suffix.startswith(".htm") else text


def html_text(source: str) -> str:
    """The readable text of an HTML page: no tags, scripts, styles or comments."""
    reader = _TextOfHtml()
    reader.feed(source)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line)


class _TextOfHtml(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in _SKIPPED_TAGS:
            self._skipping += 1
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED_TAGS:
            self._skipping = max(0, self._skipping - 1)
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(data)


def _decoded(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        raise DataError(problem, path=file.name) from error


def _rows(file: Path, suffix: str) -> Iterator[tuple[int, dict[str, Any]]]:
    if suffix == ".jsonl":
        return _jsonl_rows(file)
    return _csv_rows(file) if suffix == ".csv" else _parquet_rows(file)


def _jsonl_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        yield from iter_jsonl(file)
    except DataError as error:
        raise DataError(error.problem, path=file.name, line=error.line) from error


def _csv_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_decoded(file), newline=""))
    try:
        for row in reader:
            yield reader.line_num, {key: value for key, value in row.items() if key is not None}
    except csv.Error as error:
        raise DataError(f"not valid CSV ({error}); fix the line", path=file.name, line=reader.line_num) from error


def _parquet_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow", "data", "reading Parquet") from error
    try:
        with parquet.ParquetFile(file) as table:
            _check_unpacked(table.metadata, file)
            number = 0
            for batch in table.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pyarrow.ArrowException as error:
        raise DataError("not a readable Parquet file; write it again", path=file.name) from error


def _check_unpacked(metadata: Any, file: Path) -> None:
    """Refuse a small Parquet file that unpacks to a huge one."""
    unpacked = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    if unpacked > _MAX_UNPACKED_RATIO * max(file.stat().st_size, 100_000):
        problem = f"unpacks to {unpacked / 1e6:,.0f} MB, too much for its size; score it on your machine"
        raise DataError(problem, path=file.name)
