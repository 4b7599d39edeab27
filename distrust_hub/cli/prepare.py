"""Make a documented training folder: train.jsonl, valid.jsonl, manifest.json."""

from __future__ import annotations

import argparse
from typing import Any

from distrust_hub.cli.options import add_config_arguments, add_format_argument
from distrust_hub.cli.output import command, next_steps, note, print_json, print_table
from distrust_hub.config import PrepareConfig
from distrust_hub.errors import UsageError
from distrust_hub.models.registry import DEFAULT_MODEL
from distrust_hub.schema import TIERS

_GROUPS = {
    "seed": "split",
    "min_words": "documents",
    "personal_data": "cleaning",
    "near_duplicates": "copies",
    "pairs": "pairs and shares",
    "on_error": "reading",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="*", metavar="IN", help="scored or plain files, folders, Hub datasets")
    parser.add_argument("-o", "--output", metavar="DIR", help="training folder to write")
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help="inputs and options from a recipe: 'default' (public Hub datasets), 'sample' or a YAML file",
    )
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="DATA",
        help="evaluation data whose texts must not be in the result; may be given several times",
    )
    parser.add_argument("--strict", action="store_true", help="stop where a Hub dataset cannot be read")
    parser.add_argument("--inspect", action="store_true", help="describe the inputs and write nothing")
    parser.add_argument("--check-sources", action="store_true", help="look up every dataset of the registry on the Hub")
    parser.add_argument("--overwrite", action="store_true", help="replace a training folder that is already there")
    add_config_arguments(parser, PrepareConfig, _GROUPS)
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from distrust_hub.preparation.recipe import resolve_recipe

    if args.check_sources:
        return _check_sources(args)
    given = {key: value for key, value in vars(args).items() if key in PrepareConfig.__dataclass_fields__}
    recipe = resolve_recipe(args.recipe, args.inputs, given, args.against)
    if args.inspect:
        return _inspect(args, recipe)
    if not args.output:
        raise UsageError("-o DIR is missing; name the folder to write, or use --inspect")
    return _prepare(args, recipe)


def _prepare(args: argparse.Namespace, recipe: Any) -> int:
    from distrust_hub.preparation.export import prepare

    manifest = prepare(
        recipe.inputs,
        args.output,
        recipe.config,
        overwrite=args.overwrite,
        against=recipe.against,
        strict=args.strict,
    )
    if args.format == "json":
        print_json(manifest.to_json())
    else:
        rows = [
            [name, split["rows"], *(split["tiers"].get(tier, 0) for tier in TIERS)]
            for name, split in manifest.splits.items()
        ]
        print_table(["split", "rows", *TIERS], rows)
        _note_account(manifest)
    next_steps(command("train", "--model", DEFAULT_MODEL, "--data", args.output, "--adapter-path", "adapters"))
    return 0


def _note_account(manifest: Any) -> None:
    removed = ", ".join(f"{count} {reason}" for reason, count in manifest.counts["removed"].items()) or "none"
    note(f"{manifest.counts['in']} rows in, {manifest.counts['kept']} kept; removed: {removed}")
    if manifest.changed:
        note("changed: " + ", ".join(f"{count} {what}" for what, count in manifest.changed.items()))
    for name, entry in manifest.contamination.items():
        if entry["documents_removed"]:
            note(
                f"{name}: {entry['documents_removed']} rows held text of {entry['items_hit']} of {entry['items']} items"
            )
    for failure in manifest.failed:
        note(f"not read: {failure['name']}: {failure['problem']}")


def _inspect(args: argparse.Namespace, recipe: Any) -> int:
    from distrust_hub.preparation.inspect import inspect_inputs

    report = inspect_inputs(recipe.inputs, recipe.config, against=recipe.against, strict=args.strict)
    if args.format == "json":
        print_json(report)
        return 0
    for title, headers, rows in report_tables(report):
        print(f"\n{title}")
        print_table(headers, rows)
    return 0


