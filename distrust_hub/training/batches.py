"""Batches of few shapes in a seeded order; every example appears once an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distrust_hub.training.examples import Example, Item

WIDTH_STEP = 32
"""Padded lengths are multiples of this, as in mlx-lm; lengths above 512 use a sixteenth of the longest (our choice)."""


@dataclass(frozen=True)
class Batch:
    """Token sequences padded on the right, and which of their tokens are trained.

    Only the listed positions enter the loss, so a pad token cannot be trained. Sequence ``k * n + i`` is the
    ``k``-th sequence of item ``i`` of ``n`` (a pair has two).

    Attributes:
        tokens: Input ids, int32, shape (B, T); padded with 0.
        positions: Flat index ``b * T + t`` of each prediction, int32, shape (M,).
        targets: The token that follows each, int32, shape (M,).
        sequence: The ``b`` of each, int32, shape (M,).
        weights: Weight of each item, float32, shape (n,).
        n_tokens: Trained tokens of each item, int64, shape (n,).
        items: Index of each item in the data, shape (n,).
    """

    tokens: NDArray[np.int32]
    positions: NDArray[np.int32]
    targets: NDArray[np.int32]
    sequence: NDArray[np.int32]
    weights: NDArray[np.float32]
    n_tokens: NDArray[np.int64]
    items: NDArray[np.int64]

    @property
    def token_weights(self) -> NDArray[np.float32]:
        """Weight of each trained token, shape (M,)."""
        return self.weights[self.sequence % len(self.weights)]


def padded_width(length: int, max_seq_length: int) -> int:
    """The length a sequence of ``length`` tokens is padded to: at most 16 different ones."""
    step = max(WIDTH_STEP, -(-max_seq_length // (16 * WIDTH_STEP)) * WIDTH_STEP)
    return min(-(-length // step) * step, max_seq_length)


def make_batch(items: Sequence[Item], weights: Sequence[float], indices: Sequence[int], width: int) -> Batch:
    """Pad and stack items.

    Args:
        items: The batch's items, at least one, all examples or all pairs.
        weights: Weight of each.
        indices: Index of each in the data.
        width: Padded length, at least the longest sequence.
    """
    sequences = [part for parts in zip(*(item.sequences for item in items)) for part in parts]
    tokens = np.zeros((len(sequences), width), dtype=np.int32)
    for row, sequence in zip(tokens, sequences):
        row[: len(sequence.ids)] = sequence.ids
    return Batch(
        tokens=tokens,
        positions=np.concatenate([_predictions(s, i * width) for i, s in enumerate(sequences)]),
        targets=np.concatenate([s.ids[s.start :] for s in sequences]),
        sequence=np.repeat(np.arange(len(sequences), dtype=np.int32), [s.n_tokens for s in sequences]),
        weights=np.asarray(weights, dtype=np.float32),
        n_tokens=np.array([item.n_tokens for item in items], dtype=np.int64),
        items=np.asarray(indices, dtype=np.int64),
    )


def _predictions(sequence: Example, offset: int) -> NDArray[np.int32]:
    """Positions that predict the trained tokens: each is one before its target."""
    return np.arange(offset + sequence.start - 1, offset + len(sequence.ids) - 1, dtype=np.int32)


class Batches:
    """The data in batches, the same for the same seed and epoch.

    Each epoch the items are shuffled, sorted by padded length (a stable sort, so tiers stay mixed within a length),
    cut into batches and the batches shuffled. The last batch may be smaller; no item is dropped.

    Args:
        items: All items.
        weights: Weight of each, shape (N,).
        batch_size: Items per batch.
        max_seq_length: Longest sequence.
        seed: Seed of the order; None keeps the batches in order of length.
    """

    def __init__(
        self,
        items: Sequence[Item],
        weights: NDArray[np.float64],
        batch_size: int,
        max_seq_length: int,
        seed: int | None,
    ) -> None:
        self.items, self.weights, self.batch_size, self.seed = items, weights, batch_size, seed
        longest = [max(len(sequence.ids) for sequence in item.sequences) for item in items]
        self.widths = np.array([padded_width(length, max_seq_length) for length in longest], dtype=np.int64)

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-len(self.items) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch (numbered from 0), from batch ``start`` on."""
        for indices in self._order(number)[start:]:
            yield make_batch(
                [self.items[i] for i in indices],
                [float(self.weights[i]) for i in indices],
                [int(i) for i in indices],
                int(self.widths[indices].max()),
            )

    def from_position(self, position: int) -> Iterator[Batch]:
        """Endless batches from the ``position``-th (from 0) on, epoch after epoch."""
        number, start = divmod(position, len(self))
        while True:
            yield from self.epoch(number, start)
            number, start = number + 1, 0

    def _order(self, epoch: int) -> list[NDArray[np.int64]]:
        everything = np.arange(len(self.items))
        rng = None if self.seed is None else np.random.default_rng((self.seed, epoch))
        shuffled = everything if rng is None else rng.permutation(everything)
        by_width = shuffled[np.argsort(self.widths[shuffled], kind="stable")]
        batches = [by_width[i : i + self.batch_size] for i in range(0, len(by_width), self.batch_size)]
        return batches if rng is None else [batches[i] for i in rng.permutation(len(batches))]
