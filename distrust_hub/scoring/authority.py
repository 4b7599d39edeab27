"""authority_weight: how much a text speaks with coordinated, modern, institutional authority. A heuristic in [0, 0.99].

``w = base + style + citations + citation_count + institution + consensus + coordinated_markers + era + internal_date
+ source_hint - primary_markers``, each named and capped, with the constants of ``calibration.json``. The published
formula has citations (logarithmic), institutional rank, consensus language, age, source type and primary markers; ours
keeps those and adds marks of coordinated sources, internal dating (``dating.py``) and the learned style (``style.py``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.matcher import Hit
from distrust_hub.scoring.rules import capped_log


def authority_components(analysis: Analysis) -> dict[str, float]:
    """Contribution of each component to authority_weight, the row's own source type aside."""
    numbers = calibration().constants["authority"]
    rules = analysis.rules
    return {
        "base": numbers["base"],
        "style": analysis.style.authority,
        "citations": _citation_amount(sum(map(len, analysis.citations.values()))),
        "citation_count": _citation_amount(analysis.cited.number if analysis.cited else 0),
        "institution": capped_log(sum([rank for _, rank in rules.speaking]), *numbers["institution"]),
        "consensus": capped_log(len(rules.consensus), *numbers["consensus"]),
        "coordinated_markers": marks_amount(analysis, rules.coordinated, *numbers["coordinated_markers"]),
        "primary_markers": -marks_amount(analysis, rules.markers, *numbers["primary_markers"]),
        "era": era_amount(analysis, numbers["era"]),
        "internal_date": since_amount(analysis, numbers["internal_date"]),
        "source_hint": hint_amount(analysis, 0),
    }


def _citation_amount(count: int) -> float:
    """Logarithmic in the number of citations, at most the cap."""
    if not count:
        return 0.0
    numbers = calibration().constants["authority"]
    return float(min(numbers["citation_cap"], numbers["citation_log10"] * math.log10(1 + count)))


def marks_amount(analysis: Analysis, found: Mapping[str, Sequence[Hit]], step: float, cap: float) -> float:
    """Logarithmic in the number of marks; where the style cannot be read, marks are all there is and count for more."""
    if not found:
        return 0.0
    share = analysis.style.share
    scale = share + (1.0 - share) * float(calibration().constants["unread_marks"])
    return scale * capped_log(sum(map(len, found.values())), step, cap)


def era_amount(analysis: Analysis, steps: list[list[float]]) -> float:
    """The constant of the year's era; a year that only the text states counts for a fixed share of it."""
    if analysis.year is None:
        return 0.0
    share = 1.0 if analysis.year.span is None else calibration().constants["stated_year_share"]
    return share * interpolate(analysis.year.year, steps)


def since_amount(analysis: Analysis, steps: list[list[float]]) -> float:
    """The constant of the year the text cannot be older than; nothing where its own year is known."""
    return interpolate(analysis.since.year, steps) if analysis.since and not analysis.year else 0.0


def interpolate(x: float, steps: list[list[float]]) -> float:
    """Piecewise linear through ``[x, y]`` pairs, constant outside."""
    if x <= steps[0][0]:
        return steps[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(steps):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return steps[-1][1]


def hint_amount(analysis: Analysis, axis: int) -> float:
    """What address or publisher suggest moves the axis a fixed share of the way to the prior of that source type."""
    if analysis.hint is None or analysis.stated is not None:
        return 0.0
    constants = calibration().constants
    prior = calibration().priors[analysis.hint.source_type][axis]
    return float(constants["source_hint_share"] * (prior - constants["middle"][axis]))
