from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from distrust_hub.training.batches import Batches, make_batch, padded_width
from distrust_hub.training.examples import Example, Pair


def examples(lengths, start=1):
    return [Example(np.arange(n, dtype=np.int32) + 100 * i, start, f"r{i}") for i, n in enumerate(lengths)]


def test_padded_width_uses_at_most_sixteen_lengths():
    for longest in (8, 100, 512, 513, 2048, 5000):
        widths = {padded_width(n, longest) for n in range(2, longest + 1)}
        assert len(widths) <= 16
        assert max(widths) == longest
        assert all(padded_width(n, longest) >= n for n in range(2, longest + 1))


def test_make_batch_lists_exactly_the_trained_tokens():
    items = [*examples([4]), *examples([3], start=2)]
    batch = make_batch(items, [1.0, 2.0], [7, 9], 6)
    assert batch.tokens.tolist() == [[0, 1, 2, 3, 0, 0], [0, 1, 2, 0, 0, 0]]
    assert batch.positions.tolist() == [0, 1, 2, 7]
    assert batch.targets.tolist() == [1, 2, 3, 2]
    assert batch.token_weights.tolist() == [1.0, 1.0, 1.0, 2.0]
    assert batch.n_tokens.tolist() == [3, 1]


def test_make_batch_puts_chosen_before_rejected():
    chosen, rejected = examples([4, 5])
    batch = make_batch([Pair(chosen, rejected), Pair(rejected, chosen)], [3.0, 5.0], [0, 1], 5)
    assert [row[0] for row in batch.tokens.tolist()] == [0, 100, 100, 0]
    assert batch.sequence.tolist() == [0] * 3 + [1] * 4 + [2] * 4 + [3] * 3
    assert batch.token_weights.tolist() == [3.0] * 3 + [5.0] * 4 + [3.0] * 4 + [5.0] * 3


@pytest.mark.parametrize("count", [1, 4, 11])
def test_batches_hold_every_item_once_an_epoch(count):
    items = examples(np.random.default_rng(0).integers(2, 200, count))
    batches = Batches(items, np.ones(count), 4, 256, seed=3)
    for epoch in (0, 1):
        seen = np.concatenate([batch.items for batch in batches.epoch(epoch)])
        assert sorted(seen) == list(range(count))
    assert len(list(batches.epoch(0))) == len(batches)


def test_batches_order_follows_seed_and_epoch():
    items = examples([5] * 20)

    def order(seed, epoch):
        return [batch.items.tolist() for batch in Batches(items, np.ones(20), 4, 64, seed=seed).epoch(epoch)]

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(1, 0)
    assert order(0, 0) != order(0, 1)


def test_batches_group_similar_lengths_and_mix_within():
    lengths = [20] * 8 + [200] * 8
    batches = list(Batches(examples(lengths), np.ones(16), 4, 256, seed=0).epoch(0))
    assert sorted(batch.tokens.shape[1] for batch in batches) == [32, 32, 224, 224]
    assert any(sorted(batch.items) != list(range(min(batch.items), min(batch.items) + 4)) for batch in batches)


def test_batches_from_position_continue_over_epochs():
    batches = Batches(examples([5] * 6), np.ones(6), 2, 64, seed=0)
    whole = [batch.items.tolist() for batch in islice(batches.from_position(0), 9)]
    for position in range(9):
        rest = [batch.items.tolist() for batch in islice(batches.from_position(position), 9 - position)]
        assert rest == whole[position:]
