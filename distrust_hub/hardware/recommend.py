"""Which base models a machine can train, and with what settings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from distrust_hub.hardware.detect import Machine
from distrust_hub.hardware.memory import Profile, estimate_peak_bytes
from distrust_hub.hardware.profiles import best_profile
from distrust_hub.models.registry import KNOWN_MODELS, KnownModel

CPU_COMFORT_PARAMETERS = 500_000_000
"""Above this a CPU run is possible but slow: a step costs about 6 operations per weight and token."""


@dataclass(frozen=True)
class Recommendation:
    """A base model with settings estimated to fit.

    Attributes:
        model: The base model.
        profile: Settings to train it with.
        estimated_bytes: Estimated peak memory.
        notes: What to know first: a licence to accept, a 4-bit version to use, a slow run.
    """

    model: KnownModel
    profile: Profile
    estimated_bytes: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value."""
        return {
            "model": self.model.id,
            "parameters": self.model.parameters,
            "license": self.model.license,
            "gated": self.model.gated,
            **dataclasses.asdict(self.profile),
            "estimated_bytes": self.estimated_bytes,
            "notes": list(self.notes),
        }

    def command(self) -> str:
        """The ``train`` command with these settings, after the one that makes a 4-bit version where that is needed."""
        profile, model, before = self.profile, self.model.id, ""
        if profile.precision == "4-bit":
            model = f"{model.rpartition('/')[2]}-4bit"
            before = f"mlx_lm.convert --hf-path {self.model.id} -q --mlx-path {model} && "
        checkpoint = " --grad-checkpoint" if profile.grad_checkpoint else ""
        return (
            f"{before}distrust-hub train --model {model} --data DIR --batch-size {profile.batch_size} "
            f"--max-seq-length {profile.max_seq_length} --num-layers {profile.num_layers}{checkpoint}"
        )


def recommend(machine: Machine) -> list[Recommendation]:
    """Models that fit, best first: the largest one that needs no note, then by size.

    Args:
        machine: Detected or named.
    """
    fitting = []
    for model in KNOWN_MODELS:
        if profile := best_profile(machine, model):
            estimate = estimate_peak_bytes(model, profile)
            fitting.append(Recommendation(model, profile, estimate, _notes(machine, model, profile)))
    return sorted(fitting, key=lambda entry: (len(entry.notes) > 0, -entry.model.parameters))


def _notes(machine: Machine, model: KnownModel, profile: Profile) -> tuple[str, ...]:
    notes = []
    if profile.precision == "4-bit":
        notes.append("needs a 4-bit version")
    if model.gated:
        notes.append("accept its licence on the Hub first")
    if machine.backend == "cpu" and model.parameters > CPU_COMFORT_PARAMETERS:
        notes.append("slow on a CPU")
    return tuple(notes)
