"""List base models and settings that are estimated to fit a machine."""

from __future__ import annotations

import argparse

from distrust_hub.cli.options import add_format_argument
from distrust_hub.cli.output import next_steps, note, print_json, print_table
from distrust_hub.errors import ConfigError, UsageError
from distrust_hub.hardware.apple import apple_chip
from distrust_hub.hardware.detect import Machine, detect_machine, named_machine
from distrust_hub.hardware.recommend import Recommendation, recommend

_GIB = 1 << 30
"""What memory is sold in, as "GB"; the GB of everything that is printed or estimated are 10^9 bytes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``recommend``."""
    parser.add_argument(
        "--memory-gb", type=float, metavar="N", help="plan for this memory (unified, card, RAM), as sold"
    )
    parser.add_argument("--chip", metavar="NAME", help='plan for this chip, such as "Apple M3 Pro" or "RTX 4090"')
    add_format_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Print recommendations for this machine, or for one that is described."""
    machine = chosen_machine(args.chip, args.memory_gb)
    found = recommend(machine)
    if args.format == "json":
        print_json({"machine": machine.to_json(), "models": [entry.to_json() for entry in found]})
        return
    print_recommendations(found)
    note(f"estimated for {machine.chip}, {memory_words(machine.memory_bytes)}, {machine.backend} backend")
    if found:
        next_steps(found[0].command())


def chosen_machine(chip: str | None, memory_gb: float | None) -> Machine:
    """This machine, or the one described.

    Raises:
        ConfigError: If the memory is out of range or more than the chip has.
        UsageError: If a chip is named without it.
    """
    if memory_gb is not None and not 0 < memory_gb <= 1_000_000:
        raise ConfigError(f"--memory-gb is {memory_gb}; expected more than 0")
    if chip is None and memory_gb is None:
        return detect_machine()
    known = apple_chip(chip) if chip else None
    if memory_gb is None:
        most = f" (up to {known.memory_gb} GB)" if known else ""
        raise UsageError(f"--chip is {chip!r} without --memory-gb; give its memory too{most}")
    if known and memory_gb > known.memory_gb:
        raise ConfigError(f"--memory-gb is {memory_gb:g}, and an Apple {known.name} has at most {known.memory_gb} GB")
    return named_machine(chip or detect_machine().chip, int(memory_gb * _GIB))


def memory_words(memory_bytes: int) -> str:
    """The memory of a machine, with the number it is sold by: ``17.2 GB (16.0 GiB)``."""
    return f"{memory_bytes / 1e9:.1f} GB ({memory_bytes / _GIB:.1f} GiB)"


def print_recommendations(found: list[Recommendation]) -> None:
    """The table, or one line if nothing fits."""
    if not found:
        note("no known model is estimated to fit into this memory")
        return
    rows = [
        (
            entry.model.id,
            f"{entry.model.parameters / 1e9:.2f}",
            entry.model.license,
            entry.profile.precision,
            entry.profile.batch_size,
            entry.profile.max_seq_length,
            entry.profile.num_layers,
            f"{entry.estimated_bytes / 1e9:.1f}",
            ", ".join(entry.notes) or None,
        )
        for entry in found
    ]
    print_table(("model", "billions", "licence", "weights", "batch", "length", "layers", "est. GB", "note"), rows)
