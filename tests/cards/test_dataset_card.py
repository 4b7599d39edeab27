"""The whole card of a scored dataset, and what hostile rows do to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from distrust_hub.cards.check import check_card
from distrust_hub.cards.dataset import DatasetFacts, render_dataset_card
from tests.cards.folders import manifest
from tests.cards.test_escape import HOSTILE, rendered

GOLDEN = Path(__file__).parent / "golden_dataset_card.md"


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "text": f"Document {number}.",
        "authority_weight": min(0.99, number / 20),
        "provenance_entropy": 12.0 - number / 2,
        "tier": "primary" if number < 8 else "coordinated",
        "source_type": "letter_diary",
        "license": "CC0-1.0",
        "lang": "en",
        "scorer": 1,
        **more,
    }


def facts() -> DatasetFacts:
    found = DatasetFacts(personal_data_action="mask")
    found.personal_data.update(email=2, key=1)
    for number in range(20):
        found.add(row(number, synthetic=number == 0), "train" if number < 16 else "validation")
    return found


def test_dataset_card_matches_the_golden_file() -> None:
    """After an intended change: ``UPDATE_GOLDEN=1 pytest tests/cards``, then read the difference."""
    card = render_dataset_card(facts(), "ada/notes", manifest())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(card, encoding="utf-8")
    assert card == GOLDEN.read_text(encoding="utf-8")
    assert check_card(card, facts()) == []


def test_languages_are_codes_that_the_hub_takes() -> None:
    found = DatasetFacts()
    for lang in ("EN", "en", "deu", "日本", "zh-CN", "english", "x"):
        found.add(row(0, lang=lang), "train")
    metadata = yaml.safe_load(render_dataset_card(found).split("---")[1])
    assert metadata["language"] == ["deu", "en"]


def test_histograms_count_every_row_once() -> None:
    scores = facts().scores
    assert scores["authority_weight"]["counts"] == [2] * 10
    assert scores["provenance_entropy"]["counts"] == [0, 0, 1, 2, 2, 2, 2, 2, 2, 7]
    edges = DatasetFacts()
    for value in (0.0, 0.1, 0.3, 0.7, 0.99):
        edges.add(row(0, authority_weight=value), "train")
    assert edges.scores["authority_weight"]["counts"] == [1, 1, 0, 1, 0, 0, 0, 1, 0, 1]


def test_dataset_card_without_a_manifest_and_without_a_scan_says_so() -> None:
    found = DatasetFacts()
    found.add(row(1), "train")
    card = render_dataset_card(found)
    assert "Search for personal data: not measured." in card
    assert "Overlap with evaluation sets" not in card
    assert check_card(card, found) == []


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        ((None, None), (None, None)),
        (("CC0-1.0", "cc0-1.0"), (["cc0-1.0"], None)),
        (("CC0-1.0", "MIT"), (["cc0-1.0", "mit"], None)),
        (("CC0-1.0", None), ("other", "mixed")),
        (("CC0-1.0", " "), ("other", "mixed")),
        (("CC0-1.0", "My own"), ("other", "mixed")),
    ],
)
def test_license_of_a_dataset_is_that_of_all_its_rows(
    licenses: tuple[str | None, ...], expected: tuple[object, object]
) -> None:
    found = DatasetFacts()
    for number, license in enumerate(licenses):
        found.add(row(number, license=license), "train")
    metadata = yaml.safe_load(render_dataset_card(found).split("\n---\n")[0].removeprefix("---\n"))
    assert (metadata.get("license"), metadata.get("license_name")) == expected


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_rows_and_sources_stay_text(hostile: str) -> None:
    found = facts()
    found.add(row(1, source_type=hostile, license=hostile, tier=hostile, lang=hostile, **{hostile: 1}), "train")
    prepared = manifest(contamination={hostile: {"items": hostile}}, parameters={hostile: hostile})
    prepared.inputs[0].update(name=hostile, revision=hostile, licenses={hostile: 1})
    prepared.counts["removed"] = {hostile: 1}
    prepared.failed = [{"name": hostile, "problem": hostile}]
    prepared.publishing = {"conditions": [hostile]}
    card = render_dataset_card(found, "ada/notes", prepared)
    metadata = yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))
    assert set(metadata) <= {
        *("configs", "language", "license", "license_name", "license_link", "size_categories", "source_datasets"),
        *("tags", "task_categories"),
    }
    assert metadata.get("license") != "mit"
    assert metadata["language"] == ["en"]
    shown = rendered(card.split("\n---\n", 1)[1])
    for tag in ("<script", "<img", '<a href="http://evil', 'javascript:alert(1)"'):
        assert tag not in shown
    normal = rendered(render_dataset_card(facts(), "ada/notes", manifest()).split("\n---\n", 1)[1])
    for tag in ("<h1", "<h2", "<pre>", "<table>", "<ul>"):
        assert shown.count(tag) == normal.count(tag)


def test_a_preparation_that_left_out_nothing_says_so() -> None:
    card = render_dataset_card(facts(), "ada/notes", manifest(counts={"in": 20, "kept": 20, "removed": {}}, changed={}))
    assert "Rows read and kept in preparation: 20 and 20. Left out: none. Changed: none." in card
