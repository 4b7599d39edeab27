from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

from distrust_hub.errors import ArtifactError, CheckpointError, TrainingError
from distrust_hub.files import sha256_file
from distrust_hub.training.checkpoints import Checkpoints, TrainingState
from distrust_hub.training.run_folder import only_run

pytestmark = pytest.mark.mlx

IDENTITY = {"base_fingerprint": "abc", "data": {"train": "1" * 64}, "objective": "reweight"}


def state(step, size=4):
    rng = np.random.default_rng(step)
    adapter = {"layer.lora_a": rng.normal(size=(size, 2)).astype(np.float32)}
    return TrainingState(step, adapter, {"step": np.array(step, np.uint64)}, {"trained_tokens": 10 * step})


def names(checkpoints):
    return sorted(path.name for path in checkpoints.folder.iterdir())


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path, IDENTITY, keep_last=2)


def test_newest_returns_what_was_saved(checkpoints):
    assert checkpoints.newest() is None
    checkpoints.save(state(3))
    found = checkpoints.newest()
    assert (found.step, found.progress) == (3, {"trained_tokens": 30})
    np.testing.assert_array_equal(found.adapter["layer.lora_a"], state(3).adapter["layer.lora_a"])
    assert found.optimizer["step"].dtype == np.uint64


def test_save_keeps_the_last_ones(checkpoints):
    for step in (1, 2, 10):
        checkpoints.save(state(step))
    assert names(checkpoints) == ["step-000002", "step-000010"]


@pytest.mark.parametrize("file", ["adapter.safetensors", "optimizer.safetensors", "state.json", "sha256.json"])
@pytest.mark.parametrize("damage", ["truncated", "missing", "changed"])
def test_newest_passes_over_damaged_checkpoints_and_says_so(checkpoints, caplog, file, damage):
    checkpoints.save(state(1))
    path = checkpoints.save(state(2)) / file
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(
            content[: len(content) // 2] if damage == "truncated" else content.replace(b"0", b"1", 1)[::-1]
        )
    with caplog.at_level(logging.WARNING):
        assert checkpoints.newest().step == 1
    assert "step-000002 is passed over" in caplog.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"base_fingerprint": "xyz"}, "base_fingerprint"),
        ({"data": {"train": "2" * 64}}, "data.train"),
        ({"objective": "none"}, "objective"),
    ],
)
def test_newest_refuses_another_run_and_names_the_field(tmp_path, checkpoints, change, field):
    checkpoints.save(state(1))
    with pytest.raises(CheckpointError, match=rf"step-000001 was made with {field} .*--overwrite"):
        Checkpoints(tmp_path, {**IDENTITY, **change}, 2).newest()


def test_save_on_a_full_disk_leaves_the_older_ones_intact(checkpoints):
    checkpoints.save(state(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, limits[1]))
    try:
        with pytest.raises(TrainingError, match=r"step-000002: checkpoint not written .*intact.*--resume"):
            checkpoints.save(state(2, size=100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(checkpoints) == ["step-000001"]
    assert checkpoints.newest().step == 1


def test_leftovers_of_a_killed_save_are_ignored_and_removed(checkpoints):
    checkpoints.save(state(1))
    (checkpoints.folder / ".unfinished-step-000002").mkdir()
    assert checkpoints.newest().step == 1
    assert names(checkpoints) == ["step-000001"]


def test_going_back_drops_later_checkpoints_and_never_the_one_just_written(tmp_path):
    kept = Checkpoints(tmp_path, IDENTITY, keep_last=1)
    kept.save(state(8))
    assert kept.save(state(6)).is_dir()
    assert names(kept) == ["step-000006"]
    Checkpoints(tmp_path, IDENTITY, keep_last=3).save(state(7))
    kept.drop_after(6)
    assert names(kept) == ["step-000006"]


def test_a_checkpoint_that_is_there_is_not_written_again(checkpoints):
    before = checkpoints.save(state(1)).stat().st_ino
    saved = []
    checkpoints.on_saved = saved.append
    path = checkpoints.save(state(1))
    assert (path.stat().st_ino, saved) == (before, [])
    (path / "adapter.safetensors").write_bytes(b"damaged")
    checkpoints.save(state(1))
    assert checkpoints.newest().step == 1
    assert saved == [path]


def test_a_save_interrupted_while_it_replaces_a_checkpoint_leaves_the_older_one(checkpoints, monkeypatch):
    path, original = checkpoints.save(state(1)), os.replace
    changed = TrainingState(1, state(1).adapter, state(1).optimizer, {"trained_tokens": 99})

    def interrupted(source, target):
        if target == path:
            raise KeyboardInterrupt
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(changed)
    assert checkpoints.newest().progress == {"trained_tokens": 10}
    checkpoints.save(changed)
    assert checkpoints.newest().progress == {"trained_tokens": 99}
    assert names(checkpoints) == ["step-000001"]


def test_a_checkpoint_of_a_newer_version_is_an_error_not_damage(checkpoints):
    path = checkpoints.save(state(1))
    about = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**about, "schema": 99}))
    hashes = json.loads((path / "sha256.json").read_text())
    (path / "sha256.json").write_text(json.dumps({**hashes, "state.json": sha256_file(path / "state.json")}))
    with pytest.raises(ArtifactError, match="step-000001: schema 99 is newer"):
        checkpoints.newest()


def test_only_run_refuses_a_second_process(tmp_path):
    code = f"from distrust_hub.training.run_folder import only_run\nwith only_run({str(tmp_path)!r}): pass"
    with only_run(tmp_path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=500, check=False)
    assert "another run is training into this folder" in done.stderr
    with only_run(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
