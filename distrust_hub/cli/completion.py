"""The completion script of a shell, made from the same parsers as ``--help``."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping

SHELLS = ("bash", "zsh", "tcsh")


def completion_script(shell: str, commands: Mapping[str, str]) -> str:
    """What a shell sources to complete commands, options, choices and file names.

    Args:
        shell: One of SHELLS.
        commands: {command: its one-line description}.
    """
    import shtab

    parser = argparse.ArgumentParser(prog="distrust-hub")
    verbs = parser.add_subparsers()
    for verb, description in commands.items():
        options = verbs.add_parser(verb, help=description)
        importlib.import_module(f"distrust_hub.cli.{verb}").add_arguments(options)
        for action in options._actions:
            if action.nargs != 0 and not action.choices and action.type in (None, str):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell=shell)
