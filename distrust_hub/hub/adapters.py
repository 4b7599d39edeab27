"""Publish adapters in one commit, and find published ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi

from distrust_hub.adapters.pull import ADAPTER_FILES
from distrust_hub.adapters.verify import verify_adapter
from distrust_hub.artifacts import (
    ADAPTER_FILE,
    CARD_FILE,
    PLOT_FILES,
    EvalReport,
    Manifest,
    TrainingRun,
)
from distrust_hub.cards.check import check_card
from distrust_hub.cards.data import collect
from distrust_hub.cards.render import render_model_card
from distrust_hub.errors import AdapterError, InputNotFoundError
from distrust_hub.hub.checkpoints import checkpoint_files, is_checkpoint
from distrust_hub.hub.client import TAG, check_can_write, hub_api, hub_errors, reach
from distrust_hub.hub.publish import (
    Content,
    PushResult,
    choose_card,
    commit_files,
    place_of,
    refuse_card,
    refuse_secrets,
    remote_card,
    remote_files,
)
from distrust_hub.hub.refusals import repo_page
from distrust_hub.hub.retries import retrying

PUBLISHED_FILES = (*ADAPTER_FILES, *PLOT_FILES)
"""What is published of an adapter folder, beside the card and a checkpoint: what a pull reads, and plots."""


@dataclass(frozen=True)
class PublishedRepo:
    """A repo found by tag.

    Attributes:
        repo_id: ``owner/name``.
        repo_type: ``model`` or ``dataset``.
        base_model: Base of an adapter, where its tags say it.
        downloads: Downloads the Hub counts.
        last_modified: ISO 8601 time of the last commit, or None.
    """

    repo_id: str
    repo_type: str
    base_model: str | None
    downloads: int
    last_modified: str | None


def push_adapter(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
    commit_message: str | None = None,
    replace_card: bool = False,
    dry_run: bool = False,
    checkpoint: bool = False,
    api: HfApi | None = None,
) -> PushResult:
    """Check an adapter folder and publish it in one commit.

    Files of ours that are on the Hub and no longer in the folder go in the same commit, so that old results never
    stand beside a new adapter. Pushing the same folder again makes no commit.

    Args:
        folder: Adapter folder; everything in it that is not an artifact stays here.
        repo_id: ``owner/name``, or a bare name in the user's own namespace.
        private: Make the repo private if it is created; one that is public is refused.
        revision: Branch to commit to, made if it is not there.
        create_pr: Open a pull request instead.
        commit_message: Title of the commit.
        replace_card: Overwrite a card on the Hub that was edited by hand.
        dry_run: Everything but the writing; without a token the Hub is not asked.
        checkpoint: Publish the newest checkpoint too, for ``train --resume-from-hub``.
        api: Client to use.

    Raises:
        AdapterError: The folder does not hold a working adapter, or its base is unknown.
        ArtifactError: An artifact is damaged.
        HubError: The card or a file must not be published as it is, or the Hub refused.
    """
    folder = Path(folder)
    api = api or hub_api()
    files = {**adapter_files(folder), **(checkpoint_files(folder) if checkpoint else {})}
    verify_adapter(folder)
    card = collect(folder, repo_id)
    if card.base["id"] is None:
        raise AdapterError(
            f"{folder}: the base model has no known Hub id; train with --base-model-id OWNER/NAME so that others can "
            "load the adapter"
        )
    refuse_secrets(files)
    access = check_can_write(repo_id, revision=revision, create_pr=create_pr, private=private, dry_run=dry_run, api=api)
    there = remote_card(api, access, "model")
    text, kept = choose_card(
        folder / CARD_FILE, there, replace_card, lambda notes: render_model_card(folder, access.repo_id, notes)
    )
    refuse_card(check_card(text, card), kept, access.repo_id, "model")
    if not kept:
        files[CARD_FILE] = text.encode()
    refuse_secrets({CARD_FILE: text.encode()})
    there_now = remote_files(api, access, "model")
    stale = {name for name in there_now if name in PUBLISHED_FILES or (checkpoint and is_checkpoint(name))} - set(files)
    names = tuple(sorted({*files, CARD_FILE}))
    if dry_run:
        return PushResult(
            repo_page(access.repo_id, "model", api.endpoint), None, names, text, kept, place=access.repo_id
        )
    url, sha = commit_files(
        api,
        access,
        "model",
        files,
        delete=sorted(stale),
        private=private,
        revision=revision,
        create_pr=create_pr,
        message=commit_message or f"Publish a LoRA adapter for {card.base['id']}",
    )
    place = place_of(access.repo_id, url, revision)
    return PushResult(url, sha, names, text, kept, unchanged=sha == access.sha, place=place)


def adapter_files(folder: Path) -> dict[str, Content]:
    """The artifacts of an adapter folder by name, without the card; each JSON artifact is read once to check it.

    Raises:
        InputNotFoundError: If there is no such folder.
        AdapterError: If it holds no adapter.
        ArtifactError: If an artifact is damaged.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"{folder}: no such folder")
    files: dict[str, Content] = {name: folder / name for name in PUBLISHED_FILES if (folder / name).is_file()}
    if ADAPTER_FILE not in files:
        raise AdapterError(f"{folder}: holds no {ADAPTER_FILE}; it is not a finished adapter folder")
    for artifact in (TrainingRun, Manifest, EvalReport):
        if artifact.FILE_NAME in files:
            artifact.load(folder)
    return files


def list_published(author: str | None = None, *, api: HfApi | None = None) -> list[PublishedRepo]:
    """Adapters and datasets on the Hub that carry our tag, adapters first, newest first.

    Args:
        author: User or organisation; everybody when None.
        api: Client to use.
    """
    api = api or hub_api()
    with hub_errors():
        reach(api)
        models = retrying(lambda: list(api.list_models(filter=TAG, author=author)))
        datasets = retrying(lambda: list(api.list_datasets(filter=TAG, author=author)))
    found = [
        PublishedRepo(
            repo_id=info.id,
            repo_type=repo_type,
            base_model=_base_of(info.tags or []),
            downloads=info.downloads or 0,
            last_modified=info.last_modified.isoformat() if info.last_modified else None,
        )
        for repo_type, infos in (("model", models), ("dataset", datasets))
        for info in infos
    ]
    return sorted(found, key=lambda repo: (repo.repo_type == "model", repo.last_modified or ""), reverse=True)


def _base_of(tags: list[str]) -> str | None:
    prefix = "base_model:adapter:"
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)
