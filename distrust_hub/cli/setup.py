"""Look at this machine and say what it can train."""

from __future__ import annotations

import argparse

from distrust_hub.cli.options import add_format_argument
from distrust_hub.cli.output import next_steps, note, print_json, print_table
from distrust_hub.cli.recommend import GIB, print_recommendations
from distrust_hub.hardware.detect import detect_machine
from distrust_hub.hardware.recommend import recommend
from distrust_hub.models.mlx_support import mlx_problem

SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``setup``."""
    add_format_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Print the machine, whether MLX can run, and the models that suit it best."""
    machine, problem = detect_machine(), mlx_problem()
    found = recommend(machine)[:SHOWN]
    if args.format == "json":
        models = [entry.to_json() for entry in found]
        print_json({"machine": machine.to_json(), "mlx": problem or "installed", "models": models})
        return
    rows = [
        ("chip", machine.chip),
        ("memory", f"{machine.memory_bytes / GIB:.1f} GB"),
        ("backend", machine.backend),
        ("MLX", problem or "installed"),
    ]
    print_table(("what", "value"), rows)
    print_recommendations(found)
    note("settings are estimated; scoring, cards and publishing need no MLX")
    steps = [found[0].command()] if found and not problem else []
    next_steps(*steps, "distrust-hub recommend", "distrust-hub demo")
