"""Components that need no learning: consensus language, institutions that speak, marks of a kind of source."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from distrust_hub.scoring.language import LONG_WORDS, SHORT_WORDS, Language
from distrust_hub.scoring.matcher import Hit, Matches, entries_of, foreign_matcher, lexicon_matcher
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules_foreign import FOREIGN_MARKERS
from distrust_hub.scoring.rules_lexicon import (
    COORDINATED_MARKERS,
    DOUBT,
    INSTITUTIONS,
    MARKERS,
    NEGATION,
    OTHER_SPEAKERS,
    SPOKEN_OF,
)

_ALL_LANGUAGES = ("en", *FOREIGN_MARKERS)
_MARK_KINDS = (*MARKERS, "archaic_foreign", "period_life")

_NEGATION = frozenset(entries_of(NEGATION))
_NEGATION_WORDS = 3
"""A consensus phrase with a negation this many words before it is denied, not claimed (our choice)."""

_DOUBT = frozenset(entries_of(DOUBT))
_DOUBT_WORDS = 5
"""A consensus phrase with one of these this many words before it is spoken of, not claimed (our choice)."""

_REFUTED = re.compile(
    r" ?(?:(?:is|was|are|were|has been) (?:simply |plainly |quite |now |a )?"
    r"(?:false|wrong|untrue|myth|nonsense|mistaken|disputed|contested|doubtful|absurd)|on nothing|on little) "
)

_SPEAKING_GAP = 14
"""Characters allowed between an institution's name and the verb it speaks with (our choice)."""

_LONGEST_NAME = 80
_NAME_GOES_ON = re.compile(
    r"(?:(?:(?:of|for|and|the|on|de|del|des|du|la|le|les|y|e|et|für|und|der|della|dei) ){0,3}"
    r"(?:\w{1,4}')?[A-ZÀ-ÖØ-Þ][\w']{1,30} ){1,8}"
)
"""``Department of Health`` is followed by ``and Human Services``."""

_OTHER_SPEAKERS = frozenset(entries_of(OTHER_SPEAKERS))
"""Between an institution's name and the verb these say that somebody else speaks, or that it is spoken of."""

_SPOKEN_OF = frozenset(entries_of(SPOKEN_OF))
_SPOKEN_OF_WORDS = 4
"""With one of these this many words before its name, an institution is spoken of (our choice)."""


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
        consensus = [hit for hit in _apart(matches.hits(index["consensus"])) if not _denied(text.lower, hit)]
    speaking: list[tuple[Hit, float]] = []
    if counts[index["journal"]]:
        speaking = [(hit, 0.6) for hit in _apart(matches.hits(index["journal"]))]
    if counts[index["speaking"]] and (counts[index["institution_high"]] or counts[index["institution_body"]]):
        verbs = sorted(start for start, _ in matches.hits(index["speaking"]))
        for name, rank in zip(INSTITUTIONS, (1.0, 0.6)):
            for hit in _apart(matches.hits(index[name])):
                if _speaks(text, hit, verbs):
                    speaking.append((hit, rank))
    languages = _languages_of_marks(language, len(text.words))
    foreign = matches if languages == ("en",) else foreign_matcher().find(text)
    primary, coordinated = _mark_groups()
    return RuleHits(
        consensus,
        speaking,
        _marks(primary, languages, matches, foreign),
        _marks(coordinated, languages, matches, foreign),
    )


def _languages_of_marks(language: Language, words: int) -> tuple[str, ...]:
    """Languages whose marks count: that of the text, all where it is too short to tell, none where none are known."""
    if words < SHORT_WORDS or (language.name == "unknown" and words < LONG_WORDS):
        return _ALL_LANGUAGES
    if language.name == "unknown":
        return ("en",)
    known = (language.name,) if language.name in _ALL_LANGUAGES else ()
    return (*known, "en") if language.english and known != ("en",) else known


@lru_cache(maxsize=1)
def _mark_groups() -> list[dict[str, list[tuple[str, int]]]]:
    """Kinds of mark and their word groups by language, for primary and for coordinated sources."""
    english, foreign = lexicon_matcher().index, foreign_matcher().index
    return [
        {
            "en": [(kind, english[kind]) for kind in kinds if kind in english],
            **{
                language: [(kind, foreign[name]) for kind in kinds if (name := f"{kind}.{language}") in foreign]
                for language in FOREIGN_MARKERS
            },
        }
        for kinds in (_MARK_KINDS, COORDINATED_MARKERS)
    ]


def _marks(
    groups: Mapping[str, list[tuple[str, int]]], languages: tuple[str, ...], english: Matches, foreign: Matches
) -> dict[str, list[Hit]]:
    """Places of the marks of some languages, by kind."""
    found: dict[str, list[Hit]] = {}
    for language in languages:
        matches = english if language == "en" else foreign
        counts = matches.counts
        for kind, group in groups[language]:
            if counts[group]:
                found.setdefault(kind, []).extend(matches.hits(group))
    return {kind: _apart(hits) for kind, hits in found.items()}


def capped_log(count: float, step: float, cap: float) -> float:
    """``step * log2(1 + count)``, at most ``cap``: the second mark of a kind says less than the first."""
    return min(cap, step * math.log2(1.0 + count)) if count else 0.0


def _speaks(text: NormalText, name: Hit, verbs: list[int]) -> bool:
    """Whether one of the sorted ``verbs`` starts shortly after the name, with nobody else between."""
    end = name[1]
    near = bisect_right(verbs, end + _LONGEST_NAME + _SPEAKING_GAP) - bisect_left(verbs, end - 1)
    if not near or not _SPOKEN_OF.isdisjoint(_words_before(text.lower, name[0], _SPOKEN_OF_WORDS)):
        return False
    further = _NAME_GOES_ON.match(text.cased, end, end + _LONGEST_NAME)
    end = further.end() if further else end
    heard = verbs[bisect_left(verbs, name[1] - 1) : bisect_right(verbs, end - 1 + _SPEAKING_GAP)]
    return any(_OTHER_SPEAKERS.isdisjoint(text.lower[end:start].split()) for start in heard)


def _denied(lower: str, phrase: Hit) -> bool:
    before = _words_before(lower, phrase[0], _DOUBT_WORDS)
    if any(word in _NEGATION for word in before[-_NEGATION_WORDS:]) or not _DOUBT.isdisjoint(before):
        return True
    told = before[-1:] in (["do"], ["does"], ["did"]) or before[-2:] in (["far", "from"], ["so", "called"])
    return told or _REFUTED.match(lower, phrase[1] - 1) is not None


def _words_before(lower: str, start: int, number: int) -> list[str]:
    return lower[max(0, start - 12 * number) : start].split()[-number:]


def _apart(hits: list[Hit]) -> list[Hit]:
    """Hits that do not overlap, the longest of each cluster."""
    if len(hits) < 2:
        return hits
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (h[0], -h[1])):
        if kept and hit[0] < kept[-1][1] - 1:
            continue
        kept.append(hit)
    return kept
