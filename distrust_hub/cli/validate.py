"""Run the probes and TruthfulQA on a model, or on adapters against their base."""

from __future__ import annotations

import argparse
from pathlib import Path

from distrust_hub.cli.evaluate import add_evaluation_arguments, run_suites

SUITES = ("probes", "truthfulqa")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options: those of ``evaluate`` without the choice of suites."""
    add_evaluation_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """``evaluate --suite probes,truthfulqa``, with a radar beside the output unless ``--plot`` names one."""
    if args.output and not args.plot:
        output = Path(args.output)
        is_folder = output.is_dir() or len(args.adapter_path) > 1
        args.plot = str((output if is_folder else output.parent) / "radar.svg")
    run_suites(args, list(SUITES))
