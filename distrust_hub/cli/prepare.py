"""Make a documented training folder: train.jsonl, valid.jsonl, manifest.json."""

from __future__ import annotations

import argparse

from distrust_hub.cli.options import add_config_arguments, add_format_argument
from distrust_hub.cli.output import next_steps, note, print_json, print_table
from distrust_hub.config import PrepareConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="*", metavar="IN", help="scored or plain files, folders, Hub datasets")
    parser.add_argument("-o", "--output", metavar="DIR", help="training folder to write")
    parser.add_argument(
        "--recipe", metavar="NAME|FILE", help="inputs and options from a recipe: 'sample' or a YAML file"
    )
    parser.add_argument("--inspect", action="store_true", help="describe the inputs and write nothing")
    parser.add_argument("--overwrite", action="store_true", help="replace a training folder that is already there")
    add_config_arguments(parser, PrepareConfig)
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from distrust_hub.preparation.export import prepare
    from distrust_hub.preparation.inspect import inspect_inputs
    from distrust_hub.preparation.recipe import resolve_recipe

    given = {key: value for key, value in vars(args).items() if key in PrepareConfig.__dataclass_fields__}
    inputs, config = resolve_recipe(args.recipe, args.inputs, given)
    if args.inspect:
        report = inspect_inputs(inputs, config)
        if args.format == "json":
            print_json(report)
        else:
            for title, headers, rows in report_tables(report):
                print(f"\n{title}")
                print_table(headers, rows)
        return 0
    if not args.output:
        note("distrust-hub prepare: error: -o DIR is missing; name the folder to write, or use --inspect")
        return 2
    manifest = prepare(inputs, args.output, config, overwrite=args.overwrite)
    if args.format == "json":
        print_json(manifest.to_json())
    else:
        rows = [
            [name, split["rows"], *(split["tiers"].get(tier, 0) for tier in ("primary", "medium", "coordinated"))]
            for name, split in manifest.splits.items()
        ]
        print_table(["split", "rows", "primary", "medium", "coordinated"], rows)
        removed = ", ".join(f"{count} {reason}" for reason, count in manifest.counts["removed"].items()) or "none"
        note(f"{manifest.counts['in']} rows in, {manifest.counts['kept']} kept; removed: {removed}")
    next_steps(f"distrust-hub train --model MODEL --data {args.output} --adapter-path adapters")
    return 0


def report_tables(report: dict) -> list[tuple[str, list[str], list[list]]]:
    """The inspection report as (title, headers, rows)."""
    columns = [[name, entry["rows"], entry["share"], entry["example"]] for name, entry in report["columns"].items()]
    tables = [("columns", ["column", "rows", "share", "example"], columns)]
    for name in ("tiers", "source_types", "licenses", "removed"):
        if report[name]:
            rows = [[key, count] for key, count in report[name].items()]
            tables.append((name.replace("_", " "), [name.rstrip("s"), "rows"], rows))
    scores = [[axis, *entry.values()] for axis, entry in report["scores"].items()]
    tables.append(("scores", ["axis", "min", "10 %", "median", "90 %", "max"], scores))
    extremes = [[e["end"], e["authority_weight"], e["provenance_entropy"], e["text"]] for e in report["extremes"]]
    tables.append(("at the extremes", ["end", "authority_weight", "provenance_entropy", "text"], extremes))
    return tables
