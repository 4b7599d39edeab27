from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.training import stream
from distrust_hub.training.examples import Example
from distrust_hub.training.rows import Row, Rows
from distrust_hub.training.stream import Position, Stream
from tests.training.conftest import write_rows


def encode(number, row):
    """One example for each length the row names."""
    return [Example(np.full(n, number, dtype=np.int32), 1, f"r{number}") for n in row.values["lengths"]]


def make(lengths, **options):
    """A stream over rows with the given lengths of examples."""
    settings = {"batch_size": 4, "max_seq_length": 256, "seed": 3, **options}
    rows = [Row({"lengths": n if isinstance(n, list) else [n]}, "rows.jsonl", i + 1) for i, n in enumerate(lengths)]
    return Stream(rows, encode, TrainConfig(model="m", data="d", **settings))


def epoch_items(stream, epoch=0):
    return [batch.items.tolist() for batch, _ in stream.batches(Position(epoch))]


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("block", [8192, 5])
@pytest.mark.parametrize("count", [1, 4, 11])
def test_batches_hold_every_item_once_an_epoch(monkeypatch, count, block, packing):
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", block)
    data = make(np.random.default_rng(0).integers(2, 200, count).tolist(), packing=packing)
    for epoch in (0, 1):
        batches = epoch_items(data, epoch)
        assert sorted(i for batch in batches for i in batch) == list(range(count))
        assert len(batches) == sum(data.count(block) for block in data.blocks())


def test_batches_order_follows_seed_and_epoch():
    assert epoch_items(make([5] * 20)) == epoch_items(make([5] * 20))
    assert epoch_items(make([5] * 20)) != epoch_items(make([5] * 20, seed=4))
    assert epoch_items(make([5] * 20), 0) != epoch_items(make([5] * 20), 1)


def test_blocks_have_orders_of_their_own(monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", 10)
    order = [i for batch in epoch_items(make([5] * 20)) for i in batch]
    assert [i + 10 for i in order[:10]] != order[10:]


def test_batches_use_few_widths():
    data = make(np.random.default_rng(1).integers(2, 257, 200).tolist())
    assert len({batch.tokens.shape[1] for batch, _ in data.batches()}) <= 8


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("block", [8192, 5])
def test_endless_goes_on_from_every_position(monkeypatch, block, packing):
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", block)
    lengths = [[9, 9], 5, [], [30, 7, 7], 64, [], 9, 9, 200, 3, 3, []]
    whole = list(islice(make(lengths, packing=packing, batch_size=2).endless(Position()), 25))
    for number, (_, position) in enumerate(whole[:-1], start=1):
        rest = make(lengths, packing=packing, batch_size=2).endless(Position(**position.to_json()))
        found = list(islice(rest, 25 - number))
        assert [(b.items.tolist(), p) for b, p in found] == [(b.items.tolist(), p) for b, p in whole[number:]]


def test_blocks_are_bounded_in_examples_and_tokens(monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", 4)
    monkeypatch.setattr(stream, "BLOCK_TOKENS", 100)
    data = make([10] * 9 + [90, [60, 60], 5])
    blocks = list(data.blocks())
    assert [len(block.items) for block in blocks] == [4, 4, 2, 2, 1]
    assert sum(block.rows for block in blocks) == 12
    assert [block.last for block in blocks] == [False] * (len(blocks) - 1) + [True]


def test_rows_without_examples_after_a_full_block_end_the_epoch(monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", 4)
    data = make([[9] * 6, [], []], batch_size=3)
    assert [(len(block.items), block.rows, block.last) for block in data.blocks()] == [(6, 3, True)]
    assert [position.epoch for _, position in islice(data.endless(Position()), 4)] == [0, 1, 1, 2]


def test_data_that_fit_one_block_are_encoded_once():
    calls = []

    def counting(number, row):
        calls.append(number)
        return encode(number, row)

    data = make([5] * 6)
    data.encode = counting
    list(islice(data.endless(Position()), 9))
    assert len(calls) == 6


def test_stream_reads_a_shard_only_when_it_gets_there(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", 4)
    files = [tmp_path / f"train-{i}.jsonl" for i in range(3)]
    for file in files:
        write_rows(file, [{"lengths": [5]} for _ in range(4)])
    rows = Rows(files, [4, 4, 4])
    config = TrainConfig(model="m", data="d", batch_size=2, max_seq_length=64)
    data = Stream(rows, encode, config)
    files[0].unlink()
    batches = data.batches(Position(block=1, row=4, item=4))
    assert sum(len(batch.items) for batch, _ in batches) == 8
