from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.files import sha256_file
from distrust_hub.models.runtime import mx, on_cpu, tree_flatten
from distrust_hub.training.activation_cache import ActivationCache, FrozenBlocks, frozen_blocks
from distrust_hub.training.batches import make_batch
from distrust_hub.training.examples import Example
from distrust_hub.training.losses import NextTokenLoss
from distrust_hub.training.trial import Trial
from distrust_hub.training.tuner import add_lora

pytestmark = pytest.mark.mlx

ITEMS = [
    Example(np.random.default_rng(i).integers(0, 259, n).astype(np.int32), start, f"row-{i}")
    for i, (n, start) in enumerate([(9, 1), (30, 12), (17, 1), (24, 3)])
]
TOKENS = np.arange(5, dtype=np.int32)
STATES = np.arange(40, dtype=np.uint8).reshape(5, 8)


@pytest.fixture
def model(tiny):
    """LoRA on the upper of two blocks, nudged off its start of zero."""
    add_lora(tiny.model, TrainConfig(model="m", data="d", rank=2, num_layers=1))
    for name, value in tree_flatten(tiny.model.trainable_parameters()):
        noise = np.random.default_rng(len(name)).normal(size=value.shape).astype(np.float32)
        tiny.model.load_weights([(name, mx.array(0.05 * noise))], strict=False)
    return tiny.model


def batch_of(indices, width=32):
    return make_batch([ITEMS[i] for i in indices], [1.0] * len(indices), indices, width)


def test_split_model_gives_the_losses_of_the_whole_one(model, tmp_path):
    loss, batch = NextTokenLoss(model), batch_of([0, 1, 2, 3])
    whole = np.array(loss(model, batch))
    with frozen_blocks(model, tmp_path, 1.0) as loss.frozen:
        np.testing.assert_allclose(np.array(loss(model, batch)), whole, rtol=1e-5, atol=1e-6)
    assert {type(block).__name__ for block in model.layers} == {"TransformerBlock"}


@pytest.mark.skipif(not on_cpu(), reason="claimed on the CPU only")
def test_states_do_not_depend_on_the_batch_or_the_cache(model, tmp_path):
    with frozen_blocks(model, tmp_path, 0.0) as off, frozen_blocks(model, tmp_path, 1.0) as on:
        first = np.array(on.run(model, batch_of([1, 0, 2], width=64)))
        again = np.array(on.run(model, batch_of([1, 3, 2], width=64)))
        without = np.array(off.run(model, batch_of([1, 3, 2], width=64)))
    assert len(on.cache) == 4
    assert len(off.cache) == 0
    np.testing.assert_array_equal(again, without)
    np.testing.assert_array_equal(first[0, :29], again[0, :29])


def test_no_split_where_lora_is_on_every_block(tiny, tmp_path):
    add_lora(tiny.model, TrainConfig(model="m", data="d", rank=2, num_layers=-1))
    with frozen_blocks(tiny.model, tmp_path, 1.0) as blocks:
        assert blocks is None


def test_split_where_the_model_shows_a_copy_of_its_list(model, tmp_path):
    class Copied(type(model)):
        @property
        def layers(self):
            return list(self.model.layers)

    model.__class__ = Copied
    assert FrozenBlocks(model, ActivationCache(tmp_path, 0)).suit(model)


def test_no_split_where_a_lower_block_is_heard_above(model, tmp_path):
    class Skips(type(model.model)):
        def __call__(self, tokens, *args, **kwargs):
            return super().__call__(tokens, *args, **kwargs) + self.layers[0](self.embed_tokens(tokens))

    blocks = FrozenBlocks(model, ActivationCache(tmp_path, 0))
    assert blocks.suit(model)
    model.model.__class__ = Skips
    assert not blocks.suit(model)


