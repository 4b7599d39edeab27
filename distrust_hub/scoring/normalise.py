"""One normalised form of a text, and the way back to code points of the original.

All components read the same string: words in their own case between single spaces, with a space at both ends, so
that ``" experts agree "`` can only match whole words. White space and punctuation do not change it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cached_property

_ALIKE = {"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u017f": "s", "\u0130": "I"}
_ALIKE |= {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
_ACCENTED = re.compile("[A-Za-z][\u0300-\u0328]")
"""A letter and its accent as two characters."""

_ACCENTS = frozenset(map(chr, range(0x300, 0x329)))
_OPENING_QUOTE = re.compile(r" '(?!(?:[Tt]is|[Tt]was|[Tt]il|[Ee]m|[Bb]out|[Cc]ause) )")
"""Not the apostrophe of a shortened word that the lexicon has."""

_FEW = 100
"""Different non-ASCII marks up to which replacing them one by one is faster than a pattern, and still linear."""

_ASCII_SPACE = "\n\t\r\x0b\x0c\x1c\x1d\x1e\x1f"
_ASCII = bytes(range(128))
_ASCII_WORDS = bytes(code if chr(code).isalnum() or chr(code) == "'" or code > 127 else 32 for code in range(256))
_FIGURES = bytes(48 if chr(code) in "123456789" else code for code in range(256))
_FOUR_DIGITS = re.compile(rb"0000(?<![0-9A-Za-z]0000)(?![0-9A-Za-z])")
_MARK = re.compile(r"[^\w' ]")
_LINE_HYPHENS = [
    re.compile(rf"{sign} (?<=[a-z\u017f]{sign} )(?!(?:and|or|to|und|oder|et|y|e)\b)(?=[a-z\u017f])")
    for sign in "-\u00ac\u00ad"
]


class NormalText:
    """A text as the components read it.

    Attributes:
        raw: The original text.
        flat: White space squeezed to single spaces, nothing else changed.
        data: ``flat`` in UTF-8: counting in bytes is several times as fast.
        figures: ``data`` with a 0 for every ASCII digit: one quick search says whether a number of a shape is in it.
        cased: Words between single spaces, in their own case, a space at both ends.
        lower: The same in lower case, position for position.
        words: Words in lower case.
        line_breaks: Words joined again that a line end had hyphenated.
    """

    __slots__ = ("__dict__", "cased", "data", "figures", "flat", "line_breaks", "lower", "raw", "words")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        foreign = _foreign(raw)
        if any("\ud800" <= character <= "\udfff" for character in foreign):
            raw = raw.encode("utf-8", "replace").decode("utf-8")  # lone surrogates as they are written to files
        self.flat = flat = _squeezed(raw, foreign)
        self.data = flat.encode("utf-8", "surrogatepass")
        self.figures = figures(self.data)
        self.line_breaks = 0
        for pattern in _LINE_HYPHENS:
            flat, joined = pattern.subn("", flat)
            self.line_breaks += joined
        spaced = _words_only(flat, foreign)
        if "'" in spaced:
            spaced = _OPENING_QUOTE.sub(" ", f" {spaced} ".replace("' ", " "))
        self.cased = " " + " ".join(spaced.split()) + " "
        lower = self.cased.lower()
        if len(lower) != len(self.cased):
            lower = "".join(low if len(low := c.lower()) == 1 else c for c in self.cased)
        self.lower = lower
        self.words = lower.split()

    @cached_property
    def _origins(self) -> list[int]:
        """For each position of ``cased`` the code point of ``raw`` it came from."""
        end, at = len(self.raw), 0
        positions: list[int] = []
        run = ""
        for character in self.cased:
            if character == " ":
                positions.append(at)
                continue
            if not run:
                while at < end and not (run := self._letter(at)[0]).startswith(character):
                    at += 1
                run = run if at < end else character
                at += 1
            positions.append(at - 1)
            run = run[1:]
        return positions

    @cached_property
    def _word_starts(self) -> tuple[list[int], list[int]]:
        """Where each word starts in ``flat`` and in ``raw``."""
        in_flat, in_raw, at, raw = [], [], 0, self.raw
        seen = 0
        for word in self.flat.split(" "):
            while at < len(raw) and raw[at].isspace():
                at += 1
            in_flat.append(seen)
            in_raw.append(at)
            seen += len(word) + 1
            at += len(word)
        return in_flat, in_raw

    @cached_property
    def years(self) -> list[tuple[int, int]]:
        """Numbers from 1500 to 2099 that stand alone: the place in ``flat`` and the number, from left to right."""
        if b"0000" not in self.figures:
            return []
        found: list[tuple[int, int]] = []
        place = seen = 0
        for match in _FOUR_DIGITS.finditer(self.figures):
            start, end = match.span()
            place, seen = place + len(self.data[seen:start].decode("utf-8", "surrogatepass")), start
            year = int(self.data[start:end])
            if 1500 <= year < 2100:
                found.append((place, year))
        return found

    def flat_span(self, start: int, end: int) -> tuple[int, int]:
        """Code points ``[start, end)`` of the original text for a place in ``flat``."""
        in_flat, in_raw = self._word_starts
        first, last = bisect_right(in_flat, start) - 1, bisect_right(in_flat, end) - 1
        return in_raw[first] + start - in_flat[first], in_raw[last] + end - in_flat[last]

    def _letter(self, at: int) -> tuple[str, int]:
        """The letter at a place of ``raw`` as ``cased`` has it, and how many characters it takes there."""
        letter = self.raw[at]
        if self.raw[at + 1 : at + 2] in _ACCENTS and len(whole := _composed(self.raw[at : at + 2])) == 1:
            return whole, 2
        return _ALIKE.get(letter, letter), 1

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Code points ``[start, end)`` of the original text for a match in ``lower`` or ``cased``."""
        while start < end and self.cased[start] == " ":
            start += 1
        while end > start and self.cased[end - 1] == " ":
            end -= 1
        if start >= end:
            return (0, 0)
        last = self._origins[end - 1]
        return (self._origins[start], last + self._letter(last)[1])


