"""Render the card of an adapter from the artifacts of its folder: no network, no clock, no randomness."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import CARD_FILE
from distrust_hub.cards.data import CardData, collect
from distrust_hub.cards.dataset import collect_dataset, is_training_folder, render_dataset_card
from distrust_hub.cards.edits import extract_notes, is_untouched, notes_section, seal
from distrust_hub.cards.escape import Safe, clean, shell_word
from distrust_hub.cards.facts import Facts
from distrust_hub.cards.front_matter import model_front_matter
from distrust_hub.cards.results import Result
from distrust_hub.cards.template import MODEL_TEMPLATE, load_template, render_template
from distrust_hub.errors import ArtifactError
from distrust_hub.files import atomic_write
from distrust_hub.hub.client import is_repo_id

logger = logging.getLogger(__name__)

_SETTINGS = ("limit", "partial", "seed", "primary_metric", "higher_is_better", "version")
"""What a card says of how a suite was run, beside the suite's own settings."""

_SUITES = {"source-preference": "Source preference", "truthfulqa": "TruthfulQA"}
"""Suites of which a card says so where they were not run."""

_QUESTION = "What is a primary source in history?"


def render_model_card(folder: str | Path, repo_id: str | None = None, notes: str = "") -> str:
    """The whole README.md of an adapter folder; the same artifacts give the same bytes.

    Args:
        folder: Folder with ``training_run.json``, ``adapter_config.json``, ``manifest.json`` and
            ``eval_results.json``; facts of those that are missing read "not measured".
        repo_id: Where it is or will be published; without it the code blocks use the folder itself.
        notes: Markdown a person wrote, put between the notes markers.

    Raises:
        InputNotFoundError: If the folder is not there.
        ArtifactError: If an artifact is damaged or newer than this package.
        TemplateNotFoundError: If the template is missing.
    """
    card = collect(folder, repo_id)
    title = _title(card)
    body = render_template(
        load_template(MODEL_TEMPLATE),
        card=card,
        title=title,
        base=card.base["id"] or "BASE_MODEL",
        question=_QUESTION,
        reproduce=Safe(_reproduce(card)),
        suites=_suite_settings(card.results),
        unmeasured=[name for suite, name in _SUITES.items() if suite not in {result.suite for result in card.results}],
        notes=Safe(notes_section(notes)),
    )
    return seal(f"---\n{model_front_matter(card, title).to_yaml()}\n---\n\n{body}")


def write_card(folder: str | Path, replace: bool = False, repo_id: str | None = None) -> Path:
    """Write README.md into an adapter or training folder; notes between the markers are kept.

    Args:
        folder: Adapter folder, or training folder of scored rows.
        replace: Overwrite a card that was edited outside the notes; otherwise it is left as it is, with a warning.
        repo_id: Where it is or will be published.

    Returns:
        Path of the card.
    """
    path = Path(folder) / CARD_FILE
    present = read_card(path) if path.is_file() else None
    notes = extract_notes(present or "")
    if is_training_folder(folder):
        facts, manifest = collect_dataset(folder)
        text = render_dataset_card(facts, repo_id, manifest, notes)
    else:
        text = render_model_card(folder, repo_id, notes)
    if present is not None and not replace and not is_untouched(present):
        logger.warning("%s was edited by hand and is kept; replace it with: distrust-hub card DIR --replace-card", path)
        return path
    with atomic_write(path) as stream:
        stream.write(text)
    return path


def read_card(path: Path) -> str:
    """Text of a card; raises ArtifactError if it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path}: not UTF-8 ({error}); save it as UTF-8, or remove it to get a new one") from error


def _title(card: CardData) -> str:
    if is_repo_id(card.repo_id):
        return str(card.repo_id).split("/")[1]
    base = str(card.base["id"]).split("/")[1] if card.base["id"] else "LoRA adapter"
    objective = clean(card.objective["name"] or "")
    return f"{base} leaning on primary sources" + (f" ({objective})" if objective else "")


def _reproduce(card: CardData) -> str:
    version = card.versions["distrust-hub"] or card.versions["distrust_hub"]
    pin = f"=={version}" if version else ""
    data = card.data["name"] if is_repo_id(card.data["name"]) else "DATA"
    words = ["distrust-hub", "train", "--model", str(card.base["id"] or "BASE_MODEL"), "--data", str(data)]
    for name, value in card.changed.items():
        flag = name.replace("_", "-")
        if name == "base_model_id":
            continue
        words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return "\n".join([f"pip install {shell_word(f'distrust-hub[train]{pin}')}", " ".join(map(shell_word, words))])


def _suite_settings(results: tuple[Result, ...]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """(suite, its known settings), each suite once."""
    found = []
    for suite, entry in {result.suite: result.settings for result in results}.items():
        flat = {**{key: entry[key] for key in _SETTINGS}, **Facts.of(entry["settings"])}
        known = sorted((key, value) for key, value in flat.items() if value is not None and not isinstance(value, dict))
        if known:
            found.append((suite, known))
    return found
