"""Counts by range of a value, as rows of a Markdown table with bars."""

from __future__ import annotations

from distrust_hub.cards.escape import Safe, number

_BAR = 30
"""Blocks of the longest bar."""


def histogram_rows(edges: object, counts: object) -> list[tuple[Safe, int, Safe]]:
    """(range, count, bar) of every bin; empty where the values are not a histogram.

    Args:
        edges: Bounds of the bins, one more than there are counts.
        counts: Items in each bin.
    """
    bounds, items = _numbers(edges), _numbers(counts)
    if len(bounds) != len(items) + 1 or not any(items):
        return []
    return [
        (Safe(f"{number(low)} to {number(high)}"), int(count), Safe("█" * round(_BAR * count / max(items))))
        for low, high, count in zip(bounds, bounds[1:], items)
    ]


def _numbers(values: object) -> list[float]:
    """The list, or an empty one where anything in it is not a number from 0 up."""
    found = values if isinstance(values, list) else []
    plain = all(type(value) in (int, float) and 0 <= value < float("inf") for value in found)
    return list(found) if plain else []
