"""provenance_entropy: bits of independent, uneditable evidence. Part real entropy, part named heuristic.

``H = base + evidence_entropy + style + era + source_hint``. ``evidence_entropy`` is the Shannon entropy, in bits, of the
kinds of first-hand evidence found in the text; everything else is a heuristic adjustment on the same scale and is
named as such.
"""

from __future__ import annotations

import math

from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.authority import era_part, hint_part
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.features import NAMES
from distrust_hub.scoring.lexicon import FIRST_HAND
from distrust_hub.scoring.parts import Part, Place

_KINDS = tuple((name, NAMES.index(name)) for name in FIRST_HAND)


def shannon_bits(counts: list[int]) -> float:
    """Shannon entropy of counts in bits: ``-sum p log2 p``; 0 for none or one kind."""
    total = sum(counts)
    if total == 0:
        return 0.0
    return -sum(count / total * math.log2(count / total) for count in counts if count)


def evidence_entropy_parts(analysis: Analysis) -> list[Part]:
    """Entropy over kinds of first-hand evidence, shared among the kinds by their own terms, times its constant."""
    counts = [(name, analysis.features.hits[i]) for name, i in _KINDS if analysis.features.hits[i]]
    total = sum(len(hits) for _, hits in counts)
    share = calibration().constants["provenance"]["evidence_entropy_share"]
    parts = []
    for name, hits in counts:
        p = len(hits) / total
        if p < 1:
            reason = f"{len(hits)} of {total} first-hand marks are of kind {name}"
            parts.append(Part("evidence_entropy", -share * p * math.log2(p), reason, Place("words", *hits[0])))
    return parts


def provenance_parts(analysis: Analysis, style: list[Part]) -> list[Part]:
    """All contributions to provenance_entropy in bits from text and metadata, the row's own source type aside."""
    constants = calibration().constants["provenance"]
    return [
        Part("base", constants["base"], "where a text with no evidence starts"),
        *evidence_entropy_parts(analysis),
        *style,
        *era_part(analysis, constants["era"]),
        *hint_part(analysis, 1),
    ]
