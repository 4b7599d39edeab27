"""Checkpoints that are whole or not there, and that say which run they belong to.

``checkpoints/step-000100/`` holds ``adapter.safetensors``, ``optimizer.safetensors``, ``state.json`` (step, position
in the data, learning rate, best held-out loss so far, settings and their hash, versions) and ``sha256.json`` with a
SHA-256 of each. All randomness follows from seed, epoch and step, so these are enough to go on to the last bit.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from distrust_hub.errors import ArtifactError, CheckpointError, InputNotFoundError, TrainingError
from distrust_hub.files import dump_json, read_json, sha256_file
from distrust_hub.schema import SCHEMA_VERSION, check_schema

log = logging.getLogger(__name__)

FOLDER = "checkpoints"
ADAPTER, STATE = "adapter.safetensors", "state.json"
_OPTIMIZER, _HASHES = "optimizer.safetensors", "sha256.json"
_NAME = re.compile(r"step-(\d{6,})")
_UNFINISHED, _REPLACED = ".unfinished-", ".replaced-"

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

        One that is there already is left as it is. Those of later steps are dropped too: the run went back from them.

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
            ADAPTER: save(dict(state.adapter)),
            _OPTIMIZER: save(dict(state.optimizer)),
            STATE: dump_json(about).encode(),
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            there = _holds(target, files)
            if not there:
                _write_folder(target, files)
        except OSError as error:
            problem = f"{target.name}: checkpoint not written ({error.strerror or error}); older ones are intact"
            raise TrainingError(f"{problem}; make room or allow writing there, and go on with --resume") from error
        self.drop_after(state.step)
        for old in self._steps()[self.keep_last :]:
            if old != self._path(state.progress.get("best_step")):
                shutil.rmtree(old)
        if self.on_saved is not None and not there:
            self.on_saved(target)
        return target

    def drop_after(self, step: int) -> None:
        """Remove the checkpoints of later steps, which a run that goes on from this one makes anew."""
        for path in self._steps():
            if _step_of(path) > step:
                shutil.rmtree(path)

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
            ArtifactError: If it was written by a newer version.
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
            ArtifactError: If it was written by a newer version.
        """
        path, steps = self._path(step), self._steps()
        if path not in steps:
            there = ", ".join(str(_step_of(found)) for found in reversed(steps)) or "none"
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
        """Checkpoint folders, newest first; leftovers of a killed save are put back or removed."""
        if not self.folder.is_dir():
            return []
        for path in sorted(self.folder.glob(".*")):
            target = path.with_name(path.name.removeprefix(_REPLACED))
            if path.name.startswith(_REPLACED) and not target.exists():
                os.replace(path, target)
            elif path.name.startswith((_UNFINISHED, _REPLACED)):
                shutil.rmtree(path, ignore_errors=True)
        found = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(found, key=_step_of, reverse=True)

    def _load(self, path: Path) -> TrainingState:
        about = _verified_state(path)
        self._check_identity(path.name, about["run"])
        self._compare_environment(path.name, about["environment"])
        adapter, optimizer = load_file(path / ADAPTER), load_file(path / _OPTIMIZER)
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


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


class _Damaged(Exception):
    """A checkpoint that does not verify."""


def _verified_state(path: Path) -> dict[str, Any]:
    try:
        hashes, about = read_json(path / _HASHES), read_json(path / STATE)
        for name in (ADAPTER, _OPTIMIZER, STATE):
            if sha256_file(path / name) != hashes[name]:
                raise _Damaged(f"{name} does not match its SHA-256")
        schema = about["schema"]
    except (ArtifactError, InputNotFoundError, OSError, KeyError, TypeError) as error:
        raise _Damaged(f"{error}") from error
    check_schema(schema, path.name)
    return about


def _holds(path: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a checkpoint is there, whole, and has these files."""
    try:
        _verified_state(path)
    except (_Damaged, ArtifactError):
        return False
    return all((path / name).read_bytes() == content for name, content in files.items())


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
        replaced = target.with_name(_REPLACED + target.name)
        if target.exists():
            os.replace(target, replaced)
        os.replace(temporary, target)
        _flush_folder(target.parent)
        shutil.rmtree(replaced, ignore_errors=True)
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
