"""Documents with planted near-duplicates: OCR errors, changed headers, re-wrapped lines, and all three."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence

from distrust_hub.files import iter_jsonl
from distrust_hub.sample import sample_corpus_path
from tests.dev_data import dev_data

WORDS = 257
MAX_SENTENCE_WORDS = 60
OCR_RATE = 0.02
_MISREAD = {
    "e": "c",
    "c": "e",
    "l": "1",
    "i": "l",
    "o": "0",
    "h": "b",
    "n": "u",
    "u": "n",
    "m": "rn",
    "s": "f",
    "w": "vv",
}


def sentences() -> list[str]:
    """Sentences of real documents where they are, else of the sample corpus.

    None longer than MAX_SENTENCE_WORDS, since two documents that share one of half their length are near duplicates
    that nobody planted.
    """
    path = dev_data("provenance_dev.jsonl") or sample_corpus_path()
    found = {s for _, row in iter_jsonl(path) for s in re.split(r"(?<=[.!?])\s+", row["text"])}
    return sorted(s for s in found if 4 <= len(s.split()) <= MAX_SENTENCE_WORDS)


def shuffled_document(pool: Sequence[str], draw: random.Random) -> str:
    """About WORDS words of sentences drawn from the pool."""
    text: list[str] = []
    words = 0
    while words < WORDS:
        sentence = draw.choice(pool)
        text.append(sentence)
        words += len(sentence.split())
    return " ".join(text)


def misread(text: str, draw: random.Random) -> str:
    """OCR errors: characters replaced, lost, or followed by a speck."""

    def character(c: str) -> str:
        if c == " " or draw.random() >= OCR_RATE:
            return c
        kind = draw.random()
        if kind < 0.6:
            return _MISREAD.get(c.lower(), draw.choice("abcdefghijklmnopqrstuvwxyz"))
        return "" if kind < 0.8 else c + draw.choice(" .,'~")

    return "".join(map(character, text))


def change_header(text: str, draw: random.Random) -> str:
    """The first 5 to 25 words give way to others in capitals."""
    words = text.split()
    header = " ".join(draw.choice(words) for _ in range(draw.randint(5, 25))).upper()
    return f"{header}\n\n{' '.join(words[draw.randint(5, 25) :])}"


def rewrap(text: str, draw: random.Random) -> str:
    """Lines of another width, some ends hyphenated."""
    lines = []
    for line in textwrap.wrap(text, draw.randint(38, 75)):
        start, _, last = line.rpartition(" ")
        if len(last) > 7 and draw.random() < 0.6:
            cut = draw.randint(3, len(last) - 3)
            line = f"{start} {last[:cut]}-\n{last[cut:]}"
        lines.append(line)
    return "\n".join(lines)


def change_all(text: str, draw: random.Random) -> str:
    """A new header, then OCR errors, then new line breaks."""
    return rewrap(misread(change_header(text, draw), draw), draw)


CHANGES: tuple[Callable[[str, random.Random], str], ...] = (misread, change_header, rewrap, change_all)


def planted(count: int, share: float = 0.05, seed: int = 0) -> Iterator[tuple[str, int | None]]:
    """``count`` pairs (text, number of the earlier document it was made from, None for a document of its own).

    Constant memory: an original is drawn again from the seed and its number.
    """
    pool = sentences()
    originals: list[int] = []
    draw = random.Random(seed)
    for number in range(count):
        if originals and draw.random() < share:
            source = originals[draw.randrange(len(originals))]
            text = shuffled_document(pool, random.Random(f"{seed} {source}"))
            yield draw.choice(CHANGES)(text, draw), source
        else:
            originals.append(number)
            yield shuffled_document(pool, random.Random(f"{seed} {number}")), None
