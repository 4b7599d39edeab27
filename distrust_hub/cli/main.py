"""Dispatch a verb to its module, and turn errors into one line and an exit code (here and nowhere else)."""

from __future__ import annotations

import argparse
import difflib
import errno
import importlib
import logging
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from distrust_hub import __version__
from distrust_hub.cli.completion import SHELLS, completion_script
from distrust_hub.cli.output import printable, use_utf8
from distrust_hub.errors import DistrustHubError, TrainingInterrupted, UsageError
from distrust_hub.pii import mask_secrets, redact

COMMANDS = {
    "score": "score text, files or datasets for authority weight and provenance entropy",
    "prepare": "make a documented training folder from texts, scored or not",
    "train": "train a LoRA adapter that leans on primary sources",
    "evaluate": "measure source preference, TruthfulQA, perplexity and probes",
    "card": "write or check the README.md of an adapter or dataset folder",
    "push": "publish an adapter or dataset folder in one Hub commit",
    "pull": "download and verify a published adapter",
    "list": "find published adapters and datasets on the Hub",
    "export": "convert an adapter to PEFT or MLX, or fuse it into a full model",
    "chat": "talk to a model, with or without an adapter",
    "app": "open the browser app",
    "demo": "run the whole path on a small real model",
    "setup": "look at this machine and say what it can train",
    "recommend": "list base models and settings that fit a machine",
    "validate": "run the probes and TruthfulQA on a model or adapter",
    "env": "print versions, hardware and the speed of matrix products",
}

FIRST_STEPS = {
    'score --text "Experts agree, a spokesperson said."': "two scores and what moved them; needs no model",
    "setup": "what this machine can train",
    "demo": "the whole path, some minutes; needs [train]",
}


class _Parser(argparse.ArgumentParser):
    """argparse with one-line errors that name what was probably meant."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].split(" ")[0].split("=")[0]
        meant = _meant(unknown, self._option_string_actions) if unknown.startswith("--") else ""
        print(f"{self.prog}: error: {redact(message)}{meant} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


class _PrintCompletion(argparse.Action):
    """Prints and leaves, as ``--version`` does."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        print(completion_script(values, COMMANDS))
        parser.exit()


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program name; ``sys.argv[1:]`` when None.

    Returns:
        0 on success, 1 for a known error, 2 for wrong usage, 130 after Ctrl-C.
    """
    use_utf8()
    arguments = sys.argv[1:] if argv is None else argv
    verb = arguments[0] if arguments else "--help"
    if verb not in COMMANDS:
        parser = _top_level_parser()
        if not verb.startswith("-"):
            parser.error(f"there is no command {verb!r}{_meant(verb, COMMANDS)}")
        parser.parse_args(arguments or [verb])
        parser.error("no command given")  # behind an option that shows nothing
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    logging.getLogger("huggingface_hub").propagate = False  # prints its warnings itself
    if not sys.stderr.isatty():
        for library in ("HF_HUB", "HF_DATASETS"):
            os.environ.setdefault(f"{library}_DISABLE_PROGRESS_BARS", "1")  # read when it is imported
    try:
        module = importlib.import_module(f"distrust_hub.cli.{verb}")
        parser = _Parser(prog=f"distrust-hub {verb}", description=module.__doc__, allow_abbrev=False)
        module.add_arguments(parser)
        parser.usage = _usage(parser)
        return _run(module.run, parser, parser.parse_args(arguments[1:]))
    except KeyboardInterrupt:
        return _report("interrupted", 130)


def _run(run: Any, parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    try:
        _refuse_empty(parser, args)
        return run(args) or 0
    except TrainingInterrupted as error:
        return _report(str(error), 130)
    except UsageError as error:
        return _report(str(error), 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (DistrustHubError, MemoryError) as error:
        return _report(str(error) or "out of memory; use a smaller batch or model", 1)
    except OSError as error:
        return _report(_describe_os_error(error), 1)
    except RuntimeError as error:
        if "home directory" not in str(error):
            raise
        return _report("a path begins with ~ and no home folder of that name is known; write the path in full", 1)


def _refuse_empty(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Raise UsageError where an argument is empty, so that it never counts as not given or as the working folder."""
    for action in parser._actions:
        given = getattr(args, action.dest, None)
        values = given if isinstance(given, list) else [given]
        if any(isinstance(value, str) and not value.strip() for value in values):
            name = action.option_strings[-1] if action.option_strings else action.metavar
            raise UsageError(f"{name} is empty; give it a value, or look whether a variable of the shell is unset")


def _usage(parser: argparse.ArgumentParser) -> str:
    """What a command cannot do without; the options are listed below it anyway."""
    words = [parser.prog, "[options]"]
    for action in parser._actions:
        name = action.metavar or "|".join(map(str, action.choices or ()))
        if not action.option_strings:
            words.append({None: f"{name}", "?": f"[{name}]", "*": f"[{name} ...]"}[action.nargs])  # type: ignore[index]
        elif action.required:
            words.append(f"{action.option_strings[0]} {name}")
    return " ".join(words)


def _describe_os_error(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{place}no space left on the disk; free some and run again"
    if error.errno in (errno.EDQUOT, errno.EFBIG):
        return f"{place}no space left within the limit of this account or disk; free some and run again"
    if error.errno == errno.ENOENT:
        return f"{place}no such file or folder; check the path"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"{place}a file is where a folder is needed; choose another path"
    if error.errno == errno.EISDIR:
        return f"{place}a folder is where a file is needed; choose another path"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{place}permission denied; choose a folder you can write to"
    return f"{place}{error.strerror or error}"


def _report(message: str, code: int) -> int:
    """Print the error being handled as one line, after its traceback where ``HF_DEBUG`` is set."""
    if os.environ.get("HF_DEBUG"):
        print(mask_secrets(traceback.format_exc()), file=sys.stderr)
    label = "error: " if code in (1, 2) else ""
    print(f"distrust-hub: {label}{printable(redact(message))}", file=sys.stderr)
    return code


def _meant(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` where something known is spelled like it."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _listing(entries: Mapping[str, str]) -> str:
    """Two columns that fit the terminal."""
    width = max(map(len, entries))
    room = max(shutil.get_terminal_size().columns - 2, width + 24)
    lines = (
        textwrap.fill(f"  {name:<{width}}  {text}", room, subsequent_indent=" " * (width + 4), break_on_hyphens=False)
        for name, text in entries.items()
    )
    return "\n".join(lines)


def _top_level_parser() -> argparse.ArgumentParser:
    steps = "\n".join(f"  distrust-hub {step}\n      {text}" for step, text in FIRST_STEPS.items())
    parser = _Parser(
        prog="distrust-hub",
        description="Lean a language model on primary sources, and measure whether it does.",
        epilog=f"commands:\n{_listing(COMMANDS)}\n\ntry first:\n{steps}\n\n"
        "Options of a command: distrust-hub COMMAND --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="distrust-hub COMMAND [options]",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"distrust-hub {__version__}")
    parser.add_argument(
        "--print-completion", choices=SHELLS, action=_PrintCompletion, help="print the completion script of a shell"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
