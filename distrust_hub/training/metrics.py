"""``metrics.jsonl``: one line a step, kept in step with the checkpoints."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from distrust_hub.artifacts import METRICS_FILE
from distrust_hub.files import iter_jsonl, jsonl_line, write_jsonl

log = logging.getLogger(__name__)


class Reporter(Protocol):
    """Somebody else who wants each line."""

    def write(self, row: dict[str, Any]) -> None:
        """Take in a line."""

    def close(self) -> None:
        """The run has ended."""


class Metrics:
    """Appends lines to the file and passes them on; to be used as a context.

    Args:
        folder: Adapter folder.
        last_step: Lines of later steps are removed first, since those steps are run again.
        reporters: Who else gets the lines; closed with the context.
    """

    def __init__(self, folder: str | Path, last_step: int, reporters: Sequence[Reporter] = ()) -> None:
        self.path, self.reporters = Path(folder) / METRICS_FILE, list(reporters)
        kept = [row for row in read_metrics(folder, mend=True) if row["step"] <= last_step]
        write_jsonl(self.path, kept)

    def __enter__(self) -> Metrics:
        self._stream = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reporter in list(self.reporters):
            self._tell(reporter, reporter.close)
        self._stream.close()  # last: it may fail once more where the disk is full

    def write(self, row: dict[str, Any]) -> None:
        """Append a line and hand it to the system, so that a killed process loses none."""
        self._stream.write(jsonl_line(row))
        self._stream.flush()
        for reporter in list(self.reporters):
            self._tell(reporter, functools.partial(reporter.write, row))

    def _tell(self, reporter: Reporter, action: Callable[[], None]) -> None:
        """A reporter that fails, as without a connection, is left out from then on; the file has every line."""
        try:
            action()
        except Exception as error:
            self.reporters.remove(reporter)
            problem = f"{type(error).__name__}: {error}".splitlines()[0]
            log.warning("%s failed (%s); the run goes on without it", type(reporter).__name__, problem)


def read_metrics(folder: str | Path, *, mend: bool = False) -> list[dict[str, Any]]:
    """The lines written so far; none where there is no file.

    Args:
        folder: Adapter folder.
        mend: Leave out lines that cannot be read, such as one cut short by a power failure, with a warning.
    """
    path = Path(folder) / METRICS_FILE
    if not path.is_file():
        return []
    if not mend:
        return [row for _, row in iter_jsonl(path)]
    lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
    rows = [row for row in map(_row, lines) if row is not None]
    if len(rows) < len(lines):
        log.warning("%s: %d lines cannot be read and are left out", path.name, len(lines) - len(rows))
    return rows


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None
