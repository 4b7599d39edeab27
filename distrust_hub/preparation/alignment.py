"""Whether two texts are one: they are laid side by side, and what stands between the letters they share is looked at.

Misread letters leave short gaps, headers and licences lie at the ends, a lost or added line stands on one side alone.
Forms filled in twice, articles of one law or reports of one station differ otherwise: whole words inside give way to
others.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distrust_hub.preparation.contamination import sequence_hashes

GRAM = 8
"""Letters in a row that two texts must share to be laid together there."""

SHARE_OF_SHORTER, SHARE_OF_LONGER = 0.75, 0.45
"""Least part of either text that lies beside the other: the rest may be another header, footer or licence."""

MAX_EDIT_SHARE = 0.15
"""Most edits a letter between the first and the last place that they share; OCR that errs in 8 % of the letters makes
0.10, and forms filled in twice 0.08 to 0.3."""

FOREIGN_LETTERS, FOREIGN_SHARE = 6, 0.02
"""Most letters in words that are others, and the part of the text added to it; errors in 8 % of the letters leave 1 %
that look so, a form of a page filled in twice 6 % and more."""

_SHORTEST_WORD = 4
"""Fewer letters that are others in a row may be misread ones."""

_NUMBER_LETTERS = 4
"""A number that is another counts as so many letters at least."""

_NUMBER = re.compile(r"\d+")

_LONGEST_GAP = 512
_LEAST_SHARED = 0.2
"""Least runs of GRAM letters that two copies share, per letter of the shorter; 0.4 with 10 % of the letters misread."""

_RANK_FACTOR = np.uint64(0xD6E8FEB86659FD93)

Places = NDArray[np.intp]


class Alignment(NamedTuple):
    """How two texts lie side by side.

    Attributes:
        span: Letters from the first to the last place that they share, in the text that has fewer there.
        foreign: Letters among them, in words or numbers that are others in the other text.
        edits: Letters to change, drop or add between these places.
    """

    span: int
    foreign: int
    edits: int


def same_text(one: str, two: str) -> bool:
    """Whether two texts are copies of each other but for misread letters, lost or added lines and other ends.

    Args:
        one: Letters and digits only, in one case.
        two: The same of the other.
    """
    shorter, longer = sorted((len(one), len(two)))
    if shorter < SHARE_OF_LONGER * longer:
        return False
    found = align(one, two)
    same = found.span - found.foreign
    return (
        same >= SHARE_OF_SHORTER * shorter
        and same >= SHARE_OF_LONGER * longer
        and found.edits <= MAX_EDIT_SHARE * found.span
        and found.foreign <= FOREIGN_LETTERS + FOREIGN_SHARE * found.span
    )


def align(one: str, two: str) -> Alignment:
    """Lay two texts side by side where they share GRAM letters, in the order of both; all 0 where there is little."""
    at_one, at_two = _shared_places(one, two)
    if not len(at_one):
        return Alignment(0, 0, 0)
    gap_one, gap_two = np.diff(at_one) - GRAM, np.diff(at_two) - GRAM
    overlap = np.minimum(np.minimum(gap_one, gap_two), 0)  # letters that repeat at the edge of a gap
    gap_one, gap_two = gap_one - overlap, gap_two - overlap
    gaps = np.flatnonzero(gap_one + gap_two)
    starts, ends = np.r_[0, gaps + 1], np.r_[gaps, len(at_one) - 1]
    shared = at_one[ends] - at_one[starts] + GRAM
    if shared.sum() < _LEAST_SHARED * min(len(one), len(two)):
        return Alignment(0, 0, 0)
    ends_one, ends_two = at_one[gaps + 1], at_two[gaps + 1]
    sides = zip(*(side.tolist() for side in (ends_one - gap_one[gaps], ends_one, ends_two - gap_two[gaps], ends_two)))
    compared = [_compare_gap(_whole_numbers(one, a, b), _whole_numbers(two, c, d)) for a, b, c, d in sides]
    first, last = _best_part(shared.tolist(), [edits for _, edits in compared])
    begin, end = starts[first], ends[last]
    span = int(min(at_one[end] - at_one[begin], at_two[end] - at_two[begin])) + GRAM
    within = compared[first:last]
    return Alignment(span, sum(foreign for foreign, _ in within), sum(edits for _, edits in within))


def _best_part(shared: list[int], edits: list[int]) -> tuple[int, int]:
    """First and last of the shared runs between which there are most letters less half the edits: words that headers
    happen to share belong to no copy."""
    best, found, sum_here, first = 0.0, (0, 0), 0.0, 0
    for place, letters in enumerate(shared):
        sum_here -= edits[place - 1] / 2 if place else 0
        if sum_here <= 0:
            sum_here, first = 0.0, place
        sum_here += letters
        if sum_here > best:
            best, found = sum_here, (first, place)
    return found


def _whole_numbers(text: str, start: int, end: int) -> str:
    """A part of a text with the rest of the numbers it cuts."""
    while start > 0 and text[start - 1].isdecimal():
        start -= 1
    while end < len(text) and text[end].isdecimal():
        end += 1
    return text[start:end]


def _compare_gap(left: str, right: str) -> tuple[int, int]:
    """(letters of other words, edits) between what two texts have at one place.

    What the longer side has more is added or lost, so it does not make the words of the shorter side others.
    """
    shorter, longer = sorted((len(left), len(right)))
    if not shorter or left == right:
        return 0, longer - shorter
    if shorter > _LONGEST_GAP:
        return shorter, longer
    distance = edit_distance(left, right)
    numbers = _other_numbers(left, right)
    if numbers:
        return max(_NUMBER_LETTERS * numbers, shorter), distance
    replaced = 2 * (distance - (longer - shorter))
    least = shorter + 2 if shorter == _SHORTEST_WORD else shorter
    return (shorter if shorter >= _SHORTEST_WORD and replaced >= least else 0), distance


def _other_numbers(left: str, right: str) -> int:
    """How many numbers give way to others; a digit misread as a letter makes none."""
    found, other = _NUMBER.findall(left), _NUMBER.findall(right)
    return sum(one != two for one, two in zip(found, other)) if len(found) == len(other) else 0


def _shared_places(one: str, two: str) -> tuple[Places, Places]:
    """Where runs of GRAM letters start that both have, as the longest chain that goes forward in both."""
    _, at_one, at_two = np.intersect1d(_grams(one), _grams(two), assume_unique=True, return_indices=True)
    if len(at_one) < _LEAST_SHARED * min(len(one), len(two)):
        return at_one[:0], at_two[:0]
    order = np.argsort(at_one)
    at_one, at_two = at_one[order], at_two[order]
    if (np.diff(at_two) > 0).all():
        return at_one, at_two
    chain = _longest_rise(at_two.tolist())
    return at_one[chain], at_two[chain]


def _grams(text: str) -> NDArray[np.uint64]:
    """A hash for each run of GRAM letters and the how-manieth of its kind it is, so that no two are the same."""
    letters = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    hashed = sequence_hashes(letters.astype(np.uint64), GRAM)
    if not len(hashed):
        return hashed
    hashed ^= hashed >> np.uint64(29)
    order = np.argsort(hashed, kind="stable")
    ordered, places = hashed[order], np.arange(len(hashed))
    first = np.maximum.accumulate(np.where(np.r_[True, ordered[1:] != ordered[:-1]], places, 0))
    hashed[order] = ordered + (places - first).astype(np.uint64) * _RANK_FACTOR
    return hashed


def _longest_rise(values: list[int]) -> list[int]:
    """Places of a longest rising subsequence (patience sorting)."""
    tops: list[int] = []
    top_places: list[int] = []
    before: list[int] = []
    for place, value in enumerate(values):
        pile = bisect_left(tops, value)
        before.append(top_places[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [value]
        top_places[pile : pile + 1] = [place]
    chain = []
    place = top_places[-1]
    while place >= 0:
        chain.append(place)
        place = before[place]
    return chain[::-1]


def edit_distance(one: str, two: str) -> int:
    """Levenshtein distance, one row of the table at a time in the bits of a number (Myers 1999, Hyyrö 2003)."""
    if not one or not two:
        return max(len(one), len(two))
    where: dict[str, int] = {}
    for place, letter in enumerate(one):
        where[letter] = where.get(letter, 0) | 1 << place
    every, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    more, less, distance = every, 0, len(one)
    for letter in two:
        equal = where.get(letter, 0) | less
        diagonal = (((equal & more) + more) ^ more) | equal
        across_more, across_less = less | (~(more | diagonal) & every), more & diagonal
        distance += bool(across_more & last) - bool(across_less & last)
        across_more, across_less = (across_more << 1 | 1) & every, (across_less << 1) & every
        more, less = across_less | (~(diagonal | across_more) & every), across_more & diagonal
    return distance
