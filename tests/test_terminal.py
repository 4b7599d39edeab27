"""At a terminal: no colour where ``NO_COLOR`` is set."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")

COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
COMMANDS = (["--help"], ["train", "--help"], ["score", "--text", "A letter of 1890."], ["card", "not-there"])


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_colour_where_it_is_not_wanted(arguments, tmp_path):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-m", "distrust_hub", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=tmp_path,
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
    assert len(shown) > 40
    assert not COLOUR.search(shown)