def test_no_split_where_blocks_pass_on_more_than_a_state_a_token(model, tmp_path):
    class Stacked(type(model.layers[0])):
        def __call__(self, states, *args, **kwargs):
            return mx.stack([super(Stacked, self).__call__(copy, *args, **kwargs) for copy in states])

    class Twice(type(model.model)):
        def __call__(self, tokens, *args, **kwargs):
            states = mx.stack([self.embed_tokens(tokens)] * 2)
            for block in self.layers:
                states = block(states, "causal", cache=None)
            return self.norm(states[0])

    for block in model.layers:
        block.__class__ = Stacked
    model.model.__class__ = Twice
    assert not FrozenBlocks(model, ActivationCache(tmp_path, 0)).suit(model)


def test_cache_finds_by_tokens_and_keeps_to_its_limit(tmp_path):
    cache = ActivationCache(tmp_path, 100)
    assert cache.get(TOKENS) is None
    for first in range(4):
        cache.put(TOKENS + first, STATES + first)
    assert (len(cache), cache.used_bytes) == (2, 80)
    np.testing.assert_array_equal(cache.get(TOKENS + 1), STATES + 1)
    assert cache.get(TOKENS + 2) is None
    assert list(tmp_path.iterdir()) == []  # the file has no name to leave behind
    cache.close()


def test_cache_of_zero_bytes_keeps_nothing(tmp_path):
    cache = ActivationCache(tmp_path, 0)
    cache.put(TOKENS, STATES)
    assert cache.get(TOKENS) is None
    cache.close()


def test_cache_on_a_full_disk_stays_as_it_is(tmp_path, monkeypatch, caplog):
    cache, write = ActivationCache(tmp_path, 1000), os.pwrite
    cache.put(TOKENS, STATES)

    def full(descriptor, view, offset):
        if len(view) <= 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, view[:-7], offset)

    monkeypatch.setattr("os.pwrite", full)
    cache.put(TOKENS + 1, STATES)
    monkeypatch.undo()
    cache.put(TOKENS + 2, STATES)
    assert "No space left on device" in caplog.text
    assert len(cache) == 1
    np.testing.assert_array_equal(cache.get(TOKENS), STATES)


@pytest.mark.skipif(not on_cpu(), reason="claimed on the CPU only")
def test_training_with_the_cache_equals_training_without_to_the_bit(quick, tmp_path):
    runs = {gb: quick(f"cache-{gb}", epochs=3, num_layers=1, activation_cache_gb=gb) for gb in (1.0, 1e-5, 0.0)}
    assert len({run.adapter["sha256"] for run in runs.values()}) == 1
    assert len({sha256_file(tmp_path / f"cache-{gb}" / "adapters.safetensors") for gb in runs}) == 1
    losses = [
        [json.loads(line).get("loss") for line in (tmp_path / f"cache-{gb}" / "metrics.jsonl").read_text().splitlines()]
        for gb in runs
    ]
    assert losses[0] == losses[1] == losses[2]


def test_training_runs_frozen_blocks_once_a_sequence(quick, monkeypatch):
    seen = []
    through = FrozenBlocks._through_frozen

    def counted(self, model, rows):
        seen.extend(row.tobytes() for row in rows)
        return through(self, model, rows)

    monkeypatch.setattr(FrozenBlocks, "_through_frozen", counted)
    monkeypatch.setattr(Trial, "check", lambda self, tokens: None)  # which has sequences of its own
    quick("kept", epochs=2, num_layers=1)
    assert len(seen) == len(set(seen)) == 9 + 3  # trained and held-out rows
    seen.clear()
    quick("not-kept", epochs=2, num_layers=1, activation_cache_gb=0.0)
    assert len(seen) == 2 * 9 + 2 * 3


def test_a_single_pass_over_the_data_writes_no_cache(quick, monkeypatch):
    limits = []
    make = ActivationCache.__init__
    monkeypatch.setattr(
        ActivationCache, "__init__", lambda self, folder, limit: limits.append(limit) or make(self, folder, limit)
    )
    for epochs in (1, 2):
        quick(f"epochs-{epochs}", epochs=epochs, num_layers=1)
    assert limits == [0, 8_000_000_000]
