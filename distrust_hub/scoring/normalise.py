"""One normalised form of a text, and the way back to code points of the original.

All components read the same string: words in their own case between single spaces, with a space at both ends, so
that ``" experts agree "`` can only match whole words. White space and punctuation do not change it.
"""

from __future__ import annotations

import re
from functools import cached_property

_ALIKE = {"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u017f": "s", "\u0130": "I", "\ufb01": "fi", "\ufb02": "fl"}
_FEW = 300
"""Different characters up to which replacing the marks one by one is faster than a pattern, and still linear."""

_ASCII_TABLE = str.maketrans({c: " " for c in map(chr, range(128)) if not c.isalnum() and c != "'"})
_WORD_CHARACTERS = re.compile(r"[^\W_]+(?:'[^\W_]+)*|'[^\W_]+")
_LINE_HYPHEN = re.compile(r"(?<=[a-z\u017f])[-\u00ac] (?!(?:and|or|to|und|oder|et|y|e)\b)(?=[a-z\u017f])")


class NormalText:
    """A text as the components read it.

    Attributes:
        raw: The original text.
        flat: White space squeezed to single spaces, nothing else changed.
        cased: Words between single spaces, in their own case, a space at both ends.
        cased_words: Its words.
        lower: The same in lower case, position for position.
        words: Words in lower case.
        line_breaks: Words joined again that a line end had hyphenated.
    """

    __slots__ = ("__dict__", "cased", "cased_words", "flat", "line_breaks", "lower", "raw", "words")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.flat = flat = " ".join(raw.split())
        self.line_breaks = 0
        if "- " in flat or "\u00ac " in flat:
            flat, self.line_breaks = _LINE_HYPHEN.subn("", flat)
        if not flat.isascii():
            for character, plain in _ALIKE.items():
                if character in flat:
                    flat = flat.replace(character, plain)
        if flat.isascii():
            spaced = flat.translate(_ASCII_TABLE)
            if "'" in spaced:
                spaced = spaced.replace("' ", " ")
            parts = spaced.split()
        elif len(present := set(flat)) <= _FEW:
            for character in present:
                if not character.isalnum() and character not in " '":
                    flat = flat.replace(character, " ")
            parts = flat.replace("' ", " ").split() if "'" in flat else flat.split()
        else:
            parts = _WORD_CHARACTERS.findall(flat)
        self.cased_words = parts
        self.cased = " " + " ".join(parts) + " "
        lower = self.cased.lower()
        if len(lower) != len(self.cased):
            lower = "".join(low if len(low := c.lower()) == 1 else c for c in self.cased)
        self.lower = lower
        self.words = lower.split()

    @cached_property
    def _origins(self) -> list[int]:
        """For each position of ``cased`` the code point of ``raw`` it came from."""
        raw, end, at = self.raw, len(self.raw), 0
        positions: list[int] = []
        run = ""
        for character in self.cased:
            if character == " ":
                positions.append(at)
                continue
            if not run:
                while at < end and not self._plain(raw[at]).startswith(character):
                    at += 1
                run = self._plain(raw[at]) if at < end else character
                at += 1
            positions.append(at - 1)
            run = run[1:]
        return positions

    def flat_span(self, start: int, end: int) -> tuple[int, int]:
        """Code points ``[start, end)`` of the original text for a place in ``flat``."""
        raw = self.raw
        at = 0
        seen = 0
        begin = 0
        for word in self.flat.split(" "):
            while at < len(raw) and raw[at].isspace():
                at += 1
            if seen <= start <= seen + len(word):
                begin = at + start - seen
            if seen <= end <= seen + len(word):
                return (begin, at + end - seen)
            seen += len(word) + 1
            at += len(word)
        return (begin, len(raw))

    @staticmethod
    def _plain(character: str) -> str:
        return _ALIKE.get(character, character)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Code points ``[start, end)`` of the original text for a match in ``lower`` or ``cased``."""
        while start < end and self.cased[start] == " ":
            start += 1
        while end > start and self.cased[end - 1] == " ":
            end -= 1
        if start >= end:
            return (0, 0)
        return (self._origins[start], self._origins[end - 1] + 1)
