"""How well a text was read by a machine, and what language it is in."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from distrust_hub.errors import MissingDependencyError

_EDGES = ".,;:!?()[]{}<>\"'“”‘’„«»—–-_*…/|¡¿·״׃־،؛؟۔।॥։፡።၊။៖៕、。〈〉《》「」『』【】〜！（），：；？"
_WORD = re.compile(r"[^\W\d_]+(?:['’./&–—·־׳״‐‑-][^\W\d_]+)*\.?")
_NUMBER = re.compile(r"[\d.,:/%$£€°'′″×+–-]+(?:st|nd|rd|th|am|pm|[°a-zA-Z]{0,3})")
_VOWEL = re.compile(r"[aeiouyà-öø-ÿœ]")
_TRIPLE = re.compile(r"([^\W\d_])\1\1")
_LONGEST_WORD = 30
_UNSPACED = (
    "\u0e01-\u0e4e\u0e80-\u0ecf\u0f40-\u0fbc\u1000-\u103f\u1780-\u17d3\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Letters of Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese."""
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_UNIT = re.compile(rf"[{_UNSPACED}][^\w\s]*|[^\s{_UNSPACED}]+")
_MARKS = {"Mn", "Mc", "Me", "Cf"}
_LANGUAGE_CHARACTERS = 2000


def words(text: str) -> list[str]:
    """The text cut at white space; in scripts that put none between words each character stands for one."""
    return [text[start:end] for start, end in word_spans(text)] if _has_unspaced(text) else text.split()


def word_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each of the ``words`` of a text."""
    return [match.span() for match in _UNIT.finditer(text)]


def _has_unspaced(text: str) -> bool:
    return not text.isascii() and _HAS_UNSPACED.search(text) is not None


def ocr_quality(text: str) -> float:
    """Share of a text's words that look like words, in [0, 1]; numbers are not counted.

    A word looks like one if it is letters (with an apostrophe or a hyphen inside), not a lone consonant, has a vowel
    unless it is an abbreviation, and does not repeat a letter three times. Clean prose has 0.95 and more, raw OCR of
    newspapers 0.85 and more, formulas and tables 0.75 and more; below 0.6 little can be read. A heuristic, the same
    for all scripts (words in others than Latin need no vowel; marks on letters say nothing).
    """
    verdicts = [_looks_read(token.strip(_EDGES)) for token in words(text)]
    counted = [verdict for verdict in verdicts if verdict is not None]
    return sum(counted) / len(counted) if counted else 0.0


@lru_cache(maxsize=1 << 16)
def _looks_read(word: str) -> bool | None:
    """True for a word, False for what is none, None for what says nothing: a number or bare punctuation."""
    repeats = _TRIPLE.search(word.lower())
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFC", word) if unicodedata.category(c) not in _MARKS)
    if not word or _NUMBER.fullmatch(word):
        return None
    if len(word) > _LONGEST_WORD or not _WORD.fullmatch(word):
        return False
    if len(word) == 1:
        return None if word.isupper() else word in "aioyeuàéèyoó" or not word.isascii()
    lower = word.lower()
    if word.isascii() and not _VOWEL.search(lower) and not (word.isupper() and len(word) <= 5):
        return False
    return not repeats


def language_code(text: str) -> str:
    """ISO 639-1 code of the language of the start of a text, one of 97.

    Raises:
        MissingDependencyError: If ``py3langid`` is not installed.
    """
    try:
        from py3langid import classify
    except ImportError as error:
        raise MissingDependencyError("py3langid", "data", "identifying languages") from error
    code: str = classify(unicodedata.normalize("NFC", text[:_LANGUAGE_CHARACTERS]))[0]
    return code
