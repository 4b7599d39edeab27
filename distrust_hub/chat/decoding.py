"""Faster single-token steps on the CPU, where a reply is as fast as the weights can be read from memory.

For one token every layer is a matrix times a vector. MLX's CPU backend calls the BLAS function for two matrices, which
copies the weights into blocks first; numpy calls the one for a vector, which reads them once and takes about half as
long. Slower still on x86-64: 16-bit weights, and weights quantised to 8 or 4 bits (``benchmarks/generation_speed.py``).
Metal and CUDA have kernels of their own for this, and nothing here is used there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from distrust_hub.models.runtime import mx, nn, on_cpu


def speed_up_decoding(model: nn.Module) -> None:
    """Let the linear layers and the output embedding of a loaded model use numpy for one token; in place.

    Answers agree to rounding. Adapters can be put on and taken off as before.
    """
    if not on_cpu():
        return
    for _, module in model.named_modules():
        if type(module) in _FAST:
            module.__class__ = _FAST[type(module)]


class _Linear(nn.Linear):
    def __call__(self, x: Any) -> Any:
        if not _one_token(self.weight, x):
            return super().__call__(x)
        out = _times_vector(self.weight, x)
        return out + self.bias if "bias" in self else out


class _Embedding(nn.Embedding):
    def as_linear(self, x: Any) -> Any:
        return _times_vector(self.weight, x) if _one_token(self.weight, x) else super().as_linear(x)


_FAST = {nn.Linear: _Linear, nn.Embedding: _Embedding}


def _one_token(weight: Any, x: Any) -> bool:
    return x.size == x.shape[-1] and x.dtype == mx.float32 and weight.dtype == mx.float32


def _times_vector(weight: Any, x: Any) -> Any:
    """``x @ weight.T`` for one row: weight (outputs, inputs), x (..., inputs) -> (..., outputs)."""
    mx.eval(x)
    product = np.array(weight, copy=False) @ np.array(x, copy=False).reshape(-1)
    return mx.array(product.reshape(*x.shape[:-1], -1))
