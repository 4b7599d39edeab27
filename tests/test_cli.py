"""The command line as a user meets it: exit codes, one-line errors, no secret."""

from __future__ import annotations

import errno
import importlib
import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from distrust_hub.cli import main as cli
from distrust_hub.cli.output import command, format_table, print_table
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
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: distrust-hub {verb}")
    assert shown.splitlines()[1] == "", "the usage is one line; the options stand below it"
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
    ("arguments", "shown"),
    [
        (["trian"], "there is no command 'trian'; did you mean train?"),
        (["xyzzy"], "there is no command 'xyzzy' (see"),
        (["--quiet"], "unrecognized arguments: --quiet"),
        (["train", "--adapter-pth", "out"], "unrecognized arguments: --adapter-pth out; did you mean --adapter-path?"),
        (["train", "--adapter-pth=out"], "did you mean --adapter-path?"),
        (["score", "in", "--xyzzy"], "unrecognized arguments: --xyzzy (see"),
        (["score", "in", "--limit", "many"], "argument --limit: 'many' is not a whole number"),
        (["demo", "--seed", "1.5"], "argument --seed: '1.5' is not a whole number"),
    ],
)
def test_main_says_what_was_probably_meant(arguments, shown, capsys):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert shown in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["card", ""], "DIR"),
        (["chat", "--adapter-path", "", "--prompt", "hi"], "--adapter-path"),
        (["score", "in.jsonl", "-o", "out.jsonl", "--push="], "--push"),
        (["prepare", "scored.jsonl", " ", "-o", "data"], "IN"),
        (["evaluate", "--model", "m", "--adapter-path", "a", "--adapter-path", ""], "--adapter-path"),
        (["train", "--model", "m", "--data", "", "--adapter-path", "a"], "--data"),
    ],
)
def test_main_refuses_an_empty_argument_as_an_unset_variable_leaves_it(arguments, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"distrust-hub: error: {name} is empty; ")
    assert len(captured.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("columns", [60, 80])
def test_main_help_fits_the_terminal_and_says_how_to_start(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        cli.main([])
    shown = capsys.readouterr().out
    assert max(map(len, shown.split("try first:")[0].splitlines()[2:])) <= max(columns, 80)
    assert max(map(len, shown.split("commands:")[1].split("try first:")[0].splitlines())) <= columns
    assert all(f"  distrust-hub {step}\n" in shown for step in cli.FIRST_STEPS)


def test_first_steps_are_commands(capsys):
    for step in cli.FIRST_STEPS:
        assert step.split()[0] in cli.COMMANDS
    assert cli.main(["score", "--text", next(iter(cli.FIRST_STEPS)).split('"')[1]]) == 0
    assert "coordinated" in capsys.readouterr().out


def test_score_text_has_a_table_for_each_score_and_no_type_where_there_is_none(capsys):
    assert cli.main(["score", "--text", "Барометр"]) == 0
    shown = capsys.readouterr().out
    assert "None" not in shown
    assert re.findall(r"^(\w+) +component +why", shown, re.MULTILINE) == ["authority_weight", "provenance_entropy"]
    assert cli.main(["score", "--text", "March 3rd. Barometer 29.4 in. and falling; the needle dipped at noon."]) == 0
    captured = capsys.readouterr()
    assert len(re.findall(r"^ +[+-]\d\.\d{3} ", captured.out, re.MULTILINE)) == 12
    assert "smaller contributions; --evidence shows all" in captured.err


def test_prepare_proposes_a_command_that_can_be_run_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["prepare", "--recipe", "sample", "-o", "data"]) == 0
    proposed = capsys.readouterr().err.split("next:\n")[1].split()
    assert proposed[:2] == ["distrust-hub", "train"]
    assert cli.main([*proposed[1:], "--iters", "0"]) == 1  # read, and refused for the 0
    assert "iters is 0" in capsys.readouterr().err
    assert not re.search(r"\b[A-Z]{4,}\b", " ".join(proposed))


def test_results_in_any_script_go_into_a_pipe_whatever_its_code_page(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "Барометр упал."}\n', encoding="utf-8")
    command = [sys.executable, "-m", "distrust_hub", "score", "in.jsonl", "-o", "-"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}  # as Windows has it
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, check=True)
    assert json.loads(done.stdout.decode("utf-8"))["text"] == "Барометр упал."


