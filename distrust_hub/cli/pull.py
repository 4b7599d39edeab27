"""Download and verify a published adapter."""

from __future__ import annotations

import argparse

from distrust_hub.cli.options import add_format_argument
from distrust_hub.cli.output import next_steps, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("repo_id", metavar="REPO_ID", help="owner/name, or owner/name@revision")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit (default: main)")
    parser.add_argument("--local-dir", metavar="DIR", help="empty folder to put the adapter in (default: the cache)")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from distrust_hub.adapters.mlx_format import read_adapter_config
    from distrust_hub.adapters.pull import pull_adapter
    from distrust_hub.hub.client import split_revision

    repo_id, revision = split_revision(args.repo_id)
    folder = pull_adapter(repo_id, revision=args.revision or revision, local_dir=args.local_dir)
    base = read_adapter_config(folder).base_model
    if args.format == "json":
        print_json({"path": str(folder), "base_model": base})
    else:
        print(folder)
    next_steps(f"distrust-hub chat --model {base or 'BASE_MODEL'} --adapter-path {folder}")
    return 0
