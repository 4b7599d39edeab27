"""Inputs to a training folder: every check, balance, split, and a manifest that documents all of it."""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import TRAIN_FILE, VALID_FILE, Manifest
from distrust_hub.config import PrepareConfig
from distrust_hub.errors import DataError, OutputExistsError
from distrust_hub.files import sha256_file, write_jsonl
from distrust_hub.preparation.balance import balance_tiers, origins_of, parse_shares, split_by_origin, split_of
from distrust_hub.preparation.contamination import FORM_ITEMS, HELD_OUT, evaluation_set, word_hashes
from distrust_hub.preparation.conversations import own_text
from distrust_hub.preparation.licensing import check_publishing
from distrust_hub.preparation.pairs import make_pairs
from distrust_hub.preparation.pipeline import Collected, collect
from distrust_hub.preparation.specs import InputSpec, evaluation_spec
from distrust_hub.schema import ScoredDocument
from distrust_hub.scoring.inputs import source_files

logger = logging.getLogger(__name__)

FORM_DOCUMENTS = 10
"""A sequence that so many rows share, or a quarter of a few rows, is a heading or a form, no quotation of one of them.
The usual rule too passes over what more than ten documents have (Brown et al. 2020, appendix C)."""

_WRITTEN = (TRAIN_FILE, VALID_FILE, Manifest.FILE_NAME)


def prepare(
    inputs: Sequence[str | InputSpec],
    output: str | Path,
    config: PrepareConfig | None = None,
    *,
    overwrite: bool = False,
    against: Sequence[str | InputSpec] = (),
    strict: bool = False,
) -> Manifest:
    """Write ``train.jsonl``, ``valid.jsonl`` and ``manifest.json``.

    Rows without scores are scored here. A row whose ``split`` column says ``train`` or ``valid`` (or ``validation``)
    keeps that split, one that says ``test`` is left out, the others follow the rows of their origin or are split by it.
    The same inputs and seed give the same bytes, also when a run was killed and started again: what it had read from
    the Hub stays in ``.NAME.partial`` beside the folder until a run ends well.

    Args:
        inputs: Files, folders or Hub datasets, by name or with how to read them.
        output: Folder to write; the manifest comes last, so a folder with one is complete.
        config: Seed, checks, shares and limits.
        overwrite: Replace the files of a folder that holds any of the three.
        against: Evaluation data whose texts must not be in the result: files, folders or Hub datasets, by name (all
            splits) or with how to read them.
        strict: Stop where a Hub dataset cannot be read, instead of reporting it and going on.

    Returns:
        The manifest, in which rows in = kept + removed by reason.

    Raises:
        OutputExistsError: If the folder holds one of the files and ``overwrite`` is off, or if one is an input.
        DataError: If a row cannot be used, or nothing is left to train on.
        HubError: If a Hub dataset cannot be read and nothing can be done without it.
    """
    config = config or PrepareConfig()
    specs = [InputSpec(entry) if isinstance(entry, str) else entry for entry in inputs]
    folder = Path(output)
    _check_output(folder, [*specs, *map(evaluation_spec, against)], overwrite)
    work = folder.parent / f".{folder.name}.partial"
    if work.exists():
        logger.warning("%s: going on with what an earlier run read, at its commits; delete it to start anew", work)
    collected = collect(specs, config, work, against=against, strict=strict)
    splits = choose(collected, config)
    if not splits["train"]:
        raise _nothing_left(specs, collected)
    draft = folder / ".draft" if folder.is_dir() else folder.parent / f".{folder.name}.draft"  # on one disk with it
    shutil.rmtree(draft, ignore_errors=True)  # of a run that was killed
    draft.mkdir(parents=True)
    try:
        manifest = _write(draft, splits, collected, config)
        _publish(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    return manifest


def _publish(draft: Path, folder: Path) -> None:
    """Give the files their place: a new folder in one step, in one that is there the manifest last."""
    if not folder.exists():
        os.rename(draft, folder)
        return
    (folder / Manifest.FILE_NAME).unlink(missing_ok=True)
    for name in _WRITTEN:
        os.replace(draft / name, folder / name)


def _check_output(folder: Path, specs: Sequence[InputSpec], overwrite: bool) -> None:
    """Refuse to replace files that nobody said may go, and inputs in any case."""
    if folder.exists() and not folder.is_dir():
        raise OutputExistsError(f"{folder}: is a file; give -o a folder that is new or empty")
    there = [folder / name for name in _WRITTEN if (folder / name).exists()]
    if there and not overwrite:
        raise OutputExistsError(f"{folder}: holds {there[0].name} already; choose another -o or add --overwrite")
    read = {file.resolve() for spec in specs if there for file in source_files(spec.source) or []}
    if own := next((file for file in there if file.resolve() in read), None):
        raise OutputExistsError(f"{own}: is an input and would be replaced; choose another -o")


def _nothing_left(specs: Sequence[InputSpec], collected: Collected) -> DataError:
    names = ", ".join(spec.source for spec in specs)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted((+collected.removed).items()))
    removed = f" (removed: {reasons})" if reasons else ""
    return DataError(f"{names}: no row left to train on out of {collected.read}{removed}; see --inspect")


