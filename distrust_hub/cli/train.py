"""Train a LoRA adapter that leans on primary sources, and publish it if asked to."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import TrainingRun
from distrust_hub.cli.options import (
    add_config_arguments,
    add_format_argument,
    add_push_arguments,
    add_yaml_argument,
    config_from_args,
)
from distrust_hub.cli.output import next_steps, note, print_json, print_table
from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError
from distrust_hub.schema import TIERS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser, TrainConfig)
    parser.add_argument("--estimate", action="store_true", help="print the estimated peak memory and stop")
    parser.add_argument("--push", metavar="REPO_ID", help="publish the adapter; checked before training starts")
    add_push_arguments(parser)
    add_yaml_argument(parser)
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    config = config_from_args(TrainConfig, args)
    if args.estimate:
        return _estimate(config, args.format)
    _check_push(config, args)
    from distrust_hub.training.trainer import train

    result = train(config)
    if args.format == "table":
        _print_run(result)
    pushed = _push(config, args) if args.push else None
    if args.format == "json":
        print_json(result.to_json() if pushed is None else {**result.to_json(), "push": pushed})
    adapter = config.adapter_path
    steps = [
        f'distrust-hub chat --model {config.model} --adapter-path {adapter} --prompt "What is a primary source?"',
        f"distrust-hub evaluate --model {config.model} --adapter-path {adapter} --suite source-preference "
        f"-o {adapter}/eval_results.json",
    ]
    next_steps(*steps, *([] if args.push else [f"distrust-hub push {adapter} YOU/my-adapter"]))
    return 0


def _check_push(config: TrainConfig, args: argparse.Namespace) -> None:
    """Refuse in seconds what would fail after hours; creates nothing."""
    if not args.push:
        if args.dry_run:
            raise ConfigError("dry_run is set without push; give --push REPO_ID")
        return
    from distrust_hub.hub.client import check_can_write
    from distrust_hub.models.resolve import resolve_base

    check_can_write(args.push, revision=args.revision, create_pr=args.create_pr)
    base = resolve_base(config.model, base_model_id=config.base_model_id, trust_remote_code=config.trust_remote_code)
    if base.id is None:
        raise ConfigError(
            f"{config.model}: the Hub id of this base is unknown, so nobody could load a published adapter; "
            "give it with --base-model-id OWNER/NAME"
        )


def _push(config: TrainConfig, args: argparse.Namespace) -> dict[str, Any]:
    from distrust_hub.cards.render import write_card
    from distrust_hub.hub.adapters import push_adapter

    folder = Path(config.adapter_path).expanduser()
    write_card(folder, replace=args.replace_card, repo_id=args.push)
    result = push_adapter(
        folder,
        args.push,
        private=args.private,
        revision=args.revision,
        create_pr=args.create_pr,
        commit_message=args.commit_message,
        replace_card=args.replace_card,
        dry_run=args.dry_run,
    )
    if args.dry_run:
        if args.format == "table":
            print("\n".join(["", *result.files, "", result.card]))
        note(f"dry run: nothing was written to {result.url}")
    else:
        note(f"published {len(result.files)} files to {result.url}, commit {result.sha}")
    return {"url": result.url, "sha": result.sha, "files": list(result.files), "dry_run": args.dry_run}


def _print_run(result: TrainingRun) -> None:
    by_tier = result.weights["by_tier"]
    columns = ("rows", "tokens", "mean_authority_weight", "mean_provenance_entropy", "mean_weight")
    if by_tier:
        headers = ["tier", "rows", "tokens", "authority weight", "provenance entropy (bits)", "training weight"]
        print_table(headers, [[tier, *(by_tier[tier][c] for c in columns)] for tier in TIERS if tier in by_tier])
        print()
    loss, performance, steps = result.loss, result.performance, result.steps
    rows = [
        ["training loss (nats/token)", loss["train_first"], loss["train_last"]],
        ["held-out loss (nats/token)", loss["valid_before"], loss["valid_after"]],
    ]
    print_table(["", "first", "last"], rows)
    print()
    print(
        f"{steps['total']} steps ({steps['skipped']} skipped), {performance['trained_tokens']:,} tokens at "
        f"{performance['tokens_per_second'] or math.nan:.0f} a second, peak memory "
        f"{(performance['peak_memory_bytes'] or 0) / 1e9:.1f} GB, effective sample size {result.weights['ess']:.0%}"
    )


def _estimate(config: TrainConfig, form: str) -> int:
    from distrust_hub.training.estimate import estimate_peak

    estimate = estimate_peak(config)
    if form == "json":
        print_json(dataclasses.asdict(estimate))
        return 0
    fits = "fits" if estimate.peak_bytes < estimate.memory_bytes else "does not fit"
    peak, memory = estimate.peak_bytes / 1e9, estimate.memory_bytes / 1e9
    print(f"estimated peak memory {peak:.1f} GB; {fits} in the {memory:.1f} GB of this machine")
    if estimate.backend != "cpu":
        note(f"the estimate was fitted on a CPU; it is not measured on {estimate.backend}")
    return 0
