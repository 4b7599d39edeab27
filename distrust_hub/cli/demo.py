"""Run the whole path on a small real model: score, prepare, train, evaluate, card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrust_hub.cli.options import add_format_argument, seed_int
from distrust_hub.cli.output import command, next_steps, note, print_json, print_table
from distrust_hub.schema import TIERS

if TYPE_CHECKING:
    from distrust_hub.demo import DemoResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", default="demo-out", metavar="DIR", help="folder to write (default: demo-out)")
    parser.add_argument("--model", metavar="M", help="base model (default: the small model that comes with the demo)")
    parser.add_argument("--seed", metavar="N", type=seed_int, default=0, help="seed of everything (default: 0)")
    parser.add_argument("--compare", action="store_true", help="also train the controls none and literal")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier demo in the folder")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> None:
    from distrust_hub.demo import run_demo

    result = run_demo(
        args.output, model=args.model, seed=args.seed, compare=args.compare, overwrite=args.overwrite, announce=note
    )
    if args.format == "json":
        print_json(summary(result))
    else:
        print_summary(result)
    program = program_name()
    both = (*(["--model", args.model] if args.model else []), "--adapter-path", result.adapter)
    next_steps(
        command("chat", *both, "--prompt", "What is a primary source?", program=program),
        command("app", *both, program=program),
        command("push", result.adapter, "YOU/my-adapter", program=program),
    )


def program_name() -> str:
    """How to call this program again: by its path where it is in an environment below the current folder."""
    program = Path(sys.argv[0]).absolute()
    if program.is_file() and program.is_relative_to(Path.cwd()):
        return str(program.relative_to(Path.cwd()))
    return "distrust-hub"


def summary(result: DemoResult) -> dict[str, Any]:
    """What the tables say, as JSON."""
    return {
        "adapter": str(result.adapter),
        "tiers": result.run.weights["by_tier"],
        "effective_sample_size": result.run.weights["ess"],
        "loss": result.run.loss,
        "source_preference": result.report.suites["source-preference"]["metrics"]["trained_delta_nats"],
        "trained_tokens": result.run.performance["trained_tokens"],
        "adapters_sha256": result.arms,
        "seconds": result.seconds,
    }


def print_summary(result: DemoResult) -> None:
    """The short table at the end."""
    found = summary(result)
    columns = ("rows", "mean_authority_weight", "mean_provenance_entropy", "mean_weight")
    rows = [[tier, *(found["tiers"][tier][column] for column in columns)] for tier in TIERS if tier in found["tiers"]]
    print_table(["tier", "rows", "authority weight", "provenance entropy (bits)", "training weight"], rows)
    preference = found["source_preference"]
    difference = preference["difference"]
    low, high = difference["ci95"]
    print()
    print_table(
        ["measure", "before", "after", "difference", "95 % interval", "n", ""],
        [
            ["held-out loss (nats/token)", *_change(found["loss"]["valid_before"], found["loss"]["valid_after"])],
            [
                "source preference (nats)",
                preference["base"],
                preference["value"],
                difference["value"],
                f"{low:.3f} to {high:.3f}",
                difference["n"],
                difference["verdict"],
            ],
        ],
    )
    print()
    print(f"effective sample size {found['effective_sample_size']:.0%}, {found['trained_tokens']:,.0f} trained tokens")
    if len(result.arms) > 1:
        print()
        print_table(["arm", "adapter SHA-256"], [[arm, sha256] for arm, sha256 in result.arms.items()])
        same = result.arms["none"] == result.arms["literal"]
        print(f"literal (the published term, added) {'equals' if same else 'DIFFERS FROM'} plain LoRA, byte for byte")
    took = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in result.seconds.items())
    note(f"took {sum(result.seconds.values()):.0f} s: {took}")


def _change(before: float | None, after: float | None) -> list[Any]:
    if before is None or after is None:
        return ["not measured", "not measured", None, None, None, ""]
    return [before, after, after - before, None, None, ""]
