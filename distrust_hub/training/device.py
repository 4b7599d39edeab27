"""Memory: limits on a graphics card's, and how much is in use."""

from __future__ import annotations

import logging
import re
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrust_hub.models.runtime import mx, nn, on_cpu, tree_map

log = logging.getLogger(__name__)

_CACHE_SHARE = 0.25
"""Of the memory limit, what MLX may keep of freed buffers (our choice); batches of few shapes reuse them."""


def metal_limits(info: Mapping[str, Any], max_memory_gb: float | None) -> dict[str, int]:
    """Wired, memory and cache limits in bytes from what MLX says about a Metal device.

    Args:
        info: ``mx.device_info()``: ``max_recommended_working_set_size`` and ``memory_size`` in bytes.
        max_memory_gb: The user's limit, if any.
    """
    most = int(info["max_recommended_working_set_size"])
    memory = most if max_memory_gb is None else min(most, int(max_memory_gb * 1e9))
    return {"wired": memory, "memory": memory, "cache": int(memory * _CACHE_SHARE)}


def prepare_device(model: nn.Module, max_memory_gb: float | None) -> None:
    """Set Metal's limits, and compute in bfloat16 where the device is no CPU; on a CPU nothing is to be done."""
    if on_cpu():
        return
    model.update(tree_map(_to_bfloat16, model.parameters()))
    if mx.metal.is_available():
        limits = metal_limits(mx.device_info(), max_memory_gb)
        mx.set_wired_limit(limits["wired"])
        mx.set_memory_limit(limits["memory"])
        mx.set_cache_limit(limits["cache"])
        log.info("Metal limits in bytes: %s", limits)


def _to_bfloat16(array: mx.array) -> mx.array:
    return array.astype(mx.bfloat16) if array.dtype in (mx.float32, mx.float16) else array


def memory_in_use() -> int:
    """The larger of MLX's peak since the run began and the resident size of the process now, in bytes."""
    return max(int(mx.get_peak_memory()), _status_bytes("VmRSS") or 0)


def peak_memory_bytes() -> int:
    """The larger of MLX's peak since the run began and the process's peak resident size since it started."""
    return max(int(mx.get_peak_memory()), _peak_resident_bytes())


def reset_peak_memory() -> None:
    """Start measuring MLX's peak anew."""
    mx.reset_peak_memory()


def release_memory() -> None:
    """Give MLX's cached buffers back, for whatever the process does next."""
    mx.clear_cache()


def _peak_resident_bytes() -> int:
    """Linux's ``ru_maxrss`` starts at the size of the process that started this one, so its own mark is read there."""
    own = _status_bytes("VmHWM")
    if own is not None:
        return own
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status_bytes(name: str) -> int | None:
    """A size of this process that Linux reports; None elsewhere."""
    status = Path("/proc/self/status")
    found = re.search(rf"^{name}:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.is_file() else None
    return int(found[1]) * 1024 if found else None
