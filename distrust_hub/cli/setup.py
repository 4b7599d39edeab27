"""Look at this machine and say what it can train."""

from __future__ import annotations

import argparse
from typing import Any

from distrust_hub.cli.options import add_format_argument
from distrust_hub.cli.output import next_steps, note, print_json, print_table
from distrust_hub.cli.recommend import memory_words, print_recommendations
from distrust_hub.errors import ConfigError
from distrust_hub.hardware.apple import apple_chip
from distrust_hub.hardware.detect import Machine, detect_machine
from distrust_hub.hardware.recommend import Recommendation, recommend
from distrust_hub.hardware.saved import save_profile, saved_options
from distrust_hub.models.mlx_support import mlx_problem

SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``setup``."""
    parser.add_argument("--save", action="store_true", help="keep the first settings, for train without --model")
    parser.add_argument("--no-profile", action="store_true", help="leave out what was saved before")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Print the machine, whether MLX can run, and the models that suit it best."""
    machine, problem = detect_machine(), mlx_problem()
    found = recommend(machine)[:SHOWN]
    if args.save:
        _save(found)
    saved = {} if args.no_profile else saved_options(None)
    if args.format == "json":
        models = [entry.to_json() for entry in found]
        print_json({"machine": machine.to_json(), "mlx": problem or "installed", "models": models, "profile": saved})
        return
    print_table(("what", "value"), _rows(machine, problem, saved))
    print()
    print_recommendations(found)
    note("settings are estimated; scoring, cards and publishing need no MLX")
    steps = [found[0].command()] if found and not problem else []
    keep = [] if args.save or not found else ["distrust-hub setup --save"]
    next_steps(*steps, *keep, "distrust-hub recommend", *([] if problem else ["distrust-hub demo"]))


def _save(found: list[Recommendation]) -> None:
    if not found:
        raise ConfigError("no known model is estimated to fit into this memory, so there is nothing to save")
    path = save_profile(found[0])
    note(f"saved to {path}; train without --model starts from these settings, --no-profile ignores them")


def _rows(machine: Machine, problem: str | None, saved: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("chip", machine.chip),
        ("memory", memory_words(machine.memory_bytes)),
        ("backend", machine.backend),
        ("MLX", problem or "installed"),
    ]
    chip = apple_chip(machine.chip)
    if chip and chip.bandwidth_gb_s:
        rows.insert(2, ("memory bandwidth", f"up to {chip.bandwidth_gb_s} GB/s"))
    if machine.gpu_cores:
        rows.insert(1, ("GPU cores", str(machine.gpu_cores)))
    if saved:
        rows.append(("saved profile", ", ".join(f"{name}: {value}" for name, value in saved.items())))
    return rows
