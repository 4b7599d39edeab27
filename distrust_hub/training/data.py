"""Find the rows to train on: a training folder, a single scored file, or a dataset on the Hub."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import TRAIN_FILE, VALID_FILE, Manifest
from distrust_hub.errors import DataError, InputNotFoundError
from distrust_hub.files import sha256_file
from distrust_hub.schema import check_schema
from distrust_hub.scoring.inputs import iter_source

_REPO_ID = re.compile(r"[\w.-]+/[\w.-]+(@[^\s@]+)?")


@dataclass(frozen=True)
class Row:
    """One row and the place it is from, for messages."""

    values: Mapping[str, Any]
    path: str
    line: int

    def error(self, problem: str) -> DataError:
        """A DataError that names the row's file and line."""
        return DataError(problem, path=self.path, line=self.line)


@dataclass(frozen=True)
class TrainingData:
    """Rows to train on and to hold out, with where they are from.

    Attributes:
        name: Folder name, file name or Hub id; never a local path.
        revision: Resolved commit of a Hub dataset.
        sha256: {split: SHA-256 of its file}.
        train: Rows of the training split, at least one.
        valid: Rows held out; empty where there is no such split.
        manifest: How the data was prepared, where that is recorded.
    """

    name: str
    revision: str | None
    sha256: dict[str, str]
    train: list[Row]
    valid: list[Row]
    manifest: Manifest | None

    def record(self) -> dict[str, Any]:
        """What ``training_run.json`` says about the data, token counts aside."""
        return {
            "name": self.name,
            "revision": self.revision,
            "sha256": self.sha256["train"],
            "rows": len(self.train),
            "synthetic": sum(row.values.get("synthetic") is True for row in self.train),
            "licenses": dict(
                sorted(Counter(str(row.values.get("license") or "unknown") for row in self.train).items())
            ),
            "inputs": [] if self.manifest is None else self.manifest.inputs,
        }


def read_training_data(source: str) -> TrainingData:
    """Read all rows.

    Args:
        source: Folder with ``train.jsonl`` (and ``valid.jsonl``, ``manifest.json`` where there are), a file of scored
            rows, or a Hub dataset ``OWNER/NAME[@REVISION]`` that was made from one of these.

    Raises:
        InputNotFoundError: If there is nothing of that name.
        DataError: If a file has no rows or a line is not JSON; also for rows of different scorer versions.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return _read_folder(path, path.resolve().name, None)
    if path.is_file():
        return _read_files(path, None, path.name, None, None)
    if not _REPO_ID.fullmatch(source):
        raise InputNotFoundError(f"{source}: no such file or folder, and not a Hub dataset like owner/name")
    return _read_hub(source)


def _read_hub(source: str) -> TrainingData:
    from distrust_hub.hub.rows import pull_training_folder

    repo_id, _, revision = source.partition("@")
    folder, commit = pull_training_folder(repo_id, revision=revision or None)
    return _read_folder(folder, repo_id, commit)


def _read_folder(folder: Path, name: str, revision: str | None) -> TrainingData:
    train, valid = folder / TRAIN_FILE, folder / VALID_FILE
    if not train.is_file():
        raise InputNotFoundError(f"{name}: holds no {TRAIN_FILE}; make one with: distrust-hub prepare IN -o DIR")
    manifest = folder / Manifest.FILE_NAME
    return _read_files(
        train,
        valid if valid.is_file() else None,
        name,
        revision,
        Manifest.load(manifest) if manifest.is_file() else None,
    )


def _read_files(
    train: Path, valid: Path | None, name: str, revision: str | None, manifest: Manifest | None
) -> TrainingData:
    files = {"train": train} if valid is None else {"train": train, "valid": valid}
    rows = {split: list(_iter_rows(file)) for split, file in files.items()}
    if not rows["train"]:
        raise DataError("no rows to train on; the file is empty", path=train)
    _check_scorer([row for split in rows.values() for row in split])
    hashes = {split: sha256_file(file) for split, file in files.items()}
    return TrainingData(name, revision, hashes, rows["train"], rows.get("valid", []), manifest)


def _iter_rows(path: Path) -> Iterator[Row]:
    for name, line, values, problem in iter_source(path):
        if values is None:
            raise DataError(str(problem), path=name, line=line)
        check_schema(values.get("schema"), name)
        yield Row(values, name, line)


def _check_scorer(rows: list[Row]) -> None:
    """Scores of two scorer versions are not on one scale."""
    first: dict[Any, Row] = {}
    for row in rows:
        if "authority_weight" in row.values or "auth_weight" in row.values:
            first.setdefault(row.values.get("scorer"), row)
    if len(first) > 1:
        row = list(first.values())[1]
        versions = " and ".join(sorted(str(version) for version in first))
        raise row.error(
            f"rows were scored by different scorers ({versions}); score all of them again: distrust-hub score"
        )
