"""Components that need no learning: consensus language, institutions that speak, marks of a kind of source."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from distrust_hub.scoring.language import LONG_WORDS, SHORT_WORDS, Language
from distrust_hub.scoring.matcher import Hit, Matches, entries_of, lexicon_matcher
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules_foreign import FOREIGN_MARKERS
from distrust_hub.scoring.rules_lexicon import COORDINATED_MARKERS, INSTITUTIONS, MARKERS, NEGATION, OTHER_SPEAKERS

_ALL_LANGUAGES = ("en", *FOREIGN_MARKERS)
_MARK_KINDS = (*MARKERS, "archaic_foreign")

_NEGATION = frozenset(entries_of(NEGATION))
_NEGATION_WORDS = 3
"""A consensus phrase with a negation this many words before it is denied, not claimed (our choice)."""

_SPEAKING_GAP = 14
"""Characters allowed between an institution's name and the verb it speaks with (our choice)."""


_OTHER_SPEAKERS = frozenset(entries_of(OTHER_SPEAKERS))
"""Between an institution's name and the verb these say that somebody else speaks, or that it is spoken of."""


class RuleHits(NamedTuple):
    """What the rule components found.

    Attributes:
        consensus: Claims of consensus, denied ones left out.
        speaking: Institutions that speak, with their rank in (0, 1].
        markers: Marks of a primary source by kind.
        coordinated: Marks of a coordinated source by kind.
    """

    consensus: list[Hit]
    speaking: list[tuple[Hit, float]]
    markers: dict[str, list[Hit]]
    coordinated: dict[str, list[Hit]]


def find_rules(text: NormalText, matches: Matches, language: Language) -> RuleHits:
    """Read the rule groups of one text."""
    index, counts = lexicon_matcher().index, matches.counts
    consensus: list[Hit] = []
    if counts[index["consensus"]]:
        consensus = [hit for hit in _apart(matches.hits(index["consensus"])) if not _denied(text.lower, hit[0])]
    speaking: list[tuple[Hit, float]] = []
    if counts[index["speaking"]] and (counts[index["institution_high"]] or counts[index["institution_body"]]):
        verbs = sorted(start for start, _ in matches.hits(index["speaking"]))
        for name, rank in zip(INSTITUTIONS, (1.0, 0.6)):
            for hit in _apart(matches.hits(index[name])):
                if _speaks(text.lower, hit[1], verbs):
                    speaking.append((hit, rank))
    languages = _languages_of_marks(language, len(text.words))
    markers, coordinated = (_marks(kinds, languages, matches) for kinds in (_MARK_KINDS, COORDINATED_MARKERS))
    return RuleHits(consensus, speaking, markers, coordinated)


def _languages_of_marks(language: Language, words: int) -> tuple[str, ...]:
    """Languages whose marks count: that of the text, all where it is too short to tell, none where none are known."""
    if words < SHORT_WORDS or (language.name == "unknown" and words < LONG_WORDS):
        return _ALL_LANGUAGES
    if language.name == "unknown":
        return ("en",)
    known = (language.name,) if language.name in _ALL_LANGUAGES else ()
    return (*known, "en") if language.english and known != ("en",) else known


def _marks(kinds: Iterable[str], languages: tuple[str, ...], matches: Matches) -> dict[str, list[Hit]]:
    """Places of the marks of some languages, by kind."""
    index, counts = lexicon_matcher().index, matches.counts
    found: dict[str, list[Hit]] = {}
    for language in languages:
        for kind in kinds:
            group = index.get(kind if language == "en" else f"{kind}.{language}")
            if group is not None and counts[group]:
                found.setdefault(kind, []).extend(matches.hits(group))
    return {kind: _apart(hits) for kind, hits in found.items()}


def capped_log(count: float, step: float, cap: float) -> float:
    """``step * log2(1 + count)``, at most ``cap``: the second mark of a kind says less than the first."""
    return min(cap, step * math.log2(1.0 + count))


def _speaks(lower: str, name_end: int, verbs: list[int]) -> bool:
    """Whether one of the sorted ``verbs`` starts shortly after the name, with nobody else between."""
    near = verbs[bisect_left(verbs, name_end - 1) : bisect_right(verbs, name_end - 1 + _SPEAKING_GAP)]
    return any(_OTHER_SPEAKERS.isdisjoint(lower[name_end:start].split()) for start in near)


def _denied(lower: str, start: int) -> bool:
    before = lower[max(0, start - 40) : start].split()[-_NEGATION_WORDS:]
    return any(word in _NEGATION for word in before)


def _apart(hits: list[Hit]) -> list[Hit]:
    """Hits that do not overlap, the longest of each cluster."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (h[0], -h[1])):
        if kept and hit[0] < kept[-1][1] - 1:
            continue
        kept.append(hit)
    return kept
