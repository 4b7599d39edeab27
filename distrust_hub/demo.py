"""The whole path on a small real model: score, prepare, train, evaluate, card.

The corpus is the shipped sample (fiction) and the documents of invented source conflicts: for each of 100 entities a
primary-style and a coordinated-style document of about equal length state two different values. The model is
trained on both sides, weighted by their scores; the question is which value it then prefers.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import ADAPTER_FILE, EvalReport, TrainingRun
from distrust_hub.config import PrepareConfig, TrainConfig
from distrust_hub.errors import OutputExistsError, TrainingInterrupted
from distrust_hub.files import iter_jsonl, sha256_file, write_jsonl
from distrust_hub.sample import sample_corpus_path

logger = logging.getLogger(__name__)

CORPUS_FILE = "corpus.jsonl"
"""What a demo writes first, and is known by."""

_ARMS = ("reweight", "none", "literal")
"""Objectives; the first is the one that is evaluated, the others are controls."""

N_ENTITIES = 100
TRAIN_PER_TYPE, VALID_PER_TYPE = 3, 2
"""Sample documents of each source type; all 146 would not fit the budget of 20,000 trained tokens."""

SETTINGS: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 4,
    "grad_accumulation_steps": 2,
    "num_layers": 12,
    "rank": 16,
    "warmup_steps": 3,
    "max_seq_length": 256,
}
"""Everything else is the default of ``distrust-hub train``."""


@dataclass
class DemoResult:
    """What the demo made.

    Attributes:
        output: Folder with ``scored.jsonl``, ``data/`` and one adapter folder per arm.
        adapter: The publishable folder.
        run: Its training run.
        report: Its evaluation.
        arms: {objective: SHA-256 of the adapter} of every arm trained.
        seconds: Time of each stage.
    """

    output: Path
    adapter: Path
    run: TrainingRun
    report: EvalReport
    arms: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def run_demo(
    output: str | Path,
    *,
    model: str | None = None,
    seed: int = 0,
    compare: bool = False,
    overwrite: bool = False,
    announce: Callable[[str], None] = logger.info,
) -> DemoResult:
    """Run every stage and leave a publishable adapter folder.

    Args:
        output: Folder to write.
        model: Base model; the small model installed with the demo, or its Hub id, when None.
        seed: Seed of the conflicts, the split, initialisation and order.
        compare: Also train the arms ``none`` and ``literal``, whose adapters are the same bytes.
        overwrite: Replace an earlier demo in the folder.
        announce: Called with a line before each stage.

    Raises:
        OutputExistsError: If the folder holds anything but an earlier demo, or one and ``overwrite`` is off.
        TrainingError: If this machine's memory cannot hold the training; nothing is written then.
        TrainingInterrupted: After Ctrl-C.
    """
    from distrust_hub.models.registry import default_model
    from distrust_hub.models.resolve import resolve_base
    from distrust_hub.training.estimate import refuse_what_cannot_fit
    from distrust_hub.training.trainer import train  # says at once where MLX is missing

    folder, data, clock = Path(output), Path(output) / "data", _Clock(announce)
    _check_output(folder, overwrite)
    base = model or default_model()
    configs = {arm: _config(arm, base, folder, data, seed) for arm in (_ARMS if compare else _ARMS[:1])}
    resolved = resolve_base(base)  # fetched before anything is written
    refuse_what_cannot_fit(configs[_ARMS[0]], resolved, SETTINGS["max_seq_length"])
    _make_data(folder, data, seed, clock)
    runs = {arm: _train(train, config, clock) for arm, config in configs.items()}
    adapter = Path(configs[_ARMS[0]].adapter_path)
    return DemoResult(
        output=folder,
        adapter=adapter,
        run=runs[_ARMS[0]],
        report=_evaluate(adapter, base, data, seed, clock),
        arms={arm: sha256_file(Path(config.adapter_path) / ADAPTER_FILE) for arm, config in configs.items()},
        seconds=clock.stop(),
    )


def _check_output(folder: Path, overwrite: bool) -> None:
    """Refuse a folder of somebody else's files, which a demo's could replace, and an earlier demo unasked."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    corpus = folder / CORPUS_FILE
    first = next(iter_jsonl(corpus), None) if corpus.is_file() else None
    if first is None or first[1].get("id") != demo_rows(0)[0]["id"]:
        raise OutputExistsError(f"{folder}: is there and holds no earlier demo; choose a new or empty folder with -o")
    if not overwrite:
        raise OutputExistsError(f"{folder}: holds an earlier demo; choose another -o or add --overwrite")


