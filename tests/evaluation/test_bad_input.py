"""Bad input as the command line meets it: a line that says what to do, exit code 1, and no result file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distrust_hub.cli.main import main
from tests.adapters.conftest import random_adapter
from tests.evaluation.conftest import question_row
from tests.tiny import make_tiny_model

pytestmark = pytest.mark.mlx


def refused(arguments: list[str], output: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["evaluate", *arguments, "-o", str(output)]) == 1
    message = capsys.readouterr().err.strip().splitlines()[-1]  # a library may have warned before it
    assert message.startswith("distrust-hub: error: ")
    assert not output.exists()
    return message


@pytest.mark.parametrize(
    ("suite", "content", "problem"),
    [
        ("truthfulqa", "", "no questions"),
        ("perplexity", "", "no rows to measure on"),
        ("source-preference", '{"text": "of no conflict"}\n', "no rows of invented conflicts"),
        ("truthfulqa", "{broken\n", "data.jsonl:1"),
    ],
)
def test_data_without_items_is_refused(
    suite: str, content: str, problem: str, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(content)
    arguments = ["--model", str(tiny_base), "--suite", suite, "--data", f"{suite}={data}"]
    assert problem in refused(arguments, tmp_path / "r.json", capsys)


def test_an_adapter_for_another_base_is_refused(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_tiny_model(tmp_path / "other", layers=3)
    adapter = random_adapter(other, tmp_path / "adapter").folder
    arguments = ["--model", str(tiny_base), "--suite", "probes", "--limit", "2"]
    for option in ("--adapter-path", "--against"):
        given = [option, str(adapter)]
        if option == "--against":
            given += ["--adapter-path", str(random_adapter(tiny_base, tmp_path / "mine").folder)]
        assert "another base" in refused([*arguments, *given], tmp_path / "r.json", capsys)


def test_a_question_longer_than_the_context_is_refused(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((tiny_base / "config.json").read_text())
    row = {**question_row(0), "question": "why " * config["max_position_embeddings"]}
    data = tmp_path / "q.jsonl"
    data.write_text(json.dumps(row) + "\n")
    arguments = ["--model", str(tiny_base), "--suite", "truthfulqa", "--data", str(data)]
    assert "shorten the text" in refused(arguments, tmp_path / "r.json", capsys)
