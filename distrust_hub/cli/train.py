"""Train a LoRA adapter that leans on primary sources, and publish it if asked to."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrust_hub.artifacts import TrainingRun
from distrust_hub.cli.options import (
    add_config_arguments,
    add_format_argument,
    add_push_arguments,
    add_yaml_argument,
    config_from_args,
)
from distrust_hub.cli.output import command, next_steps, note, print_json, print_table
from distrust_hub.config import TrainConfig, read_yaml_options
from distrust_hub.errors import ConfigError, DistrustHubError, UsageError
from distrust_hub.hardware.saved import saved_options
from distrust_hub.schema import TIERS

if TYPE_CHECKING:
    from distrust_hub.training.snapshots import OnSave


_GROUPS = {
    "model": "what to train, on what (model and data are needed)",
    "objective": "objective",
    "iters": "length and batches",
    "num_layers": "adapter",
    "optimizer": "optimizer",
    "max_seq_length": "sequences",
    "val_batches": "held-out loss",
    "save_every": "checkpoints",
    "grad_checkpoint": "memory",
    "resume": "going on, or starting anew",
    "report_to": "other",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser, TrainConfig, _GROUPS)
    parser.add_argument("--estimate", action="store_true", help="print the estimated peak memory and stop")
    parser.add_argument("--no-profile", action="store_true", help="ignore the settings that setup --save kept")
    publishing = parser.add_argument_group("publishing")
    publishing.add_argument("--push", metavar="REPO_ID", help="publish the adapter; checked before training starts")
    publishing.add_argument(
        "--push-strategy",
        choices=("end", "every_save", "checkpoint"),
        default="end",
        help="publish after training, also at every save, or at every save with the checkpoint (default: end)",
    )
    add_push_arguments(publishing)
    add_yaml_argument(parser)
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    defaults = {} if args.no_profile else _saved_options(args)
    if args.estimate:  # reads no data
        defaults["data"] = "-"
    config = config_from_args(TrainConfig, args, defaults)
    if args.estimate:
        return _estimate(config, args.format)
    from distrust_hub.training.ranks import find_ranks

    ranks = find_ranks()
    if not ranks.passes_on_first(lambda: _check_push(config, args)):
        return 0  # rank 0 says why; a failure here could make mlx.launch end it before it has
    from distrust_hub.cards.render import write_card
    from distrust_hub.training.trainer import train

    if not ranks.first:  # one of several processes; the first one speaks
        logging.getLogger("distrust_hub").setLevel(logging.ERROR)
        train(config)
        return 0
    logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)  # long texts are split
    if not sys.stderr.isatty() and not config.quiet:  # no bar is shown there
        logging.getLogger("distrust_hub.training").setLevel(logging.INFO)
    with _publisher(config, args) as publisher:
        result = train(config, on_save=publisher)
    write_card(Path(config.adapter_path).expanduser(), replace=args.replace_card, repo_id=args.push)
    if args.format == "table" and not config.quiet:
        _print_run(result)
    pushed = _push_or_say_how(config, args) if args.push else None
    if args.format == "json":
        print_json(result.to_json() if pushed is None else {**result.to_json(), "push": pushed})
    if not config.quiet:
        _say_next(config, published=pushed is not None)
    return 0


def _say_next(config: TrainConfig, *, published: bool) -> None:
    both = ("--model", config.model, "--adapter-path", config.adapter_path)
    results = f"{config.adapter_path}/eval_results.json"
    steps = [
        command("chat", *both, "--prompt", "What is a primary source?"),
        command("evaluate", *both, "--suite", "source-preference", "-o", results),
    ]
    next_steps(*steps, *([] if published else [command("push", config.adapter_path, "YOU/my-adapter")]))


def _saved_options(args: argparse.Namespace) -> dict[str, Any]:
    """This machine's saved profile, unless another base model is asked for."""
    model = getattr(args, "model", None) or (read_yaml_options(args.config).get("model") if args.config else None)
    return saved_options(model)


