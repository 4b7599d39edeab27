"""The NumPy operations against mlx-lm's, in value and gradient."""

from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.models.load import load_base
from distrust_hub.models.runtime import mx, nn, on_cpu
from distrust_hub.training import cpu_ops
from distrust_hub.training.tuner import add_lora, checkpointed_blocks
from tests.tiny import make_tiny_model

from mlx_lm.models import activations, base, llama  # isort: skip
from mlx_lm.tuner.lora import LoRALinear  # isort: skip

pytestmark = pytest.mark.mlx


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [mx.array(rng.normal(size=shape).astype(np.float32)) for shape in shapes]


def assert_same(ours, theirs, primals):
    (pull,) = arrays(theirs(*primals).shape)
    outs, grads = mx.vjp(ours, primals, [pull])
    wanted_outs, wanted_grads = mx.vjp(theirs, primals, [pull])
    for got, wanted in zip([*outs, *grads], [*wanted_outs, *wanted_grads]):
        np.testing.assert_allclose(np.array(got), np.array(wanted), rtol=1e-4, atol=1e-5)


def test_swiglu_equals_mlx_lm():
    gate, x = arrays((2, 5, 16), (2, 5, 16))
    assert_same(cpu_ops.swiglu, activations.swiglu, [30.0 * gate, x])


def test_swiglu_is_zero_far_below_zero():
    assert cpu_ops.swiglu(mx.array([-1e4, 1e4]), mx.array([1.0, 1.0])).tolist() == [0.0, 1e4]


@pytest.mark.parametrize(("heads", "keys"), [(2, 7), (6, 7), (6, 12)])
def test_attention_equals_mlx_lm(heads, keys):
    q, k, v = arrays((2, heads, 7, 8), (2, 2, keys, 8), (2, 2, keys, 8))
    ours = lambda q, k, v: cpu_ops.attention(q, k, v, None, 0.35, "causal")  # noqa: E731
    theirs = lambda q, k, v: base.scaled_dot_product_attention(q, k, v, None, 0.35, "causal")  # noqa: E731
    assert_same(ours, theirs, [q, k, v])


def test_attention_with_another_mask_is_mlx_lm_s():
    q, k, v = arrays((1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8))
    mask = mx.array(np.tril(np.ones((4, 4), dtype=bool), k=1))
    got = cpu_ops.attention(q, k, v, None, 0.35, mask)
    wanted = base.scaled_dot_product_attention(q, k, v, None, 0.35, mask)
    assert mx.array_equal(got, wanted)


def lora_layer(dropout=0.0):
    mx.random.seed(0)
    layer = LoRALinear(16, 12, r=4, scale=3.0, dropout=dropout)
    layer.lora_b = mx.random.normal(layer.lora_b.shape)
    return layer


def called(call, layer):
    """``call(layer, x)`` as a function of the input and both LoRA matrices."""

    def run(x, a, b):
        layer.lora_a, layer.lora_b = a, b
        return call(layer, x)

    return run


def test_lora_linear_equals_mlx_lm():
    layer = lora_layer()
    primals = [*arrays((2, 5, 16)), layer.lora_a, layer.lora_b]
    assert_same(called(cpu_ops.lora_linear, layer), called(LoRALinear.__call__, layer), primals)


def test_lora_linear_with_dropout_is_mlx_lm_s():
    layer, (x,) = lora_layer(dropout=0.5), arrays((2, 5, 16))
    outs = []
    for call in (cpu_ops.lora_linear, LoRALinear.__call__):
        mx.random.seed(3)
        outs.append(call(layer, x))
    assert mx.array_equal(*outs)


def test_rms_norm_equals_mlx_s():
    layer, (x, weight) = nn.RMSNorm(16), arrays((2, 5, 16), (16,))
    layer.weight = weight
    assert_same(lambda x: cpu_ops.rms_norm(layer, x), layer, [x])


