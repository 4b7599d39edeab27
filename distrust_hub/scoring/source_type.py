"""Which of the known source types a text reads like, with a probability."""

from __future__ import annotations

import math
from functools import lru_cache

from distrust_hub.schema import SOURCE_TYPES
from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.features import NAMES
from distrust_hub.scoring.style import CLIP


@lru_cache(maxsize=1)
def _table() -> list[tuple[str, list[tuple[int, float, float, float]], float]]:
    """Per type: (feature index, mean, 1 / scale, weight) of its features, and its intercept."""
    style = calibration().style
    rows = []
    for kind in SOURCE_TYPES:
        weights = style["source_types"].get(kind, {})
        terms = [
            (i, style["features"][name]["mean"], 1.0 / style["features"][name]["scale"], weights[name])
            for i, name in enumerate(NAMES)
            if weights.get(name)
        ]
        rows.append((kind, terms, float(weights.get("intercept", 0.0))))
    return rows


def source_type_of(analysis: Analysis) -> tuple[str | None, float]:
    """The most probable source type: the row's own, else softmax over hint and style.

    Returns:
        Name and probability; (None, 0.0) where the text has no word.
    """
    if analysis.stated is not None:
        return analysis.stated.source_type, 1.0
    if not analysis.text.words and analysis.hint is None:
        return None, 0.0
    values = analysis.features.values
    bonus = calibration().constants["source_hint_logit"]
    best, best_logit, logits = None, -math.inf, []
    for kind, terms, logit in _table():
        for i, mean, inverse, weight in terms:
            x = (values[i] - mean) * inverse
            logit += weight * (CLIP if x > CLIP else -CLIP if x < -CLIP else x)
        if analysis.hint is not None and analysis.hint.source_type == kind:
            logit += bonus
        logits.append(logit)
        if logit > best_logit:
            best, best_logit = kind, logit
    return best, 1.0 / sum(math.exp(logit - best_logit) for logit in logits)
