"""Write or check the README.md of an adapter or training folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from distrust_hub.cli.output import next_steps, note


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="adapter folder, or training folder of scored rows")
    parser.add_argument("--check", action="store_true", help="only check the card that is there; exit 1 on a problem")
    parser.add_argument("--replace", action="store_true", help="overwrite a card that was edited by hand")


def run(args: argparse.Namespace) -> int:
    from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, CARD_FILE, TRAIN_FILE
    from distrust_hub.cards.data import collect
    from distrust_hub.cards.dataset import collect_dataset, is_training_folder
    from distrust_hub.cards.render import check_card, read_card, write_card
    from distrust_hub.errors import InputNotFoundError

    folder = Path(args.folder)
    if folder.is_dir() and not any((folder / name).is_file() for name in (ADAPTER_CONFIG_FILE, TRAIN_FILE)):
        raise InputNotFoundError(
            f"{folder}: holds neither {ADAPTER_CONFIG_FILE} nor {TRAIN_FILE}; give an adapter or training folder"
        )
    card = collect_dataset(args.folder)[0] if is_training_folder(args.folder) else collect(args.folder)
    path = Path(args.folder) / CARD_FILE
    if args.check and not path.is_file():
        raise InputNotFoundError(f"{path}: no such file; write it with: distrust-hub card {args.folder}")
    if not args.check:
        path = write_card(args.folder, replace=args.replace)
        print(path)
    problems = check_card(read_card(path), card)
    for problem in problems:
        note(f"{path}: {problem}")
    if args.check:
        note("no problems" if not problems else f"{len(problems)} problems")
        return 1 if problems else 0
    next_steps(f"distrust-hub push {args.folder} OWNER/NAME")
    return 0
