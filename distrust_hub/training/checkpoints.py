"""Checkpoints that are whole or not there, and that say which run they belong to.

``checkpoints/step-000100/`` holds ``adapter.safetensors``, ``optimizer.safetensors``, ``state.json`` (step, position
in the data, learning rate, best held-out loss so far, settings and their hash, versions) and ``sha256.json`` with a
SHA-256 of each. All randomness follows from seed, epoch and step, so these are enough to go on to the last bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from distrust_hub.errors import ArtifactError, CheckpointError, InputNotFoundError, OutputError, TrainingError
from distrust_hub.files import dump_json, read_json, sha256_file
from distrust_hub.schema import SCHEMA_VERSION, check_schema

log = logging.getLogger(__name__)

FOLDER = "checkpoints"
_ADAPTER, _OPTIMIZER, _STATE, _HASHES = "adapter.safetensors", "optimizer.safetensors", "state.json", "sha256.json"
_NAME = re.compile(r"step-(\d{6,})")
_UNFINISHED = ".unfinished-"

Arrays = Mapping[str, np.ndarray]


@dataclass
class TrainingState:
    """All of a run that changes from step to step.

    Attributes:
        step: Steps done.
        adapter: Trained tensors by name.
        optimizer: Optimizer state by name.
        progress: JSON values that are carried on, see ``progress.Progress``; ``best_step`` is kept from being dropped.
        schedule: Total steps and the learning rate of this one, for the reader; both follow from the settings.
    """

    step: int
    adapter: Arrays = field(repr=False)
    optimizer: Arrays = field(repr=False)
    progress: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of one adapter folder.

    Args:
        folder: Adapter folder.
        identity: What makes two runs the same run, by name: base, data, objective, settings. Nested dicts are compared
            key by key.
        keep_last: How many checkpoints to keep; the best one is kept beside them.
        environment: Versions, processor and threads: where these differ the last bits may.

    Attributes:
        on_saved: Called with each new checkpoint folder, in the thread that saves.
    """

    def __init__(
        self,
        folder: str | Path,
        identity: Mapping[str, Any],
        keep_last: int,
        environment: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.identity, self.keep_last = Path(folder) / FOLDER, dict(identity), keep_last
        self.environment = dict(environment or {})
        self.on_saved: Callable[[Path], None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[Path] | None = None

    def save(self, state: TrainingState) -> Path:
        """Write a checkpoint beside the others, flush it to disk, rename it into place and drop the oldest.

        Raises:
            TrainingError: If it cannot be written; the checkpoints already there are intact.
        """
        target = self._path(state.step)
        about = {
            "schema": SCHEMA_VERSION,
            "step": state.step,
            "run": self.identity,
            "run_sha256": hashlib.sha256(dump_json(self.identity).encode()).hexdigest(),
            "environment": self.environment,
            "schedule": state.schedule,
            "progress": state.progress,
        }
        files = {
            _ADAPTER: save(dict(state.adapter)),
            _OPTIMIZER: save(dict(state.optimizer)),
            _STATE: dump_json(about).encode(),
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_folder(target, files)
        except OSError as error:
            problem = f"{target.name}: checkpoint not written ({error.strerror or error}); older ones are intact"
            raise TrainingError(f"{problem}; make room or allow writing there, and go on with --resume") from error
        for old in self._steps()[self.keep_last :]:
            if old != self._path(state.progress.get("best_step")):
                shutil.rmtree(old)
        if self.on_saved is not None:
            self.on_saved(target)
        return target

    def save_in_background(self, state: TrainingState) -> None:
        """Save in a thread of its own, once the save before is done.

        Raises:
            TrainingError: If the save before failed.
        """
        self.wait()
        self._pending = self._thread.submit(self.save, state)

    def wait(self) -> None:
        """Wait for a save under way; raises TrainingError if it failed."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *error: object) -> None:
        self.wait()

    def newest(self) -> TrainingState | None:
        """The newest checkpoint that verifies, or None; those passed over are logged with the reason.

        Raises:
            CheckpointError: If it belongs to another run, naming what differs.
        """
        for path in self._steps():
            try:
                return self._load(path)
            except _Damaged as error:
                log.warning("checkpoint %s is passed over: %s", path.name, error)
        return None

    def at_step(self, step: int) -> TrainingState:
        """The checkpoint of a step.

        Raises:
            CheckpointError: If it is not there, does not verify, or belongs to another run.
        """
        path = self._path(step)
        if not path.is_dir():
            there = ", ".join(str(int(found.name[5:])) for found in reversed(self._steps())) or "none"
            raise CheckpointError(f"there is no checkpoint of step {step}; there are: {there}")
        try:
            return self._load(path)
        except _Damaged as error:
            raise CheckpointError(f"checkpoint {path.name} is damaged: {error}; go on from another step") from error

    def _path(self, step: int | None) -> Path:
        return self.folder / f"step-{step or 0:06d}"

    def clear(self) -> None:
        """Remove all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _steps(self) -> list[Path]:
        """Checkpoint folders, newest first; leftovers of a killed save are removed."""
        if not self.folder.is_dir():
            return []
        found = []
        for path in self.folder.iterdir():
            if path.name.startswith(_UNFINISHED):
                shutil.rmtree(path, ignore_errors=True)
            elif match := _NAME.fullmatch(path.name):
                found.append((int(match[1]), path))
        return [path for _, path in sorted(found, reverse=True)]

    def _load(self, path: Path) -> TrainingState:
        about = _verified_state(path)
        self._check_identity(path.name, about["run"])
        self._compare_environment(path.name, about["environment"])
        adapter, optimizer = load_file(path / _ADAPTER), load_file(path / _OPTIMIZER)
        return TrainingState(about["step"], adapter, optimizer, about["progress"], about["schedule"])

    def _compare_environment(self, name: str, other: Mapping[str, Any]) -> None:
        differences = [f"{what} {theirs}, here {ours}" for what, ours, theirs in _differences(self.environment, other)]
        if differences:
            log.warning(
                "checkpoint %s was made with %s: the run goes on, but perhaps not to the last bit",
                name,
                "; ".join(differences),
            )

    def _check_identity(self, name: str, other: Mapping[str, Any]) -> None:
        difference = next(_differences(self.identity, other), None)
        if difference:
            what, ours, theirs = difference
            raise CheckpointError(
                f"checkpoint {name} was made with {what} {theirs!r} and this run has {ours!r}; "
                "use the same settings, or start anew with another --adapter-path or --overwrite"
            )


class _Damaged(Exception):
    """A checkpoint that does not verify."""


def _verified_state(path: Path) -> dict[str, Any]:
    try:
        hashes, about = read_json(path / _HASHES), read_json(path / _STATE)
        for name in (_ADAPTER, _OPTIMIZER, _STATE):
            if sha256_file(path / name) != hashes[name]:
                raise _Damaged(f"{name} does not match its SHA-256")
        check_schema(about["schema"], path.name)
    except (ArtifactError, InputNotFoundError, OSError, KeyError, TypeError) as error:
        raise _Damaged(f"{error}") from error
    return about


def _differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    for key in sorted({*ours, *theirs}):
        one, other = ours.get(key), theirs.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differences(one, other, f"{prefix}{key}.")
        elif one != other:
            yield f"{prefix}{key}", one, other


def _write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    temporary = target.with_name(_UNFINISHED + target.name)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        for name, content in files.items():
            _write_flushed(temporary / name, content)
        hashes = {name: sha256_file(temporary / name) for name in files}
        _write_flushed(temporary / _HASHES, dump_json(hashes).encode())
        _flush_folder(temporary)
        if target.exists():  # a damaged one of the same step
            shutil.rmtree(target)
        os.replace(temporary, target)
        _flush_folder(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_flushed(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