def test_env_names_the_hub_without_what_is_secret(monkeypatch, capsys, tmp_path):
    token = "hf_" + "x" * 34
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://ada:secret@hub.example")
    monkeypatch.setattr("distrust_hub.cli.env.mlx_problem", lambda: "not here")
    monkeypatch.setenv("DISTRUST_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cli.main(["env"]) == 0
    shown = re.sub(" +", " ", capsys.readouterr().out)
    assert "Hub address https://hub.example\nHub token found\ncache ~/cache\n" in shown
    assert token not in shown
    assert "bytes" not in shown


@pytest.mark.parametrize(
    ("home", "cache", "shown"),
    [("/", "/data/cache", "~/data/cache"), ("/home/ada", "/home/adams/cache", "/home/adams/cache")],
)
def test_env_shortens_the_cache_only_where_it_is_at_home(monkeypatch, capsys, home, cache, shown):
    monkeypatch.setattr("distrust_hub.cli.env.mlx_problem", lambda: "not here")
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("DISTRUST_HUB_CACHE", cache)
    assert cli.main(["env"]) == 0
    assert f"\ncache {shown}\n" in re.sub(" +", " ", capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["chat", "--model", "~nobody-here/m", "--prompt", "x"], marks=pytest.mark.mlx),
        ["export", "~nobody-here/a", "--to", "mlx", "-o", "out"],
    ],
)
def test_main_names_no_home_folder_in_one_line(arguments, capsys):
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == (
        "distrust-hub: error: a path begins with ~ and no home folder of that name is known; write the path in full\n"
    )


def test_main_lets_other_runtime_errors_through(monkeypatch):
    def fail(args):
        raise RuntimeError("a bug")

    monkeypatch.setattr(importlib.import_module("distrust_hub.cli.env"), "run", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main(["env"])


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (DataError("authority_weight is 1.4; expected 0 to 0.99", path="a.jsonl", line=12), 1, "a.jsonl:12: "),
        (OSError(errno.ENOSPC, "No space left on device", "out.bin"), 1, "out.bin: no space left"),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 1, "out: permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "out"), 1, "out: no such file or folder; check"),
        (TrainingInterrupted("stopped at step 3"), 130, "stopped at step 3"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (DataError("token hf_abcdefghijklmnop\nwas refused"), 1, "token hf_*** was refused"),
        (DataError("tensor \x1b[2Ja\x9b1mb\rc"), 1, r"tensor \x1b[2Ja\x9b1mb c"),
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


def test_main_repeats_no_token_that_was_given_as_an_argument(capsys):
    token = "hf_" + "x" * 34
    for arguments in (["push", "a", "b/c", "--token", token], ["list", f"--token={token}"]):
        with pytest.raises(SystemExit):
            cli.main(arguments)
        shown = capsys.readouterr().err
        assert "hf_***" in shown
        assert token not in shown


def test_no_option_takes_a_secret(capsys):
    for verb in cli.COMMANDS:
        with pytest.raises(SystemExit):
            cli.main([verb, "--help"])
        assert not re.search(r"--\S*(token|password|secret)(?!s)\b", capsys.readouterr().out), verb


def test_format_table_aligns_numbers_right_and_shows_missing():
    text = format_table(["name", "value"], [["a", 1.5], ["long name", None]])
    assert text.splitlines() == ["name       value", "---------  -----", "a          1.500", "long name      -"]


ROWS = [
    ["owner/name-of-a-model", "short", 1.5, "prose that goes on for longer than there is room"],
    ["b", None, 2.0, "x"],
]
HEADERS = ["model", "kind", "value", "why"]


def test_format_table_wraps_prose_where_the_terminal_is_narrow():
    assert format_table(HEADERS, ROWS, 65).splitlines() == [
        "model                  kind   value  why",
        "---------------------  -----  -----  ----------------------------",
        "owner/name-of-a-model  short  1.500  prose that goes on for",
        "                                     longer than there is room",
        "b                      -      2.000  x",
    ]
    assert format_table(HEADERS, ROWS, 200) == format_table(HEADERS, ROWS)


def test_format_table_turns_rows_into_blocks_where_wrapping_is_not_enough():
    assert format_table(HEADERS, ROWS, 40).splitlines() == [
        "owner/name-of-a-model",
        "  kind short, value 1.500",
        "  why: prose that goes on for longer",
        "    than there is room",
        "",
        "b",
        "  value 2.000, why x",
    ]


def test_format_table_says_nothing_of_empty_cells_and_headings_in_blocks():
    rows = [["held-out loss in nats", -0.082, ""], ["source preference in nats", 0.006, "not resolved at this size"]]
    assert format_table(["measure", "difference", ""], rows, 40).splitlines() == [
        "held-out loss in nats",
        "  difference -0.082",
        "",
        "source preference in nats",
        "  difference 0.006",
        "  not resolved at this size",
    ]


def test_proposed_commands_can_be_pasted_whatever_their_paths_hold(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my notes.txt").write_text("Barometer falling at noon; the needle dipped 2 degrees.", encoding="utf-8")
    assert cli.main(["score", "my notes.txt", "-o", "it's scored.jsonl"]) == 0
    proposed = capsys.readouterr().err.split("next:\n")[1]
    assert shlex.split(proposed) == ["distrust-hub", "prepare", "it's scored.jsonl", "-o", "it's scored-data"]
    monkeypatch.setattr("os.name", "nt")
    assert command("card", "my notes") == 'distrust-hub card "my notes"'


def test_print_table_is_whole_where_there_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_table(HEADERS, ROWS)
    assert capsys.readouterr().out == format_table(HEADERS, ROWS) + "\n"


def test_main_ctrl_c_while_a_command_is_loaded_is_one_line(monkeypatch, capsys):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert cli.main(["env"]) == 130
    assert capsys.readouterr().err == "distrust-hub: interrupted\n"
