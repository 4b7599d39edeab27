"""Look at inputs before preparing them: columns, scores, languages, duplicates, what would be removed and why."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import MissingDependencyError
from distrust_hub.preparation.export import choose, count_column
from distrust_hub.preparation.licensing import check_publishing
from distrust_hub.preparation.pipeline import collect
from distrust_hub.preparation.quality import language_code, ocr_quality
from distrust_hub.preparation.specs import InputSpec
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, SCORE_COLUMNS, ScoredDocument
from distrust_hub.scoring.metadata import FIELDS

READ_BY_SCORING = ("text", *FIELDS)
_QUANTILES = {"min": 0.0, "p10": 0.1, "median": 0.5, "p90": 0.9, "max": 1.0}
_BINS = 10
_EXTREMES = 3
_EXCERPT_CHARACTERS = 60
_LANGUAGE_SAMPLE = 1000
"""Documents whose language is identified, evenly spread."""


def inspect_inputs(
    inputs: Sequence[str | InputSpec],
    config: PrepareConfig,
    *,
    against: Sequence[str | InputSpec] = (),
    strict: bool = False,
) -> dict[str, Any]:
    """Describe what ``prepare`` would use, without writing anything.

    Args:
        inputs: Files, folders or Hub datasets; rows without scores are scored for the description.
        config: As for ``prepare``.
        against: As for ``prepare``.
        strict: As for ``prepare``.

    Returns:
        ``inputs`` (records), ``failed``, ``rows``, ``in`` (with pieces of long rows) = ``kept`` + ``removed``
        {reason: rows}, ``splits`` {name: rows}, ``changed`` {what: rows},
        ``contamination`` {evaluation set: counts}, ``columns`` {name: ``rows``, ``share``, ``types``, ``scoring``,
        ``example``}, ``tiers``, ``source_types``, ``licenses``, ``languages`` {value: rows}, ``publishing``, ``scores``
        {axis: quantiles}, ``histograms`` {axis: [[from, to, rows], ...]}, ``ocr_quality`` quantiles and ``extremes``,
        the most primary and the most coordinated documents and the worst read.
    """
    specs = [InputSpec(entry) if isinstance(entry, str) else entry for entry in inputs]
    with tempfile.TemporaryDirectory() as work:
        collected = collect(specs, config, Path(work), against=against, strict=strict)
    splits = choose(collected, config)
    kept = [document for documents in splits.values() for document in documents]
    licenses = count_column(kept, "license")
    return {
        "inputs": [record.to_json() for record in collected.records],
        "failed": collected.failed,
        "rows": sum(record.rows for record in collected.records),
        "in": collected.read,
        "kept": len(kept),
        "splits": {name: len(documents) for name, documents in splits.items()},
        "removed": dict(sorted((+collected.removed).items())),
        "changed": dict(sorted((+collected.changed).items())),
        "contamination": {known.name: known.to_json() for known in collected.evaluation_sets},
        "columns": _columns(kept),
        "tiers": count_column(kept, "tier"),
        "source_types": count_column(kept, "source_type"),
        "licenses": licenses,
        "languages": _languages(kept),
        "publishing": check_publishing(licenses),
        "scores": {axis: _quantiles(values) for axis, values in _axes(kept).items()},
        "histograms": {axis: _histogram(axis, values) for axis, values in _axes(kept).items()},
        "ocr_quality": _quantiles([ocr_quality(document.text) for document in kept]),
        "extremes": _extremes(kept),
    }


def _columns(documents: Sequence[ScoredDocument]) -> dict[str, dict[str, Any]]:
    """Each column with how many rows have it, in which types, and whether scoring reads it."""
    counts: Counter[str] = Counter()
    types: dict[str, Counter[str]] = {}
    examples: dict[str, Any] = {}
    for document in documents:
        for name, value in document.to_row().items():
            if value not in (None, "", []):
                counts[name] += 1
                types.setdefault(name, Counter())[type(value).__name__] += 1
                examples.setdefault(name, value)
    return {
        name: {
            "rows": count,
            "share": count / len(documents),
            "types": dict(types[name]),
            "scoring": "read" if name in READ_BY_SCORING else "written" if name in SCORE_COLUMNS else None,
            "example": _excerpt(examples[name]),
        }
        for name, count in counts.items()
    }


def _languages(documents: Sequence[ScoredDocument]) -> dict[str, int]:
    """Languages of a sample of the documents; empty where ``py3langid`` is not installed."""
    step = max(1, len(documents) // _LANGUAGE_SAMPLE)
    try:
        return dict(Counter(language_code(document.text) for document in documents[::step]).most_common())
    except MissingDependencyError:
        return {}


def _axes(documents: Sequence[ScoredDocument]) -> dict[str, list[float]]:
    return {
        "authority_weight": [document.authority_weight for document in documents],
        "provenance_entropy": [document.provenance_entropy for document in documents],
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    return {name: float(np.quantile(values, at)) for name, at in _QUANTILES.items()} if values else {}


def _histogram(axis: str, values: Sequence[float]) -> list[list[float]]:
    """Rows in ten bins of equal width, from 0 to the end of the scale."""
    top = AUTHORITY_WEIGHT_MAX if axis == "authority_weight" else max([*values, 1.0])
    counts, edges = np.histogram(values, bins=_BINS, range=(0.0, top))
    return [[float(low), float(high), int(count)] for low, high, count in zip(edges, edges[1:], counts)]


def _extremes(documents: Sequence[ScoredDocument]) -> list[dict[str, Any]]:
    ordered = sorted(documents, key=lambda document: (document.authority_weight, -document.provenance_entropy))
    chosen = [("most primary", document) for document in ordered[:_EXTREMES]]
    chosen += [("most coordinated", document) for document in reversed(ordered[-_EXTREMES:])]
    worst = sorted(documents, key=lambda document: ocr_quality(document.text))[:_EXTREMES]
    chosen += [("worst read", document) for document in worst]
    return [
        {
            "end": end,
            "id": document.id,
            "authority_weight": document.authority_weight,
            "provenance_entropy": document.provenance_entropy,
            "ocr_quality": ocr_quality(document.text),
            "text": _excerpt(document.text),
        }
        for end, document in chosen
    ]


def _excerpt(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _EXCERPT_CHARACTERS else f"{text[: _EXCERPT_CHARACTERS - 1]}…"
