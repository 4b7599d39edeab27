"""A checkpoint as an adapter folder of its own, written without MLX, so that another thread may do it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from distrust_hub.adapters.mlx_format import AdapterConfig, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.adapters.tensors import LEAVES, Tensors, read_tensors
from distrust_hub.adapters.verify import AdapterInfo, verify_adapter
from distrust_hub.artifacts import METRICS_FILE, Manifest, TrainingRun
from distrust_hub.files import read_json, write_jsonl
from distrust_hub.training.checkpoints import ADAPTER, STATE
from distrust_hub.training.metrics import read_metrics
from distrust_hub.training.progress import Progress


class Describe(Protocol):
    """Makes the record of a run that stands at a step, with its metrics in a folder."""

    def __call__(self, *, folder: Path, info: AdapterInfo, step: int, progress: Progress) -> TrainingRun: ...


class OnSave(Protocol):
    """Called with a new checkpoint, and with a function that writes (checkpoint, as this adapter folder)."""

    def __call__(self, checkpoint: Path, write: Callable[[Path, Path], None]) -> None: ...


def write_snapshot(
    checkpoint: Path,
    out: Path,
    *,
    run_folder: Path,
    configure: Callable[[Tensors], AdapterConfig],
    describe: Describe,
    manifest: Manifest | None,
) -> None:
    """Write what ``train`` would leave if it had stopped at a checkpoint; the run may be steps ahead by now.

    Args:
        checkpoint: ``step-000100``, with the trained tensors.
        out: Folder to write to.
        run_folder: Adapter folder of the run, for its metrics.
        configure: Config of the adapter with these tensors.
        describe: Makes the record of the run.
        manifest: Of the training data.
    """
    tensors, about = read_tensors(checkpoint / ADAPTER), read_json(checkpoint / STATE)
    tensors = {name: value for name, value in tensors.items() if name.rsplit(".", 1)[-1] in LEAVES}
    write_adapter(out, configure(tensors), tensors)
    write_peft(out)
    step, progress = about["step"], Progress(**about["progress"])
    write_jsonl(out / METRICS_FILE, [row for row in read_metrics(run_folder, mend=True) if row["step"] <= step])
    describe(folder=out, info=verify_adapter(out), step=step, progress=progress).save(out)
    if manifest is not None:
        manifest.save(out)
