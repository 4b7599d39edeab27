"""Training settings derived from memory: the largest step of a fixed ladder that is estimated to fit."""

from __future__ import annotations

from distrust_hub.hardware.detect import Backend, Machine
from distrust_hub.hardware.memory import Precision, Profile, estimate_peak_bytes
from distrust_hub.models.registry import KnownModel

USABLE_SHARE: dict[Backend, float] = {"metal": 0.70, "cuda": 0.90, "cpu": 0.75}
"""Share of the memory to plan with. Metal lets one process hold roughly 2/3 to 3/4 of unified memory; the rest of a
machine's RAM is in use by the system; a graphics card is mostly free."""

PRECISIONS: dict[Backend, tuple[Precision, ...]] = {
    "metal": ("bfloat16", "4-bit"),
    "cuda": ("bfloat16", "4-bit"),
    "cpu": ("float32",),
}
"""Tried in this order. On the CPU only float32 products are fast."""

_LADDER = (
    (4, 2048, 16, False),
    (4, 1024, 16, False),
    (4, 512, 16, False),
    (2, 512, 16, False),
    (2, 512, 8, False),
    (1, 512, 8, True),
    (1, 256, 4, True),
)
"""batch_size, max_seq_length, num_layers, grad_checkpoint: from comfortable to the least that is worth a run."""


def usable_bytes(machine: Machine) -> int:
    """Memory to plan with on this machine."""
    return int(machine.memory_bytes * USABLE_SHARE[machine.backend])


def best_profile(machine: Machine, model: KnownModel) -> Profile | None:
    """The first settings estimated to fit, full precision before 4-bit; None if none do."""
    limit = usable_bytes(machine)
    for precision in PRECISIONS[machine.backend]:
        for batch_size, length, layers, checkpoint in _LADDER:
            profile = Profile(
                batch_size, length, min(layers, model.layers), precision, checkpoint, cores=machine.cpu_cores
            )
            if estimate_peak_bytes(model, profile) <= limit:
                return profile
    return None
