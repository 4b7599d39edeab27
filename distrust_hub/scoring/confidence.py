"""How sure the tier is: a logistic in the distance from the cut points, the length and the script of the text."""

from __future__ import annotations

import math

from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.calibration import calibration


def confidence_of(core: float, analysis: Analysis) -> float:
    """Estimated chance in [0, 1] that the tier is right."""
    low, high = calibration().cut_points
    numbers = calibration().confidence
    words = len(analysis.text.words)
    margin = min(abs(core - low), abs(core - high))
    stated = analysis.year or analysis.stated or analysis.hint
    z = numbers["intercept"] + numbers["margin"] * min(margin, numbers["margin_cap"])
    readable = numbers["unread"] + (1.0 - numbers["unread"]) * analysis.style.share
    if stated:
        readable = max(readable, numbers["unread_but_stated"])
    return readable * min(1.0, words / 40) / (1.0 + math.exp(-z)) if words else 0.0
