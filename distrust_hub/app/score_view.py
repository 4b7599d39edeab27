"""What the Score tab shows, as plain data: text in, view model out. No gradio here.

A view model holds numbers, our own words, and the visitor's text in fields that are only ever given to
components that show plain text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from distrust_hub.app import plain_words
from distrust_hub.app.limits import Limits
from distrust_hub.app.plots import ENTROPY_TOP_BITS, Point
from distrust_hub.errors import DataError
from distrust_hub.files import plain, well_formed
from distrust_hub.objective import ALPHA_DEFAULT, distrust_term, signed_core
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, Tier
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.document import DocumentScore, score_document
from distrust_hub.scoring.evidence import Evidence

TIER_WORDS: dict[str, str] = {
    "primary": "Reads like a first-hand record: it shows what its author saw, measured or did.",
    "medium": "Mixed: some evidence of its own, some borrowed authority.",
    "coordinated": "Speaks with an institution's or a consensus voice and shows little independent evidence.",
}
_AUTHORITY_WORDS = (
    (0.2, "hardly any institutional voice"),
    (0.45, "some institutional voice"),
    (0.7, "leans on institutions"),
    (1.0, "institutional or consensus voice"),
)
_ENTROPY_WORDS = (
    (1.5, "almost no independent evidence"),
    (3.5, "some independent evidence"),
    (5.5, "much independent evidence"),
    (float("inf"), "rich, hard-to-edit evidence"),
)
LOW_CONFIDENCE = 0.4
_CONFIDENCE_WORDS = ((LOW_CONFIDENCE, "low"), (0.7, "moderate"), (1.0, "high"))
OTHER_SCRIPT = (
    "The scorer reads Latin script alone, and most of this text is in another: its words count for nothing here, only "
    "what you know about the source does."
)
LITTLE_EVIDENCE = "There is little to go by in this text, so this is hardly more than a guess."
RAISES, LOWERS = "▲", "●"
"""Shapes that stand for more and for less trust in the source, so that colour is never alone."""

NOTEWORTHY = {"authority_weight": 0.015, "provenance_entropy": 0.12}
"""Contributions below these are summed up in one row and not marked in the text (our choice)."""

ROWS_LISTED = 8
"""Reasons listed for each axis; the smaller ones share a row."""

_LABEL_CHARS = 30
_FOUND_SHOWN, _FOUND_CHARS = 4, 60
_CORE_RANGE = f"{signed_core(AUTHORITY_WEIGHT_MAX, 0.0):.1f} to {ENTROPY_TOP_BITS:g}"
_LATIN = re.compile(r"[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")
_AXES = {"authority_weight": "authority weight", "provenance_entropy": "provenance entropy, bits"}


@dataclass(frozen=True)
class Gauge:
    """One axis as a meter: what it means, ``value`` from 0 to ``maximum``, and the same in words."""

    name: str
    means: str
    value: float
    maximum: float
    shown: str
    words: str


@dataclass(frozen=True)
class ScoreView:
    """Everything the Score tab shows about one text.

    Attributes:
        gauges: Authority weight, then provenance entropy.
        tier: ``primary``, ``medium`` or ``coordinated``.
        tier_words: The tier in a sentence.
        caution: Why not to make much of it; empty where there is enough evidence.
        facts: Short (name, value) pairs in our words and numbers.
        spans: The text cut into (piece, label or None); joined, the pieces are the text.
        contributions: Rows (axis, component, contribution, found, reason); the last row of each axis is its value.
        point: The document on the plane.
        term: The published term at ``alpha``, with its caveat in ``term_words``.
    """

    gauges: tuple[Gauge, Gauge]
    tier: Tier
    tier_words: str
    caution: str
    facts: tuple[tuple[str, str], ...]
    spans: list[tuple[str, str | None]]
    contributions: list[list[str]]
    point: Point
    term: float
    term_words: str
    alpha: float = ALPHA_DEFAULT


def score_view(text: str, metadata: Mapping[str, Any] | None, limits: Limits) -> ScoreView | None:
    """Score one text for display.

    Args:
        text: What the visitor pasted.
        metadata: Known facts about it (``source_type``, ``year``, ``publisher``, ``url``); empty values are ignored.
        limits: The app's bounds.

    Returns:
        The view, or None for blank text.

    Raises:
        DataError: If the text is too long or a metadata value cannot be used.
    """
    limits.check_text(text)
    if not text.strip():
        return None
    text = well_formed(text)
    return _view(text, score_document(text, _known(metadata)))


def check_year(year: str) -> None:
    """Raise DataError for what a visitor typed as a year and what cannot become one by typing on."""
    if year and not year.isdecimal():
        raise DataError(f"the year of publication is {year!r}; give four digits, such as 1931, or none")


def score_json(text: str, metadata: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
    """Score one text for another program: ``DocumentScore.to_dict`` and the signed core.

    Raises:
        DataError: If the text is blank or too long, or a metadata value cannot be used.
    """
    limits.check_text(text)
    if not text.strip():
        raise DataError("the text is empty; give some")
    score = score_document(well_formed(text), _known(metadata))
    core = signed_core(score.authority_weight, score.provenance_entropy)
    return {**score.to_dict(), "signed_core": float(core)}


def _known(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: plain(value) for name, value in (metadata or {}).items() if value not in (None, "")}


def _view(text: str, score: DocumentScore) -> ScoreView:
    weight, entropy = score.authority_weight, score.provenance_entropy
    return ScoreView(
        gauges=(_authority_gauge(weight), _entropy_gauge(entropy)),
        tier=score.tier,
        tier_words=TIER_WORDS[score.tier],
        caution=_caution(text, score.confidence),
        facts=_facts(score),
        spans=highlighted(text, score),
        contributions=contribution_rows(score),
        point=Point("this text", weight, entropy),
        term=distrust_term(weight, entropy),
        term_words=_term_words(signed_core(weight, entropy)),
    )


def _caution(text: str, confidence: float) -> str:
    letters = sum(map(str.isalpha, text))
    if 2 * len(_LATIN.findall(text)) < letters:
        return OTHER_SCRIPT
    return LITTLE_EVIDENCE if confidence <= LOW_CONFIDENCE else ""


def _authority_gauge(weight: float) -> Gauge:
    words = _words(weight, _AUTHORITY_WORDS)
    means = "How much it speaks with the voice of an institution or of a consensus."
    return Gauge("Authority weight", means, weight, AUTHORITY_WEIGHT_MAX, f"{weight:.2f}", words)


def _entropy_gauge(bits: float) -> Gauge:
    words = _words(bits, _ENTROPY_WORDS)
    means = "How much evidence of its own it carries, how varied and how hard to alter."
    return Gauge("Provenance entropy", means, bits, ENTROPY_TOP_BITS, f"{bits:.2f} bits", words)


def _words(value: float, ladder: Iterable[tuple[float, str]]) -> str:
    return next(words for top, words in ladder if value <= top)


def _facts(score: DocumentScore) -> tuple[tuple[str, str], ...]:
    core = signed_core(score.authority_weight, score.provenance_entropy)
    return (
        ("Confidence", f"{_words(score.confidence, _CONFIDENCE_WORDS)}, {score.confidence:.2f} of 1"),
        ("Both in one: signed core s", f"{core:+.2f} ({_CORE_RANGE})"),
        ("Kind of source", _told((score.source_type or "not recognised").replace("_", " "), score.source_type_origin)),
        ("Year", "not found" if score.year is None else _told(str(score.year), score.year_origin)),
        ("Citations in it", str(sum(score.citations.values()))),
    )


def _told(value: str, origin: str | None) -> str:
    """A fact with who says so, where that is the visitor."""
    return f"{value}, as you say" if (origin or "").startswith("metadata:") else value


def _term_words(core: float) -> str:
    return (
        f"alpha × (ln(1 − w) + H)² with the signed core {core:+.2f} inside. It is 0 where the core is 0 and grows on "
        "both sides, so a higher value can mean a better or a worse source: compare texts by the signed core. Added "
        "to a training loss it has no gradient and changes nothing; as a weight on each example it can."
    )


def highlighted(text: str, score: DocumentScore) -> list[tuple[str, str | None]]:
    """Cut the text at its evidence.

    Where pieces of evidence overlap, the one that moved a score most keeps its place.

    Returns:
        (piece, label) pairs that join to ``text``; a label says in which direction trust moves, and why.
    """
    kept: list[tuple[int, int, str]] = []
    for item in sorted(score.evidence, key=lambda item: -_importance(item.axis, item.contribution)):
        if item.span is None or item.field or _importance(item.axis, item.contribution) < 1.0:
            continue
        start, end = item.span
        if start < end and all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end, evidence_label(item)))
    pieces: list[tuple[str, str | None]] = []
    position = 0
    for start, end, label in sorted(kept):
        if position < start:
            pieces.append((text[position:start], None))
        pieces.append((text[start:end], label))
        position = end
    if position < len(text):
        pieces.append((text[position:], None))
    return pieces


def evidence_label(item: Evidence) -> str:
    """Label of a highlight: ▲ where it raises trust in the source, ● where it lowers it, and the reason."""
    raises = (item.contribution < 0) == (item.axis == "authority_weight")
    short = plain_words.short_reason(item.reason)
    words = short if len(short) <= _LABEL_CHARS else plain_words.component(item.component)
    return f"{RAISES if raises else LOWERS} {words}"


def contribution_rows(score: DocumentScore) -> list[list[str]]:
    """The evidence as rows (axis, component, contribution, found, reason), one for each reason.

    Each axis ends with its value; the rows above it add up to that value before it is held within its range.
    """
    rows: list[list[str]] = []
    for axis, name in _AXES.items():
        groups: dict[tuple[str, str], list[Evidence]] = {}
        for item in score.evidence:
            if item.axis == axis:
                groups.setdefault((item.component, item.reason), []).append(item)
        first, small = len(rows), []
        for (component, reason), items in sorted(groups.items(), key=lambda group: -abs(_sum(group[1]))):
            if len(rows) - first == ROWS_LISTED or _importance(axis, _sum(items)) < 1.0:
                small.append(items)
                continue
            part, why = plain_words.component(component), plain_words.reason(reason)
            rows.append([name, part, f"{_sum(items):+.3f}", _found(items, reason), why])
        if small:
            others = _sum(item for items in small for item in items)
            reasons = "1 smaller reason" if len(small) == 1 else f"{len(small)} smaller reasons"
            rows.append([name, "all others", f"{others:+.3f}", "", reasons])
        total = _sum(item for items in groups.values() for item in items)
        value = float(getattr(score, axis))
        held = "" if abs(total - value) < 5e-4 else f"the sum is {total:.3f}; held within the range of the axis"
        rows.append([name, "= value", f"{value:.3f}", "", held])
    return rows


def _importance(axis: str, contribution: float) -> float:
    return abs(contribution) / NOTEWORTHY[axis]


def _sum(items: Iterable[Evidence]) -> float:
    return math.fsum(item.contribution for item in items)


def _found(items: Iterable[Evidence], reason: str) -> str:
    """The first few different matches the reason does not quote, with the field where they are from metadata."""
    quoted = reason.lower()
    found = dict.fromkeys(
        f"{item.field}: {item.text}" if item.field else item.text
        for item in items
        if item.text and (item.field or item.text.lower() not in quoted)
    )
    shown = [" ".join(text.split())[:_FOUND_CHARS] for text in list(found)[:_FOUND_SHOWN]]
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return " · ".join(shown) + more


def reference_points() -> list[Point]:
    """Where the usual source types lie: the scorer's priors."""
    return [Point(name.replace("_", " "), *prior) for name, prior in calibration().priors.items()]


def tier_cuts() -> tuple[float, float]:
    """Values of the signed core where tiers change, ascending."""
    return calibration().cut_points
