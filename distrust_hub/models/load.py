"""A resolved base model as MLX module and tokenizer."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from distrust_hub.errors import MissingDependencyError, ModelError
from distrust_hub.files import read_json
from distrust_hub.models.config_names import fields_for_mlx
from distrust_hub.models.quantized import dequantized
from distrust_hub.models.resolve import BaseModel, resolve_base
from distrust_hub.models.runtime import mx, nn, on_cpu, tree_map

try:  # after the runtime, which says why MLX is missing
    from mlx_lm.utils import load_model, load_tokenizer
except ImportError as error:
    raise MissingDependencyError((error.name or "mlx_lm").split(".")[0], "train", "running a model") from error


log = logging.getLogger(__name__)

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
    added = fields_for_mlx(read_json(resolved.path / "config.json"))
    with _refusals(resolved, "the model"):
        options = trust if _ASKS_FOR_TRUST else {}
        model, config = load_model(resolved.path, lazy=True, model_config=added, **options)
    _check_suppressed_ids(resolved, model)
    _warn_of_another_reading(resolved, model, added)
    with _refusals(resolved, "the model"):
        if "quantization" in config and (on_cpu() or not quantized):
            model = dequantized(model)
        if on_cpu():
            model.update(tree_map(_to_float32, model.parameters()))
        mx.eval(model.parameters())
    model.eval()
    with _refusals(resolved, "the tokenizer"):
        tokenizer = load_tokenizer(resolved.path, trust, eos_token_ids=config.get("eos_token_id"))
    return LoadedModel(model, tokenizer, resolved)


def _check_suppressed_ids(base: BaseModel, model: nn.Module) -> None:
    """mlx-lm's ``phi3small`` writes to fixed token ids: with a smaller vocabulary past the end of its memory."""
    ids = getattr(model, "_dummy_tokenizer_ids", None)
    known = getattr(getattr(model, "args", None), "vocab_size", None)
    if ids is not None and known is not None and (last := int(ids.max())) >= known:
        raise ModelError(
            f"{base.id or base.path.name}: mlx-lm suppresses tokens up to {last} of such a model and this model has "
            f"{known}; use one with the vocabulary of Phi-3-small"
        )


def _warn_of_another_reading(base: BaseModel, model: nn.Module, added: Mapping[str, Any]) -> None:
    """Say where ``mlx_lm.load`` takes its own defaults for what the config names otherwise, and computes otherwise."""
    args = getattr(model, "args", None)
    try:
        alone = type(args).from_dict(read_json(base.path / "config.json"))  # type: ignore[union-attr]
    except (AttributeError, TypeError):  # without arguments, or mlx-lm alone refuses the model
        return
    if other := [name for name in added if getattr(alone, name, None) != getattr(args, name, None)]:
        log.warning(
            "%s: mlx-lm itself does not read %s where this config has it, and computes another model; "
            "add it to config.json by that name before you use mlx_lm with this base",
            base.id or base.path.name,
            " and ".join(f"{name} ({getattr(args, name)!r})" for name in other),
        )


@contextlib.contextmanager
def _refusals(base: BaseModel, what: str) -> Iterator[None]:
    """Turn what a model file or tokenizer raises, which may be anything, into one line.

    mlx-lm's module for ``olmo`` ends the process where the package ``ai2-olmo`` is missing.
    """
    try:
        yield
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        missing = f"{error} is missing from its files" if isinstance(error, KeyError) else str(error)
        if isinstance(error, SystemExit):
            missing = "mlx-lm wants a package for it that is not installed; it says which above"
        problem = shorten(missing or type(error).__name__, _LONGEST_PROBLEM, placeholder=" ...")
        raise ModelError(f"{base.id or base.path}: {what} cannot be loaded: {problem}") from error


def _to_float32(array: mx.array) -> mx.array:
    return array.astype(mx.float32) if mx.issubdtype(array.dtype, mx.floating) else array
