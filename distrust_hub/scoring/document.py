"""Score one document: two axes, a tier, and the evidence for each number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from distrust_hub.errors import ConfigError, TextTypeError
from distrust_hub.objective import EPSILON
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, Tier, unscored
from distrust_hub.scoring.analysis import Analysis, analyse
from distrust_hub.scoring.authority import authority_components
from distrust_hub.scoring.calibration import calibration, tier_of
from distrust_hub.scoring.confidence import confidence_of
from distrust_hub.scoring.evidence import AXES, Axis, Evidence
from distrust_hub.scoring.explain import explain
from distrust_hub.scoring.provenance import provenance_components
from distrust_hub.scoring.source_type import source_type_of, source_type_origin

SCORER_VERSION: int = 7
"""Changes whenever any score changes."""

PRIOR_SHARE_DEFAULT = 0.7
"""Weight of the prior of a source type the row states; the text has the rest. Published practice."""


@dataclass(frozen=True)
class DocumentScore:
    """The scores of one document.

    Attributes:
        authority_weight: 0 (pure primary source) to 0.99 (coordinated modern consensus).
        provenance_entropy: Bits, >= 0.
        tier: ``primary``, ``medium`` or ``coordinated``, from the signed core alone.
        source_type: One of ``schema.SOURCE_TYPES``, None for a text without words.
        source_type_probability: 0 to 1; 1 when the row states its type.
        source_type_origin: ``metadata:<field>`` where the row states it, ``text``, ``text, metadata:<field>`` where an
            address, publisher or the like helped, or None.
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
    source_type_origin: str | None
    year: int | None
    year_origin: str | None
    citations: dict[str, int]
    confidence: float
    scorer: int
    _components: tuple[dict[str, float], dict[str, float]] = field(repr=False, compare=False)
    _analysis: Analysis = field(repr=False, compare=False)

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every contribution; on each axis they add up to its value before clamping."""
        return tuple(explain(self._analysis, self._components))

    def components(self, axis: Axis) -> dict[str, float]:
        """Contribution of each component to one axis."""
        return dict(self._components[AXES.index(axis)])

    def columns(self) -> dict[str, Any]:
        """The columns of a scored row, in the order of ``schema.SCORE_COLUMNS``."""
        return {
            "authority_weight": self.authority_weight,
            "provenance_entropy": self.provenance_entropy,
            "tier": self.tier,
            "source_type": self.source_type,
            "source_type_origin": self.source_type_origin,
            "year": self.year,
            "year_origin": self.year_origin,
            "confidence": self.confidence,
            "scorer": self.scorer,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON, evidence included."""
        return {
            **self.columns(),
            "source_type_probability": self.source_type_probability,
            "citations": dict(self.citations),
            "evidence": [line.to_dict() for line in self.evidence],
        }


def checked_share(prior_share: float) -> float:
    """The share itself; ConfigError where it is not from 0 to 1."""
    if not 0.0 <= prior_share <= 1.0:
        raise ConfigError(f"prior_share is {prior_share:g}; expected 0 to 1")
    return prior_share


def score_document(
    text: str, metadata: Mapping[str, Any] | None = None, *, prior_share: float = PRIOR_SHARE_DEFAULT
) -> DocumentScore:
    """Score a text.

    Args:
        text: Any string.
        metadata: What the dataset says, by the names in ``metadata.FIELDS``: source, url, publisher, journal, year,
            date, published, source_type, citation_count, license, doi, patent_number, ... Values of
            unexpected types are passed over, and so is what the scorer itself wrote into a scored row.
        prior_share: Share in [0, 1] of the prior of a source type that the metadata states.

    Returns:
        The score; the same for texts that differ in white space only.

    Raises:
        TextTypeError: If ``text`` is no string.
        ConfigError: If ``prior_share`` is out of range.
    """
    if not isinstance(text, str):
        raise TextTypeError(f"text is {type(text).__name__}; expected a string")
    share = checked_share(prior_share)
    analysis = analyse(text, unscored(metadata or {}))
    components = (authority_components(analysis), provenance_components(analysis))
    if analysis.stated is not None:
        _blend(components, calibration().priors[analysis.stated.source_type], share)
    authority = round(min(AUTHORITY_WEIGHT_MAX, max(0.0, math.fsum(components[0].values()))), 6)
    entropy = round(max(0.0, math.fsum(components[1].values())), 6)
    core = math.log(1.0 - authority + EPSILON) + entropy  # objective.signed_core, without its array checks
    source_type, probability = source_type_of(analysis.style, analysis.stated, analysis.hint)
    year = analysis.year
    return DocumentScore(
        authority_weight=authority,
        provenance_entropy=entropy,
        tier=tier_of(core),
        source_type=source_type,
        source_type_probability=round(probability, 4),
        source_type_origin=source_type_origin(analysis.stated, analysis.hint) if source_type else None,
        year=year.year if year else None,
        year_origin=year.origin if year else None,
        citations={name: len(spans) for name, spans in analysis.citations.items()},
        confidence=round(confidence_of(core, analysis), 4),
        scorer=SCORER_VERSION,
        _components=components,
        _analysis=analysis,
    )


def score_documents(documents: Iterable[str | tuple[str, Mapping[str, Any] | None]]) -> Iterator[DocumentScore]:
    """Score texts, or pairs of text and metadata, one after the other.

    Raises:
        TextTypeError: If one is neither.
    """
    for number, document in enumerate(documents, start=1):
        pair = (document, None) if isinstance(document, str) else document
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[1], Mapping | None):
            shown = repr(document)[:60]
            raise TextTypeError(
                f"document {number} is {shown}; expected a text, or a text and its metadata (a mapping)"
            )
        yield score_document(*pair)


def _blend(
    components: tuple[dict[str, float], dict[str, float]], prior: tuple[float, float], prior_share: float
) -> None:
    """Scale what was read to ``1 - prior_share`` and add the prior as a component of its own."""
    for axis, sums in enumerate(components):
        for name in sums:
            sums[name] *= 1.0 - prior_share
        sums["source_type_prior"] = prior_share * prior[axis]
