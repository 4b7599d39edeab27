from __future__ import annotations

import numpy as np

from distrust_hub.training.batches import batch_order, make_batch, pack, padded_width
from distrust_hub.training.examples import Example, Pack, Pair


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


def test_make_batch_of_packs_keeps_documents_apart():
    first, second, third = examples([4, 3, 5])
    batch = make_batch([Pack((first, second)), third], [1.0, 2.0, 3.0], [0, 1, 2], 8)
    assert batch.tokens.tolist() == [[0, 1, 2, 3, 100, 101, 102, 0], [200, 201, 202, 203, 204, 0, 0, 0]]
    assert batch.documents.tolist() == [[0, 0, 0, 0, 1, 1, 1, -1], [0, 0, 0, 0, 0, -1, -1, -1]]
    assert batch.targets.tolist() == [1, 2, 3, 101, 102, 201, 202, 203, 204]
    assert batch.positions.tolist() == [0, 1, 2, 4, 5, 8, 9, 10, 11]
    assert batch.token_weights.tolist() == [1.0] * 3 + [2.0] * 2 + [3.0] * 4
    assert (batch.n_tokens.tolist(), batch.n_sequences) == ([3, 2, 4], 3)


def test_pack_fills_rows_and_drops_nothing():
    lengths = np.random.default_rng(0).integers(2, 65, 300)
    packs = pack(examples(lengths), 64)
    assert sorted(i for members in packs for i in members) == list(range(300))
    assert all(sum(lengths[i] for i in members) <= 64 for members in packs)
    assert sum(lengths) / (64 * len(packs)) > 0.95


def test_batch_order_groups_similar_lengths_and_mixes_tiers_within():
    widths = np.array([32] * 40 + [224] * 40)
    tiers = np.array((["primary"] * 20 + ["coordinated"] * 20) * 2)
    order = batch_order(widths, 4, np.random.default_rng((0, 0)))
    assert sorted(np.concatenate(order).tolist()) == list(range(80))
    assert all(len(set(widths[batch])) == 1 for batch in order)
    assert sum(len(set(tiers[batch])) == 2 for batch in order) > 0.7 * len(order)


def test_batch_order_without_a_generator_goes_by_length():
    assert [batch.tolist() for batch in batch_order(np.array([64, 32, 64, 32]), 2, None)] == [[1, 3], [0, 2]]
