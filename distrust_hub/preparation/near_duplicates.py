"""Near duplicates: the same text after OCR errors, another header or other line breaks.

Which pairs are worth a look: MinHash over character shingles (Broder 1997), two hashes of a signature as a bucket
(locality-sensitive hashing, Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3). The more texts there
are, the more others each shares a few sentences with, so a pair is looked at only if the shingles it shares stand all
over the texts. What they are: ``alignment``, which lays the two texts side by side. Characters rather than words, since
one wrong letter spoils one word in twelve but few shingles.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distrust_hub.preparation.alignment import same_text

SIMILARITY = 0.18
"""Least Jaccard similarity of the shingles, as far as the signatures tell it, at which two texts are compared. Copies
with 5 % of the letters misread have 0.5, with another header and footer too 0.2 to 0.4."""

MIN_CHARACTERS = 160
"""Texts with fewer letters and digits are compared exactly only: short questions and answers are alike without being
copies."""

SHINGLE_BYTES = 8
"""A letter of an alphabet counts as one byte and a character of Chinese, Japanese or Korean as three: in fewer letters
two long books of one language have most shingles in common.
"""
HASHES = 128
BANDS = 64
"""With 2 hashes a band, a pair of similarity 0.3 shares a bucket with probability 0.998, one of 0.02 with 0.03."""

PARTS, SPREAD = 16, 9
"""Of PARTS equal parts of a text, so many at least hold shingles that the other has too, as far as the signatures tell
it. Copies with 10 % of the letters misread have them in 9 to 16, texts with the same four sentences in 4 to 8."""

CHECKS = 8
"""Most texts that one is compared with in full: those whose signatures are most alike."""

_SEED = 20240229
_NO_LETTERS = re.compile(r"[\W_]+")
_NEIGHBOURS = 4
_PAIRS_AT_ONCE = 1 << 17
_SHINGLES_AT_ONCE = 1 << 11
_LOW_BITS = 72
"""Of the lowest bits of two signatures so many agree at least where the texts are worth a look; half do by chance."""

Numbers = NDArray[np.int64]


class Signatures(NamedTuple):
    """MinHash signatures of texts, shape (texts, HASHES), or of one, shape (HASHES,).

    Attributes:
        hashes: Lower half of the least hash of the shingles: two texts share each with the probability of their Jaccard
            similarity.
        parts: In which of PARTS equal parts of the text that shingle stands first, from 0.
    """

    hashes: NDArray[np.uint16]
    parts: NDArray[np.uint8]


def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    rng = np.random.default_rng(_SEED)
    multipliers = rng.integers(0, 2**31, (HASHES, 1), dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return multipliers, rng.integers(0, 2**32, (HASHES, 1), dtype=np.uint32)


_MULTIPLIERS, _OFFSETS = _permutations()
_EACH = np.arange(HASHES)


def letters_of(text: str) -> str:
    """The letters and digits of a text, without accents, in NFKD and lower case, without anything between them."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKD", text).casefold())


