"""Publish scored datasets: rows to parquet and a card, in one commit. ``rows.py`` reads them back."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from distrust_hub.artifacts import CARD_FILE, SPLIT_FILES, TRAIN_FILE, Manifest
from distrust_hub.cards.check import check_card
from distrust_hub.cards.dataset import DatasetFacts, render_dataset_card
from distrust_hub.errors import DataError, InputNotFoundError
from distrust_hub.hub.client import check_can_write, hub_api
from distrust_hub.hub.parquet import ROW_SUFFIXES, Kind, kind_of, numbered_rows, write_parquet
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
from distrust_hub.hub.redistribution import PersonalData, Release, allows_redistribution
from distrust_hub.hub.refusals import repo_page
from distrust_hub.schema import ScoredDocument

logger = logging.getLogger(__name__)


@dataclass
class _Survey:
    """What one pass over all rows finds: counts for the card, and the kinds of value in every column."""

    facts: DatasetFacts = field(default_factory=DatasetFacts)
    kinds: dict[str, set[Kind]] = field(default_factory=dict)
    dropped: int = 0
    unlicensed: int = 0
    first_unlicensed: tuple[Path, int, object] | None = None

    def add(self, row: dict[str, Any], split: str) -> None:
        self.facts.add(row, split)
        for name, value in row.items():
            self.kinds.setdefault(name, set()).add(kind_of(value))

    def warn(self, release: Release) -> None:
        """Say what the scan for personal data found."""
        found = self.facts.personal_data
        if found["key"]:
            logger.warning("%d keys or tokens are masked in what is published", found["key"])
        if found["email"] or found["phone"]:
            done = {
                "mask": "masked",
                "drop": f"left out with their {self.dropped} rows",
                "keep": "published as they are",
            }
            logger.warning(
                "%d e-mail addresses and %d telephone numbers are %s (--personal-data mask, drop or keep)",
                found["email"],
                found["phone"],
                done[release.personal_data],
            )

    def check_license(self, license: object, path: Path, line: int) -> None:
        if not allows_redistribution(license):
            self.unlicensed += 1
            self.first_unlicensed = self.first_unlicensed or (path, line, license)


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
    scores_only: bool = False,
    i_have_rights: bool = False,
    personal_data: PersonalData = "mask",
    api: HfApi | None = None,
) -> PushResult:
    """Publish scored rows as parquet with a card, in one commit.

    Every row is scanned for personal data first. Keys and tokens are always masked; a text is never refused for what
    it mentions.

    Args:
        source: Training folder (``train.jsonl``, ``valid.jsonl``, ``manifest.json``) or a scored file
            (``.jsonl`` or ``.parquet``), which becomes the split ``train``.
        repo_id: ``owner/name``, or a bare name in the user's own namespace.
        private: Make the repo private if it is created; one that is public is refused.
        revision: Branch to commit to, made if it is not there.
        create_pr: Open a pull request instead.
        commit_message: Title of the commit.
        replace_card: Overwrite a card on the Hub that was edited by hand.
        dry_run: Everything but the writing; without a token the Hub is not asked.
        scores_only: Publish ids, text hashes, scores and spans, without texts, other columns and manifest.
        i_have_rights: Publish texts whose licence is unknown or does not allow redistribution.
        personal_data: ``mask`` e-mail addresses and telephone numbers, ``drop`` their rows, or ``keep`` them.
        api: Client to use.

    Raises:
        DataError: A row is not scored, there are none, or one may not be published where everybody can read it.
        HubError: The Hub refused.
    """
    api = api or hub_api()
    splits, manifest_file = find_splits(source)
    manifest = Manifest.load(manifest_file) if manifest_file else None
    for name in manifest.changed_files(source) if manifest else ():
        logger.warning(
            "%s: is another file than the one that manifest.json describes; what the card says of its origin may not "
            "hold: prepare it again, or remove manifest.json",
            name,
        )
    release = Release(scores_only, personal_data)
    survey = _survey(splits, release)
    access = check_can_write(
        repo_id, "dataset", revision=revision, create_pr=create_pr, private=private, dry_run=dry_run, api=api
    )
    if not (scores_only or i_have_rights or private or access.private):
        _refuse_unlicensed(survey)
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
        for split in survey.facts.splits:  # not those without a row to publish
            files.update(write_parquet(split, splits[split], survey.kinds, Path(temporary), release))
        if manifest_file and not scores_only:
            files[Manifest.FILE_NAME] = manifest_file
        if not kept:
            files[CARD_FILE] = card.encode()
        refuse_secrets(files)
        names = tuple(sorted({*files, CARD_FILE}))
        if dry_run:
            url = repo_page(access.repo_id, "dataset", api.endpoint)
            return PushResult(url, None, names, card, kept, place=access.repo_id)
        present = remote_files(api, access, "dataset")
        stale = {name for name in present if name.startswith("data/") and name.endswith(".parquet")} - set(files)
        stale |= {Manifest.FILE_NAME, *SPLIT_FILES.values()} & present - set(files)
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
    place = place_of(access.repo_id, url, revision)
    return PushResult(url, sha, names, card, kept, unchanged=sha == access.sha, place=place)


def find_splits(source: str | Path) -> tuple[dict[str, Path], Path | None]:
    """({split: file}, manifest or None) of a training folder or a scored file.

    Raises:
        InputNotFoundError: If there is nothing of that name or nothing to publish in it.
    """
    path = Path(source)
    if path.is_file() and path.suffix in ROW_SUFFIXES:
        return {"train": path}, None
    if not path.exists():
        raise InputNotFoundError(f"{path}: no such file or folder; check the path")
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


def _refuse_unlicensed(survey: _Survey) -> None:
    if survey.first_unlicensed is None:
        return
    path, line, license = survey.first_unlicensed
    shown = "missing" if license is None else repr(str(license)[:80])
    problem = (
        f"license is {shown}, which is not known to allow republishing the text "
        f"({survey.unlicensed} of {survey.facts.rows} rows); use --scores-only or a private repo, "
        "or say --i-have-rights if you do"
    )
    raise DataError(problem, path=path, line=line)


def _survey(splits: dict[str, Path], release: Release) -> _Survey:
    survey = _Survey()
    for split, path in splits.items():
        for line, row in numbered_rows(path):
            full = ScoredDocument.from_row(row, path=path, line=line).to_row()
            published, found = release.apply(full)
            survey.facts.personal_data.update(found)
            if published is None:
                survey.dropped += 1
                continue
            survey.check_license(full.get("license"), path, line)
            survey.add(published, split)
    if survey.facts.rows == 0:
        raise DataError("no rows to publish", path=next(iter(splits.values())))
    survey.facts.personal_data_action = release.personal_data
    survey.warn(release)
    return survey
