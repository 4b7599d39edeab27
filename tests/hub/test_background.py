"""A run that is published while it goes on, and goes on elsewhere from what was published."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.adapters.pull import pull_adapter
from distrust_hub.cli.main import main
from distrust_hub.errors import CheckpointError, HubNotFoundError, TrainingError
from distrust_hub.files import sha256_file
from distrust_hub.hub.background import BackgroundPush
from tests.hub_server.faults import Fault
from tests.hub_server.server import HubServer
from tests.training.conftest import folder, no_plots, quick, tiny_model  # noqa: F401

pytestmark = [pytest.mark.hub, pytest.mark.mlx]

RUN: dict[str, Any] = {"iters": 4, "save_every": 1, "base_model_id": "ada/tiny"}


@dataclass
class Held(Fault):
    """Commits wait until the test lets them through."""

    gate: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Any, dispatch: Any) -> Any:
        assert self.gate.wait(60)
        return dispatch(request)


def titles(hub: HubServer) -> list[str]:
    return [commit.title for commit in hub.repo("ada/run").commits()]


def every_commit(hub: HubServer) -> Iterator[Path]:
    """Each published state, pulled and verified."""
    for commit in hub.repo("ada/run").commits()[:-1]:
        yield pull_adapter("ada/run", revision=commit.oid)


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_every_save_publishes_adapters_that_load(
    hub: HubServer,
    token: str,
    quick: Any,  # noqa: F811
    tmp_path: Path,
    kind: str,
) -> None:
    with BackgroundPush(tmp_path / "adapter", "ada/run") as publisher:
        quick(**RUN, fine_tune_type=kind, on_save=publisher)
    assert titles(hub)[0] == "Training in progress, step 4"
    pulled = list(every_commit(hub))
    newest = (pulled[0] / "adapters.safetensors").read_bytes()
    assert newest == (tmp_path / "adapter" / "adapters.safetensors").read_bytes()
    assert not any(name.startswith("last-checkpoint") for name in hub.repo("ada/run").files())
    assert not list((tmp_path / "adapter").glob(".publishing-*"))


def test_training_ends_while_the_hub_still_takes_the_first_save(
    hub: HubServer,
    token: str,
    quick: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    held = Held("status", "POST .*/commit/", times=None)
    hub.faults.append(held)
    with BackgroundPush(tmp_path / "adapter", "ada/run") as publisher:
        run = quick(**RUN, on_save=publisher)
        assert run.steps["total"] == 4
        assert titles(hub) == ["initial commit"]
        held.gate.set()
    assert titles(hub)[0] == "Training in progress, step 4"
    assert len(titles(hub)) < 5  # saves that came while one was pushed were passed over
    assert not list((tmp_path / "adapter").glob(".publishing-*"))


def test_a_hub_that_fails_is_logged_and_the_run_goes_on(
    hub: HubServer,
    token: str,
    quick: Any,  # noqa: F811
    tmp_path: Path,
    no_waiting: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub.faults.append(Fault("status", times=None))
    with caplog.at_level(logging.WARNING, "distrust_hub"), BackgroundPush(tmp_path / "adapter", "ada/run") as publisher:
        assert quick(**RUN, on_save=publisher).steps["total"] == 4
    said = [entry.getMessage() for entry in caplog.records if "was not published" in entry.getMessage()]
    assert said
    assert "the Hub answered 503" in said[-1]
    assert not hub.has_repo("ada/run")


def test_a_folder_that_takes_no_draft_is_logged_and_the_run_goes_on(
    hub: HubServer, token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = tmp_path / "step-000003"
    checkpoint.mkdir()
    (tmp_path / "run").write_text("a disk that takes no folder")
    publisher = BackgroundPush(tmp_path / "run", "ada/run")
    publisher(checkpoint, lambda held, draft: pytest.fail("nothing can be written"))
    assert "step-000003 was not published" in caplog.text


def test_resume_from_hub_continues_to_the_same_bytes_on_another_machine(
    hub: HubServer,
    token: str,
    quick: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    quick("whole", **RUN, dropout=0.1)
    lost = tmp_path / "lost"
    with BackgroundPush(lost, "ada/run", checkpoint=True) as publisher:

        def until_the_second(checkpoint: Path, write: Any) -> None:
            publisher(checkpoint, write)
            if checkpoint.name == "step-000002":
                raise TrainingError("the machine is gone")

        with pytest.raises(TrainingError, match="the machine is gone"):
            quick("lost", **RUN, dropout=0.1, on_save=until_the_second)
    restored: dict[str, str] = {}

    def note(checkpoint: Path, write: Any) -> None:
        before = checkpoint.with_name("step-000002")
        restored.update({file.name: sha256_file(file) for file in before.iterdir()} if before.is_dir() else {})

    quick("elsewhere", **RUN, dropout=0.1, resume_from_hub="ada/run", on_save=note)
    assert restored == {file.name: sha256_file(file) for file in (lost / "checkpoints" / "step-000002").iterdir()}
    assert sha256_file(tmp_path / "elsewhere" / "adapters.safetensors") == sha256_file(
        tmp_path / "whole" / "adapters.safetensors"
    )
    steps = [line for line in (tmp_path / "elsewhere" / "metrics.jsonl").read_text().splitlines() if '"loss"' in line]
    assert len(steps) == 4


def test_resume_from_hub_refuses_what_is_no_checkpoint(hub: HubServer, token: str, quick: Any, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(HubNotFoundError, match="ada/absent is not on the Hub"):
        quick("one", **RUN, resume_from_hub="ada/absent")
    with BackgroundPush(tmp_path / "adapter", "ada/run", checkpoint=True) as publisher:
        quick(**RUN, on_save=publisher)
    with pytest.raises(CheckpointError, match="was made with seed 0 and this run has 7"):
        quick("two", **RUN, seed=7, resume_from_hub="ada/run")
    with BackgroundPush(tmp_path / "three", "ada/plain") as publisher:
        quick("three", **RUN, on_save=publisher)
    with pytest.raises(CheckpointError, match="ada/plain: holds no last-checkpoint/ to go on from"):
        quick("four", **RUN, resume_from_hub="ada/plain")


def test_train_command_publishes_by_strategy_and_resumes(
    hub: HubServer,
    token: str,
    tiny_model: str,  # noqa: F811
    folder: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def train(adapter: str, *more: str) -> int:
        model = ["--model", tiny_model, "--base-model-id", "ada/tiny", "--data", str(folder)]
        short = ["--iters", "4", "--save-every", "2", "--rank", "2", "--max-seq-length", "64"]
        return main(["train", *model, "--adapter-path", str(tmp_path / adapter), *short, *more])

    assert train("one", "--push", "ada/run", "--push-strategy", "checkpoint", "--commit-message", "My run") == 0
    assert titles(hub)[0] == "My run"
    assert "last-checkpoint/state.json" in hub.repo("ada/run").files()
    assert train("two", "--resume-from-hub", "ada/run") == 0
    assert sha256_file(tmp_path / "one" / "adapters.safetensors") == sha256_file(
        tmp_path / "two" / "adapters.safetensors"
    )
    capsys.readouterr()
    for wrong in (
        ["--push-strategy", "every_save"],
        ["--push", "ada/run", "--push-strategy", "checkpoint", "--create-pr"],
    ):
        assert train("three", *wrong) == 2
        assert "--push-strategy" in capsys.readouterr().err