def signature(letters: str) -> Signatures:
    """The signature of one text.

    Args:
        letters: From ``letters_of``; at least SHINGLE_BYTES of them.
    """
    data = _letter_bytes(letters)
    shingles = np.lib.stride_tricks.sliding_window_view(data, SHINGLE_BYTES).copy().view("<u8").ravel()
    hashed = _mixed(shingles).astype(np.uint32)
    least = np.full(HASHES, np.iinfo(np.uint32).max, dtype=np.uint32)
    places = np.zeros(HASHES, dtype=np.int64)
    for first in range(0, len(hashed), _SHINGLES_AT_ONCE):
        permuted = _MULTIPLIERS * hashed[first : first + _SHINGLES_AT_ONCE] + _OFFSETS
        here = permuted.argmin(axis=1)
        found = permuted[_EACH, here]
        less = found < least
        least[less], places[less] = found[less], first + here[less]
    return Signatures(least.astype(np.uint16), (places * PARTS // len(hashed)).astype(np.uint8))


def _letter_bytes(letters: str) -> NDArray[np.uint8]:
    """UTF-8 with only the last byte of characters below U+2000, which tells the letters of an alphabet apart."""
    data = np.frombuffer(letters.encode("utf-8", "replace"), dtype=np.uint8)
    first, of_three = (data >= 0xC2) & (data <= 0xE1), (data >= 0xE0) & (data <= 0xE1)
    return data[~(first | np.r_[False, of_three[:-1]])]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Well spread 32-bit hashes of 64-bit values."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    values ^= values >> np.uint64(32)
    values *= np.uint64(0xD6E8FEB86659FD93)
    mixed: NDArray[np.uint64] = values >> np.uint64(32)
    return mixed


class NearDuplicates:
    """Collects texts one by one and then says which are near duplicates; holds the texts and 400 bytes for each."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._texts: list[str] = []
        self._hashes = array("H")
        self._parts = array("B")
        self._count = 0

    def add(self, text: str) -> None:
        """Take in the next text; those shorter than MIN_CHARACTERS never count as near duplicates."""
        letters = letters_of(text)
        if len(letters) >= MIN_CHARACTERS:
            self._numbers.append(self._count)
            self._texts.append(text)
            hashes, parts = signature(letters)
            self._hashes.frombytes(hashes.tobytes())
            self._parts.frombytes(parts.tobytes())
        self._count += 1

    def find(self) -> dict[int, int]:
        """{number of a text: number of the earlier one it repeats}, numbers counted from 0 in order of ``add``.

        Texts are looked at in order, and each is compared with those kept before it, so of a chain of ever more
        different copies only those like a kept one go.
        """
        if not self._numbers:
            return {}
        signatures = Signatures(
            np.frombuffer(self._hashes, dtype=np.uint16).reshape(-1, HASHES),
            np.frombuffer(self._parts, dtype=np.uint8).reshape(-1, HASHES),
        )
        repeats: dict[int, int] = {}
        for later, pairs in groupby(_likely_pairs(signatures), key=lambda pair: pair[0]):
            candidates = dict.fromkeys(repeats.get(earlier, earlier) for _, earlier in pairs)
            letters = letters_of(self._texts[later])
            for earlier in list(candidates)[:CHECKS]:
                if same_text(letters_of(self._texts[earlier]), letters):
                    repeats[later] = earlier
                    break
        return {self._numbers[later]: self._numbers[earlier] for later, earlier in repeats.items()}


def _likely_pairs(signatures: Signatures) -> Iterator[tuple[int, int]]:
    """(later, earlier) of texts that may be the same; the pairs of one later text together, the likeliest first."""
    count = len(signatures.hashes)
    low_bits = np.packbits(signatures.hashes.view(np.uint8)[:, ::2] & 1, axis=1).view(np.uint64)
    pairs = np.empty(0, dtype=np.int64)
    for band in range(BANDS):
        pairs = np.union1d(pairs, _pairs_of_band(signatures, low_bits, band))
    later, earlier = np.divmod(pairs, count)
    agreeing = np.concatenate([_agreeing(signatures, *some).sum(axis=1) for some in _in_portions(later, earlier)])
    order = np.lexsort((-agreeing, later))
    yield from zip(later[order].tolist(), earlier[order].tolist())


def _pairs_of_band(signatures: Signatures, low_bits: NDArray[np.uint64], band: int) -> Numbers:
    """Likely pairs of one band, as ``later * number of signatures + earlier``.

    Two hashes make the bucket. Within one, texts lie in the order of the next two hashes, and each is compared with
    the _NEIGHBOURS that follow it: a copy lies near in some band, and a bucket filled by a common form cannot make
    the time quadratic.
    """
    hashes = signatures.hashes
    first, second, third, fourth = (hashes[:, (2 * band + n) % HASHES].astype(np.uint64) for n in range(4))
    half, whole = np.uint64(16), np.uint64(32)
    buckets = _mixed(first << half | second)
    order = np.argsort(buckets << whole | third << half | fourth, kind="stable")
    buckets = buckets[order]
    found = [np.empty(0, dtype=np.int64)]
    for step in range(1, _NEIGHBOURS + 1):
        places = np.flatnonzero(buckets[step:] == buckets[:-step])
        one, two = order[places], order[places + step]
        near = np.bitwise_count(low_bits[one] ^ low_bits[two]).sum(axis=1) <= HASHES - _LOW_BITS
        later, earlier = np.maximum(one[near], two[near]), np.minimum(one[near], two[near])
        for some in _in_portions(later, earlier):
            likely = _likely(signatures, *some)
            found.append(some[0][likely] * len(hashes) + some[1][likely])
    return np.concatenate(found)


def _in_portions(later: Numbers, earlier: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    for first in range(0, max(1, len(later)), _PAIRS_AT_ONCE):
        yield later[first : first + _PAIRS_AT_ONCE], earlier[first : first + _PAIRS_AT_ONCE]


def _likely(signatures: Signatures, later: Numbers, earlier: Numbers) -> NDArray[np.intp]:
    """Which of the pairs have enough shingles in common, and these all over one of the two texts."""
    agreeing = _agreeing(signatures, later, earlier)
    similar = np.flatnonzero(agreeing.sum(axis=1) >= SIMILARITY * HASHES)
    agreeing = agreeing[similar]
    spread = [_spread(agreeing, signatures.parts[side[similar]]) for side in (later, earlier)]
    return similar[np.maximum(*spread) >= SPREAD / PARTS]


def _agreeing(signatures: Signatures, later: Numbers, earlier: Numbers) -> NDArray[np.bool_]:
    """Where the two signatures of each pair agree, shape (pairs, HASHES)."""
    agreeing: NDArray[np.bool_] = signatures.hashes[later] == signatures.hashes[earlier]
    return agreeing


def _spread(agreeing: NDArray[np.bool_], parts: NDArray[np.uint8]) -> NDArray[np.floating]:
    """In which share of a text's parts stand shingles that are ``agreeing``.

    Of the parts that have any: shingles count where they stand first, and the end of a text that repeats itself has
    none.
    """
    bits = np.left_shift(np.uint16(1), parts, dtype=np.uint16)
    shared, all_of_them = (
        np.bitwise_count(np.bitwise_or.reduce(chosen, axis=1)) for chosen in (np.where(agreeing, bits, 0), bits)
    )
    share: NDArray[np.floating] = shared / all_of_them
    return share
