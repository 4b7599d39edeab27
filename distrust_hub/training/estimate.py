"""The memory a run will need, from its settings and the base model's shape; nothing is loaded."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ModelError, TrainingError
from distrust_hub.files import read_json
from distrust_hub.hardware.detect import Backend, Machine, detect_machine
from distrust_hub.hardware.memory import Precision, Profile, estimate_peak_bytes
from distrust_hub.hardware.profiles import usable_bytes
from distrust_hub.models.registry import KnownModel
from distrust_hub.models.resolve import BaseModel, resolve_base
from distrust_hub.models.sizes import SIZES, largest, read_sizes

log = logging.getLogger(__name__)

_EXPERTS = re.compile(
    r"(num|n)_(local_|routed_)?experts$|moe_num_experts$|(mamba_d_|linear_|short_)?conv(_kernel|_L_cache|_kernel_dim)?$"
)
_STATES = re.compile(
    r"(ssm_)?state_size$|(mamba_)?d_state$|linear_num_(key|value)_heads$|linear_attn_config$|layer_group_size$"
    r"|(decay|a)_low_rank_dim$|lru_width$"
)
"""Keys of a ``config.json`` for experts and convolutions, and for states that go from token to token."""


@dataclass(frozen=True)
class PeakEstimate:
    """Predicted memory of a run on this machine.

    Attributes:
        peak_bytes: Estimated peak; None for a model that keeps states. How much these take is up to how mlx-lm goes
            through the tokens: 6 to 10 times their size a token and a square of the length (Mamba, RWKV 7), or that
            square times their size (Jamba), by measurements of tiny models.
        memory_bytes: What the machine has.
        limit_bytes: What the run may use: that, or ``max_memory_gb`` where it is less.
        backend: What MLX computes on here; the estimate is measured on ``cpu`` only.
        fitted: Whether the base is of the kind the estimate was fitted to: dense, and with attention in every block.
    """

    peak_bytes: int | None
    memory_bytes: int
    limit_bytes: int
    backend: Backend
    fitted: bool


def estimate_peak(config: TrainConfig) -> PeakEstimate:
    """Estimate the peak memory of ``train(config)``; formula and accuracy are at ``hardware.memory``.

    Raises:
        ModelError: If the base model cannot be found, or its config lacks a shape.
    """
    machine = detect_machine()
    base = resolve_base(config.model, base_model_id=config.base_model_id, trust_remote_code=config.trust_remote_code)
    states = _tells_of(_STATES, base)
    peak = None if states else estimate_peak_bytes(_shape(base), _profile(config, base, machine))
    fitted = not (states or _tells_of(_EXPERTS, base))
    return PeakEstimate(peak, machine.memory_bytes, _limit(config, machine.memory_bytes), machine.backend, fitted)


def refuse_what_cannot_fit(config: TrainConfig, base: BaseModel, longest: int) -> None:
    """Stop before a run that this machine's memory cannot hold, and propose one that it can.

    A run that is estimated to stop at ``max_memory_gb`` gets a warning only, since its checkpoint can be gone on from.
    Of a model that keeps states the weights alone are looked at.

    Args:
        config: Settings of the run.
        base: Its base model; where its config lacks a shape nothing is refused.
        longest: Tokens of the longest example, if that is less than ``max_seq_length``.

    Raises:
        TrainingError: If the estimated peak is above the memory of the machine.
    """
    machine = detect_machine()
    if longest and _tells_of(_STATES, base):
        log.warning("how much memory a model with states takes is not known; if it runs out, lower --max-seq-length")
        return
    config = dataclasses.replace(config, max_seq_length=max(min(config.max_seq_length, longest), 8))
    try:
        shape = _shape(base)
    except ModelError:
        return
    peak = estimate_peak_bytes(shape, _profile(config, base, machine))
    if not 0 < _limit(config, machine.memory_bytes) < peak:
        return
    fitting = (
        options
        for options in _smaller(config, shape)
        if estimate_peak_bytes(shape, _profile(dataclasses.replace(config, **options), base, machine))
        <= _limit(config, usable_bytes(machine))
    )
    needed = f"about {peak / 1e9:.1f} GB would be needed"
    if 0 < machine.memory_bytes < peak:
        proposal = _proposal(next(fitting, None))
        raise TrainingError(f"{needed} and this machine has {machine.memory_bytes / 1e9:.1f} GB; {proposal}")
    if longest:  # the whole run, not its weights alone
        log.warning("%s and max_memory_gb is %g; %s", needed, config.max_memory_gb, _proposal(next(fitting, None)))


def _limit(config: TrainConfig, memory_bytes: int) -> int:
    """The smaller of the memory and ``max_memory_gb``; 0 where neither is known."""
    limits = (memory_bytes, int((config.max_memory_gb or 0.0) * 1e9))
    return min((limit for limit in limits if limit), default=0)


def _smaller(config: TrainConfig, shape: KnownModel) -> Iterator[dict[str, Any]]:
    """Settings that need less and less: first those that change the result least."""
    options: dict[str, Any] = {"grad_checkpoint": True}
    yield dict(options)
    batch, length = config.batch_size, config.max_seq_length
    layers = shape.layers if config.num_layers < 0 else min(config.num_layers, shape.layers)
    while batch > 1:
        options["batch_size"] = batch = batch // 2
        yield dict(options)
    while length > 128:
        options["max_seq_length"] = length = max(128, length // 2)
        yield dict(options)
    while layers > 1:
        options["num_layers"] = layers = layers // 2
        yield dict(options)


def _proposal(options: dict[str, Any] | None) -> str:
    if options is None:
        return "no settings make this base model fit; see: distrust-hub recommend"
    flags = [f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}") for name, value in options.items()]
    return f"this would fit: {' '.join(flags)}"


def _profile(config: TrainConfig, base: BaseModel, machine: Machine) -> Profile:
    return Profile(
        batch_size=config.batch_size,
        max_seq_length=config.max_seq_length,
        num_layers=config.num_layers,
        precision=_precision(base, machine.backend),
        grad_checkpoint=config.grad_checkpoint,
        rank=config.rank,
        cores=machine.cpu_cores,
        sequences=2 if config.objective == "preference" else 1,
    )


def _precision(base: BaseModel, backend: Backend) -> Precision:
    if backend == "cpu":
        return "float32"
    if base.quantization is None or base.format != "safetensors":
        return "bfloat16"
    return "4-bit" if base.quantization.startswith(("2-bit", "3-bit", "4-bit")) else "8-bit"


def _tells_of(keys: re.Pattern[str], base: BaseModel) -> bool:
    """Whether a config has one of these keys, with a value that says there is more than one."""
    config = read_json(base.path / "config.json")
    inner = config.get("text_config")
    told = {**config, **inner} if isinstance(inner, dict) else config
    return any(keys.match(key) and _many(value) for key, value in told.items())


def _many(value: Any) -> bool:
    return value > 1 if type(value) is int else isinstance(value, dict) and bool(value)


def _shape(base: BaseModel) -> KnownModel:
    told = {name: largest(value) for name, (_, value) in read_sizes(read_json(base.path / "config.json")).items()}
    if told.get("intermediate_size") is None and isinstance(told.get("hidden_size"), int):
        told["intermediate_size"] = 4 * told["hidden_size"]  # as in GPT-2, which leaves it open
    missing = [name for name in SIZES if not isinstance(told.get(name), int)]
    if missing:
        raise ModelError(
            f"{base.id or base.path}: config.json lacks {', '.join(missing)}; its memory cannot be estimated"
        )
    return KnownModel(
        base.id or "local",
        base.parameters,
        layers=told["num_hidden_layers"],
        hidden_size=told["hidden_size"],
        intermediate_size=told["intermediate_size"],
        heads=told["num_attention_heads"],
        vocab_size=told["vocab_size"],
        license=base.license or "unknown",
    )
