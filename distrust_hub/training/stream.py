"""The data as an endless stream of batches, through a shuffle buffer that bounds the memory.

Rows are read in order and encoded into a block of up to ``BLOCK_EXAMPLES`` examples or ``BLOCK_TOKENS`` tokens; a
block is shuffled, cut into batches, trained to its end and forgotten. Data that fit one block are shuffled as a whole,
and kept. The order depends on seed, epoch and block alone, so a few numbers say where the stream stands.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.config import TrainConfig
from distrust_hub.training.batches import (
    Batch,
    Lane,
    batch_order,
    lane_items,
    lane_length,
    make_batch,
    pack,
    padded_width,
)
from distrust_hub.training.examples import Item, Pack
from distrust_hub.training.exchange import encode_rows
from distrust_hub.training.ranks import find_ranks
from distrust_hub.training.rows import Row, Rows

BLOCK_EXAMPLES = 8192
"""Examples of a block (our choice): at the default length at most 16 MB of token ids."""
BLOCK_TOKENS = 1 << 22
"""Tokens of a block."""

Encode = Callable[[int, Row], Sequence[Item]]
Weigh = Callable[[Sequence[Item]], NDArray[np.float64]]


@dataclass(frozen=True)
class Position:
    """A place in the stream.

    Attributes:
        epoch: Passes over the data before it.
        block: Blocks of the epoch before it.
        row: Rows of the epoch before the block.
        item: Items of the epoch before the block.
        batch: Batches of the block before it.
    """

    epoch: int = 0
    block: int = 0
    row: int = 0
    item: int = 0
    batch: int = 0

    def to_json(self) -> dict[str, int]:
        """The numbers by name."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Block:
    """Some rows' items.

    Attributes:
        items: In the order of the rows.
        starts: Indices of the first items of the rows.
        lanes: Indices of the items that share a row of a batch.
        rows: Rows the items are from, those without items included.
        last: Whether the data end here.
    """

    items: Sequence[Item]
    starts: Sequence[int]
    lanes: Sequence[Sequence[int]]
    rows: int
    last: bool

    def lane(self, number: int) -> Lane:
        """One of the lanes."""
        members = [self.items[i] for i in self.lanes[number]]
        return Pack(tuple(members)) if len(members) > 1 else members[0]  # type: ignore[arg-type]


class Stream:
    """Items of a split in blocks and batches; every item once an epoch.

    Args:
        rows: Rows of the split.
        encode: Number of a row (from 0) and the row to its items.
        config: Batch size, longest sequence, seed, packing.
        weigh: Weights of items; None for ones.
    """

    def __init__(self, rows: Rows | Sequence[Row], encode: Encode, config: TrainConfig, weigh: Weigh | None = None):
        self.rows, self.encode, self.config, self.weigh = rows, encode, config, weigh
        self._whole: Block | None = None

    def weighted(self, weigh: Weigh) -> Stream:
        """The same stream with weights."""
        stream = Stream(self.rows, self.encode, self.config, weigh)
        stream._whole = self._whole
        return stream

    def blocks(self, row: int = 0) -> Iterator[Block]:
        """Blocks of one epoch from the one that starts at ``row`` on."""
        if self._whole is not None:
            yield self._whole
            return
        items: list[Item] = []
        starts: list[int] = []
        start, tokens = row, 0
        for number, found in self._encoded(row):
            length = sum(lane_length(item) for item in found)
            if items and found and (len(items) + len(found) > BLOCK_EXAMPLES or tokens + length > BLOCK_TOKENS):
                yield self._block(items, starts, number - start, last=False)
                items, starts, start, tokens = [], [], number, 0
            if found:
                starts.append(len(items))
            items.extend(found)
            tokens += length
        if items:
            block = self._block(items, starts, len(self.rows) - start, last=True)
            if start == 0:
                self._whole = block
            yield block

    def batches(self, start: Position | None = None) -> Iterator[tuple[Batch, Position]]:
        """Batches of one epoch from a position on, each with the position after it."""
        at = start or Position()
        for block in self.blocks(at.row):
            order = self._order(block, at)
            after = Position(at.epoch, at.block + 1, at.row + block.rows, at.item + len(block.items))
            if block.last:
                after = Position(at.epoch + 1)
            for number in range(at.batch, len(order)):
                done = number + 1 == len(order)
                yield (
                    self._batch(block, order[number], at.item),
                    after if done else dataclasses.replace(at, batch=number + 1),
                )
            at = after
            del block, order  # before the next ones are made

    def endless(self, start: Position) -> Iterator[tuple[Batch, Position]]:
        """Batches epoch after epoch."""
        at = start
        while True:
            for batch, after in self.batches(at):
                yield batch, after
            at = after

    def first(self, number: int) -> list[Item]:
        """So many items from the start of the data, or as many as there are."""
        return list(itertools.islice((item for _, found in self._encoded(0) for item in found), number))

    def width(self, longest: int) -> int:
        """Tokens of the longest row of a batch where the longest sequence has so many."""
        limit = self.config.max_seq_length
        return limit if self.config.packing else padded_width(longest, limit)

    def count(self, block: Block) -> int:
        """Batches of a block."""
        return -(-len(block.lanes) // self.config.batch_size)

    def _encoded(self, row: int) -> Iterator[tuple[int, Sequence[Item]]]:
        rows = self.rows.start_at(row) if isinstance(self.rows, Rows) else iter(self.rows[row:])
        return encode_rows(enumerate(rows, start=row), self.encode, find_ranks())

    def _block(self, items: list[Item], starts: list[int], rows: int, *, last: bool) -> Block:
        if not self.config.packing:
            return Block(items, starts, [[i] for i in range(len(items))], rows, last)
        return Block(items, starts, pack(items, self.config.max_seq_length), rows, last)  # type: ignore[arg-type]

    def _order(self, block: Block, at: Position) -> list[NDArray[np.int64]]:
        longest = self.config.max_seq_length
        lengths = [lane_length(block.lane(i)) for i in range(len(block.lanes))]
        widths = np.array([padded_width(length, longest) for length in lengths], dtype=np.int64)
        rng = np.random.default_rng((self.config.seed, at.epoch, at.block))
        return batch_order(widths, self.config.batch_size, rng)

    def _batch(self, block: Block, numbers: NDArray[np.int64], first: int) -> Batch:
        lanes = [block.lane(int(number)) for number in numbers]
        indices = [first + i for number in numbers for i in block.lanes[int(number)]]
        items = [item for lane in lanes for item in lane_items(lane)]
        weights: Any = np.ones(len(items)) if self.weigh is None else self.weigh(items)
        width = padded_width(max(map(lane_length, lanes)), self.config.max_seq_length)
        return make_batch(lanes, weights, indices, width)
