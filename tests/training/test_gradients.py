from __future__ import annotations

import itertools

import numpy as np
import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError
from distrust_hub.models.runtime import mx, nn, tree_flatten
from distrust_hub.training.batches import make_batch
from distrust_hub.training.cpu_ops import fast_cpu_ops
from distrust_hub.training.examples import Example, Pack
from distrust_hub.training.gradients import Differentiator, _noise_seed
from distrust_hub.training.packing import packed_attention
from distrust_hub.training.tuner import add_lora, checkpointed_blocks

pytestmark = pytest.mark.mlx

ITEMS = [
    Example(np.random.default_rng(i).integers(3, 259, n).astype(np.int32), 1, f"row-{i}")
    for i, n in enumerate((9, 30, 17, 24))
]
WEIGHTS = [0.5, 2.0, 1.0, 1.5]


@pytest.fixture
def differentiate(tiny):
    """A function of micro-batches, each a list of item numbers; LoRA is nudged off its start of zero."""
    config = TrainConfig(model="m", data="d", rank=2, max_seq_length=64)
    add_lora(tiny.model, config)
    for name, value in tree_flatten(tiny.model.trainable_parameters()):
        if name.endswith("lora_b"):
            noise = np.random.default_rng(len(name)).normal(size=value.shape).astype(np.float32)
            tiny.model.load_weights([(name, mx.array(0.05 * noise))], strict=False)

    def run(groups, weights=WEIGHTS, width=32, **options):
        settings = TrainConfig(model="m", data="d", rank=2, max_seq_length=64, **options)
        step = Differentiator(tiny.model, settings)
        batches = [make_batch([ITEMS[i] for i in g], [weights[i] for i in g], g, width) for g in groups]
        return step(batches, 0)

    run.model = tiny.model
    return run


def flat(gradients) -> np.ndarray:
    return np.concatenate([np.array(value).ravel() for _, value in tree_flatten(gradients.tree)])


def relative_distance(one, other) -> float:
    return float(np.linalg.norm(flat(one) - flat(other)) / np.linalg.norm(flat(other)))


def test_noise_follows_seed_place_and_item():
    assert len({_noise_seed(*numbers) for numbers in itertools.product((1, 2), repeat=3)}) == 8


def test_held_out_loss_is_the_unweighted_loss_of_the_same_tokens(differentiate):
    batch = make_batch(ITEMS, WEIGHTS, range(4), 32)
    total, tokens = Differentiator(differentiate.model, TrainConfig(model="m", data="d")).held_out(batch)
    assert tokens == sum(item.n_tokens for item in ITEMS)
    assert total / tokens == pytest.approx(differentiate([[0, 1, 2, 3]]).loss, rel=1e-6)


def test_accumulation_equals_one_large_batch(differentiate):
    large = differentiate([[0, 1, 2, 3]])
    small = differentiate([[0], [1], [2], [3]])
    assert relative_distance(small, large) < 1e-5
    assert small.norm == pytest.approx(large.norm, rel=1e-5)
    assert small.loss == pytest.approx(large.loss, rel=1e-6)
    assert small.weighted_loss == pytest.approx(large.weighted_loss, rel=1e-6)
    assert small.mean_weight == pytest.approx(large.mean_weight)
    assert large.mean_weight == pytest.approx(np.average(WEIGHTS, weights=[item.n_tokens for item in ITEMS]))


def test_padding_does_not_change_the_gradient(differentiate):
    assert relative_distance(differentiate([[0, 2]], width=64), differentiate([[0, 2]], width=32)) < 1e-5


def test_packed_documents_are_trained_as_if_alone(differentiate):
    alone = differentiate([[0, 1, 2, 3]])
    settings = TrainConfig(model="m", data="d", rank=2, max_seq_length=64)
    packs = [Pack((ITEMS[0], ITEMS[1])), Pack((ITEMS[2], ITEMS[3]))]
    batch = make_batch(packs, WEIGHTS, [0, 1, 2, 3], 64)
    with packed_attention(differentiate.model, True):
        packed = Differentiator(differentiate.model, settings)([batch], 0)
    assert relative_distance(packed, alone) < 1e-5
    assert packed.loss == pytest.approx(alone.loss, rel=1e-5)
    mixed = Differentiator(differentiate.model, settings)([batch], 0)  # without the mask they see each other
    assert relative_distance(mixed, alone) > 1e-3


def test_packed_attention_leaves_no_trace_and_refuses_other_models(differentiate):
    from mlx_lm.models import llama

    before = llama.create_attention_mask
    with packed_attention(differentiate.model, True):
        assert llama.create_attention_mask is not before
    assert llama.create_attention_mask is before
    other = nn.Linear(2, 2)
    with pytest.raises(ConfigError, match="without --packing"), packed_attention(other, True):
        pass


def test_fast_cpu_ops_give_the_same_gradient(differentiate):
    plain = differentiate([[0, 1, 2, 3]])
    with fast_cpu_ops(differentiate.model):
        fast = differentiate([[0, 1, 2, 3]])
        with checkpointed_blocks(differentiate.model, True):
            recomputed = differentiate([[0, 1, 2, 3]])
    assert relative_distance(fast, plain) < 1e-5
    assert relative_distance(recomputed, plain) < 1e-5


def test_checkpointed_blocks_leave_no_trace(differentiate):
    block = type(differentiate.model.layers[0])
    before = block.__call__
    with checkpointed_blocks(differentiate.model, True):
        assert block.__call__ is not before
    assert block.__call__ is before


@pytest.mark.parametrize("limit", [0.001, 1.0, 0.0])
def test_four_times_the_weight_is_four_times_the_clipped_gradient_at_batch_size_one(differentiate, limit):
    def clipped(weight):
        gradients = differentiate([[1]], weights=[weight] * 4)
        return flat(gradients) * gradients.clip_factor(limit), gradients

    (light, light_gradients), (heavy, _) = clipped(0.5), clipped(2.0)
    np.testing.assert_allclose(heavy, 4.0 * light, rtol=1e-4, atol=1e-7)
    if limit == 0.001:
        assert light_gradients.clip_factor(limit) < 1.0
        assert np.linalg.norm(light) == pytest.approx(0.5 * limit, rel=1e-4)


def test_weights_of_one_equal_no_weights_to_the_bit(differentiate):
    weighted, plain = (differentiate([[0, 1], [2, 3]], weights=[1.0] * 4, objective=o) for o in ("reweight", "none"))
    np.testing.assert_array_equal(flat(weighted), flat(plain))
