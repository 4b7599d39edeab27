from __future__ import annotations

import logging
import os
import sqlite3
import struct
import sys
import time
import types
from pathlib import Path

import pytest

from distrust_hub.artifacts import TrainingRun
from distrust_hub.errors import MissingDependencyError
from distrust_hub.training.metrics import Metrics, read_metrics
from distrust_hub.training.plots import plot_run
from distrust_hub.training.reporting import LogReporter, TensorBoardReporter, TrackioReporter, scalars
from tests.training.conftest import write_rows

pytestmark = pytest.mark.mlx


def test_scalars_are_named_by_their_path():
    row = {"step": 3, "loss": 1.5, "clipped_share": {"primary": 0.25}, "rows": ["a"], "skipped": True, "none": None}
    assert dict(scalars(row)) == {"loss": 1.5, "clipped_share/primary": 0.25, "skipped": 1.0}


def test_log_reporter_writes_about_twenty_lines(caplog):
    reporter = LogReporter(0, 1000)
    with caplog.at_level(logging.INFO):
        for step in range(1, 1001):
            reporter.write({"step": step, "loss": 2.0, "tokens_per_second": 50.0, "ess": 0.8})
        reporter.write({"step": 1000, "valid_loss": 1.25})
    assert len(caplog.records) == 21
    assert caplog.records[0].message.startswith("step 50/1000: loss 2.0000, 50 tokens/s, ESS 80%, ")
    assert caplog.records[-1].message == "step 1000/1000: held-out loss 1.2500"


def test_log_reporter_of_a_resumed_run_counts_the_time_of_its_own_steps(caplog, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    reporter = LogReporter(900, 1000)
    now[0] += 300.0
    with caplog.at_level(logging.INFO):
        reporter.write({"step": 950, "loss": 2.0, "tokens_per_second": 50.0, "ess": 0.8})
    assert caplog.records[0].message.endswith(", 5 min left")


def test_train_reports_to_tensorboard(quick, tmp_path):
    pytest.importorskip("tensorboardX", reason="the extra 'report' is not installed")
    quick("plain")
    quick("reported", report_to="tensorboard")
    (file,) = (tmp_path / "reported" / "tensorboard").iterdir()
    content, names = file.read_bytes(), []
    while content:  # records of the TFRecord format: length, its checksum, event, its checksum
        (length,) = struct.unpack("<Q", content[:8])
        names.append(content[12 : 12 + length])
        content = content[16 + length :]
    assert sum(b"valid_loss" in event for event in names) == 2
    assert sum(b"tokens_per_second" in event for event in names) == 3
    quick("reported", report_to="tensorboard", overwrite=True)
    assert len(list((tmp_path / "reported" / "tensorboard").iterdir())) == 1
    one, other = (tmp_path / name / "adapters.safetensors" for name in ("plain", "reported"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_train_reports_to_trackio_and_keeps_standard_output_clean(quick, capsys):
    trackio = pytest.importorskip("trackio", reason="the extra 'report' is not installed")
    quick(report_to="trackio")
    assert capsys.readouterr().out == ""
    (run,) = trackio.Api().runs("distrust-hub")
    assert run.name == "adapter"
    assert any(Path(os.environ["HF_HOME"], "trackio").glob("distrust-hub*.db"))


@pytest.mark.parametrize(("name", "module"), [("tensorboard", "tensorboardX"), ("trackio", "trackio")])
def test_a_reporter_that_is_not_installed_is_named_with_its_extra(quick, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"{module}.*distrust-hub\[report\]"):
        quick(report_to=name)


def test_a_reporter_that_fails_is_left_out_and_the_run_goes_on(tmp_path, caplog):
    class Failing:
        calls = 0

        def write(self, row):
            self.calls += 1
            raise ConnectionError("no route\nto host")

        close = write

    failing = Failing()
    with Metrics(tmp_path, 0, [failing]) as metrics:
        metrics.write({"step": 1, "loss": 2.0})
        metrics.write({"step": 2, "loss": 1.0})
    assert [row["step"] for row in read_metrics(tmp_path)] == [1, 2]
    assert failing.calls == 1
    (record,) = caplog.records
    assert record.message == "Failing failed (ConnectionError: no route); the run goes on without it"


def test_a_tracker_that_cannot_start_is_left_out_and_the_run_goes_on(tmp_path, caplog, monkeypatch):
    def init(**_options):
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setitem(sys.modules, "trackio", types.SimpleNamespace(init=init))
    with Metrics(tmp_path, 0, [TrackioReporter("run", {})]) as metrics:
        metrics.write({"step": 1, "loss": 2.0})
        metrics.write({"step": 2, "loss": 1.0})
    assert [row["step"] for row in read_metrics(tmp_path)] == [1, 2]
    (record,) = caplog.records
    assert record.message == (
        "TrackioReporter failed (OperationalError: database is locked); the run goes on without it"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_full_disk_leaves_no_reporter_open(tmp_path):
    class Noting:
        closed = False

        def write(self, row):
            pass

        def close(self):
            self.closed = True

    def run():
        with Path("/dev/full").open("w") as full, Metrics(tmp_path, 0, [noting]) as metrics:
            metrics._stream = full
            metrics.write({"step": 1, "loss": 2.0})

    noting = Noting()
    with pytest.raises(OSError, match="No space left"):
        run()
    assert noting.closed


def test_tensorboard_reporter_hides_the_steps_that_are_run_again(tmp_path):
    pytest.importorskip("tensorboardX", reason="the extra 'report' is not installed")
    reporter = TensorBoardReporter(tmp_path, step=7)
    reporter.write({"step": 8, "loss": 1.0})
    reporter.close()
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    assert b"loss" in content
    assert b"\x10\x08:\x02\x08\x01" in content  # an event of step 8 that says: a session starts


def record(by_tier):
    empty = {"config": {}, "objective": {}, "versions": {}, "base_model": {}, "data": {}, "loss": {}}
    rest = {"performance": {}, "hardware": {}, "steps": {}, "adapter": {}}
    return TrainingRun(**empty, **rest, weights={"by_tier": by_tier})


def test_plot_run_draws_the_same_bytes_each_time(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    rows = [{"step": s, "loss": 5.0 - s / 50, "ess": 0.8, "tokens": 9} for s in range(1, 41)]
    write_rows(tmp_path / "metrics.jsonl", [{"step": 0, "valid_loss": 5.0}, *rows, {"step": 40, "valid_loss": 4.0}])
    record({"primary": {"mean_weight": 1.5, "tokens": 900}, "medium": {"mean_weight": 0.5, "tokens": 90}}).save(
        tmp_path
    )
    png, svg = plot_run(tmp_path)
    first = svg.read_bytes(), png.read_bytes()
    assert b"Effective sample size" in first[0]
    assert b"900 tokens" in first[0]
    assert first[1].startswith(b"\x89PNG")
    assert str(tmp_path).encode() not in first[0]
    plot_run(tmp_path)
    assert (svg.read_bytes(), png.read_bytes()) == first


def test_plot_run_of_unscored_pairs_and_skipped_steps(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    write_rows(tmp_path / "metrics.jsonl", [{"step": 1, "loss": None, "skipped": True}])
    record({}).save(tmp_path)
    assert [path.name for path in plot_run(tmp_path)] == ["training.png", "training.svg"]


def test_plot_run_without_matplotlib_draws_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert plot_run(tmp_path) == []
