"""Scored rows to parquet shards, through ``datasets``."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from distrust_hub.files import iter_jsonl, well_formed
from distrust_hub.hub.redistribution import Release
from distrust_hub.hub.rows import import_datasets, parquet_rows
from distrust_hub.schema import ScoredDocument

ROW_SUFFIXES = (".jsonl", ".parquet")

Kind = Literal["null", "bool", "int", "long", "float", "str", "json"]
"""Kind of a value: ``int`` a whole number that a float64 holds exactly, ``long`` a larger one, ``json`` all nested."""

_PLAIN: dict[type, Kind] = {type(None): "null", bool: "bool", float: "float", str: "str"}
_EXACT = 1 << 53
_INT64 = range(-(1 << 63), 1 << 63)

MAX_SHARD_BYTES = 500_000_000
"""Size of a parquet shard in memory, the Hub's recommendation."""


def write_parquet(
    split: str, path: Path, kinds: Mapping[str, set[Kind]], folder: Path, release: Release
) -> dict[str, Path]:
    """Write one split as shards of bounded size.

    Args:
        split: Name of the split.
        path: ``.jsonl`` or ``.parquet`` file of scored rows.
        kinds: {column: kinds of value seen in it}, over all splits, so that they share one schema.
        folder: Where to write.
        release: What of each row is published.

    Returns:
        {path in the repo: file}.
    """
    datasets = import_datasets("publishing a dataset")
    types = {name: _column_type(seen) for name, seen in kinds.items()}
    features = {name: datasets.Value(type) if type else datasets.Json() for name, type in types.items()}
    generate = _row_source(path, types, release)
    files: dict[str, Path] = {}
    with _bars_at_a_terminal(datasets):
        data = datasets.Dataset.from_generator(
            generate, features=datasets.Features(features), cache_dir=str(folder / "cache")
        )
        count = max(1, math.ceil(data.data.nbytes / MAX_SHARD_BYTES))
        for index in range(count):
            name = f"data/{split}-{index:05d}-of-{count:05d}.parquet"
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            data.shard(count, index, contiguous=True).to_parquet(file)
            files[name] = file
    return files


@contextlib.contextmanager
def _bars_at_a_terminal(datasets: Any) -> Iterator[None]:
    """Progress bars of ``datasets`` in the block only where somebody looks at them."""
    if sys.stderr.isatty() or datasets.are_progress_bars_disabled():
        yield
        return
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


def _row_source(
    path: Path, types: Mapping[str, str | None], release: Release
) -> Callable[[], Iterator[dict[str, Any]]]:
    def generate() -> Iterator[dict[str, Any]]:
        for line, row in numbered_rows(path):
            published, _ = release.apply(ScoredDocument.from_row(row, path=path, line=line).to_row())
            if published is not None:
                yield {column: _cell(published.get(column), type) for column, type in types.items()}

    return generate


def _cell(value: Any, type: str | None) -> Any:
    """A value as its column takes it; ``datasets`` would take a string like ``"3"`` for JSON already."""
    return value if type or value is None else json.dumps(value, ensure_ascii=False)


def kind_of(value: object) -> Kind:
    """The kind of a value, by which ``write_parquet`` chooses the type of its column."""
    if type(value) is int:
        return "int" if abs(value) <= _EXACT else "long"
    return _PLAIN.get(type(value), "json")


def _column_type(kinds: set[Kind]) -> str | None:
    """The parquet type that holds every value of a column exactly; None for JSON: anything nested or mixed."""
    plain = kinds - {"null"}
    if plain <= {"str"}:
        return "string"
    if plain == {"bool"}:
        return "bool"
    if plain <= {"int", "long"}:
        return "int64"
    if plain <= {"int", "float"}:
        return "float64"
    return None


def numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line or row number from 1, row with what parquet can hold) of a ``.jsonl`` or ``.parquet`` file."""
    rows = enumerate(parquet_rows(path), start=1) if path.suffix == ".parquet" else iter_jsonl(path)
    for line, row in rows:
        yield line, _holdable(row)


def _holdable(value: Any) -> Any:
    """A value that parquet can hold: lone surrogates replaced; times, and whole numbers beyond 64 bits, as text."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_holdable(str(name)): _holdable(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_holdable(entry) for entry in value]
    if value is None or isinstance(value, float) or (isinstance(value, int) and value in _INT64):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
