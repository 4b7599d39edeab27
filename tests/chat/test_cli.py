from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from distrust_hub.cli.main import main
from tests.adapters.conftest import random_adapter
from tests.tiny import SPECIAL_TOKENS

pytestmark = pytest.mark.mlx


def test_chat_prints_one_answer_to_stdout(tiny_base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["chat", "--model", str(tiny_base), "--prompt", "hi", "--max-tokens", "5"]
    assert main(arguments) == 0
    first = capsys.readouterr()
    assert first.out.strip()
    assert first.err == ""
    assert main(arguments) == 0
    assert capsys.readouterr().out == first.out


def test_chat_options_change_the_answer(tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = random_adapter(tiny_base, tmp_path / "a").folder
    answers = []
    for options in (
        [],
        ["--adapter-path", str(folder)],
        ["--system", "Answer from primary sources."],
        ["--temperature", "1"],
        ["--temperature", "1", "--seed", "5"],
        ["--max-tokens", "3"],
        ["--prompt", "bye"],
    ):
        arguments = ["chat", "--model", str(tiny_base), "--prompt", "hi", "--max-tokens", "12", *options]
        assert main(arguments) == 0
        answers.append(capsys.readouterr().out)
    assert len(set(answers)) == len(answers)


def test_chat_converses_until_the_input_ends(
    tiny_base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hi\n\nhi\n"))
    assert main(["chat", "--model", str(tiny_base), "--max-tokens", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 2
    assert lines[0] != lines[1]  # the second answer has read the first


def test_chat_leaves_cleanly_on_ctrl_c_at_the_prompt(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_prompt: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    assert main(["chat", "--model", str(tiny_base)]) == 0


def test_chat_interrupted_while_answering_stops_at_once(tiny_base: Path, tmp_path: Path) -> None:
    base = shutil.copytree(tiny_base, tmp_path / "endless")
    weights = load_file(base / "model.safetensors")
    weights["lm_head.weight"][SPECIAL_TOKENS.index("<|im_end|>")] = 0.0  # never the likeliest: no answer ends by itself
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    command = [sys.executable, "-u", "-m", "distrust_hub", "chat", "--model", str(base), "--prompt", "hi"]
    process = subprocess.Popen([*command, "--max-tokens", "2000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert b"interrupted" in errors


def test_chat_without_any_base_is_one_line(tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = random_adapter(tiny_base, tmp_path / "a").folder
    assert main(["chat", "--adapter-path", str(folder), "--prompt", "hi"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "give it with --model" in captured.err
