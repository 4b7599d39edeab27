"""How sure the tier is: a logistic in the distance from the cut points, the length and the language of the text."""

from __future__ import annotations

import math

from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.rules_foreign import FOREIGN_COORDINATED


def confidence_of(core: float, analysis: Analysis) -> float:
    """Estimated chance in [0, 1] that the tier is right."""
    low, high = calibration().cut_points
    numbers = calibration().confidence
    words = len(analysis.text.words)
    margin = min(abs(core - low), abs(core - high))
    helped = analysis.year or analysis.stated or analysis.hint or analysis.language.name in FOREIGN_COORDINATED
    z = numbers["intercept"] + numbers["margin"] * min(margin, numbers["margin_cap"])
    readable = numbers["unread"] + (1.0 - numbers["unread"]) * analysis.style.share
    if helped:
        readable = max(readable, numbers["unread_but_helped"])
    return readable * min(1.0, words / 40) / (1.0 + math.exp(-z)) if words else 0.0
