"""What the style component counts: word groups and a few shapes of the page, each a rate between 0 and a cap."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import NamedTuple

from distrust_hub.scoring.dating import is_quantity
from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.matcher import Matches, lexicon_matcher
from distrust_hub.scoring.normalise import NormalText

REFERENCE_WORDS = 250
"""Rates are per this many words, the length of a page."""

MIN_WORDS = 60
"""Shorter texts count as this long, so that one word in ten does not make a style."""

_CAPITALS = bytes(65 if 65 <= code <= 90 else code for code in range(256))
"""Every capital letter of ASCII to A."""

_END, _I = re.compile(rb"\. "), re.compile(r"I(?<= I) (?:I )?")
"""What ``count(b". ")`` and ``count(" I ")`` count, in less than half of their time."""

_SPEAKER = re.compile(r"[A-Z](?: \([A-Z]{2,8}\))?$")

SHAPES = (
    "semicolons",
    "quotes",
    "questions",
    "brackets",
    "speaker_labels",
    "word_length",
    "recent_years",
    "old_years",
    "line_breaks",
    "capitals",
    "decimals",
    "percents",
    "equals",
)
_GROUPS = len(STYLE_GROUPS)
NAMES: tuple[str, ...] = (*STYLE_GROUPS, *SHAPES)


class Features(NamedTuple):
    """Values in the order of ``NAMES``, and the matches they were counted from."""

    values: list[float]
    matches: Matches


def features_of(text: NormalText) -> Features:
    """Measure a text; time is linear in its length."""
    matches = lexicon_matcher().find(text)
    words = len(text.words)
    scale = REFERENCE_WORDS / max(words, MIN_WORDS)
    log1p = math.log1p
    values = [log1p(count * scale) if count else 0.0 for count in matches.counts[:_GROUPS]]
    values.extend(_shapes(text, words, scale))
    return Features(values, matches)


def _shapes(text: NormalText, words: int, scale: float) -> list[float]:
    data, log1p = text.data, math.log1p
    marks = text.marks
    count = marks.count
    sentences = len(_END.findall(data)) + 1
    if b"?" in marks:
        sentences += data.count(b"? ")
    if b"!" in marks:
        sentences += data.count(b"! ")
    years = [year for start, year in text.years if not is_quantity(text.flat, start)]
    capitals = text.cased_data.translate(_CAPITALS).count(b" A") - len(_I.findall(text.cased)) - sentences
    mean_length = len(text.lower) / (words + 1) - 1
    return [
        log1p(count(b";") * scale),
        log1p((count(b'"') + count("“".encode())) * scale),
        log1p(count(b"?") * scale),
        log1p((count(b"[") + count(b"(")) * scale),
        log1p(_speakers(text.flat) * scale) if b":" in marks else 0.0,
        min(mean_length, 10.0),
        log1p(sum(1970 <= year < 2040 for year in years) * scale) if years else 0.0,
        log1p(sum(year < 1930 for year in years) * scale) if years else 0.0,
        log1p(text.line_breaks * scale),
        log1p(max(0, capitals) * scale),
        log1p(text.figures.count(b"0.0") * scale) if b"0.0" in marks else 0.0,
        log1p(count(b"%") * scale),
        log1p((count(b"=") + count("±".encode())) * scale),
    ]


def _speakers(flat: str) -> int:
    """How many colons stand after a name in capitals, as before the words of a speaker."""
    parts = flat.split(":")
    return sum(after[:1] == " " and _SPEAKER.search(before[-12:]) is not None for before, after in pairwise(parts))
