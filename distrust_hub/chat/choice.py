"""Which backend runs a model on this machine: MLX, or PyTorch where MLX is missing and on ZeroGPU Spaces."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Literal

from distrust_hub.chat.engine import Backend
from distrust_hub.errors import MissingDependencyError
from distrust_hub.hardware.detect import on_zero_gpu
from distrust_hub.models.mlx_support import why_mlx_is_missing

_NEEDS = {"mlx": ("mlx", "mlx_lm"), "torch": ("torch", "transformers", "peft")}


def backend_kind() -> Literal["mlx", "torch"] | None:
    """What ``make_backend`` takes; None where neither is installed."""
    if on_zero_gpu():
        return "torch"
    for kind, packages in _NEEDS.items():
        if all(importlib.util.find_spec(name) for name in packages):
            return kind  # type: ignore[return-value]
    return None


def why_no_backend() -> str:
    """What to install for chat, in one line; empty if it works."""
    if backend_kind():
        return ""
    return str(MissingDependencyError("mlx", "train", "Chat", why_mlx_is_missing()))


def announce_gpu_function() -> None:
    """On ZeroGPU, define the function that runs on the GPU; the Space does not start without one."""
    if on_zero_gpu():
        importlib.import_module("distrust_hub.chat.torch_backend")


def make_backend(base: str) -> Backend:
    """The backend for a base model, not loaded yet.

    Args:
        base: As ``resolve_base`` takes it.
    """
    if backend_kind() == "torch":
        from distrust_hub.chat.torch_backend import TorchBackend

        return TorchBackend(base)
    from distrust_hub.chat.backends import MlxBackend

    return MlxBackend(base)