def choose(collected: Collected, config: PrepareConfig) -> dict[str, list[ScoredDocument]]:
    """Pair, balance and split the documents; ``collected`` counts what is left out, and what each input gives."""
    kept = collected.documents
    if config.pairs:
        kept, gone = make_pairs(kept)
        collected.removed += gone
    if config.tier_shares is not None:
        kept, dropped = balance_tiers(kept, parse_shares(config.tier_shares), config.seed)
        collected.removed["tier_balance"] += dropped
    train, valid = split_by_origin(kept, config.valid_share, config.seed)
    if len(valid) < config.valid_share * len(kept) / 2 and not any(split_of(row.metadata) for row in kept):
        share = f"{len(valid)} of {len(kept)} rows are held out, not {config.valid_share * 100:g} %"
        why = "rows of one origin stay together, and there are too few origins, or one is too large"
        if len(set(origins_of(kept))) == len(kept):
            why = "a tier's share is less than a row; raise valid_share, or name rows in a column 'split'"
        logger.warning("%s: %s", share, why)
    if config.contamination and valid:
        train = _without_held_out(train, valid, collected)
    for document in (*train, *valid):
        collected.records[collected.input_of[document.id]].kept += 1
    return {"train": train, "valid": valid}


def _without_held_out(
    train: list[ScoredDocument], valid: list[ScoredDocument], collected: Collected
) -> list[ScoredDocument]:
    """The training rows that share no word sequence with a held-out one but what many rows share."""
    held_out = evaluation_set(HELD_OUT, ({"text": _own_text(document)} for document in valid))
    count = len(train) + len(valid)
    every = (word_hashes(_own_text(document)) for document in (*train, *valid))
    having = held_out.drop_forms(every, min(FORM_DOCUMENTS, max(FORM_ITEMS, count // 4)))
    gone = {
        number for number in having if number < len(train) and held_out.overlaps(word_hashes(_own_text(train[number])))
    }
    collected.evaluation_sets.append(held_out)
    collected.removed["contamination"] += len(gone)
    return [document for number, document in enumerate(train) if number not in gone]


def _own_text(document: ScoredDocument) -> str:
    return own_text(document.metadata, document.text)


def _write(
    folder: Path, splits: dict[str, list[ScoredDocument]], collected: Collected, config: PrepareConfig
) -> Manifest:
    files = {"train": folder / TRAIN_FILE, "valid": folder / VALID_FILE}
    for name, documents in splits.items():
        write_jsonl(files[name], (document.to_row() for document in documents))
    kept = [document for documents in splits.values() for document in documents]
    licenses = count_column(kept, "license")
    manifest = Manifest(
        inputs=[record.to_json() for record in collected.records],
        parameters=config.to_json(),
        counts={"in": collected.read, "kept": len(kept), "removed": dict(sorted((+collected.removed).items()))},
        splits={name: describe_split(documents, files[name]) for name, documents in splits.items()},
        scorer=kept[0].metadata.get("scorer"),
        licenses=licenses,
        synthetic=sum(document.metadata.get("synthetic") is True for document in kept),
        changed=dict(sorted((+collected.changed).items())),
        contamination={known.name: known.to_json() for known in collected.evaluation_sets},
        publishing=check_publishing(licenses),
        failed=collected.failed,
    )
    manifest.save(folder)
    return manifest


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
