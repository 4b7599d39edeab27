"""The suite ``source-preference``: in-context conflicts for any model, trained ones where their documents are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.artifacts import TRAIN_FILE
from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.benchmark import Benchmark, Measurement, Outcome, Request
from distrust_hub.evaluation.report import suite_entry
from distrust_hub.evaluation.scorer import Scorer
from distrust_hub.evaluation.source_preference import (
    Conflict,
    PreferenceScores,
    conflicts_from_rows,
    in_context_conflict,
    make_conflicts,
    trained_conflict,
)
from distrust_hub.files import iter_jsonl, sha256_file

N_ENTITIES = 100
"""Invented entities asked about when no training data is named (our choice)."""

_PARTS = ("delta_nats", "delta_nats_per_token", "primary_rate")


class SourcePreference(Benchmark[Conflict]):
    """Whom the model believes when a primary and a coordinated source contradict each other."""

    name = "source-preference"
    summary = "which of two contradicting sources the model believes, about invented entities"
    source = "generated (seeded); source-preference=DIR asks about the conflicts in a training folder"
    license = "Apache-2.0"
    prompting = "in_context: both documents, then the question; trained: the question alone"
    metrics = tuple(f"{kind}_{part}" for kind in ("in_context", "trained") for part in _PARTS)
    primary_metric = "in_context_delta_nats"

    def load(self, request: Request) -> list[Conflict]:
        """Invent the conflicts, or read them from the training rows named.

        Raises:
            EvaluationError: If the rows hold no conflicts.
        """
        if request.data is None:
            return make_conflicts(N_ENTITIES, request.seed)
        path = _file(request.data)
        conflicts = conflicts_from_rows(row for _, row in iter_jsonl(path))
        if not conflicts:
            raise EvaluationError(f"{path}: no rows of invented conflicts; omit the data to generate new ones")
        return conflicts

    def settings(self, request: Request) -> dict[str, Any]:
        """Where the conflicts are from."""
        if request.data is None:
            return {"conflicts": "generated"}
        path = _file(request.data)
        return {"conflicts": path.name, "data_sha256": sha256_file(path)}

    def score(self, scorer: Scorer, items: Sequence[Conflict], request: Request) -> Outcome:
        """Generated conflicts are put in context; conflicts of a training folder are asked about without documents."""
        if request.data is None:
            return preference_outcome("in_context", in_context_conflict(scorer, items, seed=request.seed))
        return preference_outcome("trained", trained_conflict(scorer, items))


def preference_outcome(kind: str, scores: PreferenceScores) -> Outcome:
    """Deltas as measurements.

    Args:
        kind: ``in_context`` or ``trained``; begins every metric's name.
        scores: One model's deltas.
    """
    values = {
        "delta_nats": Measurement(scores.delta, 0.0, clusters=scores.entity_ids),
        "delta_nats_per_token": Measurement(scores.delta_per_token, 0.0, clusters=scores.entity_ids),
        "primary_rate": Measurement((scores.delta > 0).astype(np.float64), 0.5, proportion=True),
    }
    samples = [
        {"entity_id": entity, f"{kind}_delta_nats": float(delta), f"{kind}_delta_nats_per_token": float(per_token)}
        for entity, delta, per_token in zip(scores.entity_ids, scores.delta, scores.delta_per_token)
    ]
    measured: dict[str, Measurement | None] = {f"{kind}_{name}": value for name, value in values.items()}
    return Outcome(measured, samples=samples, primary_metric=f"{kind}_delta_nats")


def trained_conflict_entry(
    after: PreferenceScores, before: PreferenceScores | None = None, *, seed: int = 0
) -> dict[str, Any]:
    """The suite entry of ``trained_conflict``, with the paired difference of training where ``before`` is given.

    ``entry["metrics"]["trained_delta_nats"]["difference"]`` then has ``value``, ``ci95``, ``n`` and ``verdict``,
    which reads "not resolved at this size" when the interval holds 0.

    Args:
        after: The trained model's deltas.
        before: The base model's, on the same conflicts.
        seed: Seed of the bootstrap, and of the conflicts.

    Raises:
        EvaluationError: If the two are not about the same entities.
    """
    if before is not None and before.entity_ids != after.entity_ids:
        raise EvaluationError("deltas before and after are not about the same entities; score both on one set")
    benchmark, request = SourcePreference(), Request(seed=seed)
    base = None if before is None else preference_outcome("trained", before)
    return suite_entry(benchmark, request, preference_outcome("trained", after), n=len(after.entity_ids), base=base)


def _file(data: Path) -> Path:
    return data / TRAIN_FILE if data.is_dir() else data
