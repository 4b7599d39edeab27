"""The command line as a user meets it: exit codes, one-line errors, no secret."""

from __future__ import annotations

import errno
import importlib
import re

import pytest

from distrust_hub.cli import main as cli
from distrust_hub.cli.output import format_table
from distrust_hub.errors import DataError, TrainingInterrupted


def test_main_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"  {verb} " in shown for verb in cli.COMMANDS)


@pytest.mark.parametrize("verb", sorted(cli.COMMANDS))
def test_every_command_has_help(verb, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([verb, "--help"])
    assert stop.value.code == 0
    assert f"distrust-hub {verb}" in capsys.readouterr().out
    assert importlib.import_module(f"distrust_hub.cli.{verb}").__doc__


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["--nonsense"], ["train", "--nonsense"], ["train", "--iters", "x"]]
)
def test_main_wrong_usage_is_one_line_and_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    captured = capsys.readouterr()
    assert stop.value.code == 2
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (DataError("authority_weight is 1.4; expected 0 to 0.99", path="a.jsonl", line=12), 1, "a.jsonl:12: "),
        (OSError(errno.ENOSPC, "No space left on device", "out.bin"), 1, "out.bin: no space left"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 1, "out: permission denied"),
        (TrainingInterrupted("stopped at step 3"), 130, "stopped at step 3"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (DataError("token hf_abcdefghijklmnop\nwas refused"), 1, "token hf_*** was refused"),
    ],
)
def test_main_errors_are_one_line(monkeypatch, capsys, error, code, shown):
    def fail(args):
        raise error

    monkeypatch.setattr(importlib.import_module("distrust_hub.cli.env"), "run", fail)
    assert cli.main(["env"]) == code
    captured = capsys.readouterr().err
    assert shown in captured
    assert len(captured.strip().splitlines()) == 1


def test_main_debug_adds_the_traceback_without_tokens(monkeypatch, capsys):
    token = "hf_" + "x" * 34

    def fail(args):
        raise DataError(f"broken {token}")

    monkeypatch.setenv("HF_DEBUG", "1")
    monkeypatch.setattr(importlib.import_module("distrust_hub.cli.env"), "run", fail)
    assert cli.main(["env"]) == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.rstrip().endswith("distrust-hub: error: broken hf_***")
    assert token not in shown


def test_no_option_takes_a_secret(capsys):
    for verb in cli.COMMANDS:
        with pytest.raises(SystemExit):
            cli.main([verb, "--help"])
        assert not re.search(r"--\S*(token|password|secret)(?!s)\b", capsys.readouterr().out), verb


def test_format_table_aligns_numbers_right_and_shows_missing():
    text = format_table(["name", "value"], [["a", 1.5], ["long name", None]])
    assert text.splitlines() == ["name       value", "---------  -----", "a          1.500", "long name      -"]
