"""Near duplicates: the same text after OCR errors, another header or other line breaks.

MinHash over character shingles (Broder 1997), bands of the signatures as buckets (locality-sensitive hashing,
Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3), then the signatures themselves compared.
Characters rather than words, since one wrong letter spoils one word in twelve but few shingles.
"""

from __future__ import annotations

import re
import unicodedata
from array import array

import numpy as np
from numpy.typing import NDArray

SIMILARITY = 0.5
"""Two texts whose shingles have at least this Jaccard similarity are near duplicates. Copies with 2 % of the characters
misread, a new header and new line breaks have 0.6 and more, different passages of one book less than 0.1."""

MIN_CHARACTERS = 200
"""Texts with fewer letters and digits are compared exactly only: short questions and forms are alike without being
copies."""

SHINGLE_BYTES = 8
"""A letter of an alphabet counts as one byte and a character of Chinese, Japanese or Korean as three: in fewer letters
two long books of one language have most shingles in common.
"""
HASHES = 128
BANDS = 32
"""With 4 hashes a band, a pair of similarity 0.6 shares a bucket with probability 0.99, one of 0.1 with 0.003."""

_ROWS = HASHES // BANDS
_SEED = 20240229
_NO_LETTERS = re.compile(r"[\W_]+")
_NEIGHBOURS = 8
_PAIRS_AT_ONCE = 1 << 18

Signatures = NDArray[np.uint32]


def _permutations() -> tuple[Signatures, Signatures]:
    rng = np.random.default_rng(_SEED)
    multipliers = rng.integers(0, 2**31, (HASHES, 1), dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return multipliers, rng.integers(0, 2**32, (HASHES, 1), dtype=np.uint32)


_MULTIPLIERS, _OFFSETS = _permutations()


def letters_of(text: str) -> str:
    """The letters and digits of a text, in NFKC and lower case, without anything between them."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold())


def signature(letters: str) -> Signatures:
    """MinHash signature, shape (HASHES,): two share each entry with the probability of their Jaccard similarity.

    Args:
        letters: From ``letters_of``; at least SHINGLE_BYTES of them.
    """
    data = _letter_bytes(letters)
    shingles = np.lib.stride_tricks.sliding_window_view(data, SHINGLE_BYTES).copy().view("<u8").ravel()
    hashed = _mixed(shingles).astype(np.uint32)
    found: Signatures = (_MULTIPLIERS * hashed + _OFFSETS).min(axis=1)
    return found


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
    """Collects texts one by one and then says which are near duplicates; 512 bytes a text."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._signatures = array("I")
        self._count = 0

    def add(self, text: str) -> None:
        """Take in the next text; those shorter than MIN_CHARACTERS never count as near duplicates."""
        letters = letters_of(text)
        if len(letters) >= MIN_CHARACTERS:
            self._numbers.append(self._count)
            self._signatures.frombytes(signature(letters).tobytes())
        self._count += 1

    def find(self) -> dict[int, int]:
        """{number of a text: number of the earlier one it repeats}, numbers counted from 0 in order of ``add``.

        Texts are looked at in order, and each is compared with those kept before it, so of a chain of ever more
        different copies only those like a kept one go.
        """
        if not self._numbers:
            return {}
        signatures = np.frombuffer(self._signatures, dtype=np.uint32).reshape(-1, HASHES)
        repeats: dict[int, int] = {}
        for code in _similar_pairs(signatures):
            later, earlier = divmod(int(code), len(signatures))
            if earlier not in repeats:
                repeats.setdefault(later, earlier)
        return {self._numbers[later]: self._numbers[earlier] for later, earlier in repeats.items()}


def _similar_pairs(signatures: Signatures) -> NDArray[np.int64]:
    """Pairs of similar signatures as ``later * number of signatures + earlier``, sorted and each once."""
    pairs = np.empty(0, dtype=np.int64)
    for band in range(BANDS):
        pairs = np.union1d(pairs, _pairs_of_band(signatures, band))
    return pairs


def _pairs_of_band(signatures: Signatures, band: int) -> NDArray[np.int64]:
    """Similar pairs, as ``_similar_pairs`` writes them, among texts that agree in one band.

    Within a bucket each text is compared with the first and with up to _NEIGHBOURS texts before it, so that a bucket
    filled by a common form cannot make the time quadratic.
    """
    columns = np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])
    keys = columns.view([("", np.uint64)] * 2).ravel()
    keys = _mixed(keys["f0"]) ^ (keys["f1"] * np.uint64(0x9E3779B97F4A7C15))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    places = np.arange(len(keys))
    starts = np.r_[True, keys[1:] != keys[:-1]]
    heads = np.maximum.accumulate(np.where(starts, places, 0))
    found = [_similar(signatures, order[heads[~starts]], order[places[~starts]])]
    for step in range(1, _NEIGHBOURS + 1):
        later = np.flatnonzero(places - step > heads)
        found.append(_similar(signatures, order[later - step], order[later]))
    return np.concatenate(found)


def _similar(signatures: Signatures, earlier: NDArray[np.int64], later: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the candidate pairs that reach SIMILARITY."""
    kept = [np.empty(0, dtype=np.int64)]
    for first in range(0, len(later), _PAIRS_AT_ONCE):
        one, two = earlier[first : first + _PAIRS_AT_ONCE], later[first : first + _PAIRS_AT_ONCE]
        similar = (signatures[one] == signatures[two]).mean(axis=1) >= SIMILARITY
        kept.append(two[similar] * len(signatures) + one[similar])
    return np.concatenate(kept)
