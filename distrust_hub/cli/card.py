"""Write or check the README.md of an adapter or training folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from distrust_hub.cli.output import command, next_steps, note


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", metavar="DIR", help="adapter folder, or training folder of scored rows; with --check also a Hub id"
    )
    parser.add_argument("--check", action="store_true", help="only check the card that is there; exit 1 on a problem")
    parser.add_argument("--replace-card", action="store_true", help="overwrite a README.md edited by hand")


def run(args: argparse.Namespace) -> int:
    from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, CARD_FILE, TRAIN_FILE
    from distrust_hub.cards.check import check_card
    from distrust_hub.cards.data import collect
    from distrust_hub.cards.dataset import collect_dataset, is_training_folder
    from distrust_hub.cards.render import read_card, write_card
    from distrust_hub.errors import InputNotFoundError
    from distrust_hub.hub.client import is_repo_id, split_revision

    folder = Path(args.folder)
    if args.check and not folder.exists() and is_repo_id(split_revision(args.folder)[0]):
        return _report(args.folder, _check_repo(args.folder))
    if folder.is_dir() and not any((folder / name).is_file() for name in (ADAPTER_CONFIG_FILE, TRAIN_FILE)):
        raise InputNotFoundError(
            f"{folder}: holds neither {ADAPTER_CONFIG_FILE} nor {TRAIN_FILE}; give an adapter or training folder"
        )
    card = collect_dataset(args.folder)[0] if is_training_folder(args.folder) else collect(args.folder)
    path = Path(args.folder) / CARD_FILE
    if args.check and not path.is_file():
        raise InputNotFoundError(f"{path}: no such file; write it with: {command('card', args.folder)}")
    if args.check:
        return _report(path, check_card(read_card(path), card))
    path = write_card(args.folder, replace=args.replace_card)
    print(path)
    for problem in check_card(read_card(path), card):
        note(f"{path}: {problem}")
    next_steps(command("push", args.folder, "OWNER/NAME"))
    return 0


def _check_repo(name: str) -> list[str]:
    """Problems of the card of a model or dataset on the Hub, checked against the artifacts beside it."""
    from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, CARD_FILE, EvalReport, Manifest, TrainingRun
    from distrust_hub.cards.check import check_card
    from distrust_hub.cards.data import CardData, collect
    from distrust_hub.cards.dataset import DatasetFacts
    from distrust_hub.cards.render import read_card
    from distrust_hub.errors import HubNotFoundError, HubOfflineError
    from distrust_hub.hub.client import snapshot, split_revision

    repo_id, revision = split_revision(name)
    artifacts = (TrainingRun, Manifest, EvalReport)
    repo_type, patterns = "model", [CARD_FILE, ADAPTER_CONFIG_FILE, *(artifact.FILE_NAME for artifact in artifacts)]
    try:
        folder, _ = snapshot(repo_id, revision=revision, allow_patterns=patterns)
    except (HubNotFoundError, HubOfflineError) as no_model:
        repo_type = "dataset"
        try:
            folder, _ = snapshot(repo_id, revision=revision, repo_type=repo_type, allow_patterns=patterns)
        except (HubNotFoundError, HubOfflineError):
            raise no_model from None
    if not (folder / CARD_FILE).is_file():
        return [f"there is no {CARD_FILE}"]
    card: CardData | DatasetFacts | None = None
    if repo_type == "model":
        card = collect(folder, repo_id)
    elif (folder / Manifest.FILE_NAME).is_file():
        card = DatasetFacts(synthetic_rows=Manifest.load(folder).synthetic)
    return check_card(read_card(folder / CARD_FILE), card, repo_type)


def _report(place: str | Path, problems: list[str]) -> int:
    for problem in problems:
        note(f"{place}: {problem}")
    note("no problems" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0
