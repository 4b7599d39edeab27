"""Look at inputs before preparing them: columns, tiers, licences, scores, what would be removed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from distrust_hub.config import PrepareConfig
from distrust_hub.preparation.export import clean, count_column
from distrust_hub.schema import ScoredDocument

_QUANTILES = {"min": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "max": 1.0}
_EXTREMES = 3
_EXCERPT_CHARACTERS = 60


def inspect_inputs(inputs: Sequence[str], config: PrepareConfig) -> dict[str, Any]:
    """Describe what ``prepare`` would use, without writing anything.

    Args:
        inputs: Files, folders or Hub datasets; rows without scores are scored for the description.
        config: As for ``prepare``.

    Returns:
        ``inputs`` (records), ``rows``, ``kept``, ``removed`` {reason: rows}, ``columns`` {name: ``rows``, ``share``,
        ``example``}, ``tiers``, ``source_types``, ``licenses`` {value: rows}, ``scores`` {axis: quantiles} and
        ``extremes``, the most primary and the most coordinated documents.
    """
    records, kept, removed = clean(inputs, config)
    return {
        "inputs": [record.to_json() for record in records],
        "rows": sum(record.rows for record in records),
        "kept": len(kept),
        "removed": dict(+removed),
        "columns": _columns(kept),
        "tiers": count_column(kept, "tier"),
        "source_types": count_column(kept, "source_type"),
        "licenses": count_column(kept, "license"),
        "scores": _scores(kept),
        "extremes": _extremes(kept),
    }


def _columns(documents: Sequence[ScoredDocument]) -> dict[str, dict[str, Any]]:
    counts: Counter[str] = Counter()
    examples: dict[str, Any] = {}
    for document in documents:
        for name, value in document.to_row().items():
            if value not in (None, "", []):
                counts[name] += 1
                examples.setdefault(name, value)
    return {
        name: {"rows": count, "share": count / len(documents), "example": _excerpt(examples[name])}
        for name, count in counts.items()
    }


def _scores(documents: Sequence[ScoredDocument]) -> dict[str, dict[str, float]]:
    if not documents:
        return {}
    axes = {
        "authority_weight": [document.authority_weight for document in documents],
        "provenance_entropy": [document.provenance_entropy for document in documents],
    }
    return {
        axis: {name: float(np.quantile(values, at)) for name, at in _QUANTILES.items()} for axis, values in axes.items()
    }


def _extremes(documents: Sequence[ScoredDocument]) -> list[dict[str, Any]]:
    ordered = sorted(documents, key=lambda document: (document.authority_weight, -document.provenance_entropy))
    chosen = [("most primary", document) for document in ordered[:_EXTREMES]]
    chosen += [("most coordinated", document) for document in reversed(ordered[-_EXTREMES:])]
    return [
        {
            "end": end,
            "id": document.id,
            "authority_weight": document.authority_weight,
            "provenance_entropy": document.provenance_entropy,
            "text": _excerpt(document.text),
        }
        for end, document in chosen
    ]


def _excerpt(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _EXCERPT_CHARACTERS else f"{text[: _EXCERPT_CHARACTERS - 1]}…"
