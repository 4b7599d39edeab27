"""Where scored rows go: JSON Lines or parquet, whole or not there, and resumable where the form allows it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from distrust_hub.errors import (
    ConfigError,
    DataError,
    DistrustHubError,
    MissingDependencyError,
    OutputError,
    OutputExistsError,
)
from distrust_hub.files import jsonl_line, read_json, write_json
from distrust_hub.scoring.inputs import REJECTED

_PARQUET_ROWS = 2048
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ScoredWriter:
    """Writes rows beside the target and renames at the end; rejected rows go to ``OUT.rejected.jsonl``.

    A ``.jsonl`` run that is killed, or whose disk is full, leaves ``OUT.part`` and ``OUT.rejected.part``; ``resume``
    goes on after the last whole line, so the result has the same bytes as an uninterrupted run. A bad row is written
    only after all good rows before it are with the system, so the two files together always hold an unbroken head of
    the input. The hidden file ``.OUT.state.json`` holds the settings, and once all rows are on disk the size of the
    result: it stays, so that a later ``resume`` knows whose result it finds. A parquet run that fails leaves nothing.

    Args:
        target: ``.jsonl`` or ``.parquet`` file.
        state: Options, input and scorer version of this run, to compare on resume.
        overwrite: Replace a target that is there.
        resume: Go on with a run that was stopped; starts anew where there is none.

    Raises:
        ConfigError: For Parquet to resume, or a run to resume that had other settings.
        OutputExistsError: If the target is a folder, or has content and may not be replaced; on resume, content of
            which no run is known.
        OutputError: At the end of the block, where the target cannot be written further but can be resumed.
    """

    def __init__(self, target: Path, state: dict[str, Any], *, overwrite: bool = False, resume: bool = False) -> None:
        self.target = target
        self._parquet = target.name.endswith(".parquet")
        if self._parquet and resume:
            raise ConfigError("--resume needs a .jsonl output; parquet cannot be continued")
        if target.is_dir():
            raise OutputExistsError(f"{target}: a folder of this name is there; choose another name for the file")
        if target.exists() and target.stat().st_size and not (overwrite or resume):
            raise OutputExistsError(f"{target}: already there; use --overwrite or another name")
        self.part, self._rejected_part, self.rejected_file = _files_beside(target)
        self._state_file = target.with_name(f".{target.name}.state.json")
        self._settings = state
        self._all_written = self.finished_before = False
        self.rows_before = self.rejected_before = 0
        if resume:
            self._find_run(overwrite)
        else:
            self._remove_parts()

    def _find_run(self, overwrite: bool) -> None:
        """Find out how far a run with these settings came, and publish what it had written to the end."""
        known = read_json(self._state_file) if self._state_file.exists() else None
        if known is None or not self._is_here(known["bytes"]):
            if _size(self.target) and not overwrite:
                problem = "--resume finds no record of the run that wrote this; use --overwrite or another name"
                raise OutputExistsError(f"{self.target}: {problem}")
            self._remove_parts()
            return
        for key, value in self._settings.items():
            was = known["settings"].get(key)
            if was != value:
                raise ConfigError(
                    f"--resume: {key} was {_shown(was)} and is now {_shown(value)}; "
                    "run with the same settings, or start anew with --overwrite"
                )
        if known["bytes"] is None:
            self.rows_before = _cut_to_whole_lines(self.part)
            self.rejected_before = _cut_to_whole_lines(self._rejected_part)
        else:
            self._publish()
            self.finished_before = True

    def _is_here(self, size: int | None) -> bool:
        """Whether the files of a run are still there: its parts, or its result of so many bytes."""
        if size is None:
            return self.part.exists() and self._rejected_part.exists()
        return self.part.exists() or _size(self.target) == size

    def _record(self, size: int | None) -> None:
        write_json(self._state_file, {"settings": self._settings, "bytes": size})

    def __enter__(self) -> ScoredWriter:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        going_on = bool(self.rows_before or self.rejected_before)
        mode = "ab" if going_on else "wb"
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None
        self._stream: IO[bytes] = self.part.open(mode)
        try:
            self._rejected: IO[bytes] = self._rejected_part.open(mode)
            if not (self._parquet or going_on):
                self._record(None)
        except OSError:
            if not going_on:
                self._remove_parts()
            raise
        return self

    def write(self, row: dict[str, Any]) -> None:
        """One scored row."""
        if self._parquet:
            self._rows.append(row)
            if len(self._rows) >= _PARQUET_ROWS:
                self._flush_parquet()
        else:
            self._stream.write(jsonl_line(row).encode("utf-8", "replace"))

    def write_line(self, line: bytes) -> None:
        """One scored row that a worker has already written as JSON."""
        if self._parquet:
            self.write(json.loads(line))
        else:
            self._stream.write(line)

    def reject(self, path: str, line: int, problem: str) -> None:
        """One row that could not be scored."""
        self._stream.flush()
        self._rejected.write(jsonl_line({"path": path, "line": line, "problem": problem}).encode("utf-8", "replace"))
        self._rejected.flush()

    def _flush_parquet(self) -> None:
        if not self._rows:
            return
        try:
            import pyarrow
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise MissingDependencyError("pyarrow", "data", "writing parquet") from error
        columns = dict.fromkeys(name for row in self._rows for name in row)
        try:
            if self._writer is None:
                first = {**columns, **self._rows[0]}  # the first row decides which columns there are
                schema = _typed(pyarrow, pyarrow.Table.from_pylist([first, *self._rows[1:]]).schema)
            else:
                schema = self._writer.schema
            new = [name for name in columns if name not in schema.names]
            if new:
                problem = f"column {new[0]!r} is not in the first {_PARQUET_ROWS:,} rows; write .jsonl instead"
                raise DataError(problem, path=self.target)
            table = pyarrow.Table.from_pylist(self._rows, schema=schema)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
            problem = f"columns change their type between rows ({error}); write .jsonl instead"
            raise DataError(" ".join(problem.split()), path=self.target) from error
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._stream, table.schema)
        self._writer.write_table(table)
        self._rows = []

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self._finish()
                self._publish()
            except BaseException as error:
                self._abandon(error)
                raise
        else:
            self._abandon(value)

    def _finish(self) -> None:
        if self._parquet:
            self._flush_parquet()
        if self._writer is not None:
            self._writer.close()
        for stream in (self._stream, self._rejected):
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
        if not self._parquet:
            self._record(self.part.stat().st_size)
            self._all_written = True

    def _abandon(self, error: BaseException | None) -> None:
        """Close what is open; keep what a later run can go on with, and say so where writing it failed."""
        for stream in (self._writer, self._stream, self._rejected):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()
        if not (self._all_written or self._can_be_resumed(error)):
            self._remove_parts()
        elif isinstance(error, OSError) and not isinstance(error, DistrustHubError):
            full = error.errno in _DISK_FULL
            problem = "no space left on the disk; free some" if full else f"{error.strerror or error}; mend that"
            raise OutputError(f"{error.filename or self.target}: {problem}, then go on with --resume") from error

    def _remove_parts(self) -> None:
        for file in (self._state_file, self.part, self._rejected_part):  # without the state nothing is gone on with
            file.unlink(missing_ok=True)

    def _can_be_resumed(self, error: BaseException | None) -> bool:
        if self._parquet or isinstance(error, DataError):
            return False
        return bool(_cut_to_whole_lines(self.part) or _cut_to_whole_lines(self._rejected_part))

    def _publish(self) -> None:
        """Give the parts their names, the rows last; what was done before a kill is not done again."""
        rejected = _size(self._rejected_part)
        if rejected:
            os.replace(self._rejected_part, self.rejected_file)
        elif rejected is not None:
            self.rejected_file.unlink(missing_ok=True)
            self._rejected_part.unlink()
        if self.part.exists():
            os.replace(self.part, self.target)


def _typed(pyarrow: Any, schema: Any) -> Any:
    """A schema in which the scorer's own columns have their type even where all values so far are null."""
    for name, type_name in (("year", "int64"), ("year_origin", "string"), ("source_type", "string")):
        if name in schema.names:
            schema = schema.set(schema.get_field_index(name), pyarrow.field(name, getattr(pyarrow, type_name)()))
    return schema


