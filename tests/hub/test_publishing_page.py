"""The commands that docs/publishing.md shows are commands."""

from __future__ import annotations

import argparse
import importlib
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
COMMANDS = [line.strip() for line in PAGE.splitlines() if line.startswith("    distrust-hub")]


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command_parses(command: str) -> None:
    words = [word for word in shlex.split(command, comments=True) if word != "..."]
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(f"distrust_hub.cli.{words[1]}").add_arguments(parser)
    assert vars(parser.parse_args(words[2:]))


def test_documented_messages_are_the_ones_that_are_printed() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "distrust_hub" / "hub").glob("*.py"))
    table = PAGE.split("| message |")[1].splitlines()[2:]
    messages = [line.split("|")[1].strip() for line in table if line.startswith("|")]
    assert len(messages) == 7
    assert [message for message in messages if message not in source] == []
