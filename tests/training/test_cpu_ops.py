"""The NumPy operations against mlx-lm's, in value and gradient."""

from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.models.runtime import mx, on_cpu
from distrust_hub.training import cpu_ops

from mlx_lm.models import activations, base, llama  # isort: skip

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


@pytest.mark.parametrize("heads", [2, 6])
def test_attention_equals_mlx_lm(heads):
    q, k, v = arrays((2, heads, 7, 8), (2, 2, 7, 8), (2, 2, 7, 8))
    ours = lambda q, k, v: cpu_ops.attention(q, k, v, None, 0.35, "causal")  # noqa: E731
    theirs = lambda q, k, v: base.scaled_dot_product_attention(q, k, v, None, 0.35, "causal")  # noqa: E731
    assert_same(ours, theirs, [q, k, v])


def test_attention_with_another_mask_is_mlx_lm_s():
    q, k, v = arrays((1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8))
    mask = mx.array(np.tril(np.ones((4, 4), dtype=bool), k=1))
    got = cpu_ops.attention(q, k, v, None, 0.35, mask)
    wanted = base.scaled_dot_product_attention(q, k, v, None, 0.35, mask)
    assert mx.array_equal(got, wanted)


@pytest.mark.skipif(not on_cpu(), reason="MLX does not compute on the CPU here")
def test_fast_cpu_ops_are_used_and_put_back(tiny):
    before = llama.swiglu, llama.scaled_dot_product_attention
    with cpu_ops.fast_cpu_ops(tiny.model):
        assert (llama.swiglu, llama.scaled_dot_product_attention) == (cpu_ops.swiglu, cpu_ops.attention)
    assert (llama.swiglu, llama.scaled_dot_product_attention) == before
