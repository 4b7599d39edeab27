"""Activation and attention softmax with NumPy's vectorised ``exp``, for training on the CPU.

MLX's CPU backend computes ``exp`` one value at a time: 14 ns each where NumPy needs 0.5 (x86-64, measured), and these
two operations are then more than half of a step. Matrix products stay in MLX. The results are float32 either way and
agree to rounding; on Metal and CUDA nothing here is used.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from distrust_hub.models.runtime import mx, nn, on_cpu

from mlx_lm.models import activations, base  # isort: skip  (after the runtime has prepared MLX)


@contextlib.contextmanager
def fast_cpu_ops(model: nn.Module) -> Iterator[None]:
    """Let the layers of an mlx-lm model use the functions below while the context is open.

    mlx-lm's model files call ``swiglu`` and ``scaled_dot_product_attention`` by their global names; these are replaced
    in the files this model comes from and put back at the end. Without effect where MLX does not compute on the CPU.
    """
    replacements = (
        ("swiglu", activations.swiglu, swiglu),
        ("scaled_dot_product_attention", base.scaled_dot_product_attention, attention),
    )
    files = {sys.modules[type(module).__module__] for _, module in model.named_modules()}
    changed = []
    try:
        for file in files if on_cpu() else ():
            for name, original, ours in replacements:
                if getattr(file, name, None) is original:
                    setattr(file, name, ours)
                    changed.append((file, name, original))
        yield
    finally:
        for file, name, original in changed:
            setattr(file, name, original)


def swiglu(gate: Any, x: Any) -> Any:
    """``gate * sigmoid(gate) * x`` for float32 arrays of one shape; anything else goes to mlx-lm's function."""
    if gate.dtype != mx.float32 or x.dtype != mx.float32:
        return activations.swiglu(gate, x)
    return _swiglu(gate, x)


@mx.custom_function
def _swiglu(gate: Any, x: Any) -> Any:
    g, up = _views(gate, x)
    out = _sigmoid(g)
    out *= g
    out *= up
    return mx.array(out)


@_swiglu.vjp
def _swiglu_vjp(primals: Any, cotangent: Any, output: Any) -> Any:
    g, up, c = _views(*primals, cotangent)
    sigmoid = _sigmoid(g)
    silu = sigmoid * g
    slope = sigmoid * (1.0 + g - silu)  # derivative of g * sigmoid(g)
    slope *= up
    slope *= c
    silu *= c
    return mx.array(slope), mx.array(silu)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    out = np.negative(x)
    with np.errstate(over="ignore"):  # exp(-x) is infinite below -88, where the sigmoid is 0
        np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)


def attention(queries: Any, keys: Any, values: Any, cache: Any, scale: float, mask: Any, sinks: Any = None) -> Any:
    """Causal attention of whole float32 sequences; anything else goes to mlx-lm's function.

    Args:
        queries: Shape (B, H, T, D).
        keys, values: Shape (B, K, T, D), K a divisor of H.
        cache: Key-value cache; None in training.
        scale: Factor of the scores.
        mask: ``"causal"`` for the fast way.
        sinks: Attention sinks; None for the fast way.
    """
    if cache is not None or sinks is not None or not isinstance(mask, str) or queries.dtype != mx.float32:
        return base.scaled_dot_product_attention(queries, keys, values, cache, scale, mask, sinks)
    batch, heads, length, width = queries.shape
    groups = keys.shape[1]
    stacked = (queries * scale).reshape(batch, groups, -1, width)  # heads of one group share keys: one product
    scores = stacked @ keys.swapaxes(-1, -2)  # (B, K, H/K * T, T)
    out = _causal_softmax(scores) @ values
    return out.reshape(batch, heads, length, -1)


@mx.custom_function
def _causal_softmax(scores: Any) -> Any:
    (values,) = _views(scores)
    length = values.shape[-1]
    rows = values.reshape(-1, length, length)
    out = rows + _causal_mask(length)
    out -= out.max(axis=-1, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=-1, keepdims=True)
    return mx.array(out.reshape(values.shape))


@_causal_softmax.vjp
def _causal_softmax_vjp(primals: Any, cotangent: Any, output: Any) -> Any:
    chances, slope = _views(output, cotangent)
    inner = np.einsum("...i,...i->...", chances, slope)[..., None]
    out = slope - inner
    out *= chances
    return mx.array(out)


@functools.lru_cache(maxsize=4)
def _causal_mask(length: int) -> np.ndarray:
    """0 where a query may look and minus infinity where it may not, shape (T, T)."""
    return np.triu(np.full((length, length), -np.inf, dtype=np.float32), k=1)


def _views(*arrays: Any) -> list[np.ndarray]:
    """Evaluate arrays and look at them from NumPy without a copy."""
    mx.eval(*arrays)
    return [np.array(array, copy=False) for array in arrays]
