"""Documents with planted near-duplicates (OCR errors, other headers, line breaks, all three) and filled-in forms."""

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
OCR_RATE = 0.05
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
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def sentences() -> list[str]:
    """Sentences of real documents where they are, else of the sample corpus.

    None longer than MAX_SENTENCE_WORDS, since two documents that share one of half their length are near duplicates
    that nobody planted; ``planted`` takes still shorter ones for short documents.
    """
    path = dev_data("provenance_dev.jsonl") or sample_corpus_path()
    found = {s for _, row in iter_jsonl(path) for s in re.split(r"(?<=[.!?])\s+", row["text"])}
    return sorted(s for s in found if 4 <= len(s.split()) <= MAX_SENTENCE_WORDS)


def shuffled_document(pool: Sequence[str], draw: random.Random, words: int = WORDS) -> str:
    """About so many words of sentences drawn from the pool."""
    text: list[str] = []
    count = 0
    while count < words:
        sentence = draw.choice(pool)
        text.append(sentence)
        count += len(sentence.split())
    return " ".join(text)


def misread(text: str, draw: random.Random, rate: float = OCR_RATE) -> str:
    """OCR errors in this share of the characters: taken for others that look so or for any, lost, doubled, specks."""

    def character(c: str) -> str:
        if c == " " or draw.random() >= rate:
            return c
        kind = draw.random()
        if kind < 0.4:
            return _MISREAD.get(c.lower(), draw.choice(_LETTERS))
        if kind < 0.6:
            return draw.choice(_LETTERS)
        return "" if kind < 0.8 else c + draw.choice([c, " ", ".", "'"])

    return "".join(map(character, text))


def change_header(text: str, draw: random.Random, rate: float = OCR_RATE) -> str:
    """The first 5 to 25 words, of short texts no more than a fifth, give way to others in capitals."""
    words = text.split()
    most = max(5, min(25, len(words) // 5))
    header = " ".join(draw.choice(words) for _ in range(draw.randint(5, most))).upper()
    return f"{header}\n\n{' '.join(words[draw.randint(5, most) :])}"


def rewrap(text: str, draw: random.Random, rate: float = OCR_RATE) -> str:
    """Lines of another width, some ends hyphenated."""
    lines = []
    for line in textwrap.wrap(text, draw.randint(38, 75)):
        start, _, last = line.rpartition(" ")
        if len(last) > 7 and draw.random() < 0.6:
            cut = draw.randint(3, len(last) - 3)
            line = f"{start} {last[:cut]}-\n{last[cut:]}"
        lines.append(line)
    return "\n".join(lines)


def change_all(text: str, draw: random.Random, rate: float = OCR_RATE) -> str:
    """A new header, then OCR errors, then new line breaks."""
    return rewrap(misread(change_header(text, draw), draw, rate), draw)


CHANGES: tuple[Callable[[str, random.Random, float], str], ...] = (misread, change_header, rewrap, change_all)


def filled_in_form(draw: random.Random) -> str:
    """A receipt of 60 words in which what is filled in differs, and nothing else."""
    names = [f"{draw.choice(_FIRST_NAMES)} {draw.choice(_LAST_NAMES)}" for _ in range(2)]
    return (
        f"Receipt number {draw.randint(100, 9999)}. I, {names[0]}, of {draw.choice(_TOWNS)}, hereby declare that on "
        f"the {draw.randint(1, 28)}th day of {draw.choice(_MONTHS)}, {draw.randint(1780, 1899)}, I received the sum "
        f"of {draw.randint(11, 9999)} dollars from {names[1]}, {draw.choice(_TRADES)}, for goods delivered and "
        "services rendered, in full discharge of all demands to this date, and that no other claim against him remains."
    )


_FIRST_NAMES = ("John", "Mary", "William", "Sarah", "Thomas", "Elizabeth", "George", "Anna", "Frederick", "Charlotte")
_LAST_NAMES = ("Smith", "Hamilton", "Brown", "Washington", "Miller", "Fletcher", "Howard", "Lambert", "Osborne")
_TOWNS = ("Boston", "Albany", "Richmond", "Hartford", "Providence", "Salem", "Concord", "Dover", "Savannah")
_MONTHS = ("January", "February", "March", "May", "June", "July", "August", "October", "November", "December")
_TRADES = ("carpenter", "blacksmith", "farmer", "merchant", "clerk", "mariner", "weaver", "physician", "printer")


def planted(
    count: int, share: float = 0.05, seed: int = 0, *, words: int = WORDS, rate: float = OCR_RATE
) -> Iterator[tuple[str, int | None]]:
    """``count`` pairs (text, number of the earlier document it was made from, None for a document of its own).

    Constant memory: an original is drawn again from the seed and its number.

    Args:
        count: Documents.
        share: Copies among them.
        seed: Seed of all of it.
        words: Length of a document.
        rate: Share of the characters that are misread where any are.
    """
    pool = [one for one in sentences() if len(one.split()) <= max(12, words // 4)]
    originals: list[int] = []
    draw = random.Random(seed)
    for number in range(count):
        if originals and draw.random() < share:
            source = originals[draw.randrange(len(originals))]
            text = shuffled_document(pool, random.Random(f"{seed} {source}"), words)
            yield draw.choice(CHANGES)(text, draw, rate), source
        else:
            originals.append(number)
            yield shuffled_document(pool, random.Random(f"{seed} {number}"), words), None
