"""What ``training_run.json`` says about a finished run."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distrust_hub import __version__
from distrust_hub.adapters.verify import AdapterInfo
from distrust_hub.artifacts import TrainingRun
from distrust_hub.config import TrainConfig
from distrust_hub.models.load import LoadedModel
from distrust_hub.models.runtime import blas_name, mx
from distrust_hub.training.data import TrainingData
from distrust_hub.training.metrics import read_metrics
from distrust_hub.training.objectives import Plan, summarise_weights

if TYPE_CHECKING:
    from distrust_hub.training.loop import Loop

_PACKAGES = ("mlx", "mlx-lm", "numpy", "transformers", "safetensors")


def describe_run(
    config: TrainConfig,
    folder: Path,
    loaded: LoadedModel,
    data: TrainingData,
    plan: Plan,
    loop: Loop,
    info: AdapterInfo,
    lora: dict[str, Any],
) -> TrainingRun:
    """Gather the record of a run that has just ended; losses by step are read from ``metrics.jsonl``."""
    progress = loop.progress
    first, last = _first_and_last([row["loss"] for row in read_metrics(folder) if row.get("loss") is not None])
    return TrainingRun(
        config=config.to_json(),
        objective=plan.record,
        versions=_versions(),
        base_model=loaded.base.to_json(),
        data={**data.record(), "tokens": int(sum(item.n_tokens for item in plan.items))},
        weights=summarise_weights(plan.items, plan.weights),
        loss={
            "train_first": first,
            "train_last": last,
            "valid_before": progress.valid_before,
            "valid_after": progress.valid_last,
        },
        performance={
            "trained_tokens": progress.trained_tokens,
            "tokens_per_second": progress.trained_tokens / progress.seconds if progress.seconds else None,
            "seconds": progress.seconds,
            "peak_memory_bytes": peak_memory_bytes(),
        },
        hardware=_hardware(),
        steps={"total": loop.step, "skipped": progress.skipped},
        adapter={
            **lora,
            "sha256": info.sha256,
            "trainable_parameters": info.parameters,
            "keys": sorted({key.split(".", 3)[-1] for key in info.modules}),
        },
    )


def reset_peak_memory() -> None:
    """Start measuring MLX's peak anew."""
    mx.reset_peak_memory()


def release_memory() -> None:
    """Give MLX's cached buffers back, for whatever the process does next."""
    mx.clear_cache()


def peak_memory_bytes() -> int:
    """The larger of MLX's peak since the run began and the process's peak resident size since it started."""
    return max(int(mx.get_peak_memory()), _peak_resident_bytes())


def _peak_resident_bytes() -> int:
    """Linux's ``ru_maxrss`` starts at the size of the process that started this one, so its own mark is read there."""
    status = Path("/proc/self/status")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.is_file() else None
    if found:
        return int(found[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _first_and_last(losses: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean loss of the first and of the last tenth of the steps, at least one each."""
    if not losses:
        return None, None
    share = max(1, len(losses) // 10)
    return float(np.mean(losses[:share])), float(np.mean(losses[-share:]))


def _versions() -> dict[str, str]:
    found = {"distrust-hub": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _hardware() -> dict[str, Any]:
    from distrust_hub.hardware.detect import detect_machine

    return {**detect_machine().to_json(), "blas": blas_name()}
