"""One run in several processes, on one machine or many, as ``mlx.launch`` starts them.

Every rank holds the whole model, takes its share of the parts of every batch, and adds up gradients and losses with the
others after each step; all then take the same optimizer step, so they stay equal. Rank 0 alone writes.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from safetensors.numpy import load, save

from distrust_hub.errors import TrainingError
from distrust_hub.models.runtime import mx, tree_flatten, tree_map
from distrust_hub.training.checkpoints import TrainingState

_TENSORS = ("adapter", "optimizer")
"""The fields of a TrainingState that hold arrays; the others are JSON values."""

T = TypeVar("T")


class Ranks:
    """This process among those of the run.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
    """

    def __init__(self, group: Any = None) -> None:
        self._group = group
        self.rank: int = group.rank() if group else 0
        self.size: int = group.size() if group else 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, everything: Sequence[T]) -> list[T]:
        """What of a sequence is this rank's: every ``size``-th from ``rank`` on."""
        return list(everything[self.rank :: self.size])

    def total(self, tree: Any) -> Any:
        """Sum over the ranks of each array in a tree, computed in float32 and sent as one message.

        Raises:
            TrainingError: If another rank is gone.
        """
        if self.size == 1:
            return tree
        arrays = [array for _, array in tree_flatten(tree)]
        flat = mx.concatenate([array.reshape(-1).astype(mx.float32) for array in arrays])
        sums = mx.split(self._all_sum(flat), np.cumsum([array.size for array in arrays])[:-1].tolist())
        ours = iter(part.reshape(array.shape).astype(array.dtype) for part, array in zip(sums, arrays))
        return tree_map(lambda _: next(ours), tree)

    def gather(self, value: bytes) -> list[bytes]:
        """What each rank calls this with, in their order; every rank must call it."""
        if self.size == 1:
            return [value]
        lengths = np.array(self._all_sum(mx.array([len(value) * (rank == self.rank) for rank in range(self.size)])))
        ends = np.cumsum(lengths)
        data = np.zeros(ends[-1], dtype=np.uint8)
        data[ends[self.rank] - len(value) : ends[self.rank]] = np.frombuffer(value, dtype=np.uint8)
        everything = np.array(self._all_sum(mx.array(data))).tobytes() if len(data) else b""
        return [everything[end - length : end] for length, end in zip(lengths, ends)]

    def from_first(self, value: bytes) -> bytes:
        """The bytes that rank 0 calls this with; every rank must call it."""
        return self.gather(value if self.first else b"")[0]

    def any(self, here: bool) -> bool:
        """Whether it is so on any of the ranks; every rank must call it."""
        return here if self.size == 1 else bool(self._all_sum(mx.array([int(here)])).item())

    def largest(self, here: int) -> int:
        """The largest of the numbers that the ranks call this with; every rank must call it."""
        return max(map(int, self.gather(str(here).encode())))

    def passes_on_first(self, check: Callable[[], None]) -> bool:
        """Check on rank 0 what need be checked once; every rank must call it.

        Returns:
            Whether nothing was raised; on rank 0, True.

        Raises:
            Exception: On rank 0 alone, what the check raised, once the others know of it.
        """
        problem = None
        if self.first:
            try:
                check()
            except Exception as error:
                problem = error
        refused = self.any(problem is not None)
        if problem is not None:
            raise problem
        return not refused

    def json_from_first(self, value: Any) -> Any:
        """The JSON value that rank 0 calls this with."""
        return json.loads(self.from_first(json.dumps(value).encode()))

    def state_from_first(self, state: TrainingState | None) -> TrainingState | None:
        """The state that rank 0 calls this with."""
        if self.size == 1:
            return state
        about = {name: value for name, value in vars(state).items() if name not in _TENSORS} if state else None
        about = self.json_from_first(about)
        files = [self.from_first(save(dict(getattr(state, name))) if state else b"") for name in _TENSORS]
        return TrainingState(**{**about, **dict(zip(_TENSORS, map(load, files)))}) if about else None

    def _all_sum(self, array: Any) -> Any:
        try:
            summed = mx.distributed.all_sum(array, group=self._group)
            mx.eval(summed)
        except RuntimeError as error:
            raise TrainingError(
                f"rank {self.rank} of {self.size} has lost another rank ({error}); see its own error, and start all "
                "again with --resume"
            ) from error
        return summed


@functools.cache
def find_ranks() -> Ranks:
    """The ranks that ``mlx.launch`` started, this one among them; a single one where it did not.

    Raises:
        TrainingError: If the others cannot be reached.
    """
    if "MLX_RANK" not in os.environ:  # MLX would look for MPI otherwise
        return Ranks()
    try:
        return Ranks(mx.distributed.init(strict=True))
    except RuntimeError as error:
        raise TrainingError(f"rank {os.environ['MLX_RANK']} cannot reach the other ranks: {error}") from error