def _foreign(text: str) -> set[str]:
    """The different characters of a text that are not ASCII."""
    if text.isascii():
        return set()
    return set(text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass"))


def _squeezed(raw: str, foreign: set[str]) -> str:
    """``" ".join(raw.split())`` in a third of its time; linear, for each pass halves the longest run of spaces."""
    for space in (*_ASCII_SPACE, *filter(str.isspace, foreign)):
        if space in raw:
            raw = raw.replace(space, " ")
    while "  " in raw:
        raw = raw.replace("  ", " ")
    return raw.strip(" ")


def _composed(letter: str) -> str:
    """A letter and its accent as one character, or the two where there is no such character."""
    return unicodedata.normalize("NFC", letter)


def figures(data: bytes) -> bytes:
    """A text in UTF-8 with a 0 for every ASCII digit."""
    return data.translate(_FIGURES)


def _words_only(flat: str, foreign: set[str]) -> str:
    """Every character that is neither alphanumeric nor an apostrophe replaced by a space."""
    if not foreign.isdisjoint(_ACCENTS):
        flat = _ACCENTED.sub(lambda match: _composed(match[0]), flat)
    for character in _ALIKE.keys() & foreign:
        flat = flat.replace(character, _ALIKE[character])
    flat = flat.encode("utf-8", "surrogatepass").translate(_ASCII_WORDS).decode("utf-8", "surrogatepass")
    marks = [character for character in foreign if not character.isalnum()]
    for unseen in [mark for mark in marks if unicodedata.category(mark) == "Cf"]:
        flat = flat.replace(unseen, "")
    if len(marks) > _FEW:
        return _MARK.sub(" ", flat)
    for mark in marks:
        flat = flat.replace(mark, " ")
    return flat
