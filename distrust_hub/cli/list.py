"""Find published adapters and scored datasets on the Hub."""

from __future__ import annotations

import argparse
import dataclasses

from distrust_hub.cli.options import add_format_argument
from distrust_hub.cli.output import note, print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--author", metavar="NAME", help="only what this user or organisation published")
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from distrust_hub.hub.adapters import list_published

    repos = list_published(args.author)
    if args.format == "json":
        print_json([dataclasses.asdict(repo) for repo in repos])
    elif repos:
        rows = [[repo.repo_id, repo.repo_type, repo.base_model, repo.downloads, repo.last_modified] for repo in repos]
        print_table(["repo", "type", "base model", "downloads", "last modified"], rows)
    else:
        note("nothing found")
    return 0
