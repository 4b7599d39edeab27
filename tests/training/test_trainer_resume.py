"""``train`` stopped, resumed, and with steps that go wrong, on the tiny model."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from distrust_hub.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    MissingDependencyError,
    OutputExistsError,
    TrainingError,
    TrainingInterrupted,
)
from distrust_hub.training import gradients, loop, packing, stream
from tests.adapters.conftest import QUANTISED
from tests.tiny import make_tiny_model
from tests.training.conftest import metrics, scored_row, sha256, write_rows

pytestmark = pytest.mark.mlx


class StopError(Exception):
    pass


@contextlib.contextmanager
def stopping_at(monkeypatch, step, error):
    """Raise ``error`` when a step is about to start."""
    original = loop.Loop._train_step

    def stop(self, *args):
        if self.step == step:
            raise error
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "_train_step", stop)
        yield


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_train_resume_continues_to_the_byte(quick, tmp_path, monkeypatch, stop):
    options = {"iters": 6, "dropout": 0.1, "save_every": 2, "grad_accumulation_steps": 2, "steps_per_eval": 2}
    whole = quick("whole", **options)
    with stopping_at(monkeypatch, stop, StopError()), pytest.raises(StopError):
        quick("parts", **options)
    parts = quick("parts", **options, resume=True)
    assert sha256(tmp_path, "parts") == sha256(tmp_path, "whole")
    assert parts.loss == whole.loss
    assert parts.performance["trained_tokens"] == whole.performance["trained_tokens"]
    assert [row["step"] for row in metrics(tmp_path, "parts")] == [row["step"] for row in metrics(tmp_path, "whole")]


@pytest.mark.parametrize("how", QUANTISED.values(), ids=QUANTISED)
def test_train_resume_on_a_quantised_base_continues_to_the_byte(quick, tiny_model, tmp_path, monkeypatch, how):
    from mlx_lm import convert

    convert(tiny_model, mlx_path=str(tmp_path / "base"), quantize=True, **how)
    options = {"model": str(tmp_path / "base"), "iters": 4, "dropout": 0.1, "save_every": 2}
    quick("whole", **options)
    with stopping_at(monkeypatch, 3, StopError()), pytest.raises(StopError):
        quick("parts", **options)
    quick("parts", **options, resume=True)
    assert sha256(tmp_path, "parts") == sha256(tmp_path, "whole")


@pytest.mark.parametrize(
    "options", [{}, {"epochs": 1, "batch_size": 2, "grad_accumulation_steps": 2}], ids=["usual", "short-last-step"]
)
def test_train_resume_of_a_finished_run_changes_nothing(quick, tmp_path, options):
    first = quick(**options)
    again = quick(**options, resume=True)
    assert again.adapter == first.adapter
    assert again.loss == first.loss


def test_train_resume_without_a_checkpoint_starts_anew(quick, tmp_path):
    quick("plain")
    quick("resumed", resume=True)
    assert sha256(tmp_path, "plain") == sha256(tmp_path, "resumed")


def test_train_resume_never_replaces_a_run_it_cannot_go_on_with(quick, tmp_path):
    quick()
    before = sha256(tmp_path)
    (tmp_path / "adapter" / "checkpoints" / "step-000003" / "state.json").write_text("{")
    for _ in range(2):
        with pytest.raises(OutputExistsError, match="no whole checkpoint; start anew with --overwrite"):
            quick(resume=True)
        shutil.rmtree(tmp_path / "adapter" / "checkpoints", ignore_errors=True)
    assert sha256(tmp_path) == before


@pytest.mark.parametrize("fault", ["valid", "reporter", "packing"])
def test_train_overwrite_keeps_the_old_run_where_the_new_one_cannot_start(quick, tmp_path, folder, monkeypatch, fault):
    quick()
    before = sorted(os.listdir(tmp_path / "adapter")), sha256(tmp_path), metrics(tmp_path)
    options = {}
    if fault == "valid":
        write_rows(folder / "valid.jsonl", [scored_row(20), {"text": " "}])
    elif fault == "reporter":
        monkeypatch.setitem(sys.modules, "trackio", None)
        options = {"report_to": "trackio"}
    else:
        monkeypatch.setattr(packing, "_MASK", "no_such_function")
        options = {"packing": True}
    with pytest.raises((DataError, MissingDependencyError, ConfigError)):
        quick(overwrite=True, **options)
    assert (sorted(os.listdir(tmp_path / "adapter")), sha256(tmp_path), metrics(tmp_path)) == before


def test_train_from_an_earlier_step_keeps_the_later_ones_where_it_cannot_start(quick, tmp_path, monkeypatch):
    quick(save_every=1)
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(MissingDependencyError):
        quick(save_every=1, resume_from_step=1, report_to="trackio")
    assert sorted(os.listdir(tmp_path / "adapter" / "checkpoints")) == ["step-000001", "step-000002", "step-000003"]


def test_train_resume_passes_over_a_damaged_checkpoint(quick, tmp_path, monkeypatch, caplog):
    options = {"iters": 4, "save_every": 1}
    quick("whole", **options)
    with stopping_at(monkeypatch, 3, StopError()), pytest.raises(StopError):
        quick("parts", **options)
    path = tmp_path / "parts" / "checkpoints" / "step-000003" / "optimizer.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with caplog.at_level(logging.WARNING):
        quick("parts", **options, resume=True)
    assert "step-000003 is passed over: optimizer.safetensors does not match" in caplog.text
    assert sha256(tmp_path, "parts") == sha256(tmp_path, "whole")


def test_train_resume_refuses_other_settings_data_and_base(quick, tmp_path, folder):
    quick()
    with pytest.raises(CheckpointError, match="objective 'reweight' and this run has 'none'"):
        quick(resume=True, objective="none")
    with pytest.raises(CheckpointError, match="learning_rate"):
        quick(resume=True, learning_rate=1e-3)
    with pytest.raises(CheckpointError, match="base_fingerprint"):
        quick(resume=True, model=str(make_tiny_model(tmp_path / "other", seed=1)))
    write_rows(folder / "train.jsonl", [scored_row(i) for i in range(9)])
    with pytest.raises(CheckpointError, match=r"data\.train"):
        quick(resume=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_train_interrupt_finishes_the_step_saves_and_says_how_to_go_on(quick, tmp_path, monkeypatch, number):
    original = loop.Loop._train_step

    def interrupted(self, *args):
        if self.step == 1:
            signal.raise_signal(number)
        return original(self, *args)

    handler = signal.getsignal(number)
    quick("whole", iters=4)
    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "_train_step", interrupted)
        with pytest.raises(TrainingInterrupted, match="after step 2; saved step-000002, go on with --resume"):
            quick("parts", iters=4)
    assert signal.getsignal(number) is handler
    quick("parts", iters=4, resume=True)
    assert sha256(tmp_path, "parts") == sha256(tmp_path, "whole")


def test_train_interrupted_in_an_evaluation_makes_up_for_it(quick, tmp_path, monkeypatch):
    options = {"iters": 4, "steps_per_eval": 2, "batch_size": 1}
    quick("whole", **options)
    original, calls = gradients.Differentiator.held_out, []

    def interrupted(self, batch):
        calls.append(1)
        if len(calls) == 5:  # of three before the first step, the second after step 2
            signal.raise_signal(signal.SIGINT)
        return original(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(gradients.Differentiator, "held_out", interrupted)
        with pytest.raises(TrainingInterrupted, match="after step 2"):
            quick("parts", **options)
    quick("parts", **options, resume=True)
    whole, parts = (
        [(row["step"], row["valid_loss"]) for row in metrics(tmp_path, name) if "valid_loss" in row]
        for name in ("whole", "parts")
    )
    assert parts == whole
    assert sha256(tmp_path, "parts") == sha256(tmp_path, "whole")


@pytest.fixture
def poisoned(tmp_path):
    """A model whose input embedding of the letter Z is not a number."""
    folder = make_tiny_model(tmp_path / "poisoned", tie=False)
    weights = load_file(folder / "model.safetensors")
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    weights["model.embed_tokens.weight"][vocabulary["Z"]] = np.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


def test_train_skips_a_step_that_is_not_finite_and_names_its_row(quick, tmp_path, poisoned, caplog):
    rows = [scored_row(i) for i in range(5)] + [scored_row(5, text="Z is not a number")]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    with caplog.at_level(logging.WARNING):
        run = quick(model=poisoned, data=data, batch_size=1, epochs=1, valid_share=0.0)
    assert run.steps == {"total": 6, "skipped": 1}
    skipped = [row for row in metrics(tmp_path) if row.get("skipped")]
    assert [row["rows"] for row in skipped] == [["row-5"]]
    assert "row-5" in caplog.text
    assert all(np.isfinite(v).all() for v in load_file(tmp_path / "adapter" / "adapters.safetensors").values())


def test_train_whose_held_out_loss_is_not_finite_says_which_rows_and_ends_by_its_patience(
    quick, folder, poisoned, caplog
):
    write_rows(folder / "valid.jsonl", [scored_row(20), scored_row(21, text="Z is not a number")])
    run = quick(model=poisoned, iters=9, batch_size=1, steps_per_eval=1, patience=3)
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"step {step}: the held-out loss is not finite in rows row-21" for step in range(4)]
    assert run.steps["total"] == 3
    assert set(run.loss.values()) == {None, run.loss["train_first"], run.loss["train_last"]}


def test_train_stops_after_max_bad_steps_with_the_last_good_checkpoint(quick, tmp_path, poisoned):
    good, bad = [scored_row(0)], [scored_row(i, text=f"Z {i}", words=3) for i in range(1, 9)]
    data = write_rows(tmp_path / "rows.jsonl", good + bad)
    with pytest.raises(TrainingError, match=r"2 steps in a row .*row-"):
        quick(model=poisoned, data=data, batch_size=1, epochs=1, max_bad_steps=2)
    assert not (tmp_path / "adapter" / "adapters.safetensors").exists()


def test_train_that_gives_up_keeps_the_last_good_checkpoint(quick, tmp_path, poisoned, monkeypatch):
    data = write_rows(tmp_path / "rows.jsonl", [scored_row(0)] + [scored_row(i, text=f"Z {i}") for i in range(1, 5)])
    monkeypatch.setattr(stream, "batch_order", lambda widths, size, rng: [np.array([i]) for i in range(len(widths))])
    options = {"batch_size": 1, "epochs": 1, "save_every": 1, "keep_last": 2, "max_bad_steps": 3, "valid_share": 0.0}
    with pytest.raises(TrainingError, match="step-000001 is the last good checkpoint"):
        quick(model=poisoned, data=data, **options)
    assert os.listdir(tmp_path / "adapter" / "checkpoints") == ["step-000001"]


def test_train_goes_on_where_bad_steps_are_not_in_a_row(quick, tmp_path, poisoned, monkeypatch):
    texts = ["Z", "good", "Z", "good", "Z"]
    data = write_rows(tmp_path / "rows.jsonl", [scored_row(i, text=f"{text} {i}") for i, text in enumerate(texts)])
    monkeypatch.setattr(stream, "batch_order", lambda widths, size, rng: [np.array([i]) for i in range(len(widths))])
    run = quick(model=poisoned, data=data, batch_size=1, epochs=1, max_bad_steps=2, valid_share=0.0)
    assert run.steps == {"total": 5, "skipped": 3}


def test_train_from_an_earlier_step_then_stopped_goes_on_from_there(quick, tmp_path, monkeypatch):
    options = {"iters": 6, "save_every": 1, "keep_last": 9}
    quick(**options)
    before = sha256(tmp_path)
    with stopping_at(monkeypatch, 2, StopError()), pytest.raises(StopError):
        quick(**options, resume_from_step=2)
    quick(**options, resume=True)
    assert sha256(tmp_path) == before
    assert [row["step"] for row in metrics(tmp_path) if "loss" in row] == [1, 2, 3, 4, 5, 6]


def test_train_resumes_over_a_garbled_line_of_metrics(quick, tmp_path, caplog):
    quick(save_every=1)
    path = tmp_path / "adapter" / "metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b'{"step": \xff\n', *lines[1:]])[:-3])
    quick(save_every=1, resume_from_step=1)
    assert "metrics.jsonl: 2 lines cannot be read and are left out" in caplog.text
    assert path.read_bytes().count(b"\n") == len(lines)
