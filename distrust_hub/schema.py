"""What a document is, before and after scoring, and the one spelling of every column name."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from distrust_hub.errors import ArtifactError, DataError
from distrust_hub.files import well_formed

SCHEMA_VERSION = 1
"""Version of every JSON artifact and scored file; a file with a higher one is refused."""

AUTHORITY_WEIGHT_MAX = 0.99
"""Upper end of authority_weight: coordinated modern consensus. The lower end is 0, a pure primary source."""

Tier = Literal["primary", "medium", "coordinated"]
TIERS: tuple[Tier, ...] = ("primary", "medium", "coordinated")

SOURCE_TYPES = (
    "patent_pre1970",
    "lab_notebook",
    "field_journal",
    "letter_diary",
    "oral_history",
    "logbook",
    "court_record",
    "historical_newspaper",
    "historical_book",
    "speech",
    "preprint",
    "academic_paper",
    "textbook",
    "blog_forum",
    "news_modern",
    "medical_guidelines",
    "wiki",
    "government",
    "press_release",
)

SOURCE_TYPE_ALIASES = {
    "academic_abstract": "academic_paper",
    "government_modern": "government",
    "classical_philosophy": "historical_book",
    "classical_literature": "historical_book",
    "classical_rhetoric": "speech",
    "logic_training": "textbook",
}

COLUMN_ALIASES = {"auth_weight": "authority_weight", "prov_entropy": "provenance_entropy"}
"""Column names of older projects: read, never written."""

SCORE_COLUMNS = (
    "authority_weight",
    "provenance_entropy",
    "tier",
    "source_type",
    "source_type_origin",
    "year",
    "year_origin",
    "confidence",
    "scorer",
)

WRITTEN_COLUMNS = frozenset((*SCORE_COLUMNS, "evidence"))
"""Columns that belong to the scorer."""

GIVEN = "given_"
"""Put before the name of a row's own column where the scorer writes one of that name with another value."""


def is_given(name: str) -> bool:
    """Whether a column holds a row's own value beside one of WRITTEN_COLUMNS."""
    return name.startswith(GIVEN) and name.rpartition(GIVEN)[2] in WRITTEN_COLUMNS


