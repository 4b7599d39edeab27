"""Overlap with evaluation data: a document that quotes it is found by word sequences they share.

The usual rule (Brown et al. 2020, appendix C) is a shared run of 13 words; for the short questions and answers of a
benchmark it is 8 words, or the whole of a question of 5 to 7. Hashes of the sequences are enough, so TruthfulQA's
ship with the package (``truthfulqa_sequences.npz``, no text in it) and the check needs neither network nor download.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.preparation.words import split_words
from distrust_hub.scoring.metadata import FIELDS

DOCUMENT_WORDS = 13
QUESTION_WORDS = 8
SHORTEST_QUESTION = 5
"""Questions of fewer words ("Who won?") are everyday phrases and cannot be told from them."""

FORM_ITEMS = 3
"""A sequence that so many items of an evaluation set share is a form or a phrase; meeting it proves nothing."""

_ANSWERS = ("answer", "targets", "choices", "options")
"""Parts of the names of columns that hold answers."""

_ABOUT = frozenset((*FIELDS, "title", "author", "id"))
"""Columns that say something about a text and are none of it."""

PASSAGE_ITEMS = 50
"""A whole text that up to so many items have is the passage they ask about; one that more have is a form."""

TRUTHFULQA, HELD_OUT = "truthfulqa", "held-out"
TRUTHFULQA_FILE = Path(__file__).with_name("truthfulqa_sequences.npz")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


def word_hashes(text: str) -> Hashes:
    """One hash per word, shape (words,), the same for any spacing, case and punctuation."""
    return np.array([_word_hash(word) for word in split_words(text)], dtype=np.uint64)


@lru_cache(maxsize=1 << 17)
def _word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def sequence_hashes(words: Hashes, length: int) -> Hashes:
    """Hashes of all runs of ``length`` words, shape (words - length + 1,) or empty."""
    count = len(words) - length + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    hashed = np.zeros(count, dtype=np.uint64)
    for place in range(length):
        hashed = hashed * _FACTOR + words[place : place + count]
    return hashed


@dataclass
class EvaluationSet:
    """The word sequences of an evaluation set, and how often they were met.

    Attributes:
        name: Name for the report.
        items: Questions or documents in it.
        sequences: {words in a sequence: (sorted hashes, item of each)}.
        source: What the manifest says about where it is from.
        documents: Documents found to overlap.
        hit: Items they overlap with.
    """

    name: str
    items: int
    sequences: dict[int, tuple[Hashes, NDArray[np.int32]]]
    source: dict[str, Any] = field(default_factory=dict)
    documents: int = 0
    hit: set[int] = field(default_factory=set)

    def overlaps(self, words: Hashes) -> bool:
        """Whether a document shares a sequence; counts it if so."""
        found: set[int] = set()
        for length, places in self._places(words).items():
            found.update(self.sequences[length][1][places].tolist())
        self.documents += bool(found)
        self.hit |= found
        return bool(found)

    def drop_forms(self, documents: Iterable[Hashes], most: int) -> list[int]:
        """Forget the sequences that ``most`` documents or more have; the numbers of those that have any, from 0."""
        counts = {length: np.zeros(len(known), dtype=np.int64) for length, (known, _) in self.sequences.items()}
        having = []
        for number, words in enumerate(documents):
            found = self._places(words)
            for length, places in found.items():
                counts[length][np.unique(places)] += 1
            if any(map(len, found.values())):
                having.append(number)
        for length, (known, items) in self.sequences.items():
            rare = counts[length] < most
            self.sequences[length] = known[rare], items[rare]
        return having

    def _places(self, words: Hashes) -> dict[int, NDArray[np.intp]]:
        """{words in a sequence: places in its index that a document's sequences have, in their order}."""
        found = {}
        for length, (known, _) in self.sequences.items():
            hashes = sequence_hashes(words, length)
            if len(known):
                places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
                found[length] = places[known[places] == hashes]
        return found

    def to_json(self) -> dict[str, Any]:
        """The line of the contamination table."""
        return {
            **self.source,
            "items": self.items,
            "items_hit": len(self.hit),
            "documents_removed": self.documents,
            "words_in_sequence": sorted(self.sequences),
        }


def evaluation_set(name: str, rows: Iterable[Mapping[str, Any]], text_column: str = "text") -> EvaluationSet:
    """Index evaluation rows.

    Args:
        name: Name for the report.
        rows: Rows with a ``question``, answers, choices, a text, or other columns of text such as a ``context``.
        text_column: Column whose value counts as a whole where it is short; of other columns only long ones do.
    """
    hashes: dict[int, list[Hashes]] = {}
    numbers: dict[int, list[NDArray[np.int32]]] = {}
    passages: Counter[bytes] = Counter()
    items = 0
    for item, row in enumerate(rows):
        items += 1
        for length, found in _sequences_of(row, text_column):
            if length == DOCUMENT_WORDS:
                passages[key := hashlib.blake2b(found.tobytes(), digest_size=16).digest()] += 1
                if 1 < passages[key] <= PASSAGE_ITEMS:
                    continue
            hashes.setdefault(length, []).append(found)
            numbers.setdefault(length, []).append(np.full(len(found), item, dtype=np.int32))
    sequences = {n: _index(np.concatenate(hashes[n]), np.concatenate(numbers[n])) for n in sorted(hashes)}
    return EvaluationSet(name, items, sequences)


def _index(hashes: Hashes, items: NDArray[np.int32]) -> tuple[Hashes, NDArray[np.int32]]:
    """Each sequence once, sorted, with the first item that has it; without those of FORM_ITEMS items or more."""
    order = np.lexsort((items, hashes))
    hashes, items = hashes[order], items[order]
    again = (hashes[1:] == hashes[:-1]) & (items[1:] == items[:-1])
    keep = np.r_[True, ~again]
    known, first, counts = np.unique(hashes[keep], return_index=True, return_counts=True)
    rare = counts < FORM_ITEMS
    return known[rare], items[keep][first[rare]]


def _sequences_of(row: Mapping[str, Any], text_column: str) -> Iterable[tuple[int, Hashes]]:
    for column, value in row.items():
        if column == "question":
            length, shortest = QUESTION_WORDS, SHORTEST_QUESTION
        elif any(part in column for part in _ANSWERS):
            length = shortest = QUESTION_WORDS
        elif column in _ABOUT and column != text_column:
            continue
        else:
            length, shortest = DOCUMENT_WORDS, SHORTEST_QUESTION if column == text_column else DOCUMENT_WORDS
        for text in _strings(value):
            yield from _runs(text, length, shortest)


def _runs(text: str, length: int, shortest: int) -> Iterable[tuple[int, Hashes]]:
    """All runs of ``length`` words; of a shorter text with at least ``shortest`` words, the whole."""
    words = word_hashes(text)
    if len(words) >= shortest:
        length = min(length, len(words))
        yield length, sequence_hashes(words, length)


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _strings(entry)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for entry in value:
            yield from _strings(entry)


def truthfulqa() -> EvaluationSet:
    """The shipped index of all 817 questions of TruthfulQA with their answers (Lin, Hilton, Evans 2022)."""
    with np.load(TRUTHFULQA_FILE) as stored:
        lengths = sorted({int(name[1:]) for name in stored.files if name[0] == "h"})
        sequences = {n: (stored[f"h{n}"], stored[f"i{n}"].astype(np.int32)) for n in lengths}
        return EvaluationSet(TRUTHFULQA, int(stored["items"]), sequences)
