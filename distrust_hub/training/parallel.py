"""Parts of a step side by side on the CPU, each on a thread of its own.

MLX works through a graph on one thread; only its matrix products use more, and the threads of one product wait for each
other: on two cores the second one gained a fifth, and with another program on one of the cores a step took twenty times
as long (OpenBLAS, measured). So batches are cut into parts of whole items, and parts are computed at the same time with
matrix products of one thread each. Where the cuts are depends on the data alone and sums are added in order, so the
number of threads changes no bit. On Metal and CUDA nothing is cut.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from distrust_hub.hardware.detect import usable_cores
from distrust_hub.hardware.memory import PART_TOKENS
from distrust_hub.models import blas
from distrust_hub.models.runtime import mx, nn, on_cpu
from distrust_hub.training.batches import WIDTH_STEP, Batch

Result = TypeVar("Result")


def cut(batch: Batch, ranks: int = 1) -> list[Batch]:
    """The parts of a batch, in its order, for so many ranks; on Metal and CUDA one part for each."""
    packed, (rows, width) = batch.documents is not None, batch.tokens.shape
    pieces = rows if packed else len(batch.items)
    size = -(-pieces // ranks)
    if on_cpu():
        size = min(size, max(1, PART_TOKENS // (width * rows // pieces)))  # a pair has two rows
    elif ranks == 1:
        return [batch]
    part = _packed_part if packed else _part
    return [part(batch, range(first, min(first + size, pieces))) for first in range(0, pieces, size)]


def _part(batch: Batch, chosen: range) -> Batch:
    """Some items of a batch, padded no further than they need."""
    items, width = len(batch.items), batch.tokens.shape[1]
    sequences = [k * items + i for k in range(len(batch.tokens) // items) for i in chosen]
    mine = np.isin(batch.sequence, sequences)
    sequence = np.searchsorted(sequences, batch.sequence[mine]).astype(np.int32)
    times = batch.positions[mine] - batch.sequence[mine] * width
    needed = -(-(int(times.max()) + 1) // WIDTH_STEP) * WIDTH_STEP  # nothing is predicted from later tokens
    narrow = min(needed, width)
    return Batch(
        tokens=batch.tokens[sequences, :narrow],
        positions=(sequence * narrow + times).astype(np.int32),
        targets=batch.targets[mine],
        sequence=sequence,
        weights=batch.weights[chosen.start : chosen.stop],
        n_tokens=batch.n_tokens[chosen.start : chosen.stop],
        items=batch.items[chosen.start : chosen.stop],
    )


def _packed_part(batch: Batch, chosen: range) -> Batch:
    """Some rows of a packed batch with all of their items."""
    assert batch.documents is not None
    rows, width = slice(chosen.start, chosen.stop), batch.tokens.shape[1]
    mine = np.isin(batch.positions // width, chosen)
    first, last = batch.sequence[mine].min(), batch.sequence[mine].max()
    items = slice(first, last + 1)
    return Batch(
        tokens=batch.tokens[rows],
        positions=batch.positions[mine] - chosen.start * width,
        targets=batch.targets[mine],
        sequence=batch.sequence[mine] - first,
        weights=batch.weights[items],
        n_tokens=batch.n_tokens[items],
        items=batch.items[items],
        documents=batch.documents[rows],
    )


def side_by_side(function: Callable[..., Result], calls: Sequence[tuple[Any, ...]]) -> Iterator[Result]:
    """``function(*arguments)`` of every call, in order; on the CPU as many at a time as there are cores.

    The function must not change what others use: differentiating changes a model, so each call takes a ``replica``.
    """
    if not on_cpu():
        yield from (function(*arguments) for arguments in calls)
        return
    with small_products():
        yield from _pool()[0].map(lambda arguments: function(*arguments), calls)


def small_products() -> contextlib.AbstractContextManager[None]:
    """Matrix products of one thread each, while open: in small ones more threads mostly wait for each other."""
    return blas.one_thread() if on_cpu() else contextlib.nullcontext()


@functools.cache
def _pool() -> tuple[ThreadPoolExecutor, int]:
    """Threads, and how many. They live until ``end_threads``: MLX keeps a stream for each."""
    cores = usable_cores()
    return ThreadPoolExecutor(cores, thread_name_prefix="part"), cores


def end_threads() -> None:
    """End the threads and MLX's streams of each; one left with its stream can abort the process when that exits."""
    if not _pool.cache_info().currsize:
        return
    pool, threads = _pool()
    together = threading.Barrier(threads)  # so that every thread takes one call

    def clear(number: int) -> None:
        together.wait()
        mx.clear_streams()

    with pool:
        list(pool.map(clear, range(threads)))
    _pool.cache_clear()


def replica(node: Any) -> Any:
    """A model of its own with the same arrays: what one thread puts in their place is not seen by the others."""
    if isinstance(node, nn.Module):
        copy = node.__class__.__new__(node.__class__)
        copy.__dict__.update(node.__dict__)
        dict.update(copy, {name: replica(value) for name, value in node.items()})
        return copy
    if isinstance(node, list):
        return [replica(value) for value in node]
    if isinstance(node, dict):
        return {name: replica(value) for name, value in node.items()}
    return node
