"""The adapter folder of a run: whether it may be written, and by one run at a time."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from distrust_hub.artifacts import (
    ADAPTER_CONFIG_FILE,
    ADAPTER_FILE,
    METRICS_FILE,
    PEFT_ADAPTER_FILE,
    PLOT_FILES,
    EvalReport,
    Manifest,
    TrainingRun,
)
from distrust_hub.errors import OutputError, OutputExistsError, TrainingError
from distrust_hub.training.checkpoints import FOLDER
from distrust_hub.training.reporting import TENSORBOARD_FOLDER

_OUTPUTS = (
    ADAPTER_FILE,
    ADAPTER_CONFIG_FILE,
    PEFT_ADAPTER_FILE,
    METRICS_FILE,
    TrainingRun.FILE_NAME,
    Manifest.FILE_NAME,
    EvalReport.FILE_NAME,
    *PLOT_FILES,
)
"""What a run or its evaluation writes; removed when a run starts anew. A README.md may be somebody's work."""


def refuse_to_replace(folder: Path, reason: str) -> None:
    """Raise OutputExistsError with the reason if a folder holds an adapter or checkpoints, be they damaged."""
    if (folder / ADAPTER_FILE).exists() or next((folder / FOLDER).glob("step-*"), None):
        raise OutputExistsError(f"{folder}: {reason}")


def clear_outputs(folder: Path) -> None:
    """Remove what an earlier run left."""
    for name in _OUTPUTS:
        (folder / name).unlink(missing_ok=True)
    for name in (FOLDER, TENSORBOARD_FOLDER):
        shutil.rmtree(folder / name, ignore_errors=True)


def check_writable(folder: str | Path) -> None:
    """Refuse before training what could not be saved after it.

    Raises:
        OutputError: If the folder, or the nearest one above it that is there, cannot be written.
    """
    path = Path(folder).absolute()
    there = next(place for place in (path, *path.parents) if place.exists())
    if not there.is_dir():
        raise OutputError(f"{there}: a file is where a folder is needed; choose another path")
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); choose another folder") from error


@contextlib.contextmanager
def only_run(folder: str | Path) -> Iterator[None]:
    """Hold an adapter folder for this process; one made here that stays empty is removed.

    Raises:
        TrainingError: If another process is training into it.
    """
    import fcntl

    made = not Path(folder).exists()
    Path(folder).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(f"{folder}: another run is training into this folder; choose another one") from None
        yield
    finally:
        os.close(descriptor)
        if made:
            with contextlib.suppress(OSError):  # the run wrote something
                os.rmdir(folder)
