"""provenance_entropy: bits of independent, uneditable evidence. Part real entropy, part named heuristic.

``H = base + evidence_entropy + style + primary_markers + era + internal_date + source_hint - institution -
consensus - coordinated_markers``.
``evidence_entropy`` is the Shannon entropy, in bits, of the kinds of first-hand evidence found in the text, times a
constant; ``era`` is an explicit prior by year; everything else is a heuristic adjustment on the same scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.authority import era_amount, hint_amount, marks_amount, since_amount
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.rules import capped_log


def shannon_bits(counts: Iterable[int]) -> float:
    """Shannon entropy of counts in bits, ``-sum p log2 p``; 0 for none or one kind, log2 K at most for K kinds."""
    found = [count for count in counts if count]
    total = sum(found)
    return math.log2(total) - sum(count * math.log2(count) for count in found) / total if len(found) > 1 else 0.0


def provenance_components(analysis: Analysis) -> dict[str, float]:
    """Contribution of each component to provenance_entropy in bits, the row's own source type aside."""
    numbers = calibration().constants["provenance"]
    rules = analysis.rules
    bits = shannon_bits(map(len, rules.markers.values()))
    return {
        "base": numbers["base"],
        "style": analysis.style.entropy,
        "evidence_entropy": numbers["evidence_entropy_share"] * bits,
        "primary_markers": marks_amount(analysis, rules.markers, *numbers["primary_markers"]),
        "institution": -capped_log(sum([rank for _, rank in rules.speaking]), *numbers["institution"]),
        "consensus": -capped_log(len(rules.consensus), *numbers["consensus"]),
        "coordinated_markers": -marks_amount(analysis, rules.coordinated, *numbers["coordinated_markers"]),
        "era": era_amount(analysis, numbers["era"]),
        "internal_date": since_amount(analysis, numbers["internal_date"]),
        "source_hint": hint_amount(analysis, 1),
    }
