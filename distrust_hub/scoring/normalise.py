"""One normalised form of a text, and the way back to code points of the original.

All components read the same string: words in their own case between single spaces, with a space at both ends, so
that ``" experts agree "`` can only match whole words. White space and punctuation do not change it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cached_property

import numpy as np

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
_CLOSING_QUOTE = re.compile(rb"' ")
_OPENING_QUOTE = re.compile(rb"'(?<= ')(?!(?:[Tt]is|[Tt]was|[Tt]il|[Ee]m|[Bb]out|[Cc]ause) )")
"""Not the apostrophe of a shortened word that the lexicon has."""

_FEW = 100
"""Different characters up to which replacing them one by one is faster than a table, and still linear."""

_USUAL = bytes(code for code in range(128) if code == 32 or not chr(code).isspace())
_ASCII_WORDS = bytes(code if chr(code).isalnum() or chr(code) == "'" or code > 127 else 32 for code in range(256))
_FIGURES = bytes(48 if chr(code) in "123456789" else code for code in range(256))
_LETTERS = bytes(code for code in range(128) if chr(code).isalpha() or code == 32)
_FOUR_DIGITS = re.compile(rb"0000(?<![0-9A-Za-z]0000)(?![0-9A-Za-z])")
_LINE_HYPHENS = {
    sign: re.compile(rf"{sign} (?<=[a-z\u017f]{sign} )(?!(?:and|or|to|und|oder|et|y|e)\b)(?=[a-z\u017f])")
    for sign in "-\u00ac\u00ad"
}


class NormalText:
    """A text as the components read it.

    Attributes:
        raw: The original text.
        flat: White space squeezed to single spaces, nothing else changed.
        data: ``flat`` in UTF-8: counting in bytes is several times as fast.
        figures: ``data`` with a 0 for every ASCII digit: one quick search says whether a number of a shape is in it.
        marks: The text in UTF-8 without ASCII letters and spaces, with a 0 for every ASCII digit. It is short, so that
            looking into it costs next to nothing: a sign or a shape of digits that is not in it is not in the text.
        cased: Words between single spaces, in their own case, a space at both ends.
        lower: The same in lower case, position for position.
        words: Words in lower case.
        years: Numbers from 1500 to 2099 that stand alone: the place in ``flat`` and the number, from left to right.
        line_breaks: Words joined again that a line end had hyphenated.
    """

    __slots__ = (
        "__dict__",
        "cased",
        "cased_data",
        "data",
        "figures",
        "flat",
        "line_breaks",
        "lower",
        "marks",
        "raw",
        "words",
        "years",
    )

    def __init__(self, raw: str) -> None:
        self.raw = raw
        data = raw.encode("utf-8", "replace")  # lone surrogates as they are written to files
        self.marks = data.translate(_FIGURES, _LETTERS)
        unusual = set(self.marks.translate(None, _USUAL).decode())
        for space in filter(str.isspace, unusual):
            data = data.replace(space.encode(), b" ")
        self.data = data = _squeezed(data)
        self.flat = flat = data.decode()
        self.figures = data.translate(_FIGURES)
        self.years = _years(data, self.figures) if b"0000" in self.marks else []
        self.line_breaks = 0
        for sign, pattern in _LINE_HYPHENS.items():
            if sign in flat:
                flat, joined = pattern.subn("", flat)
                self.line_breaks += joined
        words = _words_only(flat.encode() if self.line_breaks else data, unusual)
        self.cased_data = b" %b " % _squeezed(words)
        self.cased = self.cased_data.decode()
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
                while at < end and not (run := self._read(at, character)):
                    at += 1
                run = run or character
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

    def flat_span(self, start: int, end: int) -> tuple[int, int]:
        """Code points ``[start, end)`` of the original text for a place in ``flat``."""
        in_flat, in_raw = self._word_starts
        first, last = bisect_right(in_flat, start) - 1, bisect_right(in_flat, end) - 1
        return in_raw[first] + start - in_flat[first], in_raw[last] + end - in_flat[last]

    def _read(self, at: int, character: str) -> str:
        """The letter at a place of ``raw`` where it is the one that ``cased`` has next, else ""."""
        letter, following = self._letter(at)[0], self.raw[at + 1 : at + 2]
        if letter == "'" and not (following and (following == "'" or _plain(following) != " ")):
            return ""  # a closing quote, which ``cased`` leaves out
        return letter if character in (letter[0], _ALIKE.get(letter)) else ""

    def _letter(self, at: int) -> tuple[str, int]:
        """The letter at a place of ``raw`` as ``cased`` has it, and how many characters it takes there."""
        letter = self.raw[at]
        if _ACCENTED.match(self.raw, at) and len(whole := _composed(self.raw[at : at + 2])) == 1:
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


def _squeezed(data: bytes) -> bytes:
    """Single spaces for runs of them, none at the ends: ``b" ".join(data.split())`` in a quarter of its time."""
    codes = np.frombuffer(b" " + data, np.uint8)
    solid = codes != 32
    return codes[1:][solid[1:] | solid[:-1]].tobytes().rstrip(b" ")


def _years(data: bytes, figures: bytes) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    place, seen = 0, 0
    for match in _FOUR_DIGITS.finditer(figures):
        start, end = match.span()
        if 1500 <= (year := int(data[start:end])) < 2100:
            place, seen = place + len(data[seen:start].decode()), start
            found.append((place, year))
    return found


def _composed(letter: str) -> str:
    """A letter and its accent as one character, or the two where there is no such character."""
    return unicodedata.normalize("NFC", letter)


def _words_only(data: bytes, unusual: set[str]) -> bytes:
    """A space for every character that is neither alphanumeric nor an apostrophe within a word."""
    if not unusual.isdisjoint(_ACCENTS):
        data = _ACCENTED.sub(lambda match: _composed(match[0]), data.decode()).encode()
    written = {character: plain for character in unusual if (plain := _plain(character)) != character}
    if len(written) > _FEW:
        table, written = {ord(character): plain for character, plain in written.items()}, {}
        data = data.decode().translate(table).encode()
    words = data.translate(_ASCII_WORDS)
    for character, plain in written.items():
        words = words.replace(character.encode(), plain.encode())
    if b"'" in words:
        words = _OPENING_QUOTE.sub(b"", _CLOSING_QUOTE.sub(b" ", b" %b " % words))
    return words


def _plain(character: str) -> str:
    """What is read for an unusual character: letters stay, unseen ones go, marks and white space are a space."""
    if character.isalnum():
        return _ALIKE.get(character, character)
    return _ALIKE.get(character, "" if unicodedata.category(character) == "Cf" else " ")