def _check_sources(args: argparse.Namespace) -> int:
    """0 if every source can be read, 1 if one cannot."""
    from distrust_hub.preparation.sources import check_sources

    checks = check_sources()
    if args.format == "json":
        print_json(
            [
                {"name": c.source.name, "hub_id": c.source.hub_id, "revision": c.revision, "problem": c.problem}
                for c in checks
            ]
        )
    else:
        rows = [[c.source.name, c.source.hub_id, c.source.tier, c.problem or "ok"] for c in checks]
        print_table(["source", "Hub dataset", "tier", "state"], rows)
    failed = sum(check.problem is not None for check in checks)
    note(f"{len(checks) - failed} of {len(checks)} sources can be read as described")
    return 1 if failed else 0


def report_tables(report: dict[str, Any]) -> list[tuple[str, list[str], list[list[Any]]]]:
    """The inspection report as (title, headers, rows)."""
    from distrust_hub.preparation.cleaning import REASONS

    inputs = [[one["name"], one["rows"], one["bad_rows"], one["kept"], one["scored_here"]] for one in report["inputs"]]
    removed = [[reason, rows, REASONS[reason]] for reason, rows in report["removed"].items()]
    account = [
        ["in", report["in"], "rows read, and pieces of long ones"],
        *[["removed: " + reason, -rows, because] for reason, rows, because in removed],
        ["train", report["splits"]["train"], "rows to train on"],
        ["valid", report["splits"]["valid"], "rows held out, to measure with"],
    ]
    columns = [
        [name, entry["rows"], entry["share"], "/".join(entry["types"]), entry["scoring"], entry["example"]]
        for name, entry in report["columns"].items()
    ]
    tables = [
        ("inputs", ["input", "rows", "unreadable", "kept", "scored now"], inputs),
        ("what becomes of them", ["", "rows", "which"], account),
        ("columns of the kept rows", ["column", "rows", "share", "type", "scoring", "example"], columns),
    ]
    for name in ("tiers", "source_types", "licenses", "languages", "changed"):
        if report[name]:
            rows = [[key, count] for key, count in report[name].items()]
            tables.append((name.replace("_", " "), [name.rstrip("s"), "rows"], rows))
    compared = [
        [name, entry["items"], entry["items_hit"], entry["documents_removed"]]
        for name, entry in report["contamination"].items()
    ]
    tables.append(("copies of evaluation data", ["compared with", "items", "items met", "rows removed"], compared))
    measured = [*report["scores"].items(), ("ocr_quality", report["ocr_quality"])]
    scores = [[axis, *entry.values()] for axis, entry in measured if entry]
    tables.append(("scores", ["axis", "min", "10 %", "median", "90 %", "max"], scores))
    for axis, bins in report["histograms"].items():
        most = max([count for _, _, count in bins] or [0]) or 1
        bars = [[f"{low:.2f} to {high:.2f}", count, "#" * round(30 * count / most)] for low, high, count in bins]
        tables.append((axis, ["range", "rows", ""], bars))
    extremes = [
        [e["end"], e["authority_weight"], e["provenance_entropy"], e["ocr_quality"], e["text"]]
        for e in report["extremes"]
    ]
    headers = ["end", "authority_weight", "provenance_entropy", "ocr_quality", "text"]
    tables.append(("at the extremes", headers, extremes))
    tables.append(("may the texts be published?", ["answer", "why", "rows"], _publishing_rows(report["publishing"])))
    failed = [[failure["name"], failure["problem"]] for failure in report["failed"]]
    return [*tables, *([("not read", ["input", "problem"], failed)] if failed else [])]


def _publishing_rows(publishing: dict[str, Any]) -> list[list[Any]]:
    """(answer, why, rows) for each licence that does not allow it, and for the conditions of those that do."""
    classes = dict(publishing["classes"])
    rows = [["no", f"licence is {name}", count] for name, count in publishing["problems"].items()]
    for condition in publishing["conditions"]:
        rows.append(["with a condition", condition, classes.pop(condition.partition(":")[0], None)])
    if classes.get("public"):
        rows.append(["yes", "their licences set no condition", classes["public"]])
    return rows
