"""Scored datasets on the Hub: rows to parquet and a card in one commit, and rows back."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from distrust_hub.artifacts import CARD_FILE, TRAIN_FILE, VALID_FILE, Manifest
from distrust_hub.cards.check import check_card
from distrust_hub.cards.dataset import SPLIT_FILES, DatasetFacts, render_dataset_card
from distrust_hub.errors import DataError, HubError, InputNotFoundError
from distrust_hub.files import write_jsonl
from distrust_hub.hub.client import check_can_write, hub_api, hub_errors, snapshot
from distrust_hub.hub.parquet import ROW_SUFFIXES, import_datasets, numbered_rows, parquet_rows, write_parquet
from distrust_hub.hub.publish import (
    Content,
    PushResult,
    choose_card,
    commit_files,
    mask_secrets,
    refuse_card,
    refuse_secrets,
    remote_card,
    remote_files,
)
from distrust_hub.schema import ScoredDocument

logger = logging.getLogger(__name__)


@dataclass
class _Survey:
    """What one pass over all rows finds: counts for the card, and the type of every column."""

    facts: DatasetFacts = field(default_factory=DatasetFacts)
    kinds: dict[str, set[type]] = field(default_factory=dict)
    masked: int = 0

    def add(self, row: dict[str, Any], split: str) -> None:
        self.facts.add(row, split)
        for name, value in row.items():
            self.kinds.setdefault(name, set()).add(type(value))


def push_scored(
    source: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
    commit_message: str | None = None,
    replace_card: bool = False,
    dry_run: bool = False,
    api: HfApi | None = None,
) -> PushResult:
    """Publish scored rows as parquet with a card, in one commit.

    Keys and tokens that stand in a text are masked; a text is never refused for what it mentions.

    Args:
        source: Training folder (``train.jsonl``, ``valid.jsonl``, ``manifest.json``) or a scored file
            (``.jsonl`` or ``.parquet``), which becomes the split ``train``.
        repo_id: ``owner/name``, or a bare name in the user's own namespace.
        private: Make the repo private if it is created.
        revision: Branch to commit to, made if it is not there.
        create_pr: Open a pull request instead.
        commit_message: Title of the commit.
        replace_card: Overwrite a card on the Hub that was edited by hand.
        dry_run: Everything but the writing.
        api: Client to use.

    Raises:
        DataError: A row is not scored, or there are none.
        HubError: The Hub refused.
    """
    api = api or hub_api()
    splits, manifest_file = find_splits(source)
    manifest = Manifest.load(manifest_file) if manifest_file else None
    survey = _survey(splits)
    access = check_can_write(repo_id, "dataset", revision=revision, create_pr=create_pr, api=api)
    there = remote_card(api, access, "dataset")
    card, kept = choose_card(
        Path(source) / CARD_FILE,
        there,
        replace_card,
        lambda notes: render_dataset_card(survey.facts, access.repo_id, manifest, notes),
    )
    refuse_card(check_card(card, survey.facts), kept, access.repo_id, "dataset")
    with tempfile.TemporaryDirectory(prefix="distrust-hub-") as temporary:
        files: dict[str, Content] = {}
        for split, path in splits.items():
            files.update(write_parquet(split, path, survey.kinds, Path(temporary)))
        if manifest_file:
            files[Manifest.FILE_NAME] = manifest_file
        if not kept:
            files[CARD_FILE] = card.encode()
        refuse_secrets(files)
        names = tuple(sorted({*files, CARD_FILE}))
        if dry_run:
            return PushResult(f"{api.endpoint}/datasets/{access.repo_id}", None, names, card, kept)
        present = remote_files(api, access, "dataset")
        stale = {name for name in present if name.startswith("data/") and name.endswith(".parquet")} - set(files)
        stale |= {Manifest.FILE_NAME} & present - set(files)
        url, sha = commit_files(
            api,
            access,
            "dataset",
            files,
            delete=sorted(stale),
            private=private,
            revision=revision,
            create_pr=create_pr,
            message=commit_message or f"Publish {survey.facts.rows} scored rows",
        )
    return PushResult(url, sha, names, card, kept)


def find_splits(source: str | Path) -> tuple[dict[str, Path], Path | None]:
    """({split: file}, manifest or None) of a training folder or a scored file.

    Raises:
        InputNotFoundError: If there is nothing of that name or nothing to publish in it.
    """
    path = Path(source)
    if path.is_file() and path.suffix in ROW_SUFFIXES:
        return {"train": path}, None
    if not path.is_dir():
        raise InputNotFoundError(f"{path}: neither a training folder nor a .jsonl or .parquet file of scored rows")
    splits = {split: path / name for split, name in SPLIT_FILES.items() if (path / name).is_file()}
    if not splits:
        rows = sorted(file for file in path.iterdir() if file.suffix in ROW_SUFFIXES)
        if len(rows) != 1:
            raise InputNotFoundError(
                f"{path}: holds no {TRAIN_FILE} and {len(rows)} other row files; name the scored file itself"
            )
        splits = {"train": rows[0]}
    manifest = path / Manifest.FILE_NAME
    return splits, manifest if manifest.is_file() else None


def iter_rows(
    repo_id: str,
    *,
    split: str = "train",
    config: str | None = None,
    revision: str | None = None,
    streaming: bool = True,
    api: HfApi | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of any dataset on the Hub, without the columns a row has no value for.

    Args:
        repo_id: ``owner/name``.
        split: Split to read; ``valid`` is read as ``validation``.
        config: Configuration, for a dataset with several.
        revision: Branch, tag or commit; main when None.
        streaming: Read over the network row by row; otherwise download into the cache first.
        api: Client whose token and endpoint are used.

    Raises:
        HubError: The dataset, revision or Hub cannot be reached.
        DataError: There is no such split or configuration, or the files cannot be read.
    """
    datasets = import_datasets("reading a dataset from the Hub")
    api = api or hub_api()
    with hub_errors(repo_id, "dataset", revision):
        try:
            revision = api.repo_info(repo_id, repo_type="dataset", revision=revision).sha
        except OfflineModeIsEnabled:
            logger.info("offline: %s is read from the cache", repo_id)
        split = "validation" if split == "valid" else split
        with _dataset_errors(datasets, repo_id):
            rows = datasets.load_dataset(
                repo_id, config, split=split, revision=revision, streaming=streaming, token=api.token
            )
            for row in rows:
                yield {name: value for name, value in row.items() if value is not None}


