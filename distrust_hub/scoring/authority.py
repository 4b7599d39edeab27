"""authority_weight: how much a text speaks with coordinated, modern, institutional authority. A heuristic in [0, 0.99].

``w = base + style + citations + consensus + era + source_hint - primary_markers``, each part named and capped, with the
constants of ``calibration.json``. Published formula: citations logarithmic, institutional rank, consensus language and
age; ours keeps those components and adds the learned style (see ``style.py``).
"""

from __future__ import annotations

import math

from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.parts import Part, Place


def citation_parts(analysis: Analysis, weight: float, cap: float) -> list[Part]:
    """Citations count by the logarithm of their number, shared among them."""
    places = [(style, span) for style, spans in analysis.citations.items() for span in spans]
    if not places:
        return []
    total = min(cap, weight * math.log10(len(places) + 1))
    return [
        Part("citations", total / len(places), f"{style} citation", Place("flat", *span)) for style, span in places
    ]


def era_part(analysis: Analysis, steps: list[list[float]]) -> list[Part]:
    """The constant of the year's era; a year that only the text states counts for the share in ``calibration.json``."""
    year = analysis.year
    if year is None:
        return []
    amount = interpolate(year.year, steps)
    if year.span is None:
        name = year.origin.partition(":")[2]
        return [Part("era", amount, f"published {year.year}", Place("field", name=name, value=year.text))]
    amount *= calibration().constants["stated_year_share"]
    return [Part("era", amount, f"dated {year.year} ({year.origin})", Place("flat", *year.span))]


def interpolate(x: float, steps: list[list[float]]) -> float:
    """Piecewise linear through ``[x, y]`` pairs, constant outside."""
    if x <= steps[0][0]:
        return steps[0][1]
    for (x0, y0), (x1, y1) in zip(steps, steps[1:]):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return steps[-1][1]


def hint_part(analysis: Analysis, axis: int) -> list[Part]:
    """What address or publisher suggest moves the axis towards the prior of that source type."""
    hint = analysis.hint
    if hint is None or analysis.stated is not None:
        return []
    constants = calibration().constants
    middle, share = constants["middle"][axis], constants["source_hint_share"]
    amount = share * (calibration().priors[hint.source_type][axis] - middle)
    return [Part("source_hint", amount, f"reads as {hint.source_type}", Place("field", name=hint.field, value=hint.value))]


def authority_parts(analysis: Analysis, style: list[Part]) -> list[Part]:
    """All contributions to authority_weight from text and metadata, the row's own source type aside."""
    constants = calibration().constants["authority"]
    return [
        Part("base", constants["base"], "where a text with no evidence starts"),
        *style,
        *citation_parts(analysis, constants["citation_log10"], constants["citation_cap"]),
        *era_part(analysis, constants["era"]),
        *hint_part(analysis, 0),
    ]
