from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from distrust_hub.models import blas
from distrust_hub.models.runtime import mx, nn, on_cpu, tree_flatten
from distrust_hub.training import parallel
from distrust_hub.training.batches import make_batch
from distrust_hub.training.examples import Example, Pair
from distrust_hub.training.parallel import PART_TOKENS, cut, replica, side_by_side

pytestmark = [pytest.mark.mlx, pytest.mark.skipif(not on_cpu(), reason="batches are cut on the CPU only")]


def example(number: int, length: int, start: int = 1) -> Example:
    return Example(np.random.default_rng(number).integers(3, 259, length).astype(np.int32), start, f"row-{number}")


def predictions(batch) -> list[tuple[int, list[int], int]]:
    """Item, context and target of each prediction: all that the loss depends on."""
    width, items = batch.tokens.shape[1], len(batch.items)
    return [
        (int(batch.items[row % items]), batch.tokens[row, : position - row * width + 1].tolist(), int(target))
        for row, position, target in zip(batch.sequence, batch.positions, batch.targets)
    ]


def test_cut_keeps_every_prediction_in_order():
    items = [example(i, length, start) for i, (length, start) in enumerate([(200, 1), (97, 40), (256, 3), (31, 1)])]
    batch = make_batch(items, [1.0, 2.0, 3.0, 4.0], [7, 3, 9, 5], 256)
    parts = cut(batch)
    assert [part.tokens.shape for part in parts] == [(1, 224), (1, 96), (1, 256), (1, 32)]
    assert [p for part in parts for p in predictions(part)] == predictions(batch)
    assert np.concatenate([part.weights for part in parts]).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.concatenate([part.n_tokens for part in parts]).tolist() == batch.n_tokens.tolist()
    assert [part.token_weights[0] for part in parts] == [1.0, 2.0, 3.0, 4.0]


def test_short_items_share_a_part():
    batch = make_batch([example(i, 60) for i in range(9)], [1.0] * 9, range(9), 64)
    assert [len(part.items) for part in cut(batch)] == [4, 4, 1]
    assert all(part.tokens.size <= PART_TOKENS for part in cut(batch))


def test_the_two_answers_of_a_pair_stay_together():
    pairs = [Pair(example(i, 30, 8), example(i + 9, 50, 8)) for i in range(6)]
    batch = make_batch(pairs, [1.0] * 6, range(6), 64)
    parts = cut(batch)
    assert [part.items.tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]
    assert sorted(p for part in parts for p in predictions(part)) == sorted(predictions(batch))
    assert all(
        (part.tokens[len(part.items) :, :8] == [pairs[i].rejected.ids[:8] for i in part.items]).all() for part in parts
    )


def test_calls_give_their_results_in_order_whatever_the_number_of_threads(tiny, monkeypatch):
    tokens = [np.random.default_rng(i).integers(3, 259, (2, 16)).astype(np.int32) for i in range(6)]

    def gradient(rows):
        model = replica(tiny.model)
        loss, grads = nn.value_and_grad(model, lambda x: mx.logsumexp(model(x)).mean())(mx.array(rows))
        mx.eval(loss, grads)
        return loss.item(), b"".join(np.array(value).tobytes() for _, value in tree_flatten(grads))

    results = []
    for threads in (1, 3):
        with ThreadPoolExecutor(threads) as pool:
            monkeypatch.setattr(parallel, "_pool", lambda pool=pool, threads=threads: (pool, threads))
            results.append(list(side_by_side(gradient, [(rows,) for rows in tokens])))
    assert results[0] == results[1]
    assert len(set(results[0])) == 6


MORE_CORES = """
from distrust_hub.training import parallel

parallel.usable_cores = lambda: 1
assert list(parallel.side_by_side(abs, [(-1,), (2,)])) == [1, 2]
parallel.usable_cores = lambda: 3
parallel.end_threads()
"""


def test_threads_end_where_the_process_has_got_more_cores_since():
    subprocess.run([sys.executable, "-c", MORE_CORES], check=True, timeout=60)


def test_replica_shares_arrays_and_nothing_else(tiny):
    copy = replica(tiny.model)
    before = dict(tree_flatten(tiny.model.parameters()))
    assert all(value is before[name] for name, value in tree_flatten(copy.parameters()))
    copy.update({"model": {"norm": {"weight": mx.zeros_like(tiny.model.model.norm.weight)}}})
    copy.layers.pop()
    assert len(tiny.model.layers) == len(copy.layers) + 1
    assert all(value is before[name] for name, value in tree_flatten(tiny.model.parameters()))


def test_products_use_one_thread_inside_and_as_many_as_before_after():
    setter, getter = blas._thread_functions()
    before = getter()
    setter(2)
    try:
        with blas.one_thread():
            assert getter() == 1
        assert getter() == 2
    finally:
        setter(before)