def test_apart_differentiates_in_every_array_and_keeps_nothing_between():
    x, y = arrays((200, 100), (200, 100))

    def long_way(x, y):
        for _ in range(50):
            x = x + 0.001 * y
        return x * y

    assert_same(lambda x, y: cpu_ops.apart(long_way, x, y), long_way, [x, y])
    active = []

    def watched(x, y):
        out = cpu_ops.apart(long_way, x, y)
        active.append(mx.get_active_memory())
        return out.sum()

    mx.eval(x, y)
    before = mx.get_active_memory()
    mx.eval(mx.grad(watched)(x, y))
    assert active[0] - before <= 3 * x.nbytes


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_checkpointed_block_gives_the_gradient_of_a_plain_one(dropout):
    block = nn.Sequential(lora_layer(dropout), nn.ReLU())
    block.layers[0].linear.freeze()
    (x,) = arrays((2, 5, 16))

    def loss(call):
        def run(x):
            mx.random.seed(5)
            mx.random.seed(int(mx.random.randint(0, 2**31 - 1).item()))  # what a checkpoint does
            first = call(block, x)
            return (first * first).sum()

        return nn.value_and_grad(block, run)

    plain, recomputed = (loss(call)(x) for call in (type(block).__call__, cpu_ops.checkpointed(type(block).__call__)))
    if dropout == 0.0:
        assert recomputed[0].item() == pytest.approx(plain[0].item(), rel=1e-6)
    slope = recomputed[1]["layers"][0]["lora_b"]
    nudged = block.layers[0].lora_b + 1e-3 * slope / mx.linalg.norm(slope)
    block.layers[0].lora_b, original = nudged, block.layers[0].lora_b
    higher = loss(cpu_ops.checkpointed(type(block).__call__))(x)[0].item()
    block.layers[0].lora_b = original
    assert (higher - recomputed[0].item()) / 1e-3 == pytest.approx(mx.linalg.norm(slope).item(), rel=0.02)


@pytest.mark.skipif(not on_cpu(), reason="MLX does not compute on the CPU here")
def test_fast_cpu_ops_are_used_and_put_back(tiny):
    def now():
        block = type(tiny.model.layers[0])
        return (
            llama.swiglu,
            llama.scaled_dot_product_attention,
            LoRALinear.__call__,
            nn.RMSNorm.__call__,
            block.__call__,
        )

    before = now()
    with cpu_ops.fast_cpu_ops(tiny.model):
        assert now()[:4] == (cpu_ops.swiglu, cpu_ops.attention, cpu_ops.lora_linear, cpu_ops.rms_norm)
        assert now()[4] is not before[4]
    assert now() == before


def kept_by_six_blocks(folder, *, checkpoints=False):
    """Bytes by which the peak of a gradient rises with six more blocks."""
    tokens = mx.array(np.random.default_rng(0).integers(0, 300, (1, 64)))

    def peak(layers):
        model = load_base(str(make_tiny_model(folder / f"{layers}", layers=layers))).model
        add_lora(model, TrainConfig(model="m", data="d", num_layers=-1, rank=2))
        gradient = nn.value_and_grad(model, lambda: model.model(tokens).sum())
        with cpu_ops.fast_cpu_ops(model), checkpointed_blocks(model, checkpoints):
            mx.eval(gradient())
            start = mx.get_active_memory()
            mx.reset_peak_memory()
            mx.eval(gradient())
            return mx.get_peak_memory() - start

    return peak(8) - peak(2)


@pytest.mark.skipif(not on_cpu(), reason="MLX does not compute on the CPU here")
def test_a_deeper_model_keeps_little_more_for_its_gradient(tmp_path, monkeypatch):
    ours = kept_by_six_blocks(tmp_path)
    monkeypatch.setattr(cpu_ops, "apart", lambda function, *arrays: function(*arrays))
    monkeypatch.setattr(cpu_ops, "_cut", lambda x: x)
    assert ours < 0.5 * kept_by_six_blocks(tmp_path)


@pytest.mark.skipif(not on_cpu(), reason="MLX does not compute on the CPU here")
def test_checkpointed_blocks_keep_their_inputs_only(tmp_path):
    assert kept_by_six_blocks(tmp_path, checkpoints=True) < 0.5 * kept_by_six_blocks(tmp_path)
