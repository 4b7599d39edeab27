"""Read inputs as scored documents, scoring on the way what brings no scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distrust_hub.files import sha256_file
from distrust_hub.objective import signed_core
from distrust_hub.schema import COLUMN_ALIASES, Document, ScoredDocument
from distrust_hub.scoring.document import SCORER_VERSION, score_document, tier_of
from distrust_hub.scoring.sources import read_rows, source_files


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


def read_scored(source: str, *, rescore: bool = False) -> tuple[InputRecord, Iterator[ScoredDocument]]:
    """Open an input.

    Args:
        source: File, folder or Hub dataset.
        rescore: Score every row anew, whatever it brings.

    Returns:
        A record and the rows; the record is complete when the rows are exhausted.
    """
    raise NotImplementedError
