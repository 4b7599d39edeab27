"""What ``training_run.json`` says about a finished run."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub import __version__
from distrust_hub.adapters.verify import AdapterInfo
from distrust_hub.artifacts import TrainingRun
from distrust_hub.config import TrainConfig
from distrust_hub.models.load import LoadedModel
from distrust_hub.models.runtime import blas_name
from distrust_hub.training.data import TrainingData
from distrust_hub.training.device import peak_memory_bytes
from distrust_hub.training.metrics import read_metrics
from distrust_hub.training.objectives import Plan
from distrust_hub.training.progress import Progress

_PACKAGES = ("mlx", "mlx-lm", "numpy", "transformers", "safetensors")


def describe_run(
    config: TrainConfig,
    loaded: LoadedModel,
    data: TrainingData,
    plan: Plan,
    lora: dict[str, Any],
    *,
    folder: Path,
    info: AdapterInfo,
    step: int,
    progress: Progress,
) -> TrainingRun:
    """Gather the record of a run that stands at a step; losses by step are read from its folder's ``metrics.jsonl``."""
    return TrainingRun(
        config=config.to_json(),
        objective=plan.record,
        versions=_versions(),
        base_model=loaded.base.to_json(),
        data={**data.record(), "tokens": plan.survey.tokens},
        weights=_weights(plan, progress),
        loss=_losses(folder, progress),
        performance={
            "trained_tokens": progress.trained_tokens,
            "tokens_per_second": progress.trained_tokens / progress.seconds if progress.seconds else None,
            "seconds": progress.seconds,
            "peak_memory_bytes": peak_memory_bytes(),
        },
        hardware=_hardware(),
        steps={"total": step, "skipped": progress.skipped},
        adapter={
            **lora,
            "sha256": info.sha256,
            "trainable_parameters": info.parameters,
            "keys": sorted({key.split(".", 3)[-1] for key in info.modules}),
        },
    )


def environment() -> dict[str, Any]:
    """What the last bits of a run depend on beside its settings: versions, processor, BLAS and its threads."""
    from distrust_hub.hardware.detect import detect_machine

    machine, versions = detect_machine(), _versions()
    return {
        "versions": {name: versions[name] for name in ("distrust-hub", "mlx", "mlx-lm", "numpy")},
        "processor": machine.chip,
        "backend": machine.backend,
        "blas": blas_name(),
        "threads": _threads(machine.cpu_cores),
    }


def _threads(cores: int) -> int:
    """Threads of the BLAS, as OpenBLAS reads them."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if (value := os.environ.get(name, "")).isdigit() and int(value) > 0:
            return min(int(value), cores)
    return cores


def _losses(folder: Path, progress: Progress) -> dict[str, float | None]:
    first, last = _first_and_last([row["loss"] for row in read_metrics(folder) if row.get("loss") is not None])
    return {
        "train_first": first,
        "train_last": last,
        "valid_before": progress.valid_before,
        "valid_after": progress.valid_last,
        "valid_best": progress.valid_best,
        "best_step": progress.best_step,
    }


def _weights(plan: Plan, progress: Progress) -> dict[str, Any]:
    """The plan's summary, with the share of each tier's trained tokens whose step was clipped."""
    shares = progress.clipped_share
    by_tier = {tier: {**facts, "clipped_share": shares.get(tier)} for tier, facts in plan.weights["by_tier"].items()}
    return {**plan.weights, "by_tier": by_tier}


def _first_and_last(losses: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean loss of the first and of the last tenth of the steps, at least one each."""
    if not losses:
        return None, None
    share = max(1, len(losses) // 10)
    return float(np.mean(losses[:share])), float(np.mean(losses[-share:]))


def _versions() -> dict[str, str]:
    from distrust_hub.hardware.detect import package_versions

    found = {"distrust-hub": __version__, "python": platform.python_version(), "platform": platform.platform()}
    return found | {name: version or "not installed" for name, version in package_versions(_PACKAGES).items()}


def _hardware() -> dict[str, Any]:
    from distrust_hub.hardware.detect import detect_machine

    return {**detect_machine().to_json(), "blas": blas_name()}
