"""Score one document: two axes, a tier, and the evidence for each number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, Tier
from distrust_hub.scoring.analysis import Analysis, analyse
from distrust_hub.scoring.authority import authority_parts
from distrust_hub.scoring.calibration import calibration, tier_of
from distrust_hub.scoring.confidence import confidence_of
from distrust_hub.scoring.evidence import AXES, Axis, Evidence
from distrust_hub.scoring.features import NAMES
from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.parts import Part, Place
from distrust_hub.scoring.provenance import provenance_parts
from distrust_hub.scoring.source_type import source_type_of
from distrust_hub.scoring.style import style_terms

SCORER_VERSION: int = 1
"""Changes whenever any score changes."""

PRIOR_SHARE_DEFAULT = 0.7
"""Weight of the prior of a source type the row states; the text has the rest. Published practice."""

_EPSILON = 1e-8


@dataclass(frozen=True)
class DocumentScore:
    """The scores of one document.

    Attributes:
        authority_weight: 0 (pure primary source) to 0.99 (coordinated modern consensus).
        provenance_entropy: Bits, >= 0.
        tier: ``primary``, ``medium`` or ``coordinated``, from the signed core alone.
        source_type: One of ``schema.SOURCE_TYPES``, None for a text without words.
        source_type_probability: 0 to 1; 1 when the row states its type.
        year: Year of the document, None where nothing states it.
        year_origin: ``metadata:<field>``, ``stated``, ``dateline``, or None.
        citations: Number of citations by style.
        confidence: 0 to 1, rises with the chance that ``tier`` is right.
        scorer: Version of the scorer.
    """

    authority_weight: float
    provenance_entropy: float
    tier: Tier
    source_type: str | None
    source_type_probability: float
    year: int | None
    year_origin: str | None
    citations: dict[str, int]
    confidence: float
    scorer: int
    _parts: tuple[tuple[Part, ...], tuple[Part, ...]]
    _analysis: Analysis

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every contribution; on each axis they add up to its value before clamping."""
        return tuple(
            _evidence(axis, part, self._analysis) for axis, parts in zip(AXES, self._parts) for part in parts
        )

    def components(self, axis: Axis) -> dict[str, float]:
        """Sum of the contributions of each component to one axis."""
        sums: dict[str, float] = {}
        for part in self._parts[AXES.index(axis)]:
            sums[part.component] = sums.get(part.component, 0.0) + part.amount
        return sums

    def columns(self) -> dict[str, Any]:
        """The columns of a scored row, in the order of ``schema.SCORE_COLUMNS``."""
        return {
            "authority_weight": self.authority_weight,
            "provenance_entropy": self.provenance_entropy,
            "tier": self.tier,
            "source_type": self.source_type,
            "year": self.year,
            "confidence": self.confidence,
            "scorer": self.scorer,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON, evidence included."""
        return {
            **self.columns(),
            "source_type_probability": self.source_type_probability,
            "year_origin": self.year_origin,
            "citations": dict(self.citations),
            "evidence": [line.to_dict() for line in self.evidence],
        }


def score_document(
    text: str, metadata: Mapping[str, Any] | None = None, *, prior_share: float = PRIOR_SHARE_DEFAULT
) -> DocumentScore:
    """Score a text.

    Args:
        text: Any string.
        metadata: What the dataset says: source, url, publisher, journal, year, date, published, source_type, doi, ...
            Values of unexpected types are passed over.
        prior_share: Share in [0, 1] of the prior of a source type that the metadata states.

    Returns:
        The score; the same for texts that differ in white space only.
    """
    analysis = analyse(text, metadata or {})
    style = _style_parts(analysis)
    parts = (authority_parts(analysis, style[0]), provenance_parts(analysis, style[1]))
    if analysis.stated is not None:
        prior = calibration().priors[analysis.stated.source_type]
        place = Place("field", name=analysis.stated.field, value=analysis.stated.value)
        for axis in (0, 1):
            parts[axis][:] = [part._replace(amount=part.amount * (1 - prior_share)) for part in parts[axis]]
            reason = f"prior of {analysis.stated.source_type}, {prior_share:.0%} of the score"
            parts[axis].append(Part("source_type_prior", prior_share * prior[axis], reason, place))
    authority = round(min(AUTHORITY_WEIGHT_MAX, max(0.0, math.fsum(part.amount for part in parts[0]))), 6)
    entropy = round(max(0.0, math.fsum(part.amount for part in parts[1])), 6)
    core = math.log(1.0 - authority + _EPSILON) + entropy
    source_type, probability = source_type_of(analysis)
    year = analysis.year
    return DocumentScore(
        authority_weight=authority,
        provenance_entropy=entropy,
        tier=tier_of(core),
        source_type=source_type,
        source_type_probability=round(probability, 4),
        year=year.year if year else None,
        year_origin=year.origin if year else None,
        citations={name: len(spans) for name, spans in analysis.citations.items()},
        confidence=round(confidence_of(core, analysis), 4),
        scorer=SCORER_VERSION,
        _parts=(tuple(parts[0]), tuple(parts[1])),
        _analysis=analysis,
    )


def score_documents(documents: Iterable[str | tuple[str, Mapping[str, Any] | None]]) -> Iterator[DocumentScore]:
    """Score texts, or pairs of text and metadata, one after the other."""
    for document in documents:
        text, metadata = (document, None) if isinstance(document, str) else document
        yield score_document(text, metadata)


def _style_parts(analysis: Analysis) -> tuple[list[Part], list[Part]]:
    terms = style_terms(analysis.features.values)
    hits = analysis.features.hits
    axes: tuple[list[Part], list[Part]] = ([], [])
    for axis in (0, 1):
        for i, amount in enumerate(terms[axis]):
            if amount:
                found = hits[i] if i < len(STYLE_GROUPS) else ()
                place = Place("words", *found[0]) if found else None
                axes[axis].append(Part("style", amount, NAMES[i], place))
    return axes


def _evidence(axis: Axis, part: Part, analysis: Analysis) -> Evidence:
    place = part.place
    if place is None:
        return Evidence(axis, part.component, part.amount, part.reason)
    if place.kind == "field":
        return Evidence(axis, part.component, part.amount, part.reason, text=place.value, field=place.name)
    text = analysis.text
    span = text.span(place.start, place.end) if place.kind == "words" else text.flat_span(place.start, place.end)
    return Evidence(axis, part.component, part.amount, part.reason, text=text.raw[span[0] : span[1]], span=span)
