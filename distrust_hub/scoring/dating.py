"""The year a text cannot be older than: the latest year it mentions, and the newest thing it names; what is no year."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from distrust_hub.scoring.matcher import Matches, lexicon_matcher
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules_lexicon import SINCE, SINCE_GROUPS

SINCE_MIN, SINCE_MAX = 1930, 2039
"""Years in which a mentioned date says that the text is modern."""

_QUANTITY = re.compile(r"[\w%]|[.,/-]\d")
_DATED = re.compile(
    r"\b(?:since|during|early|late|mid|circa|year|spring|summer|autumn|winter|january|february|march|april|may|june|july|"
    r"august|september|october|november|december|im jahr|seit|depuis|desde|anno)[ ,.-]{1,2}$",
    re.IGNORECASE,
)
_MAYBE_DATED = re.compile(
    r"(?:\b(?:in|until|till|by|from|to|after|before|between|and|of|fall|bis|en|año|nel|dal|del|dans)[ ,.-]{1,2}|"
    r"\b\d{1,2}[a-z]{0,2},? |[(–-])$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r" ?[.,;:)\]?!–-]| ?$| (?:the|a|an|and|by|to|he|she|it|they|we|i|was|were|is|are|had|has|when|as|with|at|for|but|"
    r"or|which|that|who|after|on|in|from|of|until|under|while|there|this|his|her|its|their|und|et|y|e|der|die|le|la|el|il)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def _newest_first() -> list[tuple[int, int]]:
    """Years and the numbers of the word groups that tell them."""
    index = lexicon_matcher().index
    return [(year, index[name]) for year, name in sorted(zip(SINCE, SINCE_GROUPS), reverse=True)]


_NUMBERED = re.compile(
    r"\b(?:rooms?|pages?|pp?|nos?|numbers?|numbered|models?|routes?|bus|flight|lots?|box|suite|apartment|ext|extension|"
    r"section|paragraph|line|part|type|channel|about|nearly|almost|over|some|only|than|least|exactly)[ .:#]{1,2}$",
    re.IGNORECASE,
)
_COUNTED, _THE = re.compile(r" [a-zà-ÿµ]"), re.compile(r"\b(?:the|this|that|its|his|her|our|their)[ ]$", re.IGNORECASE)


class Since(NamedTuple):
    """Why a text cannot be older than a year.

    Attributes:
        year: The year.
        span: Place in ``NormalText.flat`` for a year, in ``NormalText.lower`` for a thing.
        thing: Whether a thing was named, not a year.
    """

    year: int
    span: tuple[int, int]
    thing: bool


def since(text: NormalText, matches: Matches) -> Since | None:
    """The best reason why the text is modern, None when it gives none. A quantity or a model number is no date."""
    found: Since | None = None
    for year, group in _newest_first():
        if matches.counts[group]:
            found = Since(year, matches.hits(group)[0], True)
            break
    flat = text.flat
    for start, year in text.years:
        if not SINCE_MIN <= year <= SINCE_MAX or (found and year <= found.year):
            continue
        end, before = start + 4, flat[max(0, start - 14) : start]
        if before[-1:].isalnum() or _QUANTITY.match(flat, end):
            continue
        if _DATED.search(before) or (_MAYBE_DATED.search(before) and _AFTER.match(flat, end)):
            found = Since(year, (start, end), False)
    return found


def is_quantity(flat: str, start: int) -> bool:
    """Whether four digits count or number something: ``1984 rivets``, ``room 1920``; not ``the 1918 epidemic``."""
    end, before = start + 4, flat[max(0, start - 14) : start]
    if before[-1:].isalnum() or _QUANTITY.match(flat, end) or _NUMBERED.search(before):
        return True
    if not _COUNTED.match(flat, end) or _AFTER.match(flat, end):
        return False
    return not (_THE.search(before) or _DATED.search(before) or _MAYBE_DATED.search(before))
