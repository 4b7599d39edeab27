"""Read inputs as scored documents, scoring on the way what brings no scores."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distrust_hub.errors import DataError
from distrust_hub.files import sha256_file
from distrust_hub.hub.client import split_revision
from distrust_hub.hub.rows import resolve_revision
from distrust_hub.objective import signed_core
from distrust_hub.schema import COLUMN_ALIASES, Document, ScoredDocument
from distrust_hub.scoring.bulk import scored_row
from distrust_hub.scoring.document import tier_of
from distrust_hub.scoring.inputs import InputRow, iter_source, source_files


@dataclass
class InputRecord:
    """What the manifest says about one input; filled while it is read.

    Attributes:
        name: File name, folder name or Hub id; never a local path.
        revision: Commit of a Hub dataset.
        sha256: Of the file, or of the files' hashes in name order; None for a Hub dataset, whose revision says it.
        rows: Rows read.
        scored_here: Rows that brought no scores.
        licenses: Rows per licence.
        synthetic: Rows marked as synthetic.
    """

    name: str
    revision: str | None = None
    sha256: str | None = None
    rows: int = 0
    scored_here: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    synthetic: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value."""
        return {**self.__dict__, "licenses": dict(sorted(self.licenses.items()))}


def read_scored(
    source: str, *, text_column: str = "text", rescore: bool = False
) -> tuple[InputRecord, Iterator[ScoredDocument]]:
    """Open an input.

    Args:
        source: File, folder, glob or Hub dataset ``OWNER/NAME[@REVISION]``.
        text_column: Column that holds the text.
        rescore: Score every row anew, whatever it brings.

    Returns:
        A record and the rows; the record is complete when the rows are exhausted.

    Raises:
        InputNotFoundError: If nothing is there.
        DataError: While the rows are read, for one that cannot be used, naming file and line.
    """
    files = source_files(source)
    if files is not None:
        record = InputRecord(Path(source).name, sha256=_hash_of_files(files))
    else:
        repo_id, revision = split_revision(source)
        record = InputRecord(repo_id, revision=resolve_revision(repo_id, revision))
        source = f"{repo_id}@{record.revision}" if record.revision else source
    return record, _rows(source, record, text_column, rescore)


def _rows(source: str, record: InputRecord, text_column: str, rescore: bool) -> Iterator[ScoredDocument]:
    for item in iter_source(source, text_column=text_column):
        if item.row is None:
            raise DataError(item.problem or "", path=item.path, line=item.line)
        record.rows += 1
        document = _scored(item, record, text_column, rescore)
        record.licenses[str(document.metadata.get("license") or "unknown")] += 1
        record.synthetic += bool(document.metadata.get("synthetic"))
        yield document


def _scored(item: InputRow, record: InputRecord, text_column: str, rescore: bool) -> ScoredDocument:
    row = item.row or {}
    place: dict[str, Any] = {"text_column": text_column, "path": item.path, "line": item.line}
    if rescore or not any(COLUMN_ALIASES.get(name, name) == "authority_weight" for name in row):
        record.scored_here += 1
        return ScoredDocument.from_row(scored_row(Document.from_row(row, **place)), path=item.path, line=item.line)
    document = ScoredDocument.from_row(row, **place)
    core = signed_core(document.authority_weight, document.provenance_entropy)
    return dataclasses.replace(document, metadata={**document.metadata, "tier": tier_of(core)})


def _hash_of_files(files: list[Path]) -> str:
    """SHA-256 of the file, or of ``name sha256`` lines where there are several."""
    hashes = [(file.name, sha256_file(file)) for file in files]
    if len(hashes) == 1:
        return hashes[0][1]
    return hashlib.sha256("".join(f"{name} {sha256}\n" for name, sha256 in hashes).encode()).hexdigest()
