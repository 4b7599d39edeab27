"""Quality of the scorer beside the original's formulas, on documents of origins that were left out of the fit.

    python benchmarks/scoring_quality.py [--json FILE]

For each origin (repository) the style component is fitted on all others and the held-out documents are scored with it;
cut points and the constants of the rule components are the packaged ones. AUC is primary against coordinated; intervals
are 95 % from a bootstrap that draws whole origins. Beside ours stand the original's formulas, a bag of words fitted and
held out in the same way (``bag_of_words.py``), and ours without its learned component. Needs ``provenance_dev.jsonl``
and, for the bag of words, ``train_mix.jsonl`` in ``DISTRUST_HUB_DEV_DATA``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fit_scoring as fit
from bag_of_words import held_out_probabilities
from original_scorer import original_score

from distrust_hub.cli.output import format_table
from distrust_hub.objective import signed_core
from distrust_hub.schema import TIERS, normalise_source_type
from distrust_hub.scoring import calibration as calibration_module
from distrust_hub.scoring import style
from distrust_hub.scoring.document import DocumentScore, score_document
from distrust_hub.scoring.evidence import AXES

Array = NDArray[Any]
RESAMPLES = 300
FIELDS: dict[str, tuple[str, ...]] = {
    "text only": (),
    "+ source, publisher, url": ("publisher", "url"),
    "+ year": ("publisher", "url", "year"),
}


def metadata_of(row: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """The metadata a run passes; ``source`` is the publisher, as in the original's measurement."""
    chosen = {name: row[name] for name in fields}
    return chosen | ({"source": row["publisher"]} if "publisher" in fields else {})


@contextmanager
def using(built: dict[str, Any]) -> Iterator[None]:
    """Score with another calibration inside the block."""
    caches = (calibration_module.calibration, style.table)
    folder = mock.Mock(joinpath=lambda name: mock.Mock(read_text=lambda encoding: json.dumps(built)))
    with mock.patch("importlib.resources.files", return_value=folder):
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


def held_out_scores(rows: list[dict[str, Any]]) -> dict[str, list[DocumentScore]]:
    """Scores of every row by a style component that has not seen its origin, for each choice of metadata."""
    x = fit.matrix(rows)
    origins = np.array([fit.origin_of(row) for row in rows])
    scores: dict[str, list[Any]] = {name: [None] * len(rows) for name in FIELDS}
    for origin in sorted(set(origins)):
        inside = np.flatnonzero(origins != origin)
        with using(fit.build([rows[i] for i in inside], x[inside])):
            for i in np.flatnonzero(origins == origin):
                for name, fields in FIELDS.items():
                    scores[name][i] = score_document(rows[i]["text"], metadata_of(rows[i], fields))
        print(f"held out {origin}", file=sys.stderr)
    return scores


def auc(high: Array, low: Array) -> float:
    """Chance that a value of ``high`` is above one of ``low``, ties half."""
    if not len(high) or not len(low):
        return float("nan")
    order = np.sort(low)
    below = np.searchsorted(order, high, side="left")
    upto = np.searchsorted(order, high, side="right")
    return float((below + upto).sum() / (2 * len(high) * len(low)))


def interval(measure: Callable[[Array], float], origins: Array) -> tuple[float, float]:
    """95 % interval of ``measure(indices)`` from a bootstrap over origins."""
    random = np.random.default_rng(0)
    groups = [np.flatnonzero(origins == origin) for origin in sorted(set(origins))]
    values = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([groups[i] for i in random.integers(0, len(groups), len(groups))])
        value = measure(drawn)
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def spearman(a: Array, b: Array) -> float:
    """Rank correlation with average ranks for ties."""

    def ranks(v: Array) -> Array:
        _, inverse, counts = np.unique(v, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2)[inverse]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


class Labels:
    """Labels of the rows as arrays."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.origin = np.array([fit.origin_of(row) for row in rows])
        self.tier = np.array([TIERS.index(row["tier"]) for row in rows])
        self.kind = np.array([str(normalise_source_type(row["source_type"])) for row in rows])
        year = np.array([row["year"] or 0 for row in rows])
        self.modern = (self.tier == 0) & (year >= 1985)


def ranking_row(name: str, axis: str, values: Array, labels: Labels, primary: Array) -> list[Any]:
    """AUC with its interval; ``values`` rise with authority."""

    def measure(chosen: Array) -> float:
        tier = labels.tier[chosen]
        return auc(values[chosen][tier == 2], values[chosen][primary[chosen]])

    everything = np.arange(len(values))
    low, high = interval(measure, labels.origin)
    n = f"{int(primary.sum())} / {int((labels.tier == 2).sum())}"
    return [name, axis, n, measure(everything), f"{low:.3f} to {high:.3f}"]


def without_style(score: DocumentScore) -> tuple[float, float]:
    """Both axes, before clamping, by the rules alone."""
    parts = [score.components(axis) for axis in AXES]
    first, second = (sum(part.values()) - part["style"] for part in parts)
    return first, second


def compare(
    rows: list[dict[str, Any]], scores: dict[str, list[DocumentScore]], words: Array
) -> tuple[list[list[Any]], list[str]]:
    """Table of AUCs, others' beside ours; ``words`` are the tier probabilities of the bag of words."""
    labels = Labels(rows)
    table = []
    everyone = labels.tier == 0
    levels = np.array([[0.0, 1.0], [style.MEDIUM_AUTHORITY, style.MEDIUM_ENTROPY], [1.0, 0.0]])
    for name, fields in FIELDS.items():
        others = [
            np.array([original_score(row["text"], metadata_of(row, fields)) for row in rows]),
            None if fields else words @ levels,
            np.array([without_style(s) for s in scores[name]]),
        ]
        ours = np.array([(s.authority_weight, s.provenance_entropy) for s in scores[name]])
        slices = [(name, everyone)] + ([(f"{name}, primary from 1985", labels.modern)] if not fields else [])
        for title, primary in slices:
            for axis, column, sign in (("w", 0, 1.0), ("H", 1, -1.0)):
                row = ranking_row(title, axis, sign * ours[:, column], labels, primary)
                high, low = labels.tier == 2, primary
                beside = [None if v is None else auc(sign * v[high, column], sign * v[low, column]) for v in others]
                table.append([*row[:3], *beside, *row[3:]])
    beside_us = ["original", "bag of words", "ours, rules alone"]
    return table, ["metadata", "axis", "n primary / coordinated", *beside_us, "ours", "95 % by origin"]


