"""Measure source preference, TruthfulQA, held-out loss and probes, for a base model or adapters against it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import EvalReport
from distrust_hub.cli.options import add_format_argument, positive_int, seed_int
from distrust_hub.cli.output import command, next_steps, note, print_json, print_table
from distrust_hub.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--suite", metavar="S[,S...]", help="suites to run; see --list")
    parser.add_argument("--list", action="store_true", help="list the suites and exit")
    add_evaluation_arguments(parser)


def add_evaluation_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that ``evaluate`` and ``validate`` share."""
    parser.add_argument("--model", metavar="M", help="base model: Hub id, local folder or .gguf file")
    parser.add_argument("--base-model-id", metavar="ID", help="Hub id of a base that is a local file or folder")
    parser.add_argument(
        "--adapter-path",
        action="append",
        default=[],
        metavar="A",
        help="adapter folder or Hub id, compared with its base on the same items; may be repeated",
    )
    parser.add_argument(
        "--against", metavar="A", help="adapter folder or Hub id, usually plain LoRA, to compare the adapters with too"
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="[SUITE=]PATH",
        help="data of the suite that takes it; may be repeated with SUITE=",
    )
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only the first N items; marked as partial")
    parser.add_argument(
        "--seed", metavar="N", type=seed_int, default=0, help="seed of generated items and intervals (default: 0)"
    )
    presets = ("qa", "chat", "qa-chat")
    parser.add_argument("--prompt", choices=presets, default="qa", help="how TruthfulQA is asked (default: qa)")
    parser.add_argument("--log-samples", action="store_true", help="write samples_SUITE.jsonl beside the output")
    parser.add_argument("--resume", action="store_true", help="keep finished suites and go on with an unfinished one")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="file to merge the suites into (a folder for several adapters)"
    )
    parser.add_argument("--plot", metavar="FILE", help="draw a radar of the metrics from 0 to 1 (.svg or .png)")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> None:
    """List the suites, or run them."""
    if args.list:
        _print_suites(args.format)
        return
    if not args.suite:
        raise UsageError("no suite given; add --suite NAME[,NAME...] (see --list)")
    run_suites(args, [name.strip() for name in args.suite.split(",") if name.strip()])


def run_suites(args: argparse.Namespace, suites: list[str]) -> list[EvalReport]:
    """Run suites with the options of ``add_evaluation_arguments`` and print the reports."""
    if not args.model:
        raise UsageError("no model given; add --model with a Hub id, a folder or a .gguf file")
    from distrust_hub.evaluation.radar import check_drawable, check_plot_path, write_radar
    from distrust_hub.evaluation.registry import find_benchmarks
    from distrust_hub.evaluation.runner import evaluate

    if args.plot:
        check_plot_path(args.plot)
        if not (args.output and Path(args.output).exists()):  # what is there may hold more suites
            check_drawable(metric for benchmark in find_benchmarks(suites) for metric in benchmark.metrics)
    try:
        reports = evaluate(
            args.model,
            suites,
            adapter_paths=_adapters(args.adapter_path),
            against=_adapters([args.against]) if args.against else None,
            data=_data(args.data),
            limit=args.limit,
            seed=args.seed,
            prompt=args.prompt,
            output=args.output,
            log_samples=args.log_samples,
            resume=args.resume,
            base_model_id=args.base_model_id,
        )
    except KeyboardInterrupt:
        if args.output:
            note("what was scored is kept; run again with --resume to go on")
        raise
    print_reports(reports, args.format)
    for warning in (
        line for report in reports for entry in report.suites.values() for line in entry.get("warnings", [])
    ):
        note(f"warning: {warning}")
    if args.plot:
        note(f"plot: {write_radar(reports, args.plot)}")
    if len(args.adapter_path) == 1 and args.output and Path(args.adapter_path[0]).is_dir():
        _next_card(args.adapter_path[0], args.output)
    return reports


def _next_card(adapter: str, output: str) -> None:
    """Propose the card where the results stand beside the adapter; else say where the card looks for them."""
    wanted = Path(adapter, EvalReport.FILE_NAME)
    if wanted.exists() and wanted.resolve() in (Path(output).resolve(), Path(output, wanted.name).resolve()):
        next_steps(command("card", adapter))
    else:
        note(f"the card of {adapter} reads {wanted}; give it with -o to have these results on it")


def print_reports(reports: list[EvalReport], form: str) -> None:
    """The reports on stdout: one JSON value (a list for several), or one table; several adapters stand side by side."""
    if form == "json":
        values = [report.to_json() for report in reports]
        print_json(values[0] if len(values) == 1 else values)
        return
    from distrust_hub.evaluation.report import (
        COMPARISON_HEADERS,
        TABLE_HEADERS,
        comparison_rows,
        side_by_side,
        table_rows,
    )

    first = reports[0]
    if len(reports) > 1:
        note(f"{first.model} with each of {len(reports)} adapters")
        print_table(*side_by_side(reports))
    else:
        note(f"{first.model}{f' with {first.adapter}' if first.adapter else ''}")
        print_table(TABLE_HEADERS, table_rows(first))
    if rows := [row for report in reports for row in comparison_rows(report)]:
        print()
        print_table(COMPARISON_HEADERS, rows)


def _print_suites(form: str) -> None:
    from distrust_hub.evaluation.registry import BENCHMARKS

    described: list[dict[str, Any]] = [
        {
            "suite": benchmark.name,
            "asks": benchmark.summary,
            "primary_metric": benchmark.primary_metric,
            "better": "higher" if benchmark.higher_is_better else "lower",
            "data": benchmark.source,
            "license": benchmark.license,
            "prompt": benchmark.prompting,
        }
        for benchmark in BENCHMARKS.values()
    ]
    if form == "json":
        print_json(described)
    else:
        print_table(list(described[0]), [list(row.values()) for row in described])


def _adapters(given: list[str]) -> dict[str, Path]:
    """Name to report and folder of each adapter; a Hub id is downloaded."""
    from distrust_hub.adapters.locate import locate_adapter

    named: dict[str, Path] = {}
    for entry in given:
        folder = Path(entry)
        name = folder.resolve().name if folder.is_dir() else entry
        if name in named:
            raise UsageError(f"two adapters are named {name!r}; rename one of the folders")
        named[name] = locate_adapter(entry)
    return named


def _data(given: list[str]) -> str | dict[str, str] | None:
    if not given:
        return None
    named = dict(entry.split("=", 1) for entry in given if "=" in entry and not Path(entry).exists())
    if len(named) == len(given):
        return named
    if len(given) == 1:
        return given[0]
    raise UsageError(f"--data is given {len(given)} times; then each must be SUITE=PATH, for suites that differ")
