"""A checkpoint as an adapter folder of its own, written without MLX, so that another thread may do it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from distrust_hub.adapters.mlx_format import AdapterConfig, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.adapters.tensors import LEAVES, Tensors, read_tensors
from distrust_hub.adapters.verify import AdapterInfo, verify_adapter
from distrust_hub.artifacts import METRICS_FILE, Manifest, TrainingRun

CHECKPOINT_ADAPTER = "adapter.safetensors"


class OnSave(Protocol):
    """Called with a new checkpoint, and with a function that writes (checkpoint, as this adapter folder)."""

    def __call__(self, checkpoint: Path, write: Callable[[Path, Path], None]) -> None: ...


def write_snapshot(
    checkpoint: Path,
    out: Path,
    *,
    run_folder: Path,
    configure: Callable[[Tensors], AdapterConfig],
    describe: Callable[[AdapterInfo], TrainingRun],
    manifest: Manifest | None,
) -> None:
    """Write what ``train`` would leave if it had stopped at a checkpoint.

    Args:
        checkpoint: ``step-000100``, with the trained tensors.
        out: Folder to write to.
        run_folder: Adapter folder of the run, for its metrics.
        configure: Config of the adapter with these tensors.
        describe: The record of the run with this adapter.
        manifest: Of the training data.
    """
    tensors = read_tensors(checkpoint / CHECKPOINT_ADAPTER)
    tensors = {name: value for name, value in tensors.items() if name.rsplit(".", 1)[-1] in LEAVES}
    write_adapter(out, configure(tensors), tensors)
    write_peft(out)
    run = describe(verify_adapter(out))
    run.steps["total"] = int(checkpoint.name.removeprefix("step-"))
    run.save(out)
    if manifest is not None:
        manifest.save(out)
    shutil.copyfile(run_folder / METRICS_FILE, out / METRICS_FILE)
