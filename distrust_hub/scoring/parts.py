"""A contribution before its place is worked out: cheap to make by the thousand, turned into Evidence on demand."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Place(NamedTuple):
    """Where a contribution comes from.

    Attributes:
        kind: ``flat`` and ``words`` are positions in ``NormalText.flat`` and ``.lower``; ``field`` is metadata.
        start: First position.
        end: One past the last.
        name: Metadata field.
        value: What the field holds.
    """

    kind: Literal["flat", "words", "field"]
    start: int = 0
    end: int = 0
    name: str = ""
    value: str = ""


class Part(NamedTuple):
    """One contribution to one axis; a component may have several."""

    component: str
    amount: float
    reason: str
    place: Place | None = None
