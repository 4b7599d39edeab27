"""The newest checkpoint of a run, beside its adapter on the Hub, and back into a folder that training can resume."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from huggingface_hub import HfApi

from distrust_hub.artifacts import METRICS_FILE
from distrust_hub.errors import CheckpointError
from distrust_hub.files import read_json
from distrust_hub.hub.client import snapshot

LAST_CHECKPOINT = "last-checkpoint"
"""Folder in the repo; a pull of the adapter never reads it."""

_SUFFIXES = (".safetensors", ".json")
_STEP = re.compile(r"step-(\d+)")


def checkpoint_files(folder: Path) -> dict[str, Path]:
    """{path in the repo: file} of the newest checkpoint of an adapter folder; empty where there is none."""
    found = [(int(match[1]), path) for path in (folder / "checkpoints").glob("step-*") if (match := _step(path))]
    if not found:
        return {}
    newest = max(found)[1]
    return {f"{LAST_CHECKPOINT}/{file.name}": file for file in sorted(newest.iterdir()) if file.suffix in _SUFFIXES}


def is_checkpoint(name: str) -> bool:
    """Whether a path in a repo is part of a pushed checkpoint."""
    return name.startswith(f"{LAST_CHECKPOINT}/")


def pull_checkpoint(repo_id: str, folder: Path, *, revision: str | None = None, api: HfApi | None = None) -> Path:
    """Put the checkpoint of a repo where ``train --resume`` looks for it; its hashes are checked there.

    Args:
        repo_id: ``owner/name`` that a run was pushed to with ``--push-strategy checkpoint``.
        folder: Adapter folder of the run that goes on.
        revision: Branch, tag or commit; main when None.
        api: Client to use.

    Raises:
        CheckpointError: The repo holds no checkpoint.
        HubError: The download failed.
    """
    patterns = [*(f"{LAST_CHECKPOINT}/*{suffix}" for suffix in _SUFFIXES), METRICS_FILE]
    source, _ = snapshot(repo_id, revision=revision, allow_patterns=patterns, api=api)
    files = [file for file in sorted((source / LAST_CHECKPOINT).glob("*")) if file.suffix in _SUFFIXES]
    if not files:
        raise CheckpointError(
            f"{repo_id}: holds no {LAST_CHECKPOINT}/ to go on from; push the run with --push-strategy checkpoint"
        )
    target = folder / "checkpoints" / f"step-{_recorded_step(source / LAST_CHECKPOINT, repo_id):06d}"
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, target / file.name)
    if (source / METRICS_FILE).is_file():
        shutil.copyfile(source / METRICS_FILE, folder / METRICS_FILE)
    return target


def _step(path: Path) -> re.Match[str] | None:
    return _STEP.fullmatch(path.name)


def _recorded_step(checkpoint: Path, repo_id: str) -> int:
    state = read_json(checkpoint / "state.json")
    step = state.get("step") if isinstance(state, dict) else None
    if not isinstance(step, int) or isinstance(step, bool) or step < 1:
        raise CheckpointError(f"{repo_id}: {LAST_CHECKPOINT}/state.json has the step {step!r}; push the run again")
    return step
