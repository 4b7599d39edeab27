"""The suite ``source-preference``: in-context conflicts for any model, trained ones where their documents are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import TRAIN_FILE
from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.benchmark import Benchmark, Measurement, Outcome, Request
from distrust_hub.evaluation.scorer import Scorer
from distrust_hub.evaluation.source_preference import (
    Conflict,
    PreferenceScores,
    conflicts_from_rows,
    in_context_conflict,
    make_conflicts,
    trained_conflict,
)
from distrust_hub.files import iter_jsonl, plain, sha256_file

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
    takes_named_data = True

    def load(self, request: Request) -> list[Conflict]:
        """Invent the conflicts, or read them from the training rows named.

        Raises:
            EvaluationError: If the rows hold no conflicts.
        """
        if request.data is None:
            return make_conflicts(N_ENTITIES, request.seed)
        path = _file(request.data)
        conflicts = conflicts_from_rows(plain(row) for _, row in iter_jsonl(path))
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
    rate = (scores.delta > 0) + 0.5 * (scores.delta == 0)  # a tie is half, so a model with no preference is at chance
    values = {
        "delta_nats": Measurement(scores.delta, 0.0, clusters=scores.entity_ids),
        "delta_nats_per_token": Measurement(scores.delta_per_token, 0.0, clusters=scores.entity_ids),
        "primary_rate": Measurement(rate, 0.5, clusters=scores.entity_ids, proportion=True),
    }
    samples = [
        {"entity_id": entity, f"{kind}_delta_nats": float(delta), f"{kind}_delta_nats_per_token": float(per_token)}
        for entity, delta, per_token in zip(scores.entity_ids, scores.delta, scores.delta_per_token)
    ]
    measured: dict[str, Measurement | None] = {f"{kind}_{name}": value for name, value in values.items()}
    return Outcome(measured, samples=samples, primary_metric=f"{kind}_delta_nats")


def _file(data: Path) -> Path:
    return data / TRAIN_FILE if data.is_dir() else data
