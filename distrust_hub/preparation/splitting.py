"""Long documents in pieces that end where a paragraph, else a sentence, ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]”’]*\s+")


def split_text(text: str, max_words: int) -> list[str]:
    """Pieces of at most ``max_words`` words that together hold every word once, in order.

    Paragraphs are put together while they fit. One that is too long by itself is cut at ends of sentences, and a
    sentence that is too long at spaces.
    """
    if len(text.split()) <= max_words:
        return [text]
    pieces: list[list[str]] = []
    room = 0
    for paragraph in _PARAGRAPH_END.split(text):
        for part in _fitting(paragraph, max_words):
            words = len(part.split())
            if words > room:
                pieces.append([])
                room = max_words
            pieces[-1].append(part)
            room -= words
    return ["\n\n".join(parts) for parts in pieces]


def _fitting(paragraph: str, max_words: int) -> Iterator[str]:
    if len(paragraph.split()) <= max_words:
        if paragraph.strip():
            yield paragraph.strip("\n")
        return
    held: list[str] = []
    count = 0
    for sentence in _SENTENCE_END.split(paragraph):
        words = sentence.split()
        if count + len(words) > max_words and held:
            yield " ".join(held)
            held, count = [], 0
        while len(words) > max_words:
            yield " ".join(words[:max_words])
            words = words[max_words:]
        held.extend(words)
        count = len(held)
    if held:
        yield " ".join(held)
