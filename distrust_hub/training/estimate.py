"""The memory a run will need, from its settings and the base model's shape; nothing is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ModelError
from distrust_hub.files import read_json
from distrust_hub.hardware.detect import Backend, detect_machine
from distrust_hub.hardware.memory import Precision, Profile, estimate_peak_bytes
from distrust_hub.models.registry import KnownModel
from distrust_hub.models.resolve import BaseModel, resolve_base


@dataclass(frozen=True)
class PeakEstimate:
    """Predicted memory of a run on this machine.

    Attributes:
        peak_bytes: Estimated peak.
        memory_bytes: What the machine has.
        backend: What MLX computes on here.
    """

    peak_bytes: int
    memory_bytes: int
    backend: Backend


def estimate_peak(config: TrainConfig) -> PeakEstimate:
    """Estimate the peak memory of ``train(config)``; formula and accuracy are at ``hardware.memory``.

    Raises:
        ModelError: If the base model cannot be found, or its config lacks a shape.
    """
    machine = detect_machine()
    base = resolve_base(config.model, base_model_id=config.base_model_id, trust_remote_code=config.trust_remote_code)
    profile = Profile(
        batch_size=config.batch_size * (2 if config.objective == "preference" else 1),
        max_seq_length=config.max_seq_length,
        num_layers=config.num_layers,
        precision=_precision(base, machine.backend),
        grad_checkpoint=config.grad_checkpoint,
        rank=config.rank,
    )
    return PeakEstimate(estimate_peak_bytes(_shape(base), profile), machine.memory_bytes, machine.backend)


def _precision(base: BaseModel, backend: Backend) -> Precision:
    if backend == "cpu":
        return "float32"
    return "4-bit" if base.quantization and base.format == "safetensors" else "bfloat16"


def _shape(base: BaseModel) -> KnownModel:
    shape: dict[str, Any] = read_json(base.path / "config.json")
    names = {
        "layers": "num_hidden_layers",
        "hidden_size": "hidden_size",
        "intermediate_size": "intermediate_size",
        "heads": "num_attention_heads",
        "vocab_size": "vocab_size",
    }
    missing = [key for key in names.values() if not isinstance(shape.get(key), int)]
    if missing:
        raise ModelError(
            f"{base.id or base.path}: config.json lacks {', '.join(missing)}; its memory cannot be estimated"
        )
    sizes = {name: shape[key] for name, key in names.items()}
    return KnownModel(base.id or "local", base.parameters, license=base.license or "unknown", **sizes)