def output_files(target: Path) -> frozenset[Path]:
    """The files that writing to a target makes or replaces, with links resolved.

    Raises:
        ConfigError: If the name of the target says no form that is written.
    """
    if not target.name.endswith((".jsonl", ".parquet")):
        raise ConfigError(f"output is {str(target)!r}; expected a name that ends in .jsonl or .parquet")
    return frozenset(file.resolve() for file in (target, *_files_beside(target)))


def _files_beside(target: Path) -> tuple[Path, Path, Path]:
    """(part, part of the rejected rows, rejected rows) of a target."""
    part, rejected_part, rejected = (
        target.with_name(target.name + end) for end in (".part", ".rejected.part", REJECTED)
    )
    return part, rejected_part, rejected


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def _shown(setting: Any) -> str:
    text = repr(setting)
    return text if len(text) <= 120 else f"{text[:60]}... ({len(text):,} characters)"


def _cut_to_whole_lines(path: Path) -> int:
    """Drop a last line without its end and return how many whole ones there are."""
    if not path.exists():
        return 0
    lines = end = position = 0
    with path.open("r+b") as stream:
        while chunk := stream.read(1 << 20):
            found = chunk.count(b"\n")
            if found:
                lines += found
                end = position + chunk.rindex(b"\n") + 1
            position += len(chunk)
        stream.truncate(end)
    return lines
