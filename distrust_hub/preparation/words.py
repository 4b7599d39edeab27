"""The words of a text, as duplicates and overlaps are compared by."""

from __future__ import annotations

import unicodedata

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘`"))


def split_words(text: str) -> list[str]:
    """Words without regard to case, punctuation, apostrophes and compatibility forms (NFKC).

    Marks (the vowel signs of Devanagari, say) belong to their letter, and characters that are not seen (soft hyphens,
    joiners) to no word. A script without spaces gives a word a clause.
    """
    text = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    others = (sign for sign in set(text) if not sign.isalnum() and sign != "_")
    return text.translate({ord(sign): _instead(sign) for sign in others}).split()


def _instead(sign: str) -> str | None:
    category = unicodedata.category(sign)
    return sign if category.startswith("M") else None if category == "Cf" else " "
