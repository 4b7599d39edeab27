"""Arguments shared by several verbs, and the bridge from config classes to argparse."""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from distrust_hub.config import MAX_SEED, _Config, option_type

C = TypeVar("C", bound=_Config)


def add_config_arguments(
    parser: argparse._ActionsContainer, config: type[_Config], groups: Mapping[str, str] | None = None
) -> None:
    """Add one option per field of a config class; fields not given stay absent from the namespace.

    Args:
        parser: Parser or group to add to.
        config: The class.
        groups: {first field of a group: its heading in ``--help``}.
    """
    hints, group = typing.get_type_hints(config), parser
    for entry in dataclasses.fields(config):
        if groups and entry.name in groups:
            group = parser.add_argument_group(groups[entry.name])
        kind, _, choices = option_type(hints[entry.name])
        _add_option(group, entry, kind, choices)


def _add_option(group: argparse._ActionsContainer, entry: dataclasses.Field[Any], kind: type, choices: Any) -> None:
    flag, word = entry.name.replace("_", "-"), entry.name.rpartition("_")[2].upper()
    default = "on" if entry.default is True else entry.default
    text = entry.metadata["help"].replace("%", "%%")
    if not any(default is nothing for nothing in (None, False, dataclasses.MISSING)):
        text += f" (default: {default})"
    settings: dict[str, Any] = {"dest": entry.name, "default": argparse.SUPPRESS, "help": text}
    if kind is bool and entry.default:
        group.add_argument(f"--{flag}", action=argparse.BooleanOptionalAction, **settings)
    elif kind is bool:  # its opposite is for what a YAML file has turned on
        group.add_argument(f"--{flag}", action="store_true", **settings)
        group.add_argument(f"--no-{flag}", action="store_false", **{**settings, "help": argparse.SUPPRESS})
    else:
        shown = None if choices else {int: "N", float: "X"}.get(kind, word)
        group.add_argument(f"--{flag}", type=kind, choices=choices or None, metavar=shown, **settings)


def config_from_args(config: type[C], args: argparse.Namespace, defaults: dict[str, Any] | None = None) -> C:
    """Build a config from the options given, over the YAML file of ``-c`` where there is one, over ``defaults``."""
    names = {entry.name for entry in dataclasses.fields(config)}
    given = {name: value for name, value in vars(args).items() if name in names}
    return config.from_options(given, getattr(args, "config", None), defaults)


def add_yaml_argument(parser: argparse.ArgumentParser) -> None:
    """``-c FILE``: options from YAML; the command line wins."""
    parser.add_argument("-c", "--config", metavar="FILE", help="YAML file of options; the command line wins")


def add_format_argument(parser: argparse.ArgumentParser) -> None:
    """``--format table|json``."""
    parser.add_argument("--format", choices=("table", "json"), default="table", help="form of the result on stdout")


def add_push_arguments(parser: argparse._ActionsContainer) -> None:
    """The options every publishing verb shares, spelled as ``hf`` spells them."""
    parser.add_argument(
        "--private", action="store_true", help="make the repo private if it is created; refuse a public one"
    )
    parser.add_argument("--revision", metavar="BRANCH", help="branch to commit to (default: main)")
    parser.add_argument("--create-pr", action="store_true", help="open a pull request instead of committing")
    parser.add_argument("--commit-message", metavar="TEXT", help="title of the commit")
    parser.add_argument("--replace-card", action="store_true", help="overwrite a README.md edited by hand")
    parser.add_argument("--dry-run", action="store_true", help="do everything but the commit; list the files")


def add_rights_arguments(parser: argparse._ActionsContainer) -> None:
    """What of scored rows is published, and by what right."""
    parser.add_argument(
        "--scores-only", action="store_true", help="publish ids, text hashes, scores and spans without the texts"
    )
    parser.add_argument(
        "--personal-data",
        choices=("mask", "drop", "keep"),
        help="e-mail addresses and telephone numbers in scored rows: mask them, drop the rows, keep (default: mask)",
    )
    parser.add_argument(
        "--i-have-rights", action="store_true", help="publish texts whose licence is unknown or does not allow it"
    )


def rights_given(args: argparse.Namespace) -> dict[str, Any]:
    """What of ``add_rights_arguments`` was given, as ``push_scored`` takes it."""
    names = ("scores_only", "personal_data", "i_have_rights")
    return {name: getattr(args, name) for name in names if getattr(args, name)}


def seed_int(text: str) -> int:
    """argparse type: a seed, 0 to MAX_SEED."""
    value = _whole(text)
    if not 0 <= value <= MAX_SEED:
        raise argparse.ArgumentTypeError(f"{value} is not 0 to {MAX_SEED}")
    return value


def positive_int(text: str) -> int:
    """argparse type: a whole number of at least 1."""
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not 1 or more")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number") from None
