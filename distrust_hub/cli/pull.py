"""Download a published adapter, verified, or a scored dataset as a training folder."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from distrust_hub.artifacts import TRAIN_FILE
from distrust_hub.cli.options import add_format_argument
from distrust_hub.cli.output import command, next_steps, note, print_json
from distrust_hub.errors import HubError, HubNotFoundError, HubOfflineError, UsageError
from distrust_hub.files import iter_jsonl
from distrust_hub.models.registry import DEFAULT_MODEL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("repo_id", metavar="REPO_ID", help="owner/name, or owner/name@revision")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit (default: main)")
    parser.add_argument("--local-dir", metavar="DIR", help="empty folder to put it in (default: the cache)")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from distrust_hub.adapters.mlx_format import read_adapter_config
    from distrust_hub.adapters.pull import pull_adapter
    from distrust_hub.hub.client import split_revision

    repo_id, revision = split_revision(args.repo_id)
    if args.revision and revision:
        raise UsageError(f"{args.repo_id} and --revision {args.revision} both name a revision; give one")
    revision = args.revision or revision
    try:
        folder = pull_adapter(repo_id, revision=revision, local_dir=args.local_dir)
    except (HubNotFoundError, HubOfflineError) as error:
        return _pull_dataset(args, repo_id, revision, error)
    base = read_adapter_config(folder).base_model
    if args.format == "json":
        print_json({"path": str(folder), "base_model": base})
    else:
        print(folder)
    next_steps(command("chat", "--model", base or "BASE_MODEL", "--adapter-path", folder))
    return 0


def _pull_dataset(args: argparse.Namespace, repo_id: str, revision: str | None, no_model: HubError) -> int:
    """Put the dataset of that name where it was asked for; without one, say that there is no such model."""
    from distrust_hub.hub.rows import pull_training_folder

    try:
        folder, sha = pull_training_folder(repo_id, revision=revision)
    except (HubNotFoundError, HubOfflineError):
        raise no_model from None
    if args.local_dir:
        shutil.copytree(folder, args.local_dir, dirs_exist_ok=True, ignore=_not_rows)
        folder = Path(args.local_dir)
    if args.format == "json":
        print_json({"path": str(folder), "sha": sha})
    else:
        print(folder)
    _, first = next(iter_jsonl(folder / TRAIN_FILE), (0, {}))
    if "text_sha256" in first and "text" not in first:
        note("scores only: the texts are not in it, but their SHA-256 as text_sha256")
        return 0
    next_steps(command("train", "--model", DEFAULT_MODEL, "--data", folder, "--adapter-path", "adapters"))
    return 0


def _not_rows(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith((".jsonl", ".json"))]
