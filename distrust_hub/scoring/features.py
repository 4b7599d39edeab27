"""What the style component counts: word groups and a few shapes of the page, each a rate between 0 and a cap."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.matcher import Matches, lexicon_matcher
from distrust_hub.scoring.normalise import NormalText

REFERENCE_WORDS = 250
"""Rates are per this many words, the length of a page."""

MIN_WORDS = 60
"""Shorter texts count as this long, so that one word in ten does not make a style."""

_SPEAKER = re.compile(r"(?:^|[.?!\"-] )[A-Z][A-Z]{0,11}(?: \([A-Z]{2,8}\))?: ")

SHAPES = (
    "commas",
    "semicolons",
    "dashes",
    "quotes",
    "questions",
    "exclamations",
    "brackets",
    "digits",
    "speaker_labels",
    "word_length",
    "sentence_length",
    "recent_years",
    "old_years",
    "acronyms",
    "line_breaks",
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
    flat, log1p = text.flat, math.log1p
    count = flat.count
    sentences = max(1, count(". ") + count("? ") + count("! ") + 1)
    recent = old = 0
    capitals = 0
    for word in text.cased.split():
        if len(word) == 4 and word.isdigit():
            if "1970" <= word <= "2039":
                recent += 1
            elif "1500" <= word < "1930":
                old += 1
        elif len(word) > 1 and word.isupper():
            capitals += 1
    mean_length = len(text.lower) / (words + 1) - 1
    return [
        log1p(count(",") * scale),
        log1p(count(";") * scale),
        log1p((count("--") + count("—")) * scale),
        log1p((count('"') + count("“")) * scale),
        log1p(count("?") * scale),
        log1p(count("!") * scale),
        log1p((count("[") + count("(")) * scale),
        log1p(sum(map(count, "0123456789")) * scale),
        log1p(len(_SPEAKER.findall(flat)) * scale) if ": " in flat else 0.0,
        min(mean_length, 10.0),
        log1p(min(words / sentences, 80.0)),
        log1p(recent * scale),
        log1p(old * scale),
        log1p(capitals * scale),
        log1p(text.line_breaks * scale),
    ]
