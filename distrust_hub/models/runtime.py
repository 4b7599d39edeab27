"""The one place that imports MLX; every other module takes ``mx``, ``nn`` and the rest from here.

On a Linux CPU two things are arranged: without ``g++``, which MLX calls at run time to build fused kernels,
compilation is turned off; and a fast BLAS takes the place of the bundled one (``blas.py``).
"""

from __future__ import annotations

import logging
import os
import shutil
import sys

from distrust_hub.errors import MissingDependencyError
from distrust_hub.models import blas
from distrust_hub.models.mlx_support import why_mlx_is_missing

log = logging.getLogger(__name__)

try:
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optim
    from mlx.utils import tree_flatten, tree_map, tree_unflatten
except ImportError as error:
    raise MissingDependencyError("mlx", "train", "running a model", why_mlx_is_missing(str(error))) from error

__all__ = ["blas_name", "mx", "nn", "on_cpu", "optim", "tree_flatten", "tree_map", "tree_unflatten"]


def on_cpu() -> bool:
    """Whether MLX computes on the CPU (no Metal, no CUDA)."""
    return bool(mx.default_device() == mx.Device(mx.cpu))


def blas_name() -> str | None:
    """The BLAS behind matrix products; None on macOS and CUDA, where there is nothing to choose."""
    return blas.activate() if sys.platform == "linux" and on_cpu() else None


def _arrange_cpu() -> None:
    if not shutil.which("g++") and "MLX_DISABLE_COMPILE" not in os.environ:
        os.environ["MLX_DISABLE_COMPILE"] = "1"  # for child processes
        mx.disable_compile()
        log.warning("no g++ found, so MLX runs without fused kernels on this CPU; install g++ for a little more speed")
    blas.activate()


if sys.platform == "linux" and on_cpu():
    _arrange_cpu()
