"""At a terminal: no colour where ``NO_COLOR`` is set, and tables as wide as it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")

COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
COMMANDS = (["--help"], ["train", "--help"], ["score", "--text", "A letter of 1890."], ["card", "not-there"])


def at_terminal(arguments, folder, **environment) -> bytes:
    """What a command shows at a pseudo-terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "distrust_hub", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", **environment},
        cwd=folder,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(60)
    return shown


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_colour_where_it_is_not_wanted(arguments, tmp_path):
    shown = at_terminal(arguments, tmp_path, NO_COLOR="1")
    assert len(shown) > 40
    assert not COLOUR.search(shown)


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("arguments", [["score", "--text", "Barometer falling at noon."], ["evaluate", "--list"]])
def test_tables_are_no_wider_than_the_terminal(arguments, columns, tmp_path):
    shown = at_terminal(arguments, tmp_path, COLUMNS=str(columns)).decode()
    lines = [line.rstrip() for line in shown.splitlines()]
    assert len(lines) > 10
    assert [line for line in lines if len(line) > columns] == []