def unscored(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row as it was before it was scored: with what it said itself, without what the scorer found.

    A ``source_type`` or ``year`` stays only where its ``*_origin`` says that it was read in that column, so that a
    scorer never takes a guess of its own, or of an older version, for a statement. A row that was not scored, and so
    lacks the scores or a version in ``scorer``, is given back as it is.
    """
    scored = "authority_weight" in row and "provenance_entropy" in row
    if not scored or not str(row.get("scorer")).removesuffix(".0").isdecimal():
        return row
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name in WRITTEN_COLUMNS:
            if row.get(f"{name}_origin") == f"metadata:{name}" and row.get(GIVEN + name) is None:
                found[name] = value
        elif is_given(name):
            if value is not None:
                found[name.removeprefix(GIVEN)] = value
        else:
            found[name] = value
    return found


def normalise_source_type(value: object) -> str | None:
    """The known source type a metadata value names, or None.

    Args:
        value: Whatever a dataset carries; case and separators do not matter (``"Lab Notebook"``).
    """
    if not isinstance(value, str):
        return None
    name = value.strip().lower().replace("-", "_").replace(" ", "_")
    name = SOURCE_TYPE_ALIASES.get(name, name)
    return name if name in SOURCE_TYPES else None


def whole(value: Any) -> Any:
    """A float without a fraction as an int, as tables hold whole numbers where some rows have none; else the value."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def row_schema(row: Mapping[str, Any]) -> int | None:
    """The schema version a row was written with; None where it names none, or has a ``schema`` of its own."""
    found = whole(row.get("schema"))
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def check_schema(found: object, what: str | Path) -> None:
    """Refuse an artifact that a newer version of this package wrote.

    Args:
        found: Its ``schema`` value; None counts as version 1.
        what: Name of the artifact for the message.
    """
    version = 1 if found is None else found
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ArtifactError(f"{what}: schema is {found!r}; expected a whole number from 1 to {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        raise ArtifactError(
            f"{what}: schema {version} is newer than {SCHEMA_VERSION}, the newest this version reads; "
            "upgrade with: pip install -U distrust-hub"
        )


@dataclass(frozen=True)
class Document:
    """A text with whatever its dataset says about it.

    Attributes:
        text: Unicode text; lone surrogates are replaced, nothing else is changed.
        id: Stable id within the dataset: the row's own, else the first 16 hex digits of the text's SHA-256.
        metadata: All other columns of the row; one called ``text`` or ``schema`` beside them as ``given_text`` or
            ``given_schema``.
    """

    text: str
    id: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(
        cls,
        row: Mapping[str, Any],
        *,
        text_column: str = "text",
        path: str | Path | None = None,
        line: int | None = None,
    ) -> Document:
        """Read a dataset row.

        Args:
            row: Column name to value.
            text_column: Column that holds the text.
            path: File the row is from, for messages.
            line: 1-based line the row is from, for messages.

        Raises:
            DataError: If there is no text.
        """
        text = row.get(text_column)
        if not isinstance(text, str) or not text.strip():
            raise DataError(_without_text(row, text_column), path=path, line=line)
        text = well_formed(text)
        given = row.get("id")
        identity = str(given) if given is not None and str(given) else text_id(text)
        metadata = {
            COLUMN_ALIASES.get(key, key): value
            for key, value in row.items()
            if key not in (text_column, "id", "text", "schema")
        }
        for key in ("text", "schema"):
            ours = key == text_column or (key == "schema" and row_schema(row) is not None)
            own = None if ours else row.get(key)
            if own not in (None, ""):
                metadata[GIVEN + key] = own
        return cls(text=text, id=identity, metadata=metadata)


def _without_text(row: Mapping[str, Any], column: str) -> str:
    """What is wrong with a row whose text column holds none."""
    here = f"(columns here: {', '.join(sorted(map(str, row))) or 'none'})"
    if column not in row:
        return f"column {column!r} is missing; score and prepare take the text column's name with --text-column {here}"
    value = row[column]
    if value is None or isinstance(value, str):
        return f"column {column!r} is empty; fill it, remove the row, or name another text column {here}"
    return f"column {column!r} holds the {type(value).__name__} {repr(value)[:40]}; expected text {here}"


def text_id(text: str) -> str:
    """The id of a document that brings none: 16 hex digits of the SHA-256 of its UTF-8 text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True)
class ScoredDocument:
    """A document and its two scores: one row of a scored file and of a training folder.

    Attributes:
        text: The text.
        id: Stable id.
        authority_weight: 0 (pure primary source) to 0.99 (coordinated modern consensus).
        provenance_entropy: Bits of independent, uneditable evidence, >= 0.
        metadata: All other columns, the rest of SCORE_COLUMNS among them.
    """

    text: str
    id: str
    authority_weight: float
    provenance_entropy: float
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(
        cls,
        row: Mapping[str, Any],
        *,
        text_column: str = "text",
        path: str | Path | None = None,
        line: int | None = None,
    ) -> ScoredDocument:
        """Read a scored row; raises DataError naming file, line, column and value if it is not one."""
        check_schema(row_schema(row), path or "row")
        document = Document.from_row(row, text_column=text_column, path=path, line=line)
        metadata = dict(document.metadata)
        authority = _number(metadata.pop("authority_weight", None), "authority_weight", path, line)
        entropy = _number(metadata.pop("provenance_entropy", None), "provenance_entropy", path, line)
        if not 0.0 <= authority <= AUTHORITY_WEIGHT_MAX:
            problem = f"authority_weight is {authority:g}; expected 0 to {AUTHORITY_WEIGHT_MAX}"
            raise DataError(problem, path=path, line=line)
        if entropy < 0.0:
            problem = f"provenance_entropy is {entropy:g}; expected 0 or more (bits)"
            raise DataError(problem, path=path, line=line)
        for column, value in metadata.items():
            if not _is_finite(value):
                problem = f"{column} is {str(value)[:40]}; expected finite numbers, or null where one is unknown"
                raise DataError(problem, path=path, line=line)
        if "scorer" in metadata:
            metadata["scorer"] = whole(metadata["scorer"])
        return cls(document.text, document.id, authority, entropy, metadata)

    def to_row(self) -> dict[str, Any]:
        """The row as it is written: schema, id and text first, then scores, then the other columns."""
        return {
            "schema": SCHEMA_VERSION,
            "id": self.id,
            "text": self.text,
            "authority_weight": self.authority_weight,
            "provenance_entropy": self.provenance_entropy,
            **self.metadata,
        }


def _number(value: object, column: str, path: str | Path | None, line: int | None) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
        shown = "missing" if value is None else repr(value)[:40]
        problem = f"{column} is {shown}; expected a number (score the data first: distrust-hub score)"
        raise DataError(problem, path=path, line=line)
    return float(value)


def _is_finite(value: object) -> bool:
    """Whether every number in a JSON value is finite and fits a float; NaN is not JSON and could not be written."""
    if isinstance(value, (int, float)):
        try:
            return math.isfinite(value)
        except OverflowError:
            return False
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, (list, tuple)) or all(map(_is_finite, value))
