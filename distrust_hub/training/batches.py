"""Batches of few shapes: padded, or several documents packed into one row."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from distrust_hub.training.examples import Example, Item, Pack

WIDTH_STEP = 32
"""Padded lengths are multiples of this, as in mlx-lm; lengths above 512 use a sixteenth of the longest (our choice)."""

Lane: TypeAlias = Item | Pack
"""What takes one row of a batch (a pair: two)."""


@dataclass(frozen=True)
class Batch:
    """Token sequences padded on the right, and which of their tokens are trained.

    Only the listed positions enter the loss, so a pad token cannot be trained. Sequence ``k * n + i`` is the
    ``k``-th sequence of item ``i`` of ``n`` (a pair has two).

    Attributes:
        tokens: Input ids, int32, shape (B, T); padded with 0.
        positions: Flat index ``b * T + t`` of each prediction, int32, shape (M,).
        targets: The token that follows each, int32, shape (M,).
        sequence: The sequence of each, int32, shape (M,).
        weights: Weight of each item, float32, shape (n,).
        n_tokens: Trained tokens of each item, int64, shape (n,).
        items: Index of each item in the data, shape (n,).
        documents: Number of the document each token belongs to, -1 for padding, int32, shape (B, T); None where every
            row is one document.
        members: The items themselves; empty for a part of a batch.
    """

    tokens: NDArray[np.int32]
    positions: NDArray[np.int32]
    targets: NDArray[np.int32]
    sequence: NDArray[np.int32]
    weights: NDArray[np.float32]
    n_tokens: NDArray[np.int64]
    items: NDArray[np.int64]
    documents: NDArray[np.int32] | None = None
    members: Sequence[Item] = ()

    @property
    def n_sequences(self) -> int:
        """Sequences: a row of tokens each, or, packed, an item each."""
        return len(self.tokens) if self.documents is None else len(self.weights)

    @property
    def token_weights(self) -> NDArray[np.float32]:
        """Weight of each trained token, shape (M,)."""
        return self.weights[self.sequence % len(self.weights)]


def padded_width(length: int, max_seq_length: int) -> int:
    """The length a sequence of ``length`` tokens is padded to: at most 16 different ones."""
    step = max(WIDTH_STEP, -(-max_seq_length // (16 * WIDTH_STEP)) * WIDTH_STEP)
    return min(-(-length // step) * step, max_seq_length)


def lane_items(lane: Lane) -> Sequence[Item]:
    """The items of a lane."""
    return lane.parts if isinstance(lane, Pack) else (lane,)


def lane_length(lane: Lane) -> int:
    """Tokens a lane needs."""
    if isinstance(lane, Pack):
        return sum(len(part.ids) for part in lane.parts)
    return max(len(sequence.ids) for sequence in lane.sequences)


def make_batch(lanes: Sequence[Lane], weights: Sequence[float], indices: Sequence[int], width: int) -> Batch:
    """Pad and stack lanes.

    Args:
        lanes: At least one; all examples, all pairs or all packs.
        weights: Weight of each item of the lanes.
        indices: Index of each item in the data.
        width: Padded length, at least the longest lane.
    """
    rows = [part for parts in zip(*map(_lane_rows, lanes)) for part in parts]
    sequences = [example for row in rows for example in row]
    tokens = np.zeros((len(rows), width), dtype=np.int32)
    documents = np.full(tokens.shape, -1, dtype=np.int32)
    positions = []
    for number, row in enumerate(rows):
        begin = 0
        for document, example in enumerate(row):
            end = begin + len(example.ids)
            tokens[number, begin:end] = example.ids
            documents[number, begin:end] = document
            # Each position predicts the token after it.
            positions.append(np.arange(begin + example.start - 1, end - 1, dtype=np.int32) + number * width)
            begin = end
    items = [item for lane in lanes for item in lane_items(lane)]
    return Batch(
        tokens=tokens,
        positions=np.concatenate(positions),
        targets=np.concatenate([s.ids[s.start :] for s in sequences]),
        sequence=np.repeat(np.arange(len(sequences), dtype=np.int32), [s.n_tokens for s in sequences]),
        weights=np.asarray(weights, dtype=np.float32),
        n_tokens=np.array([item.n_tokens for item in items], dtype=np.int64),
        items=np.asarray(indices, dtype=np.int64),
        documents=documents if any(len(row) > 1 for row in rows) else None,
        members=items,
    )


def _lane_rows(lane: Lane) -> Sequence[Sequence[Example]]:
    return (lane.parts,) if isinstance(lane, Pack) else [(sequence,) for sequence in lane.sequences]


def batch_order(widths: NDArray[np.int64], batch_size: int, rng: np.random.Generator | None) -> list[NDArray[np.int64]]:
    """Which lanes go together.

    They are shuffled, sorted by padded length (a stable sort, so tiers stay mixed within a length), cut into batches,
    and the batches shuffled. The last batch may be smaller; no lane is dropped.

    Args:
        widths: Padded length of each lane, shape (N,).
        batch_size: Lanes per batch.
        rng: Source of the order; None keeps the batches in order of length.
    """
    everything = np.arange(len(widths))
    shuffled = everything if rng is None else rng.permutation(everything)
    by_width = shuffled[np.argsort(widths[shuffled], kind="stable")]
    batches = [by_width[i : i + batch_size] for i in range(0, len(by_width), batch_size)]
    return batches if rng is None else [batches[i] for i in rng.permutation(len(batches))]


def pack(examples: Sequence[Example], max_seq_length: int) -> list[list[int]]:
    """Indices of the examples that share a row: the longest first, each into the fullest row it fits (best fit)."""
    room: list[tuple[int, int]] = []  # free tokens and number of each row, ascending
    packs: list[list[int]] = []
    for index in sorted(range(len(examples)), key=lambda i: (-len(examples[i].ids), i)):
        length = len(examples[index].ids)
        place = bisect.bisect_left(room, (length, -1))
        free, number = room.pop(place) if place < len(room) else (max_seq_length, len(packs))
        if number == len(packs):
            packs.append([])
        packs[number].append(index)
        bisect.insort(room, (free - length, number))
    return packs
