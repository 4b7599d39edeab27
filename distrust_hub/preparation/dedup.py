"""Exact duplicates: the same words in the same order, whatever the spacing, case and punctuation."""

from __future__ import annotations

import hashlib

from distrust_hub.preparation.words import split_words


def text_fingerprint(text: str) -> bytes:
    """16 bytes that are equal for texts with the same words.

    Args:
        text: Any text.
    """
    return hashlib.blake2b(" ".join(split_words(text)).encode("utf-8", "replace"), digest_size=16).digest()