def nested_accuracy(core: Array, labels: Labels) -> float:
    """Tier accuracy with the cut points that are best on all other origins."""
    grid = [(low, high) for low in np.arange(0.6, 3.0, 0.1) for high in np.arange(2.8, 5.0, 0.1) if high > low]
    right = np.array([np.where(core >= b, 0, np.where(core >= a, 1, 2)) == labels.tier for a, b in grid])
    found = np.zeros(len(core))
    for origin in set(labels.origin):
        outside = labels.origin == origin
        found[outside] = right[right[:, ~outside].mean(1).argmax()][outside]
    return float(found.mean())


def bag_of_words(rows: list[dict[str, Any]]) -> Array:
    """Tier probabilities of every row by a bag of words that has not seen its origin, shape (N, 3)."""
    every = [*rows, *fit.load("train_mix.jsonl")]
    tier = np.array([TIERS.index(row["tier"]) for row in every])
    origin = np.array([fit.origin_of(row) for row in every])
    return held_out_probabilities([row["text"] for row in every], tier, origin, len(rows))


def tiers(
    rows: list[dict[str, Any]], scores: dict[str, list[DocumentScore]], words: Array
) -> tuple[list[list[Any]], list[str]]:
    """Tier accuracy with the packaged cut points and with others, Spearman with the tier order, type accuracy."""
    labels = Labels(rows)
    table = []
    for name, found in scores.items():
        right = np.array([TIERS.index(s.tier) for s in found]) == labels.tier
        core = np.array([float(signed_core(s.authority_weight, s.provenance_entropy)) for s in found])
        kind = np.array([s.source_type for s in found]) == labels.kind
        low, high = interval(lambda c, right=right: float(right[c].mean()), labels.origin)  # type: ignore[misc]
        table.append(
            [
                name,
                len(rows),
                None if FIELDS[name] else float((words.argmax(1) == labels.tier).mean()),
                right.mean(),
                f"{low:.3f} to {high:.3f}",
                nested_accuracy(core, labels),
                -spearman(core, labels.tier),
                kind.mean(),
            ]
        )
    accuracies = ["bag of words", "tier accuracy", "95 % by origin", "with nested cut points"]
    return table, ["metadata", "n", *accuracies, "Spearman", "source type accuracy"]


def by_type(rows: list[dict[str, Any]], found: list[DocumentScore]) -> tuple[list[list[Any]], list[str]]:
    """Per source type, text only: tier accuracy, and AUC against the other end."""
    labels = Labels(rows)
    w = np.array([s.authority_weight for s in found])
    right = np.array([TIERS.index(s.tier) for s in found]) == labels.tier
    table = []
    for kind in sorted(set(labels.kind), key=lambda k: (labels.tier[labels.kind == k][0], k)):
        inside = labels.kind == kind
        tier = set(labels.tier[inside].tolist())
        end = (
            auc(w[labels.tier == 2], w[inside])
            if 0 in tier
            else auc(w[inside], w[labels.tier == 0])
            if 2 in tier
            else None
        )
        origins = len(set(labels.origin[inside]))
        table.append([kind, int(inside.sum()), origins, right[inside].mean(), end, w[inside].mean()])
    return table, ["source type", "n", "origins", "tier accuracy", "AUC by w against the other end", "mean w"]


def calibration_table(rows: list[dict[str, Any]], found: list[DocumentScore]) -> tuple[list[list[Any]], list[str]]:
    """Accuracy of the tier in fifths of the confidence."""
    labels = Labels(rows)
    confidence = np.array([s.confidence for s in found])
    right = np.array([TIERS.index(s.tier) for s in found]) == labels.tier
    order = np.argsort(confidence, kind="stable")
    table = [
        [
            f"{confidence[part].min():.2f} to {confidence[part].max():.2f}",
            len(part),
            confidence[part].mean(),
            right[part].mean(),
        ]
        for part in np.array_split(order, 5)
    ]
    return table, ["confidence", "n", "mean confidence", "tier accuracy"]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Quality of the scorer beside the original's formulas.")
    parser.add_argument("--json", metavar="FILE", help="write the tables as JSON too")
    arguments = parser.parse_args()
    rows = fit.load()
    scores = held_out_scores(rows)
    words = bag_of_words(rows)
    tables = {
        "ranking, leaving one origin out": compare(rows, scores, words),
        "tiers": tiers(rows, scores, words),
        "by source type, text only": by_type(rows, scores["text only"]),
        "calibration of confidence, text only": calibration_table(rows, scores["text only"]),
    }
    for title, (table, headers) in tables.items():
        print(f"\n{title}\n{format_table(headers, table)}")
    if arguments.json:
        record = {title: [dict(zip(headers, line)) for line in table] for title, (table, headers) in tables.items()}
        Path(arguments.json).write_text(json.dumps(record, indent=1, default=float) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
