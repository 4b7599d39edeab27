"""Attention that stays within each document of a packed row."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.errors import ConfigError
from distrust_hub.models.runtime import mx, nn

_MASK = "create_attention_mask"
"""What mlx-lm's model files call, by its global name, once a forward pass."""


_current = threading.local()


@contextlib.contextmanager
def packed_attention(model: nn.Module, enabled: bool) -> Iterator[None]:
    """Let the masks of an mlx-lm model heed ``documents_apart`` while the context is open.

    Raises:
        ConfigError: If the model makes its masks in another way.
    """
    files = {sys.modules[type(module).__module__] for module in (model, getattr(model, "model", model))}
    originals = {file: getattr(file, _MASK) for file in files if enabled and hasattr(file, _MASK)}
    if enabled and not originals:
        raise ConfigError(f"packing is not known to work with {type(model).__module__}; train without --packing")
    try:
        for file, original in originals.items():
            setattr(file, _MASK, functools.partial(_mask, original))
        yield
    finally:
        for file, original in originals.items():
            setattr(file, _MASK, original)


@contextlib.contextmanager
def documents_apart(documents: NDArray[np.int32] | None) -> Iterator[None]:
    """Keep documents apart in the forward passes this thread makes while the context is open.

    Positions need no reset: rotary embeddings depend on distances only.

    Args:
        documents: Number of the document of each token, shape (B, T); None changes nothing.
    """
    _current.documents = documents
    try:
        yield
    finally:
        _current.documents = None


def _mask(
    original: Callable[..., Any], h: Any, cache: Any = None, window_size: int | None = None, return_array: bool = False
) -> Any:
    """mlx-lm's mask, or where documents share a row a boolean one of shape (B, 1, T, T)."""
    documents = getattr(_current, "documents", None)
    if documents is None:
        return original(h, cache, window_size=window_size, return_array=return_array)
    distance = np.subtract.outer(np.arange(h.shape[1]), np.arange(h.shape[1]))
    seen = (distance >= 0) & (distance < (window_size or len(distance)))
    return mx.array(seen & (documents[:, None, :, None] == documents[:, None, None, :]))
