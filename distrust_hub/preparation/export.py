"""Rows to a training folder: clean, score what is not scored, de-duplicate, balance, split, and document all of it."""

from __future__ import annotations

import logging
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import TRAIN_FILE, VALID_FILE, Manifest
from distrust_hub.config import PrepareConfig
from distrust_hub.errors import DataError, OutputExistsError
from distrust_hub.files import sha256_file, write_jsonl
from distrust_hub.preparation.balance import balance_tiers, split_by_origin
from distrust_hub.preparation.dedup import DuplicateFilter
from distrust_hub.preparation.load import InputRecord, read_scored
from distrust_hub.schema import ScoredDocument

logger = logging.getLogger(__name__)


def prepare(
    inputs: Sequence[str], output: str | Path, config: PrepareConfig | None = None, *, overwrite: bool = False
) -> Manifest:
    """Write ``train.jsonl``, ``valid.jsonl`` and ``manifest.json``.

    Rows without scores are scored here. A row whose ``split`` column says ``train`` or ``valid`` keeps that split;
    the others are split by origin. The same inputs and seed give the same bytes.

    Args:
        inputs: Files, folders or Hub datasets.
        output: Folder to write; the manifest comes last, so a folder with one is complete.
        config: Seed, shares and limits.
        overwrite: Replace a complete folder.

    Returns:
        The manifest, in which rows in = kept + removed by reason.

    Raises:
        OutputExistsError: If the folder holds a manifest and ``overwrite`` is off.
        DataError: If a row cannot be used, or nothing is left to train on.
    """
    config = config or PrepareConfig()
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise OutputExistsError(f"{folder}: is a file; give -o a folder that is new or empty")
    if (folder / Manifest.FILE_NAME).exists() and not overwrite:
        raise OutputExistsError(f"{folder}: holds a training folder already; choose another -o or add --overwrite")
    records, kept, removed = clean(inputs, config)
    if config.tier_shares is not None:
        kept, dropped = balance_tiers(kept, parse_shares(config.tier_shares), config.seed)
        removed["tier_balance"] += dropped
    train, valid = split_rows(kept, config)
    if not train:
        names, rows = ", ".join(inputs), sum(record.rows for record in records)
        raise DataError(f"{names}: no row left to train on out of {rows}; see what was removed with --inspect")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as draft:
        manifest = _write(Path(draft), {"train": train, "valid": valid}, records, removed, config)
        folder.mkdir(exist_ok=True)
        for name in (TRAIN_FILE, VALID_FILE, Manifest.FILE_NAME):
            os.replace(Path(draft) / name, folder / name)
    return manifest


def _write(
    folder: Path,
    splits: dict[str, list[ScoredDocument]],
    records: list[InputRecord],
    removed: Counter[str],
    config: PrepareConfig,
) -> Manifest:
    files = {"train": folder / TRAIN_FILE, "valid": folder / VALID_FILE}
    for name, documents in splits.items():
        write_jsonl(files[name], (document.to_row() for document in documents))
    kept = [document for documents in splits.values() for document in documents]
    manifest = Manifest(
        inputs=[record.to_json() for record in records],
        parameters=config.to_json(),
        counts={"in": sum(r.rows for r in records), "kept": len(kept), "removed": dict(+removed)},
        splits={name: describe_split(documents, files[name]) for name, documents in splits.items()},
        scorer=kept[0].metadata["scorer"],
        licenses=count_column(kept, "license"),
        synthetic=sum(bool(document.metadata.get("synthetic")) for document in kept),
    )
    manifest.save(folder)
    return manifest


def clean(inputs: Sequence[str], config: PrepareConfig) -> tuple[list[InputRecord], list[ScoredDocument], Counter[str]]:
    """Read every input and leave out what is too short or a duplicate, counted by reason."""
    duplicates = DuplicateFilter()
    records: list[InputRecord] = []
    kept: list[ScoredDocument] = []
    removed: Counter[str] = Counter()
    for source in inputs:
        record, documents = read_scored(source, text_column=config.text_column, rescore=config.rescore)
        records.append(record)
        for document in documents:
            if len(document.text.split()) < config.min_words:
                removed["too_short"] += 1
            elif duplicates.is_duplicate(document.text):
                removed["duplicate"] += 1
            else:
                kept.append(document)
    _check_one_scorer(kept)
    return records, kept, removed


def split_rows(
    documents: Sequence[ScoredDocument], config: PrepareConfig
) -> tuple[list[ScoredDocument], list[ScoredDocument]]:
    """(train, valid): rows that name their split keep it, the others are split by origin."""
    free = [document for document in documents if document.metadata.get("split") not in ("train", "valid")]
    _, held_out = split_by_origin(free, config.valid_share, config.seed)
    held_ids = {id(document) for document in held_out}
    train: list[ScoredDocument] = []
    valid: list[ScoredDocument] = []
    for document in documents:
        given = document.metadata.get("split")
        is_valid = given == "valid" or (given != "train" and id(document) in held_ids)
        (valid if is_valid else train).append(document)
    return train, valid


def parse_shares(text: str) -> tuple[float, float, float]:
    """``"0.3,0.3,0.4"`` to shares of primary, medium and coordinated, scaled to sum to 1."""
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        shares = []
    if len(shares) != 3 or not all(0 < share < float("inf") for share in shares):
        problem = f"tier_shares is {text!r}; expected three positive numbers: primary,medium,coordinated"
        raise DataError(problem)
    total = sum(shares)
    return shares[0] / total, shares[1] / total, shares[2] / total


def describe_split(documents: Sequence[ScoredDocument], file: Path) -> dict[str, Any]:
    """Rows, hash, tiers and source types of one written split."""
    return {
        "rows": len(documents),
        "sha256": sha256_file(file),
        "tiers": count_column(documents, "tier"),
        "source_types": count_column(documents, "source_type"),
    }


def count_column(documents: Iterable[ScoredDocument], column: str) -> dict[str, int]:
    """How often each value of a metadata column occurs; a missing one counts as ``unknown``."""
    counts = Counter(str(document.metadata.get(column) or "unknown") for document in documents)
    return dict(sorted(counts.items()))


def _check_one_scorer(documents: Sequence[ScoredDocument]) -> None:
    versions = sorted({str(document.metadata.get("scorer")) for document in documents})
    if len(versions) > 1:
        raise DataError(f"rows were scored by different scorer versions ({', '.join(versions)}); add --rescore")
