"""Find the rows to train on: a training folder, a single scored file, or a dataset on the Hub."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import SPLIT_FILES, TRAIN_FILE, Manifest
from distrust_hub.errors import DataError, InputNotFoundError
from distrust_hub.files import combined_sha256, sha256_file
from distrust_hub.hub.client import is_repo_id, split_revision
from distrust_hub.training.rows import Part, Row, Rows, Scan, scan

log = logging.getLogger(__name__)

_SHARD = re.compile(r"(train|valid)(?:ation)?(-[\w-]+)?\.(jsonl|jsonl\.gz|jsonl\.zst|parquet|csv)")
"""A file of a split that may have several, named as the Hub names them: ``train-00000-of-00004.parquet``."""
_UNREAD = re.compile(_SHARD.pattern.replace("(train|valid)(?:ation)?", "val"))
"""A file of a split under a name that other projects have for it."""

GIVEN, BY_ORIGIN = "given", "by origin"
"""How a valid split was made: the data brought it, as a file or in a column ``split``, or it was made here."""


@dataclass(frozen=True)
class TrainingData:
    """Rows to train on and to hold out, with where they are from.

    Attributes:
        name: Folder name, file name or Hub id; never a local path.
        revision: Resolved commit of a Hub dataset.
        sha256: {split: SHA-256 of its files, see ``files.combined_sha256``}.
        train: Rows of the training split, at least one.
        valid: Rows held out; empty where there are none.
        counts: What a pass over the training rows told.
        manifest: How the data was prepared, where that is recorded.
    """

    name: str
    revision: str | None
    sha256: dict[str, str]
    train: Rows
    valid: Rows
    counts: Scan
    manifest: Manifest | None

    def record(self) -> dict[str, Any]:
        """What ``training_run.json`` says about the data, token counts aside."""
        return {
            "name": self.name,
            "revision": self.revision,
            "sha256": self.sha256["train"],
            "rows": len(self.train),
            "valid_rows": len(self.valid),
            "valid_split": self._valid_split,
            "synthetic": self.counts.synthetic,
            "licenses": dict(sorted(self.counts.licenses.items())),
            "languages": dict(sorted(self.counts.languages.items())),
            "inputs": [] if self.manifest is None else self.manifest.inputs,
        }

    @property
    def _valid_split(self) -> str | None:
        if "valid" in self.sha256:
            return GIVEN
        if not len(self.valid):
            return None
        return GIVEN if self.valid.part is not None and self.valid.part.held_out is None else BY_ORIGIN


def read_training_data(source: str, *, valid_share: float = 0.0, seed: int = 0) -> TrainingData:
    """Find the files, and count and check their rows in one pass.

    Args:
        source: Folder with ``train.jsonl`` (and ``valid.jsonl``, ``manifest.json`` where there are) or shards of it
            (``train-00000.parquet``, also in ``data/``), a file of scored rows, or a Hub dataset
            ``OWNER/NAME[@REVISION]`` that holds one of these.
        valid_share: Share of the rows to hold out, whole origins at a time, where there is no valid split: neither a
            file of it, nor rows that name it in a column ``split``. Rows that name ``test`` there are left out.
        seed: Seed of that split.

    Raises:
        InputNotFoundError: If there is nothing of that name.
        DataError: If a file has no rows or a line is not JSON; also for rows of different scorer versions.
    """
    path = Path(source).expanduser()
    name, revision = path.resolve().name, None
    if path.is_file():
        files, manifest = {"train": [path]}, None
    else:
        folder = path
        if not path.is_dir():
            if not is_repo_id(split_revision(source)[0]):
                raise InputNotFoundError(f"{source}: no such file or folder, and not a Hub dataset like owner/name")
            name, folder, revision = _pull(source)
        files = _folder_files(folder, name)
        manifest = _manifest(folder, name)
    hashes = {split: combined_sha256([(f.name, sha256_file(f)) for f in found]) for split, found in files.items()}
    return TrainingData(name, revision, hashes, *_splits(files, valid_share, seed), manifest)


def _manifest(folder: Path, name: str) -> Manifest | None:
    """How a folder was prepared, where it says so."""
    if not (folder / Manifest.FILE_NAME).is_file():
        return None
    manifest = Manifest.load(folder)
    for file in manifest.changed_files(folder):
        log.warning(
            "%s: %s is another file than the one that manifest.json describes; what the record and the card say of its "
            "origin may not hold: prepare it again, or remove manifest.json",
            name,
            file,
        )
    return manifest


def _pull(source: str) -> tuple[str, Path, str]:
    """Id, folder and commit of a Hub dataset; its files lie in the cache and are read row by row."""
    from distrust_hub.hub.rows import pull_training_folder

    repo_id, revision = split_revision(source)
    folder, commit = pull_training_folder(repo_id, revision=revision)
    return repo_id, folder, commit


def _folder_files(folder: Path, name: str) -> dict[str, list[Path]]:
    """{split: its files}: the one file of that name, or shards in the folder or in ``data/``."""
    found: dict[str, list[Path]] = {}
    paths = [path for path in sorted([*folder.glob("*"), *folder.glob("data/*")]) if path.is_file()]
    for path in paths:
        if match := _SHARD.fullmatch(path.name):
            found.setdefault(match[1], []).append(path)
    for split, file in zip(("train", "valid"), SPLIT_FILES.values()):
        shards = [path for path in found.get(split, []) if path != folder / file]
        if shards and (folder / file).is_file():
            raise DataError(f"holds {file} and {shards[0].name}; keep the one file, or shards alone", path=name)
    if "train" not in found:
        raise InputNotFoundError(f"{name}: holds no {TRAIN_FILE}; make one with: distrust-hub prepare IN -o DIR")
    if "valid" not in found and (unread := next((path for path in paths if _UNREAD.fullmatch(path.name)), None)):
        old = unread.relative_to(folder).as_posix()
        new = unread.with_name(f"valid{unread.name.removeprefix('val')}").relative_to(folder).as_posix()
        log.warning("%s: %s is not read; rename it to %s and it is the held-out split", name, old, new)
    return found


def _splits(files: dict[str, list[Path]], valid_share: float, seed: int) -> tuple[Rows, Rows, Scan]:
    train, scorers = files["train"], dict[str, Row]()
    counts = scan(train, seed, scorers=scorers)
    if not counts.rows:
        raise DataError("no rows to train on; the file is empty", path=train[0])
    if "valid" in files:
        valid = files["valid"]
        return Rows(train, counts.files), Rows(valid, scan(valid, seed, scorers=scorers).files), counts
    if left_out := sum(counts.testing):
        log.warning(
            "%s: %d rows are left out; their split column says that they are for testing", train[0].name, left_out
        )
    held_out = None if counts.validation else counts.held_out(valid_share)
    if not (held_out is None or held_out or left_out):
        return Rows(train, counts.files), Rows(), counts
    parts = [Part(seed, held_out, valid) for valid in (False, True)]
    kept = scan(train, seed, parts[0])
    if not kept.rows:
        raise DataError("no rows to train on; their split column says valid or test", path=train[0])
    held = [rows - tests - rest for rows, tests, rest in zip(counts.files, counts.testing, kept.files)]
    return Rows(train, kept.files, parts[0]), Rows(train, held, parts[1]), kept
