"""Ends of a run other than its last step, the best checkpoint, and saving beside the training."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from safetensors.numpy import load_file

from distrust_hub.artifacts import TrainingRun
from distrust_hub.errors import CheckpointError, ConfigError, ObjectiveError, OutputError, TrainingError, UsageError
from distrust_hub.files import iter_jsonl, sha256_file
from distrust_hub.training import checkpoints, loop
from distrust_hub.training.checkpoints import Checkpoints, TrainingState
from tests.tiny import make_tiny_model
from tests.training.conftest import scored_row, write_rows

pytestmark = pytest.mark.mlx


def sha256(tmp_path, name="adapter"):
    return sha256_file(tmp_path / name / "adapters.safetensors")


def steps_saved(tmp_path, name="adapter"):
    return sorted(int(entry[5:]) for entry in os.listdir(tmp_path / name / "checkpoints"))


@pytest.fixture
def scripted_losses(monkeypatch):
    """Let held-out evaluations give these losses, one after the other; the rest of the run is real."""

    original = loop.Loop._evaluate

    def script(*losses):
        left = list(losses)

        def evaluate(self, metrics, interrupt):
            if original(self, metrics, interrupt) is None:
                return None
            self.progress.valid_last = left.pop(0)
            return self.progress.valid_last

        monkeypatch.setattr(loop.Loop, "_evaluate", evaluate)

    return script


def test_patience_stops_at_the_third_worse_loss_and_keeps_the_best(quick, tmp_path, scripted_losses):
    options = {"iters": 20, "steps_per_eval": 1, "patience": 3, "save_every": 100, "keep_last": 1}
    scripted_losses(9.0, 5.0, 4.0, 4.5, 4.1, 4.2, 1.0)
    run = quick(**options)
    assert run.steps["total"] == 5
    assert (run.loss["valid_best"], run.loss["best_step"], run.loss["valid_after"]) == (4.0, 2, 4.0)
    assert steps_saved(tmp_path) == [2, 5]
    best = load_file(tmp_path / "adapter" / "checkpoints" / "step-000002" / "adapter.safetensors")
    written = load_file(tmp_path / "adapter" / "adapters.safetensors")
    for name, value in written.items():
        np.testing.assert_array_equal(value, best[name])


def test_patience_holds_over_a_resume_and_a_stopped_run_stays_stopped(quick, tmp_path, scripted_losses):
    options = {"iters": 20, "steps_per_eval": 1, "patience": 2, "save_every": 1}
    scripted_losses(9.0, 5.0, 4.0, 4.5, 4.6)
    first = quick(**options)
    scripted_losses()
    again = quick(**options, resume=True)
    assert again.steps == first.steps
    assert again.adapter == first.adapter
    scripted_losses(3.0, 3.1, 3.2, 3.3)
    longer = quick(**{**options, "patience": 3}, resume=True)
    assert (longer.steps["total"], longer.loss["best_step"]) == (8, 5)


def test_a_falling_loss_never_stops_early(quick):
    run = quick(iters=None, epochs=3, steps_per_eval=1, patience=1, learning_rate=1e-3)
    assert run.steps["total"] == 9
    assert run.loss["best_step"] == 9


def test_patience_needs_evaluations_and_held_out_rows(quick, tmp_path):
    with pytest.raises(UsageError, match="--steps-per-eval"):
        quick(patience=1)
    with pytest.raises(UsageError, match="val_batches is 0; give --val-batches"):
        quick(patience=1, steps_per_eval=1, val_batches=0)
    data = write_rows(tmp_path / "alone.jsonl", [scored_row(0), scored_row(1)])
    with pytest.raises(ConfigError, match="no rows are held out"):
        quick(data=data, patience=1, steps_per_eval=1)


def test_train_refuses_held_out_rows_without_a_token_to_predict(quick, tmp_path, folder):
    model = make_tiny_model(tmp_path / "no-eos")
    for name, key in (("tokenizer_config.json", "eos_token"), ("config.json", "eos_token_id")):
        values = json.loads((model / name).read_text())
        (model / name).write_text(json.dumps({**values, key: None}))
    write_rows(folder / "valid.jsonl", [scored_row(20, text="a")])
    with pytest.raises(ObjectiveError, match="no tokens in the held-out rows"):
        quick(model=str(model))
    assert quick(model=str(model), val_batches=0).loss["valid_after"] is None


def test_keep_last_spares_the_best_checkpoint(tmp_path):
    kept = Checkpoints(tmp_path, {}, keep_last=2)
    for step, best in ((1, 1), (2, 2), (3, 2), (4, 2), (5, 2)):
        kept.save(TrainingState(step, {}, {}, {"best_step": best}))
    assert sorted(path.name for path in kept.folder.iterdir()) == ["step-000002", "step-000004", "step-000005"]
    assert kept.at_step(2).step == 2


def test_train_stops_above_max_memory_with_a_checkpoint_to_go_on_from(quick, tmp_path):
    quick("whole", iters=2)
    with pytest.raises(TrainingError, match=r"GB are in use after step 1 .* saved step-000001, .*--grad-checkpoint"):
        quick("parts", iters=2, max_memory_gb=0.1)
    assert not (tmp_path / "parts" / "adapters.safetensors").exists()
    quick("parts", iters=2, resume=True)
    assert sha256(tmp_path, "parts") == sha256(tmp_path, "whole")


def test_train_resumes_from_a_step(quick, tmp_path):
    quick("whole", iters=4, save_every=1, keep_last=4)
    before = sha256(tmp_path, "whole")
    with pytest.raises(CheckpointError, match=r"no checkpoint of step 9; there are: 1, 2, 3, 4"):
        quick("whole", iters=4, save_every=1, keep_last=4, resume_from_step=9)
    quick("whole", iters=4, save_every=1, keep_last=4, resume_from_step=2)
    assert sha256(tmp_path, "whole") == before
    assert [row["step"] for _, row in iter_jsonl(tmp_path / "whole" / "metrics.jsonl") if "loss" in row] == [1, 2, 3, 4]
    damaged = tmp_path / "whole" / "checkpoints" / "step-000002" / "adapter.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match=r"step-000002 is damaged: adapter.safetensors"):
        quick("whole", iters=4, save_every=1, keep_last=4, resume_from_step=2)


def test_train_goes_on_while_a_checkpoint_is_being_written(quick, tmp_path, monkeypatch):
    """The disk does not answer before step 3 is done; step 2 is saved behind it all the same."""
    original_write, original_step = checkpoints._write_folder, loop.Loop._train_step
    third_step_done = threading.Event()

    def slow_disk(target, files):
        if target.name == "step-000002":
            assert third_step_done.wait(60)
        original_write(target, files)

    def step(self, *args):
        row = original_step(self, *args)
        if self.step == 3:
            third_step_done.set()
        return row

    monkeypatch.setattr(checkpoints, "_write_folder", slow_disk)
    monkeypatch.setattr(loop.Loop, "_train_step", step)
    quick(iters=3, save_every=2)
    assert steps_saved(tmp_path) == [2, 3]


def test_a_checkpoint_holds_the_state_of_its_step_not_of_when_it_was_written(quick, tmp_path, monkeypatch):
    quick("plain", iters=3, save_every=1)
    original = checkpoints._write_folder
    monkeypatch.setattr(checkpoints, "_write_folder", lambda *args: (threading.Event().wait(0.3), original(*args)))
    quick("slow", iters=3, save_every=1)
    for name in ("adapter.safetensors", "optimizer.safetensors"):
        one, other = (tmp_path / run / "checkpoints" / "step-000001" / name for run in ("plain", "slow"))
        assert sha256_file(one) == sha256_file(other)


def test_a_checkpoint_written_as_an_adapter_later_is_what_a_run_to_its_step_leaves(quick, tmp_path):
    options = {"save_every": 2, "batch_size": 2, "lr_schedule": "constant"}
    kept = []

    def keep(checkpoint, write):
        """As a push does that waits for its turn."""
        kept.append((shutil.copytree(checkpoint, tmp_path / "kept" / checkpoint.name), write))

    def published(number):
        checkpoint, write = kept[number]
        write(checkpoint, tmp_path / "out" / checkpoint.name)
        return TrainingRun.load(tmp_path / "out" / checkpoint.name)

    quick("long", **options, iters=6, steps_per_eval=2, on_save=keep)
    found, short = published(0), quick("short", **options, iters=2, steps_per_eval=2)
    assert found.adapter == short.adapter
    assert (found.loss, found.weights, found.steps) == (short.loss, short.weights, short.steps)
    assert found.performance["trained_tokens"] == short.performance["trained_tokens"]
    lines = [
        [(row["step"], row.get("loss"), row.get("valid_loss")) for _, row in iter_jsonl(folder / "metrics.jsonl")]
        for folder in (tmp_path / "out" / "step-000002", tmp_path / "short")
    ]
    assert lines[0] == lines[1]


def test_a_disk_that_fills_up_ends_the_run_with_the_older_checkpoints_intact(quick, tmp_path, monkeypatch):
    original = checkpoints._write_flushed

    def full(path, content):
        if "step-000003" in str(path) and path.name == "optimizer.safetensors":
            path.write_bytes(content[:10])
            raise OSError(28, "No space left on device")
        original(path, content)

    quick("whole", iters=6, save_every=1)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_write_flushed", full)
        with pytest.raises(TrainingError, match=r"step-000003: checkpoint not written \(No space left.*--resume"):
            quick("parts", iters=6, save_every=1)
    assert steps_saved(tmp_path, "parts")[:2] == [1, 2]
    assert 3 not in steps_saved(tmp_path, "parts")
    quick("parts", iters=6, save_every=1, resume=True)
    assert sha256(tmp_path, "parts") == sha256(tmp_path, "whole")


def test_train_refuses_a_folder_that_cannot_be_written_before_it_reads_anything(quick):
    with pytest.raises(OutputError, match=r"cannot be written .*choose another folder"):
        quick(adapter_path="/proc/adapter", model="/no/such/model", data="/no/such/data")


def test_checkpoint_names_what_it_holds_and_another_environment_is_one_warning(quick, tmp_path, caplog):
    quick("whole", iters=4, save_every=2)
    path = tmp_path / "whole" / "checkpoints" / "step-000002"
    state = json.loads((path / "state.json").read_text())
    assert set(state) >= {"step", "run", "run_sha256", "environment", "schedule", "progress"}
    assert state["progress"]["position"]["batch"] == 2
    assert set(state["environment"]) == {"versions", "processor", "backend", "blas", "threads"}
    before = sha256(tmp_path, "whole")
    state["environment"]["threads"] += 5
    state["environment"]["versions"]["mlx"] = "0.0.1"
    (path / "state.json").write_text(json.dumps(state))
    hashes = json.loads((path / "sha256.json").read_text())
    (path / "sha256.json").write_text(json.dumps({**hashes, "state.json": sha256_file(path / "state.json")}))
    with caplog.at_level(logging.WARNING):
        quick("whole", iters=4, save_every=2, resume_from_step=2)
    warnings = [record.message for record in caplog.records if "step-000002" in record.message]
    assert len(warnings) == 1
    assert "threads" in warnings[0]
    assert "versions.mlx 0.0.1, here" in warnings[0]
    assert sha256(tmp_path, "whole") == before


@pytest.mark.slow
def test_resume_with_other_threads_warns_once_and_stays_close(tiny_model, folder, tmp_path):
    def run(name, threads, **more):
        settings = {"model": tiny_model, "data": str(folder), "adapter_path": str(tmp_path / name), "quiet": True}
        settings |= {"rank": 2, "max_seq_length": 64, "iters": 20, "save_every": 10, "learning_rate": 1e-3, **more}
        code = f"from distrust_hub.training.trainer import train\ntrain(**{settings!r})"
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        return done.stderr

    run("one", 1)
    losses = [row["loss"] for _, row in iter_jsonl(tmp_path / "one" / "metrics.jsonl") if "loss" in row]
    said = run("one", 2, resume_from_step=10)
    assert said.count("the run goes on, but perhaps not to the last bit") == 1
    again = [row["loss"] for _, row in iter_jsonl(tmp_path / "one" / "metrics.jsonl") if "loss" in row]
    np.testing.assert_allclose(again, losses, atol=1e-3)