def _check_push(config: TrainConfig, args: argparse.Namespace) -> None:
    """Refuse in seconds what would fail after hours; creates nothing."""
    if not args.push:
        for name in ("dry_run", "private", "create_pr", "revision", "commit_message"):
            if getattr(args, name):
                raise UsageError(f"--{name.replace('_', '-')} is set without --push; give --push REPO_ID")
        if args.push_strategy != "end":
            raise UsageError(f"--push-strategy is {args.push_strategy} without --push; give --push REPO_ID")
        return
    if args.push_strategy != "end" and (args.create_pr or args.dry_run):
        raise UsageError(
            f"--push-strategy {args.push_strategy} commits during training; not with --create-pr or --dry-run"
        )
    from distrust_hub.cards.licenses import license_problems
    from distrust_hub.hub.client import check_can_write
    from distrust_hub.models.resolve import resolve_base

    where = {"revision": args.revision, "create_pr": args.create_pr, "private": args.private}
    check_can_write(args.push, **where, dry_run=args.dry_run)
    base = resolve_base(config.model, base_model_id=config.base_model_id, trust_remote_code=config.trust_remote_code)
    if base.id is None:
        raise ConfigError(
            f"{config.model}: the Hub id of this base is unknown, so nobody could load a published adapter; "
            "give it with --base-model-id OWNER/NAME"
        )
    if problems := license_problems(base.license, args.push):
        raise ConfigError(problems[0])


def _publisher(config: TrainConfig, args: argparse.Namespace) -> contextlib.AbstractContextManager[OnSave | None]:
    """What publishes the run while it goes on."""
    if args.push_strategy == "end":
        return contextlib.nullcontext()
    from distrust_hub.hub.background import BackgroundPush

    names = ("private", "revision", "replace_card", "commit_message")
    options = {name: getattr(args, name) for name in names}
    checkpoint = args.push_strategy == "checkpoint"
    return BackgroundPush(Path(config.adapter_path).expanduser(), args.push, checkpoint=checkpoint, **options)


def _push_or_say_how(config: TrainConfig, args: argparse.Namespace) -> dict[str, Any]:
    """Publish; where that fails, nothing is lost and nothing need be trained again."""
    try:
        return _push(config, args)
    except (DistrustHubError, OSError):
        options = [
            f"--{name.replace('_', '-')}" for name in ("private", "create_pr", "replace_card") if getattr(args, name)
        ]
        for name in ("revision", "commit_message"):
            if value := getattr(args, name):
                options += [f"--{name.replace('_', '-')}", value]
        again = command("push", config.adapter_path, args.push, *options)
        note(f"the adapter is finished and was not published; once the error below is mended, publish it with: {again}")
        raise


def _push(config: TrainConfig, args: argparse.Namespace) -> dict[str, Any]:
    from distrust_hub.hub.adapters import push_adapter

    result = push_adapter(
        Path(config.adapter_path).expanduser(),
        args.push,
        private=args.private,
        revision=args.revision,
        create_pr=args.create_pr,
        commit_message=args.commit_message,
        replace_card=args.replace_card,
        dry_run=args.dry_run,
        checkpoint=args.push_strategy == "checkpoint",
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
    if estimate.peak_bytes is None:
        print("estimated peak memory: not measured")
        note("this model keeps states from token to token; what they take was not measured, so try a short run")
        return 0
    fits = "fits" if estimate.peak_bytes < estimate.limit_bytes else "does not fit"
    whose = "this machine" if estimate.limit_bytes == estimate.memory_bytes else "--max-memory-gb"
    peak, limit = estimate.peak_bytes / 1e9, estimate.limit_bytes / 1e9
    print(f"estimated peak memory {peak:.1f} GB; {fits} in the {limit:.1f} GB of {whose}")
    if estimate.backend != "cpu":
        note(f"the estimate was fitted on a CPU; it is not measured on {estimate.backend}")
    if not estimate.fitted:
        note("the estimate was fitted to dense models with attention; for experts or convolutions it is a guess")
    return 0
