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

from distrust_hub.artifacts import EvalReport, TrainingRun
from distrust_hub.config import PrepareConfig, TrainConfig
from distrust_hub.errors import OutputExistsError
from distrust_hub.files import iter_jsonl, sha256_file, write_jsonl
from distrust_hub.sample import sample_corpus_path

logger = logging.getLogger(__name__)

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
        OutputExistsError: If the folder holds an earlier demo and ``overwrite`` is off.
    """
    from distrust_hub.cards.render import write_card
    from distrust_hub.evaluation.runner import evaluate
    from distrust_hub.models.registry import default_model
    from distrust_hub.models.resolve import resolve_base
    from distrust_hub.preparation.export import prepare
    from distrust_hub.scoring.bulk import score_dataset
    from distrust_hub.training.trainer import train

    folder = Path(output)
    if (folder / "scored.jsonl").exists() and not overwrite:
        raise OutputExistsError(f"{folder}: holds an earlier demo; choose another -o or add --overwrite")
    clock = _Clock(announce)
    base = model or default_model()
    resolve_base(base)  # fetched before anything is written

    clock.start("score", "the sample corpus and the documents of 100 invented source conflicts")
    write_jsonl(folder / "corpus.jsonl", demo_rows(seed))
    score_dataset(str(folder / "corpus.jsonl"), str(folder / "scored.jsonl"), overwrite=True)

    clock.start("prepare", "a training folder with a manifest")
    data = folder / "data"
    prepare([str(folder / "scored.jsonl")], data, PrepareConfig(seed=seed), overwrite=True)

    runs: dict[str, TrainingRun] = {}
    for arm in ("reweight", "none", "literal") if compare else ("reweight",):
        clock.start(f"train {arm}", f"a LoRA adapter with the objective {arm}")
        config = TrainConfig(
            model=base,
            data=str(data),
            adapter_path=str(folder / f"adapter-{arm}"),
            objective=arm,
            seed=seed,
            overwrite=True,
            **SETTINGS,
        )
        runs[arm] = train(config)

    clock.start("evaluate", "which source the model believes, before and after training")
    adapter = folder / "adapter-reweight"
    [report] = evaluate(
        base,
        ["source-preference"],
        adapter_paths={"adapter-reweight": adapter},
        data={"source-preference": data},
        seed=seed,
        output=adapter,
    )
    clock.start("card", "README.md from the recorded facts")
    write_card(adapter)
    return DemoResult(
        output=folder,
        adapter=adapter,
        run=runs["reweight"],
        report=report,
        arms={arm: sha256_file(folder / f"adapter-{arm}" / "adapters.safetensors") for arm in runs},
        seconds=clock.stop(),
    )


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
