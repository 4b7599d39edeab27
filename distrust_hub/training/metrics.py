"""``metrics.jsonl``: one line a step, kept in step with the checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from distrust_hub.artifacts import METRICS_FILE
from distrust_hub.files import iter_jsonl, jsonl_line, write_jsonl


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
        self.path, self.reporters = Path(folder) / METRICS_FILE, reporters
        kept = [row for row in read_metrics(folder, torn=True) if row["step"] <= last_step]
        write_jsonl(self.path, kept)

    def __enter__(self) -> Metrics:
        self._stream = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        for reporter in self.reporters:
            reporter.close()

    def write(self, row: dict[str, Any]) -> None:
        """Append a line and hand it to the system, so that a killed process loses none."""
        self._stream.write(jsonl_line(row))
        self._stream.flush()
        for reporter in self.reporters:
            reporter.write(row)


def read_metrics(folder: str | Path, *, torn: bool = False) -> list[dict[str, Any]]:
    """The lines written so far; none where there is no file.

    Args:
        folder: Adapter folder.
        torn: Accept a last line cut short by a power failure and drop it.
    """
    path = Path(folder) / METRICS_FILE
    if not path.is_file():
        return []
    if torn:
        whole, newline, _ = path.read_bytes().rpartition(b"\n")
        path.write_bytes(whole + newline)
    return [row for _, row in iter_jsonl(path)]
