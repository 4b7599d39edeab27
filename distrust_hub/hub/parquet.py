"""Scored rows to parquet shards, through ``datasets``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from distrust_hub.files import iter_jsonl
from distrust_hub.hub.redistribution import Release
from distrust_hub.hub.rows import import_datasets, parquet_rows
from distrust_hub.schema import ScoredDocument

ROW_SUFFIXES = (".jsonl", ".parquet")

MAX_SHARD_BYTES = 500_000_000
"""Size of a parquet shard in memory, the Hub's recommendation."""


def write_parquet(
    split: str, path: Path, kinds: Mapping[str, set[type]], folder: Path, release: Release
) -> dict[str, Path]:
    """Write one split as shards of bounded size.

    Args:
        split: Name of the split.
        path: ``.jsonl`` or ``.parquet`` file of scored rows.
        kinds: {column: Python types seen in it}, over all splits, so that they share one schema.
        folder: Where to write.
        release: What of each row is published.

    Returns:
        {path in the repo: file}.
    """
    datasets = import_datasets("publishing a dataset")
    features = datasets.Features({name: _feature(datasets, seen) for name, seen in kinds.items()})
    generate = _row_source(path, list(kinds), release)
    data = datasets.Dataset.from_generator(generate, features=features, cache_dir=str(folder / "cache"))
    count = max(1, math.ceil(data.data.nbytes / MAX_SHARD_BYTES))
    files: dict[str, Path] = {}
    for index in range(count):
        name = f"data/{split}-{index:05d}-of-{count:05d}.parquet"
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        data.shard(count, index, contiguous=True).to_parquet(file)
        files[name] = file
    return files


def _row_source(path: Path, columns: list[str], release: Release) -> Callable[[], Iterator[dict[str, Any]]]:
    def generate() -> Iterator[dict[str, Any]]:
        for line, row in numbered_rows(path):
            published, _ = release.apply(ScoredDocument.from_row(row, path=path, line=line).to_row())
            if published is not None:
                yield {column: published.get(column) for column in columns}

    return generate


def _feature(datasets: Any, kinds: set[type]) -> Any:
    """The parquet type of a column, from the Python types seen in it; anything nested or mixed is kept as JSON."""
    plain = kinds - {type(None)}
    if plain == {str} or not plain:
        return datasets.Value("string")
    if plain == {bool}:
        return datasets.Value("bool")
    if plain == {int}:
        return datasets.Value("int64")
    if plain <= {int, float}:
        return datasets.Value("float64")
    return datasets.Json()


def numbered_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line or row number from 1, row) of a ``.jsonl`` or ``.parquet`` file."""
    if path.suffix == ".parquet":
        yield from enumerate(parquet_rows(path), start=1)
    else:
        yield from iter_jsonl(path)
