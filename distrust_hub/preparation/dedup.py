"""Exact duplicates: the same words in the same order, whatever the spacing, case and punctuation."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_WORD = re.compile(r"\w+")


def text_fingerprint(text: str) -> bytes:
    """16 bytes that are equal for texts with the same words.

    Args:
        text: Any text; compared after NFKC normalisation, lower-casing, and dropping all but words.
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=16).digest()
