"""The blocks below the first LoRA block: run apart from the others, and their results kept for later epochs.

These blocks are frozen, so a sequence of tokens leaves them the same each time it is seen. On the CPU every sequence
goes through them alone and without padding: what it leaves depends on its tokens only, not on its batch, and a run
with the cache equals one without to the last bit. Elsewhere a batch goes through together, which is faster there.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.models.runtime import mx, nn, on_cpu, tree_flatten
from distrust_hub.training.anatomy import PROBE, UNLIKE, Body, block_paths, same, stop_before
from distrust_hub.training.batches import Batch
from distrust_hub.training.parallel import small_products

log = logging.getLogger(__name__)

Bytes = NDArray[np.uint8]


@contextlib.contextmanager
def frozen_blocks(model: nn.Module, folder: Path, limit_gb: float) -> Iterator[FrozenBlocks | None]:
    """Split a model below its first LoRA block while the context is open; None where it cannot be split.

    Args:
        model: mlx-lm model with LoRA layers.
        folder: Where the cache's file is: a disk with room.
        limit_gb: Most to keep on disk, in GB; 0 keeps nothing.
    """
    with contextlib.closing(ActivationCache(folder, int(limit_gb * 1e9))) as cache:
        blocks = FrozenBlocks(model, cache)
        yield blocks if blocks.count and blocks.suit(model) else None
        if len(cache):
            log.info("activation cache: %d sequences, %.2f GB", len(cache), cache.used_bytes / 1e9)


class ActivationCache:
    """Arrays on disk, found again by the tokens they were made from, in a file that is gone with the process.

    It serves one base model in one process, so the tokens are all of the key, wherever in the data they stand. Arrays
    are written until the limit is reached or the disk is full, and read through a memory map of their part of the file.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.limit_bytes, self.used_bytes = limit_bytes, 0
        self._places: dict[bytes, tuple[int, tuple[int, ...]]] = {}
        self._lock = threading.Lock()
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0) if limit_bytes else None  # noqa: SIM115

    def __len__(self) -> int:
        """Number of sequences kept."""
        return len(self._places)

    def close(self) -> None:
        """Give the disk space back."""
        if self._file is not None:
            self._file.close()

    def get(self, tokens: NDArray[np.int32]) -> Bytes | None:
        """What was kept for a sequence, shape (length, bytes), or None."""
        place = self._places.get(_key(tokens))
        if place is None or self._file is None:
            return None
        return np.memmap(self._file, dtype=np.uint8, mode="r", offset=place[0], shape=place[1])

    def put(self, tokens: NDArray[np.int32], states: Bytes) -> None:
        """Keep the states of a sequence, shape (length, bytes), if there is room."""
        key = _key(tokens)
        with self._lock:
            if self._file is None or key in self._places or self.used_bytes + states.nbytes > self.limit_bytes:
                return
            try:
                _write_all(self._file.fileno(), np.ascontiguousarray(states).data.cast("B"), self.used_bytes)
            except OSError as error:
                log.warning("the activation cache stays at %.1f GB: %s", self.used_bytes / 1e9, error.strerror)
                self.limit_bytes = self.used_bytes
                return
            self._places[key] = (self.used_bytes, states.shape)
            self.used_bytes += states.nbytes


def _key(tokens: NDArray[np.int32]) -> bytes:
    return hashlib.blake2b(tokens.tobytes(), digest_size=16).digest()


def _write_all(descriptor: int, view: memoryview, offset: int) -> None:
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


class FrozenBlocks:
    """Runs a model in two parts: its lower, frozen blocks, from the cache where that has them, and the rest.

    Both parts are the model with stand-ins for the other part's blocks, see ``anatomy``, so that calls on several
    threads do not meet.

    Args:
        model: mlx-lm model with LoRA layers.
        cache: Where to keep what the frozen blocks give.

    Attributes:
        count: Number of frozen blocks below the first with a trained tensor.
    """

    def __init__(self, model: nn.Module, cache: ActivationCache) -> None:
        self.cache = cache
        self._dtype: Any = None
        self._body, self._paths = Body(model), block_paths(model)
        trained = (i for i, block in enumerate(model.layers) if tree_flatten(block.trainable_parameters()))
        self.count = next(trained, 0)

    def run(self, model: nn.Module, batch: Batch) -> Any:
        """The hidden states of a batch, shape (B, T, D), up to rounding.

        Positions after a sequence's last prediction get zeros from the frozen blocks, which no prediction sees.
        """
        rows = [tokens[:length] for tokens, length in zip(batch.tokens, _lengths(batch))]
        states = [self.cache.get(row) for row in rows]
        missing = [i for i, kept in enumerate(states) if kept is None]
        groups = [[i] for i in missing] if on_cpu() else [missing]
        for group in filter(None, groups):
            for i, values in zip(group, self._through_frozen(model, [rows[i] for i in group])):
                states[i] = values
                self.cache.put(rows[i], values)
        padded = _stacked(states, batch.tokens.shape[1])
        return self._above(model, mx.array(batch.tokens), mx.array(padded).view(self._dtype))

    def suit(self, model: nn.Module) -> bool:
        """Whether the two parts after each other are the model, tried on a few tokens."""
        probe = mx.array(PROBE)
        try:
            with small_products():
                states = self._below(model, probe)
                split = self._above(model, probe, states)
                return states.shape[:-1] == probe.shape and same(split, self._body.states(model, probe))
        except UNLIKE:  # its blocks take or return something else
            return False

    def _through_frozen(self, model: nn.Module, rows: Sequence[NDArray[np.int32]]) -> list[Bytes]:
        longest = max(map(len, rows))
        tokens = np.stack([np.pad(row, (0, longest - len(row))) for row in rows])
        states = self._below(model, mx.array(tokens))
        mx.eval(states)  # lets other threads run, which reading it as an array would not
        self._dtype = states.dtype
        return [values[: len(row)] for row, values in zip(rows, np.array(states.view(mx.uint8)))]

    def _below(self, model: nn.Module, tokens: Any) -> Any:
        """The states that enter the first trained block, shape (B, T, D)."""
        return mx.stop_gradient(self._body.states(model, tokens, {self._paths[self.count]: stop_before}))

    def _above(self, model: nn.Module, tokens: Any, states: Any) -> Any:
        """What the model makes of the states that enter its first trained block; its embedding is never computed."""
        first, *others = self._paths[: self.count]
        calls = {first: lambda *args, **kwargs: states, **dict.fromkeys(others, _unchanged)}
        return self._body.states(model, tokens, calls)


def _unchanged(states: Any, *args: Any, **kwargs: Any) -> Any:
    return states


def _stacked(states: Sequence[Bytes | None], length: int) -> Bytes:
    """Rows of different lengths as one array, zeros after each, shape (B, length, bytes)."""
    found = [values for values in states if values is not None]
    padded = np.zeros((len(found), length, found[0].shape[-1]), dtype=np.uint8)
    for target, values in zip(padded, found):
        target[: len(values)] = values
    return padded


def _lengths(batch: Batch) -> NDArray[np.int64]:
    """Tokens of each sequence up to its last prediction, shape (B,)."""
    lengths = np.zeros(len(batch.tokens), dtype=np.int64)
    np.maximum.at(lengths, batch.sequence, batch.positions % batch.tokens.shape[1] + 1)
    return lengths
