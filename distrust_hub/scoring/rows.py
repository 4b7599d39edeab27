"""From input rows to scored lines, in this process or in several, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from distrust_hub.errors import DataError
from distrust_hub.files import jsonl_line, plain
from distrust_hub.schema import GIVEN, SCORE_COLUMNS, WRITTEN_COLUMNS, Document, ScoredDocument, is_given, unscored
from distrust_hub.scoring.document import PRIOR_SHARE_DEFAULT, score_document
from distrust_hub.scoring.inputs import InputRow, RawLine
from distrust_hub.scoring.workers import in_processes

_CHUNK_ROWS, _CHUNK_BYTES = 256, 1 << 20
"""A chunk ends with the row that reaches either."""


class ScoredLine(NamedTuple):
    """A row as it is written, and what the summary counts of it."""

    line: bytes
    tier: str
    authority_weight: float
    provenance_entropy: float


def joined_text(row: dict[str, Any], text_column: str) -> dict[str, Any]:
    """The row, a text that is a list of paragraphs or pages as one."""
    parts = row.get(text_column)
    if not isinstance(parts, list) or not all(part is None or isinstance(part, str) for part in parts):
        return row
    return {**row, text_column: "\n\n".join(part for part in parts if part is not None)}


def scored_row(
    document: Document, *, evidence: bool = False, prior_share: float = PRIOR_SHARE_DEFAULT
) -> dict[str, Any]:
    """A document as a scored row: ``schema.ScoredDocument`` plus, when asked, its evidence.

    Raises:
        DataError: If a column holds what JSON cannot.
    """
    given = {name: _plain_column(name, value) for name, value in unscored(document.metadata).items()}
    score = score_document(document.text, given, prior_share=prior_share)
    columns = score.columns()
    metadata = {name: columns[name] for name in SCORE_COLUMNS[2:]} | _own_columns(given, columns)
    if evidence:
        metadata["evidence"] = [line.to_dict() for line in score.evidence]
    return ScoredDocument(
        text=document.text,
        id=document.id,
        authority_weight=score.authority_weight,
        provenance_entropy=score.provenance_entropy,
        metadata=metadata,
    ).to_row()


def _plain_column(name: str, value: Any) -> Any:
    try:
        return plain(value)
    except TypeError as error:
        raise DataError(f"column {name!r} holds a {error}, which JSON cannot; convert or remove it") from error


def _own_columns(given: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """The row's own columns; one whose name the scorer uses for another value as ``given_<name>``."""
    own: dict[str, Any] = {}
    for name, value in given.items():
        kept = written.get(name)
        if name in WRITTEN_COLUMNS and (value in (None, "") or value == kept or str(value).strip() == str(kept)):
            continue
        own[GIVEN + name if name in WRITTEN_COLUMNS or is_given(name) else name] = value
    return own


def score_rows(
    rows: Iterable[InputRow | RawLine], options: dict[str, Any], workers: int
) -> Iterator[ScoredLine | InputRow]:
    """Each row as a scored line, or itself with its problem, in order.

    Args:
        rows: Rows of a source.
        options: ``text_column``, ``evidence`` and ``prior_share``.
        workers: Processes; with 1 all is done in this one.

    Raises:
        OutputError: If a worker process was ended.
    """
    chunks = _chunks(rows, options["text_column"])
    if workers == 1:
        for chunk in chunks:
            yield from _score_chunk(chunk, options)
        return
    for scored in in_processes(_score_chunk, chunks, options, workers):
        yield from scored


def _chunks(rows: Iterable[InputRow | RawLine], text_column: str) -> Iterator[list[InputRow | RawLine]]:
    chunk: list[InputRow | RawLine] = []
    size = 0
    for item in rows:
        chunk.append(item)
        size += len(item.data) if isinstance(item, RawLine) else len(str((item.row or {}).get(text_column)))
        if len(chunk) == _CHUNK_ROWS or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _score_chunk(chunk: list[InputRow | RawLine], options: dict[str, Any]) -> list[ScoredLine | InputRow]:
    results: list[ScoredLine | InputRow] = []
    for given in chunk:
        item = given.parsed() if isinstance(given, RawLine) else given
        if item.row is None:
            results.append(item)
            continue
        try:
            row = joined_text(item.row, options["text_column"])
            document = Document.from_row(row, text_column=options["text_column"])
            row = scored_row(document, evidence=options["evidence"], prior_share=options["prior_share"])
            line = jsonl_line(row).encode("utf-8", "replace")
            results.append(ScoredLine(line, row["tier"], row["authority_weight"], row["provenance_entropy"]))
        except DataError as error:
            results.append(item._replace(row=None, problem=error.problem))
        except RecursionError:
            results.append(item._replace(row=None, problem="a column is nested too deeply; flatten or remove it"))
    return results
