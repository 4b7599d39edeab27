"""Rows of a split, read from disk each time they are gone through, so that memory does not grow with the data."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.errors import DataError
from distrust_hub.files import well_formed
from distrust_hub.preparation.balance import ORIGIN_COLUMNS, origin_name, split_of
from distrust_hub.schema import check_schema, row_schema, whole
from distrust_hub.scoring.inputs import iter_source
from distrust_hub.scoring.tables import typed_cells

_BUCKETS = 1 << 16
"""Hash values an origin can have: a count for each is all that the split by origin keeps in memory."""


@dataclass(frozen=True)
class Row:
    """One row and the place it is from, for messages."""

    values: Mapping[str, Any]
    path: str
    line: int

    def error(self, problem: str) -> DataError:
        """A DataError that names the row's file and line."""
        return DataError(problem, path=self.path, line=self.line)

    @property
    def origin(self) -> str:
        """What the row was cut from, so that its relatives stay in one split: the first such column, else the row."""
        for column in (*ORIGIN_COLUMNS, "id"):
            if (name := origin_name(self.values.get(column))) is not None:
                return f"{column}:{name}"
        return json.dumps(self.values, sort_keys=True, default=str)


@dataclass(frozen=True)
class Part:
    """One side of the split of a file: by what its rows name, where one names ``valid``, else by hashing origins.

    Rows that name ``test`` are on neither side.

    Attributes:
        seed: Seed of the hash.
        held_out: Hash values whose origins are held out; None where the rows name the held-out ones.
        valid: Whether this is the held-out side.
    """

    seed: int
    held_out: frozenset[int] | None
    valid: bool

    def __contains__(self, row: Row) -> bool:
        named = split_of(row.values)
        if named == "test":
            return False
        held_out = named == "valid" if self.held_out is None else bucket(self.seed, row.origin) in self.held_out
        return held_out is self.valid


def bucket(seed: int, origin: str) -> int:
    """Hash value of an origin, 0 to 65,535; the seed decides the order of origins."""
    digest = hashlib.blake2b(f"{seed}:{origin}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _BUCKETS


@dataclass
class Scan:
    """What one pass over the rows of a split tells.

    Attributes:
        files: Rows of each file.
        licenses: {licence: rows}.
        languages: {language code: rows}.
        synthetic: Rows marked as synthetic.
        testing: Rows of each file that name ``test`` in a column ``split``.
        validation: Rows that name ``valid`` there.
        buckets: Rows of each hash value of an origin, without those that name ``test``.
    """

    files: list[int] = field(default_factory=list)
    licenses: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    synthetic: int = 0
    testing: list[int] = field(default_factory=list)
    validation: int = 0
    buckets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BUCKETS, dtype=np.int64))

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(self.files)

    def held_out(self, share: float) -> frozenset[int]:
        """Hash values that make up about ``share`` of the rows, the lowest first.

        One that would overshoot by more than it helps stays in training, so a single large origin is never held out.
        """
        missing, chosen = share * int(self.buckets.sum()), set()
        for value in np.flatnonzero(self.buckets).tolist():
            if self.buckets[value] < 2 * missing:
                chosen.add(value)
                missing -= self.buckets[value]
        return frozenset(chosen)


@dataclass(frozen=True)
class Rows:
    """The rows of a split, in the order of its files.

    Attributes:
        files: JSON Lines, parquet or CSV files, compressed or not.
        counts: Rows of each file that belong to the split.
        part: Which rows those are; None for all.
    """

    files: Sequence[Path] = ()
    counts: Sequence[int] = ()
    part: Part | None = None

    def __len__(self) -> int:
        return sum(self.counts)

    def __iter__(self) -> Iterator[Row]:
        return self.start_at(0)

    def start_at(self, number: int) -> Iterator[Row]:
        """Rows from the ``number``-th (from 0) on; files before it are not opened."""
        for file, count in zip(self.files, self.counts):
            if number >= count:
                number -= count
                continue
            for row in iter_file(file):
                if self.part is None or row in self.part:
                    if number == 0:
                        yield row
                    else:
                        number -= 1


def iter_file(path: Path) -> Iterator[Row]:
    """Rows of a file without the columns a row has no value for.

    Raises:
        DataError: If a line is not a row.
        ArtifactError: If a row was written by a newer version.
    """
    for name, line, values, problem in iter_source(path):
        if values is None:
            raise DataError(str(problem), path=name, line=line)
        values = typed_cells(values, path)
        check_schema(row_schema(values), name)
        yield Row({_clean(key): _clean(value) for key, value in values.items() if value is not None}, name, line)


def _clean(value: Any) -> Any:
    """A JSON value with lone surrogates, which no tokenizer and no file takes, replaced by question marks."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(entry) for key, entry in value.items()}
    return [_clean(entry) for entry in value] if isinstance(value, list) else value


def scan(files: Sequence[Path], seed: int, part: Part | None = None, scorers: dict[str, Row] | None = None) -> Scan:
    """Go through the rows once to count and check them.

    Args:
        files: Files of the split.
        seed: Seed of the hash of origins.
        part: Which rows to count; None for all.
        scorers: The first row of each scorer version seen, filled and compared here.

    Raises:
        DataError: If rows were scored by different scorers, or a line is not a row.
    """
    found, scorers = Scan(), {} if scorers is None else scorers
    for file in files:
        found.files.append(0)
        found.testing.append(0)
        for row in iter_file(file):
            _check_scorer(row, scorers)
            if part is not None and row not in part:
                continue
            found.files[-1] += 1
            found.licenses[str(row.values.get("license") or "unknown")] += 1
            if isinstance(row.values.get("lang"), str):
                found.languages[row.values["lang"]] += 1
            found.synthetic += row.values.get("synthetic") is True
            named = split_of(row.values)
            found.validation += named == "valid"
            if named == "test":
                found.testing[-1] += 1
            else:
                found.buckets[bucket(seed, row.origin)] += 1
    return found


def _check_scorer(row: Row, first: dict[str, Row]) -> None:
    """Scores of two scorer versions are not on one scale."""
    if "authority_weight" not in row.values and "auth_weight" not in row.values:
        return
    first.setdefault(str(whole(row.values.get("scorer"))), row)
    if len(first) > 1:
        versions = " and ".join(sorted(first))
        raise row.error(
            f"rows were scored by different scorers ({versions}); score all of them again: distrust-hub score"
        )