@contextlib.contextmanager
def _dataset_errors(datasets: Any, repo_id: str) -> Iterator[None]:
    """Turn what ``datasets`` raises about a repo into one line; errors of the Hub client pass."""
    try:
        yield
    except ConnectionError as error:
        message = f"dataset {repo_id} is not in the cache and the Hub cannot be asked; unset HF_HUB_OFFLINE or connect"
        raise HubError(message, repo_id=repo_id, repo_type="dataset") from error
    except (ValueError, datasets.exceptions.DatasetsError, datasets.data_files.EmptyDatasetError) as error:
        if isinstance(error, HfHubHTTPError):
            raise
        said = " ".join(str(error).split())[:300]
        raise DataError(f"cannot be read as a dataset: {said}", path=repo_id) from error


def load_scored(
    repo_id: str, *, split: str = "train", revision: str | None = None, api: HfApi | None = None
) -> list[ScoredDocument]:
    """All rows of a scored dataset on the Hub, checked; raises as ``iter_rows`` does, DataError for a row too."""
    rows = iter_rows(repo_id, split=split, revision=revision, streaming=False, api=api)
    return [ScoredDocument.from_row(row, path=repo_id, line=number) for number, row in enumerate(rows, start=1)]


def pull_training_folder(repo_id: str, *, revision: str | None = None, api: HfApi | None = None) -> tuple[Path, str]:
    """A published training folder as files: ``train.jsonl``, ``valid.jsonl`` and ``manifest.json`` where there are.

    Args:
        repo_id: ``owner/name`` of a dataset that ``push_scored`` published, or that holds the JSON Lines themselves.
        revision: Branch, tag or commit; main when None.
        api: Client to use.

    Returns:
        The folder, and the commit it holds (40 hex digits).
    """
    patterns = [TRAIN_FILE, VALID_FILE, Manifest.FILE_NAME, "data/*.parquet"]
    folder, sha = snapshot(repo_id, repo_type="dataset", revision=revision, allow_patterns=patterns, api=api)
    if (folder / TRAIN_FILE).is_file():
        return folder, sha
    target = Path(constants.HF_HOME) / "distrust-hub" / "datasets" / repo_id.replace("/", "--") / sha
    for split, name in SPLIT_FILES.items():
        shards = sorted((folder / "data").glob(f"{split}-*.parquet"))
        if shards and not (target / name).is_file():
            write_jsonl(target / name, (row for shard in shards for row in parquet_rows(shard)))
    if not (target / TRAIN_FILE).is_file():
        raise DataError(f"holds neither {TRAIN_FILE} nor data/train-*.parquet; it is not a training set", path=repo_id)
    if (folder / Manifest.FILE_NAME).is_file():
        Manifest.load(folder).save(target)
    return target, sha


def _survey(splits: dict[str, Path]) -> _Survey:
    survey = _Survey()
    for split, path in splits.items():
        for line, row in numbered_rows(path):
            survey.add(ScoredDocument.from_row(row, path=path, line=line).to_row(), split)
            survey.masked += any(isinstance(value, str) and mask_secrets(value) != value for value in row.values())
    if survey.facts.rows == 0:
        raise DataError("no rows to publish", path=next(iter(splits.values())))
    if survey.masked:
        logger.warning("%d rows hold something that looks like a key; it is masked in what is published", survey.masked)
    return survey
