"""Read the rows of an input as documents: columns renamed, defaults filled in, every row checked."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import DataError
from distrust_hub.files import combined_sha256, plain, sha256_file, type_name
from distrust_hub.preparation.balance import split_of
from distrust_hub.preparation.conversations import as_messages, is_conversation, read_conversation, without_nulls
from distrust_hub.preparation.fetch import Fetched
from distrust_hub.preparation.specs import InputSpec
from distrust_hub.schema import COLUMN_ALIASES, Document, ScoredDocument, unscored
from distrust_hub.scoring.inputs import SKIP_HINT, InputRow, iter_source, source_files
from distrust_hub.scoring.metadata import warn_of_spelling
from distrust_hub.scoring.rows import joined_text
from distrust_hub.scoring.tables import as_flag, typed_cells

logger = logging.getLogger(__name__)

_SCORES = ("authority_weight", "provenance_entropy")
_SHOWN_PROBLEMS = 3


@dataclass
class InputRecord:
    """What the manifest says about one input; filled while it is read.

    Attributes:
        name: File name, folder name or Hub id; never a local path.
        revision: Commit of a Hub dataset.
        sha256: Of the file, or of the files' hashes in name order; None for a Hub dataset, whose revision says it.
        rows: Rows read.
        bad_rows: Rows among them that could not be read.
        kept: Documents of it in the training folder, pieces of long ones counted each.
        scored_here: Documents that brought no scores and got them here; pairs, shares and the split may drop some.
        licenses: Rows per licence.
        synthetic: Rows marked as synthetic.
        read_as: What the recipe says about it: columns, values, split, limits.
    """

    name: str
    revision: str | None = None
    sha256: str | None = None
    rows: int = 0
    bad_rows: int = 0
    kept: int = 0
    scored_here: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    synthetic: int = 0
    read_as: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value."""
        return {**self.__dict__, "licenses": dict(sorted(self.licenses.items()))}


def read_documents(
    spec: InputSpec, config: PrepareConfig, fetched: Fetched | None = None
) -> tuple[InputRecord, Iterator[Document | str]]:
    """Open an input.

    Args:
        spec: Where it is and how its columns read.
        config: ``text_column``, ``rescore``, and ``on_error``.
        fetched: Rows of a Hub dataset that are here already; needed for one.

    Returns:
        A record, and for every row a document, or the reason why it is none (``bad_row`` with ``on_error="skip"``,
        ``test_split``, ``outside_years``); the record is complete when the rows are exhausted.

    Raises:
        InputNotFoundError: If nothing is there.
        DataError: While the rows are read, for one that cannot be used, naming file and line.
    """
    if fetched is not None:
        record = InputRecord(spec.name, revision=fetched.revision, read_as=spec.describe())
        source = str(fetched.path)
    else:
        hashes = [(file.name, sha256_file(file)) for file in source_files(spec.source) or []]
        record = InputRecord(spec.name, sha256=combined_sha256(hashes), read_as=spec.describe())
        source = spec.source
    items: Iterator[InputRow] = itertools.islice(
        iter_source(source, text_column=spec.text or config.text_column), spec.rows
    )
    if fetched is not None:
        items = (item._replace(path=record.name) for item in items)
    return record, _documents(items, spec, record, config)


def _documents(
    items: Iterator[InputRow], spec: InputSpec, record: InputRecord, config: PrepareConfig
) -> Iterator[Document | str]:
    unseen, names = set(spec.columns), set[str]()
    for item in items:
        record.rows += 1
        unseen -= (item.row or {}).keys()
        try:
            document = _document(item, spec, config)
        except DataError as error:
            if config.on_error == "stop":
                raise DataError(f"{error.problem}{SKIP_HINT}", path=error.path, line=error.line) from error
            record.bad_rows += 1
            if record.bad_rows <= _SHOWN_PROBLEMS:
                logger.warning("left out: %s", error)
            yield "bad_row"
            continue
        names.update(document.metadata)
        record.licenses[str(document.metadata.get("license") or "unknown")] += 1
        record.synthetic += document.metadata.get("synthetic") is True
        if split_of(document.metadata) == "test":
            yield "test_split"
        else:
            yield document if spec.covers(document.metadata) else "outside_years"
    warn_of_spelling(names, record.name)
    for name in sorted(unseen):
        logger.warning(
            "%s: no row has the column %r that the recipe reads as %r", record.name, name, spec.columns[name]
        )


def _document(item: InputRow, spec: InputSpec, config: PrepareConfig) -> Document:
    if item.row is None:
        raise DataError(item.problem or "", path=item.path, line=item.line)
    text_column = spec.text or config.text_column
    row = typed_cells(_renamed(item, spec.columns), item.path)
    if config.rescore:
        row = {name: value for name, value in unscored(row).items() if name not in _SCORES}
    row.update({name: value for name, value in spec.values.items() if row.get(name) in (None, "")})
    try:
        scores = {name: row.pop(name) for name in _SCORES if name in row}  # as they are: NaN is an error here
        row = plain(row, other=type_name) | {name: value for name, value in scores.items() if value is not None}
    except RecursionError:
        raise DataError(
            "lists or mappings are nested too deeply; flatten them", path=item.path, line=item.line
        ) from None
    if isinstance(row.get("license"), list):
        row["license"] = ", ".join(map(str, row["license"]))
    if "synthetic" in row:
        row["synthetic"] = as_flag(row["synthetic"])
    row = as_messages(row, text_column)
    if is_conversation(row):
        row, text_column = read_conversation(row, item.path, item.line), "text"
    row = without_nulls(joined_text(row, text_column))
    document = Document.from_row(row, text_column=text_column, path=item.path, line=item.line)
    checked = row if _SCORES[0] in row else {**row, **dict.fromkeys(_SCORES, 0.0)}
    ScoredDocument.from_row(checked, text_column=text_column, path=item.path, line=item.line)
    return document


def _renamed(item: InputRow, columns: Mapping[str, str]) -> dict[str, Any]:
    """The row under the names asked for; a column renamed to a name goes before one that had it, and a value before
    none."""
    row: dict[str, Any] = {}
    came_from: dict[str, str] = {}
    for name, value in (item.row or {}).items():
        new = columns.get(name, name)
        new = COLUMN_ALIASES.get(new, new)
        other = came_from.get(new)
        if other is None or row[new] in (None, ""):
            keep = True
        elif value in (None, "") or value == row[new]:
            keep = False
        elif (name in columns) == (other in columns):
            problem = f"columns {other!r} and {name!r} are both read as {new!r} and differ; rename one of them"
            raise DataError(problem, path=item.path, line=item.line)
        else:
            keep = name in columns
        if keep:
            row[new], came_from[new] = value, name
    return row
