"""A resolved base model as MLX module and tokenizer."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from distrust_hub.errors import MissingDependencyError, ModelError
from distrust_hub.models.resolve import BaseModel, resolve_base
from distrust_hub.models.runtime import mx, nn, on_cpu, tree_map

try:  # after the runtime, which says why MLX is missing
    from mlx_lm.utils import dequantize_model, load_model, load_tokenizer
except ImportError as error:
    raise MissingDependencyError((error.name or "mlx_lm").split(".")[0], "train", "running a model") from error


_ASKS_FOR_TRUST = "trust_remote_code" in inspect.signature(load_model).parameters
"""mlx-lm before 0.32 runs a model's own code unasked; ``resolve_base`` has refused such a model by then."""


_LONGEST_PROBLEM = 300
"""Characters of a message; mlx-lm names every tensor that does not fit."""


@dataclass
class LoadedModel:
    """A model ready to run.

    Attributes:
        model: The mlx-lm module, in evaluation mode.
        tokenizer: ``mlx_lm.tokenizer_utils.TokenizerWrapper``.
        base: Where it came from.
    """

    model: nn.Module
    tokenizer: Any
    base: BaseModel


def load_base(base: BaseModel | str, *, quantized: bool = False) -> LoadedModel:
    """Load a base model for training, scoring or chat.

    On the CPU backend 16-bit and quantised products are 40 times slower than float32 ones, so weights are
    dequantised and cast to float32 there.

    Args:
        base: From ``resolve_base``, or anything it takes.
        quantized: Keep a quantised model quantised on Metal and CUDA (QLoRA); without effect on the CPU.

    Raises:
        ModelError: If mlx-lm does not know the architecture, or tensors or tokenizer do not fit the config.
    """
    resolved = resolve_base(base) if isinstance(base, str) else base
    trust = {"trust_remote_code": resolved.trust_remote_code}
    with _refusals(resolved, "the model"):
        model, config = load_model(resolved.path, lazy=True, **(trust if _ASKS_FOR_TRUST else {}))
    if "quantization" in config and (on_cpu() or not quantized):
        model = dequantize_model(model)
    if on_cpu():
        model.update(tree_map(_to_float32, model.parameters()))
    mx.eval(model.parameters())
    model.eval()
    with _refusals(resolved, "the tokenizer"):
        tokenizer = load_tokenizer(resolved.path, trust, eos_token_ids=config.get("eos_token_id"))
    return LoadedModel(model, tokenizer, resolved)


@contextlib.contextmanager
def _refusals(base: BaseModel, what: str) -> Iterator[None]:
    """Turn what a model file or tokenizer raises, which may be anything, into one line."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        missing = f"{error} is missing from its files" if isinstance(error, KeyError) else str(error)
        problem = shorten(missing or type(error).__name__, _LONGEST_PROBLEM, placeholder=" ...")
        raise ModelError(f"{base.id or base.path}: {what} cannot be loaded: {problem}") from error


def _to_float32(array: mx.array) -> mx.array:
    return array.astype(mx.float32) if mx.issubdtype(array.dtype, mx.floating) else array