def _config(arm: str, base: str, folder: Path, data: Path, seed: int) -> TrainConfig:
    return TrainConfig(
        model=base,
        data=str(data),
        adapter_path=str(folder / f"adapter-{arm}"),
        objective=arm,  # type: ignore[arg-type]
        seed=seed,
        overwrite=True,
        **SETTINGS,
    )


def _make_data(folder: Path, data: Path, seed: int, clock: _Clock) -> None:
    from distrust_hub.preparation.export import prepare
    from distrust_hub.scoring.bulk import score_dataset

    clock.start("score", "the sample corpus and the documents of 100 invented source conflicts")
    scored = folder / "scored.jsonl"
    write_jsonl(folder / CORPUS_FILE, demo_rows(seed))
    score_dataset(folder / CORPUS_FILE, scored, overwrite=True)

    clock.start("prepare", "a training folder with a manifest")
    prepare([str(scored)], data, PrepareConfig(seed=seed), overwrite=True)


def _train(train: Callable[[TrainConfig], TrainingRun], config: TrainConfig, clock: _Clock) -> TrainingRun:
    clock.start(f"train {config.objective}", f"a LoRA adapter with the objective {config.objective}")
    try:
        return train(config)
    except TrainingInterrupted as error:  # its message proposes an option that only ``train`` has
        raise TrainingInterrupted("interrupted; start the demo again with --overwrite") from error


def _evaluate(adapter: Path, base: str, data: Path, seed: int, clock: _Clock) -> EvalReport:
    from distrust_hub.cards.render import write_card
    from distrust_hub.evaluation.runner import evaluate

    clock.start("evaluate", "which source the model believes, before and after training")
    [report] = evaluate(
        base,
        ["source-preference"],
        adapter_paths={adapter.name: adapter},
        data={"source-preference": data},
        seed=seed,
        output=adapter,
    )
    clock.start("card", "README.md from the recorded facts")
    write_card(adapter)
    return report


def demo_rows(seed: int) -> list[dict[str, Any]]:
    """Unscored rows of the demo: samples of each source type to train on and to hold out, and the conflicts."""
    from distrust_hub.evaluation.source_preference import make_conflicts, training_rows

    rows: list[dict[str, Any]] = []
    seen: Counter[str] = Counter()
    for _, row in iter_jsonl(sample_corpus_path()):
        seen[row["source_type"]] += 1
        if seen[row["source_type"]] <= TRAIN_PER_TYPE:
            rows.append({**row, "split": "train"})
        elif seen[row["source_type"]] <= TRAIN_PER_TYPE + VALID_PER_TYPE:
            rows.append({**row, "split": "valid"})
    conflicts = training_rows(make_conflicts(N_ENTITIES, seed), seed=seed)
    rows.extend({**row, "split": "train", "license": "CC0-1.0"} for row in conflicts)
    return rows


class _Clock:
    """Announces stages and keeps how long each took."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._seconds: dict[str, float] = {}
        self._stage: tuple[str, float] | None = None

    def start(self, stage: str, what: str) -> None:
        self.stop()
        self._announce(f"{stage}: {what}")
        self._stage = (stage, time.monotonic())

    def stop(self) -> dict[str, float]:
        if self._stage is not None:
            stage, began = self._stage
            self._seconds[stage] = time.monotonic() - began
            self._stage = None
        return self._seconds
