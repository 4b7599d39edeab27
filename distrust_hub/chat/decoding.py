"""Faster single-token steps on the CPU, where a reply is as fast as the weights can be read from memory.

For one token every layer is a matrix times a vector. MLX's CPU backend calls the BLAS function for two matrices, which
copies the weights into blocks first; numpy calls the one for a vector, which reads them once and takes about half as
long. Handing small operations to MLX's thread takes as long again, so blocks of the llama architecture do all of a
step in numpy. Slower still on x86-64: 16-bit weights, and weights quantised to 8 or 4 bits
(``benchmarks/generation_speed.py``). Metal and CUDA have kernels of their own for this, and nothing here is used there.
"""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from distrust_hub.models.runtime import mx, nn, on_cpu  # isort: split

from mlx_lm.models.cache import KVCache  # after the runtime, which prepares the import of MLX
from mlx_lm.models.llama import TransformerBlock
from mlx_lm.tuner.lora import LoRALinear

Vector: TypeAlias = NDArray[Any]
"""float32, shape (n,) where nothing else is said."""


def speed_up_decoding(model: nn.Module) -> None:
    """Let a loaded model use numpy for one token: its linear layers, output embedding and llama blocks; in place.

    Answers agree to rounding. Adapters can be put on and taken off as before.
    """
    if not on_cpu():
        return
    for _, module in model.named_modules():
        if type(module) in _FAST:
            module.__class__ = _FAST[type(module)]


class _Linear(nn.Linear):
    def __call__(self, x: Any) -> Any:
        return _as_mlx(_linear(self, _vector(x)), x) if _one_token(x, self.weight) else super().__call__(x)


class _Embedding(nn.Embedding):
    def as_linear(self, x: Any) -> Any:
        return _as_mlx(_view(self.weight) @ _vector(x), x) if _one_token(x, self.weight) else super().as_linear(x)


class _Block(TransformerBlock):
    def __call__(self, x: Any, mask: Any = None, cache: Any = None) -> Any:
        plain = type(cache) is KVCache and mask is None and _one_token(x, self.input_layernorm.weight)
        rope = self.self_attn.rope
        if not plain or type(rope) is not nn.RoPE or rope.traditional or rope.dims != self.self_attn.head_dim:
            return super().__call__(x, mask, cache)
        state = _vector(x)
        state = state + _attend(self.self_attn, _norm(self.input_layernorm, state), cache)
        inner = _norm(self.post_attention_layernorm, state)
        gate = _linear(self.mlp.gate_proj, inner)
        active = gate / (1.0 + np.exp(-gate)) * _linear(self.mlp.up_proj, inner)
        return _as_mlx(state + _linear(self.mlp.down_proj, active), x)


_FAST = {nn.Linear: _Linear, nn.Embedding: _Embedding, TransformerBlock: _Block}


def _attend(attention: Any, x: Vector, cache: KVCache) -> Vector:
    """Attention of one token to itself and all before it, which the cache holds: (hidden,) -> (hidden,)."""
    cos, sin = _rotation(attention.rope.dims, attention.rope.base, cache.offset * attention.rope.scale)
    shape = (attention.n_kv_heads, -1, attention.head_dim)
    queries = _rotated(_linear(attention.q_proj, x).reshape(shape), cos, sin)
    keys = _rotated(_linear(attention.k_proj, x).reshape(shape), cos, sin)
    values = _linear(attention.v_proj, x).reshape(shape)
    every_key, every_value = cache.update_and_fetch(mx.array(keys[None]), mx.array(values[None]))
    mx.eval(every_key, every_value)
    scores = queries @ _view(every_key)[0].swapaxes(1, 2) * attention.scale  # (kv heads, heads of each, tokens)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return _linear(attention.o_proj, (shares @ _view(every_value)[0]).reshape(-1))


def _linear(layer: Any, x: Vector) -> Vector:
    """A linear layer, with or without an adapter on it."""
    if type(layer) is LoRALinear:
        update = x @ _view(layer.lora_a) @ _view(layer.lora_b)
        return _linear(layer.linear, x) + np.float32(layer.scale) * update
    if type(layer) is not _Linear or layer.weight.dtype != mx.float32:
        return _vector(layer(mx.array(x)))
    out = _view(layer.weight) @ x
    return out + _view(layer.bias) if "bias" in layer else out


def _norm(layer: Any, x: Vector) -> Vector:
    """RMSNorm."""
    return x * (_view(layer.weight) / np.sqrt(x @ x / np.float32(x.size) + np.float32(layer.eps)))


@functools.lru_cache(maxsize=8)
def _rotation(dims: int, base: float, place: float) -> tuple[Vector, Vector]:
    """Cosines and sines of the rotary embedding at a place, each of shape (dims / 2,)."""
    angles = place * base ** (-np.arange(0, dims, 2) / dims)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotated(x: Vector, cos: Vector, sin: Vector) -> Vector:
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)


def _one_token(x: Any, weight: Any) -> bool:
    return x.size == x.shape[-1] and x.dtype == mx.float32 and weight.dtype == mx.float32


def _view(array: Any) -> Vector:
    return np.array(array, copy=False)


def _vector(x: Any) -> Vector:
    mx.eval(x)
    return _view(x).reshape(-1)


def _as_mlx(values: Vector, like: Any) -> Any:
    return mx.array(values.reshape(*like.shape[:-1], -1))
