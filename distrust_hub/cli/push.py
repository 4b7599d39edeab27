"""Publish an adapter or a scored dataset in one Hub commit, with its card."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, ADAPTER_FILE, PEFT_ADAPTER_FILE
from distrust_hub.cli.options import add_format_argument, add_push_arguments, add_rights_arguments, rights_given
from distrust_hub.cli.output import command, next_steps, note, print_json
from distrust_hub.errors import UsageError
from distrust_hub.models.registry import DEFAULT_MODEL

if TYPE_CHECKING:
    from distrust_hub.hub.publish import PushResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="adapter folder, training folder, or a scored file")
    parser.add_argument("repo_id", metavar="REPO_ID", help="repo to publish to, as owner/name")
    add_push_arguments(parser)
    add_rights_arguments(parser)
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    folder = Path(args.folder)
    adapter = any((folder / name).is_file() for name in (ADAPTER_CONFIG_FILE, ADAPTER_FILE, PEFT_ADAPTER_FILE))
    result = _push(args, adapter)
    if args.format == "json":
        print_json(
            {
                "url": result.url,
                "sha": result.sha,
                "files": list(result.files),
                "kept_card": result.kept_card,
                "dry_run": args.dry_run,
            }
        )
    elif args.dry_run:
        print("\n".join([*result.files, "", result.card]))
    else:
        print(result.url)
    if result.kept_card:
        note("README.md on the Hub was edited by hand and is kept; overwrite it with --replace-card")
    if args.dry_run:
        note(f"dry run: nothing was written to {result.url}")
        return 0
    if result.unchanged:
        note(f"nothing to publish: the Hub holds the same files already, commit {result.sha}")
    else:
        note(f"published {len(result.files)} files, commit {result.sha}")
    if adapter:
        next_steps(command("pull", result.place))
    elif not args.scores_only:
        next_steps(command("train", "--model", DEFAULT_MODEL, "--data", result.place, "--adapter-path", "adapters"))
    return 0


def _push(args: argparse.Namespace, adapter: bool) -> PushResult:
    options = {
        "private": args.private,
        "revision": args.revision,
        "create_pr": args.create_pr,
        "commit_message": args.commit_message,
        "replace_card": args.replace_card,
        "dry_run": args.dry_run,
    }
    if adapter:
        if rights_given(args):
            names = "--scores-only, --i-have-rights and --personal-data"
            raise UsageError(f"{names} are for scored rows; {args.folder} holds an adapter")
        from distrust_hub.hub.adapters import push_adapter

        return push_adapter(args.folder, args.repo_id, **options)
    from distrust_hub.hub.scored_datasets import push_scored

    return push_scored(args.folder, args.repo_id, **options, **rights_given(args))
