"""Long documents in pieces that end where a paragraph, else a sentence, ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from distrust_hub.preparation.quality import word_spans, words

_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"[.!?][\"')\]”’»]*\s+|[。！？][」』”’）]*")


def split_text(text: str, max_words: int) -> list[str]:
    """Pieces of at most ``max_words`` words, as ``quality.words`` counts them, with all of the text in order.

    Paragraphs are put together while they fit. One that is too long by itself is cut at ends of sentences, and a
    sentence that is too long between words. Only white space at the cuts is lost.
    """
    if len(words(text)) <= max_words:
        return [text]
    pieces: list[list[str]] = []
    room = 0
    for paragraph in _PARAGRAPH_END.split(text):
        for part in _fitting(paragraph, max_words):
            count = len(words(part))
            if count > room:
                pieces.append([])
                room = max_words
            pieces[-1].append(part)
            room -= count
    return ["\n\n".join(parts) for parts in pieces]


def _fitting(paragraph: str, max_words: int) -> Iterator[str]:
    """The paragraph, in as few parts as its sentences allow where it is too long."""
    if len(words(paragraph)) <= max_words:
        if paragraph.strip():
            yield paragraph.strip("\n")
        return
    held, room = "", max_words
    for part in _sentences(paragraph, max_words):
        count = len(words(part))
        if count > room:
            yield held.strip()
            held, room = "", max_words
        held += part
        room -= count
    if held.strip():
        yield held.strip()


def _sentences(paragraph: str, max_words: int) -> Iterator[str]:
    """Sentences with the white space behind them; of one that is too long, runs of ``max_words`` words."""
    start = 0
    for end in (*(match.end() for match in _SENTENCE_END.finditer(paragraph)), len(paragraph)):
        spans = word_spans(paragraph[start:end])
        cuts = [start + first for first, _ in spans[max_words::max_words]]
        for cut in (*cuts, end):
            yield paragraph[start:cut]
            start = cut
