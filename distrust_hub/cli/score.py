"""Score text, files, folders or Hub datasets for authority weight and provenance entropy, with evidence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distrust_hub.cli.options import add_format_argument, add_rights_arguments, positive_int, rights_given
from distrust_hub.cli.output import command, next_steps, note, print_json, print_table
from distrust_hub.errors import UsageError

SHOWN = 6  # contributions to each score, unless --evidence asks for all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``distrust-hub score``."""
    parser.add_argument("source", nargs="?", metavar="IN", help="file, folder, glob, - or Hub dataset id")
    parser.add_argument("-o", "--output", metavar="OUT", help=".jsonl or .parquet file; - writes rows to stdout")
    parser.add_argument("--text", metavar="TEXT", help="score this piece of text and print it")
    parser.add_argument("--text-column", default="text", metavar="C", help="column that holds the text (default: text)")
    parser.add_argument("--split", default="train", metavar="S", help="split of a Hub dataset (default: train)")
    parser.add_argument("--config", metavar="NAME", help="configuration of a Hub dataset")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="look at the first N rows")
    parser.add_argument("--workers", type=positive_int, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument(
        "--on-error", choices=("stop", "skip"), default="stop", help="what a bad row does (default: stop)"
    )
    parser.add_argument("--evidence", action="store_true", help="write what moved each score")
    parser.add_argument(
        "--prior-share", type=float, default=0.7, metavar="X", help="share of a stated source type (default: 0.7)"
    )
    publishing = parser.add_argument_group("publishing")
    publishing.add_argument("--push", metavar="REPO_ID", help="publish the scored file as a Hub dataset")
    publishing.add_argument(
        "--private", action="store_true", help="make the repo of --push private if it is created; refuse a public one"
    )
    add_rights_arguments(publishing)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--overwrite", action="store_true", help="replace an output that is there")
    group.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int | None:
    """Score what was asked for."""
    if (args.text is None) == (args.source is None):
        raise UsageError("give either IN or --text TEXT")
    if args.push and (args.text is not None or args.output in (None, "-")):
        raise UsageError("--push publishes a scored file; give IN and -o FILE")
    if (args.private or rights_given(args)) and not args.push:
        names = "--private, --scores-only, --personal-data and --i-have-rights"
        raise UsageError(f"{names} are about what --push publishes; add --push REPO_ID")
    if args.text is not None:
        reads_rows = args.limit or args.config or (args.split, args.text_column) != ("train", "text")
        if reads_rows or args.output or args.workers > 1 or args.overwrite or args.resume or args.on_error == "skip":
            raise UsageError("--text prints one score; -o, --limit, --split and the like are about IN")
        return _score_text(args)
    if args.output is None:
        raise UsageError("no output; give -o FILE (.jsonl or .parquet), or -o - for standard output")
    if args.output == "-":
        if args.on_error == "skip" or args.overwrite or args.resume:
            raise UsageError("--on-error skip, --overwrite and --resume are about a file; give -o FILE")
        return _score_to_stdout(args)
    return _score_to_file(args)


def _score_text(args: argparse.Namespace) -> int | None:
    from distrust_hub.scoring.document import score_document

    score = score_document(args.text, prior_share=args.prior_share)
    if args.format == "json":
        print_json(score.to_dict())
        return None
    reads_like = f"{score.source_type} ({score.source_type_probability:.0%})" if score.source_type else None
    print_table(
        ["authority_weight", "provenance_entropy", "tier", "reads like", "year", "confidence"],
        [[score.authority_weight, score.provenance_entropy, score.tier, reads_like, score.year, score.confidence]],
    )
    left_out = 0
    for axis in ("authority_weight", "provenance_entropy"):
        lines = [e for e in score.evidence if e.axis == axis and abs(e.contribution) >= 0.0005]
        lines.sort(key=lambda line: -abs(line.contribution))
        shown = lines if args.evidence else lines[:SHOWN]
        left_out += len(lines) - len(shown)
        print()
        print_table(
            [axis, "component", "why", "matched"],
            [[f"{e.contribution:+.3f}", e.component, e.reason, e.text] for e in shown],
        )
    if left_out:
        note(f"{left_out} smaller contributions; --evidence shows all")
    return None


def _score_to_stdout(args: argparse.Namespace) -> int | None:
    from distrust_hub.scoring.bulk import iter_scored

    for line in iter_scored(args.source, **_options(args)):
        sys.stdout.write(line)
    return None


def _score_to_file(args: argparse.Namespace) -> int | None:
    from distrust_hub.scoring.bulk import score_dataset

    if args.push:
        from distrust_hub.hub.client import check_can_write

        check_can_write(args.push, "dataset", private=args.private)
    summary = score_dataset(
        args.source, args.output, overwrite=args.overwrite, resume=args.resume, on_error=args.on_error, **_options(args)
    )
    if args.format == "json":
        print_json(summary.to_dict())
    else:
        print_table(["tier", "documents", "mean authority weight", "mean provenance entropy"], _tier_rows(summary))
    if summary.resumed_rows:
        note(f"{summary.resumed_rows} rows kept from the run that was stopped")
    if summary.rejected_file:
        note(f"{summary.rows_rejected} of {summary.rows_read} rows rejected, see {summary.rejected_file}")
    note(f"wrote {summary.rows_scored} rows to {summary.output}")
    if args.push:
        from distrust_hub.hub.scored_datasets import push_scored

        published = push_scored(args.output, args.push, private=args.private, **rights_given(args))
        note(f"published {published.url}")
    next_steps(command("prepare", args.output, "-o", f"{Path(args.output).with_suffix('').name}-data"))
    return None


def _options(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "text_column": args.text_column,
        "limit": args.limit,
        "workers": args.workers,
        "evidence": args.evidence,
        "prior_share": args.prior_share,
        "split": args.split,
        "config": args.config,
    }


def _tier_rows(summary: Any) -> Iterator[list[Any]]:
    for tier, count in summary.tiers.items():
        yield [tier, count, summary.mean_authority_weight.get(tier), summary.mean_provenance_entropy.get(tier)]
