"""From components to lines of evidence: each component's contribution is shared among what it was read from."""

from __future__ import annotations

import math
from collections.abc import Iterator

from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.evidence import AXES, Axis, Evidence
from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.matcher import lexicon_matcher
from distrust_hub.scoring.style import style_terms

_REASONS = {
    "base": "where a text with no evidence starts",
    "citations": "citation",
    "institution": "an institution speaks",
    "consensus": "claims a consensus",
    "primary_markers": "mark of a primary source",
    "coordinated_markers": "mark of a coordinated source",
    "evidence_entropy": "Shannon entropy over kinds of first-hand evidence",
}
_SHAPE_REASON = "shape of the page"
_SMALL = 1e-9


def explain(analysis: Analysis, components: tuple[dict[str, float], dict[str, float]]) -> Iterator[Evidence]:
    """Evidence of both axes; the lines of a component add up to its contribution.

    Args:
        analysis: What was read.
        components: Contributions by component of authority_weight and provenance_entropy.
    """
    for number, axis in enumerate(AXES):
        for component, amount in components[number].items():
            if component == "style":
                yield from _style(axis, number, amount, analysis)
            elif abs(amount) > _SMALL or component == "base":
                yield from _component(axis, component, amount, analysis)


def _component(axis: Axis, component: str, amount: float, analysis: Analysis) -> Iterator[Evidence]:
    places = list(_places(component, analysis))
    if not places:
        field, value, reason = _field(component, analysis)
        yield Evidence(axis, component, amount, reason, text=value, field=field)
        return
    total = math.fsum(weight for *_, weight in places)
    raw = analysis.text.raw
    for span, reason, weight in places:
        yield Evidence(axis, component, amount * weight / total, reason, text=raw[span[0] : span[1]], span=span)


def _places(component: str, analysis: Analysis) -> Iterator[tuple[tuple[int, int], str, float]]:
    """Span in the original text, reason, and relative weight of each thing a component was read from."""
    text, rules = analysis.text, analysis.rules
    if component == "citations":
        for style, spans in analysis.citations.items():
            for start, end in spans:
                yield text.flat_span(start, end), f"{style} citation", 1.0
    elif component == "institution":
        for hit, rank in rules.speaking:
            yield text.span(*hit), _REASONS[component], rank
    elif component == "consensus":
        for hit in rules.consensus:
            yield text.span(*hit), _REASONS[component], 1.0
    elif component == "primary_markers":
        for kind, hits in rules.markers.items():
            yield text.span(*hits[0]), f"{_REASONS[component]}: {kind}, {len(hits)} found", len(hits)
    elif component == "coordinated_markers":
        for kind, hits in rules.coordinated.items():
            yield text.span(*hits[0]), f"{_REASONS[component]}: {kind}, {len(hits)} found", len(hits)
    elif component == "internal_date" and analysis.since:
        since = analysis.since
        span = text.span(*since.span) if since.thing else text.flat_span(*since.span)
        yield span, f"names {'a thing of' if since.thing else 'a date in'} {since.year}: written no earlier", 1.0
    elif component == "evidence_entropy":
        total = sum(map(len, rules.markers.values()))
        for kind, hits in rules.markers.items():
            p = len(hits) / total
            yield text.span(*hits[0]), f"{_REASONS[component]}: {kind}, {len(hits)} of {total}", -p * math.log2(p)
    elif component == "era" and analysis.year and analysis.year.span:
        year = analysis.year
        yield text.flat_span(*analysis.year.span), f"dated {year.year} ({year.origin})", 1.0


def _field(component: str, analysis: Analysis) -> tuple[str | None, str | None, str]:
    """Metadata field, its value, and the reason, of a component that is not read from the text."""
    year, hint, stated = analysis.year, analysis.hint, analysis.stated
    if component == "era" and year is not None:
        return year.origin.partition(":")[2], year.text, f"published {year.year}"
    if component == "citation_count" and analysis.cited is not None:
        return analysis.cited.field, str(analysis.cited.number), "citations the row counts"
    if component == "source_hint" and hint is not None:
        return hint.field, hint.value, f"published as {hint.source_type}"
    if component == "source_type_prior" and stated is not None:
        return stated.field, stated.value, f"prior of the stated source type {stated.source_type}"
    return None, None, _REASONS.get(component, component)


def _style(axis: Axis, number: int, amount: float, analysis: Analysis) -> Iterator[Evidence]:
    """Style terms, scaled to the component; a word group is shown with its first phrases and their first place."""
    own = analysis.style.authority if number == 0 else analysis.style.entropy
    scale = amount / own if own else 0.0
    index, matches, text = lexicon_matcher().index, analysis.features.matches, analysis.text
    for name, *pair in style_terms(analysis.style, analysis.z):
        contribution = pair[number] * scale
        if abs(contribution) <= _SMALL:
            continue
        if name not in STYLE_GROUPS:
            reason = "style of a text with no marks" if name == "intercept" else f"{_SHAPE_REASON}: {name}"
            yield Evidence(axis, "style", contribution, reason)
        elif not (hits := matches.hits(index[name])):
            yield Evidence(axis, "style", contribution, f"wording: {name}, none found")
        else:
            shown = "; ".join(dict.fromkeys(text.lower[start:end].strip() for start, end in hits[:6]))
            span = text.span(*hits[0])
            reason = f"wording: {name}, {len(hits)} found ({shown})"
            yield Evidence(axis, "style", contribution, reason, text=text.raw[span[0] : span[1]], span=span)
