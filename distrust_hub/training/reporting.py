"""Who else gets the metrics: the log, TensorBoard, Trackio."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrust_hub.config import TrainConfig
from distrust_hub.errors import MissingDependencyError
from distrust_hub.training.metrics import Reporter

if TYPE_CHECKING:
    from distrust_hub.training.loop import Loop

log = logging.getLogger(__name__)

TENSORBOARD_FOLDER = "tensorboard"
_LOG_LINES = 20
"""Lines a run without a terminal writes to the log."""


def make_reporters(config: TrainConfig, folder: Path, loop: Loop) -> list[Reporter]:
    """The log, and what ``report_to`` names.

    Raises:
        MissingDependencyError: If that is not installed.
    """
    found: list[Reporter] = [LogReporter(loop.step, loop.total_steps)]
    if config.report_to == "tensorboard":
        found.append(TensorBoardReporter(folder / TENSORBOARD_FOLDER, loop.step))
    elif config.report_to == "trackio":
        found.append(TrackioReporter(folder.resolve().name, config.to_json()))
    return found


class LogReporter:
    """About twenty lines a run at level INFO, for where there is no terminal to show a bar."""

    def __init__(self, step: int, total: int) -> None:
        self._first, self._total, self._every = step, total, max(1, total // _LOG_LINES)
        self._started = time.monotonic()

    def write(self, row: dict[str, Any]) -> None:
        """Log a held-out loss always, and a step now and then."""
        step = row["step"]
        if "valid_loss" in row:
            log.info("step %d/%d: held-out loss %s", step, self._total, _number(row["valid_loss"]))
        elif step % self._every == 0 or step == self._total:
            left = (time.monotonic() - self._started) / max(step - self._first, 1) * (self._total - step)
            log.info(
                "step %d/%d: loss %s, %.0f tokens/s, ESS %.0f%%, %.0f min left",
                step,
                self._total,
                _number(row["loss"]),
                row["tokens_per_second"],
                100 * (row.get("ess") or 0.0),
                left / 60,
            )

    def close(self) -> None:
        """Nothing is open."""


class TensorBoardReporter:
    """Event files that ``tensorboard --logdir`` reads.

    Args:
        folder: Where they go.
        step: Steps done; a resumed run hides what came after it.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise MissingDependencyError("tensorboardX", "report", "reporting to TensorBoard") from error
        purge_step = step + 1 if step else None
        self._open = functools.partial(SummaryWriter, str(folder), purge_step=purge_step)  # makes a file at once
        self._writer: Any = None

    def write(self, row: dict[str, Any]) -> None:
        """Add each number of a line."""
        self._writer = self._writer or self._open()
        for name, value in scalars(row):
            self._writer.add_scalar(name, value, row["step"])

    def close(self) -> None:
        """Flush and close."""
        if self._writer is not None:
            self._writer.close()


class TrackioReporter:
    """A local Trackio project; ``trackio show`` opens it.

    Args:
        name: Name of the run.
        config: Its settings.
    """

    def __init__(self, name: str, config: Mapping[str, Any]) -> None:
        try:
            import trackio
        except ImportError as error:
            raise MissingDependencyError("trackio", "report", "reporting to Trackio") from error
        self._trackio = trackio
        # with the first line: where it cannot start, as with a locked database, the run goes on without it
        options = {"project": "distrust-hub", "name": name, "config": dict(config), "resume": "allow", "embed": False}
        self._open = functools.partial(trackio.init, **options)
        self._run: Any = None

    def write(self, row: dict[str, Any]) -> None:
        """Log each number of a line."""
        if self._run is None:
            with contextlib.redirect_stdout(sys.stderr):  # it prints, and standard output is for results
                self._run = self._open()
        self._trackio.log(dict(scalars(row)), step=row["step"])

    def close(self) -> None:
        """Write what is buffered."""
        if self._run is not None:
            with contextlib.redirect_stdout(sys.stderr):
                self._trackio.finish()


def scalars(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Numbers of a line by name, ``outer/inner`` for nested ones; the step itself is left out."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from scalars(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)) and (prefix or name != "step"):
            yield f"{prefix}{name}", float(value)


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"
