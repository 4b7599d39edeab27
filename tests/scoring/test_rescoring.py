"""A scored row scored again is what it was: the scorer takes its own guesses for no statements, and loses none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import DataError
from distrust_hub.preparation.export import prepare
from distrust_hub.schema import Document, unscored
from distrust_hub.scoring.document import score_document
from distrust_hub.scoring.rows import scored_row

SPOKEN = "Hello there, Dave. The pump is fine."
BOOK = "First published 1839. Hello there, Dave. The pump is fine."
ROWS: list[dict[str, Any]] = [
    {"text": SPOKEN},
    {"text": "March 3, 1850. I saw the ships.", "url": "https://who.int/x"},
    {"text": SPOKEN, "source_type": "Lab Notebook", "date": "1999-02-03", "note": 1},
    {"text": SPOKEN, "type": "wiki", "year": "1912"},
    {
        "text": BOOK,
        "source_type": "tweet",
        "year": 2019,
        "tier": "gold",
        "confidence": 0.3,
        "evidence": [],
        "scorer": 99,
    },
    {"text": BOOK, "year": "c. 1839 (reissued)", "given_year": 4, "evidence": ["own"], "source_type": "blog_forum"},
]


def scored(row: dict[str, Any], **options: Any) -> dict[str, Any]:
    return scored_row(Document.from_row(row), **options)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("evidence", [False, True])
def test_scoring_twice_gives_the_row_of_scoring_once(row: dict[str, Any], evidence: bool) -> None:
    once = scored(row, evidence=evidence)
    assert json.dumps(scored(once, evidence=evidence)) == json.dumps(once)
    assert json.dumps(scored(scored(row, evidence=not evidence), evidence=evidence)) == json.dumps(once)
    assert score_document(once["text"], once).columns() == score_document(row["text"], row).columns()


def test_a_row_says_where_its_type_and_year_were_read() -> None:
    origins = [(row["source_type_origin"], row["year_origin"]) for row in map(scored, ROWS)]
    assert origins == [
        ("text", None),
        ("text, metadata:url", "dateline"),
        ("metadata:source_type", "metadata:date"),
        ("metadata:type", "metadata:year"),
        ("text", "stated, in an edition of 2019"),
        ("metadata:source_type", "metadata:year"),
    ]


def test_values_of_the_row_that_the_scorer_replaces_are_kept_beside_it() -> None:
    row = scored(ROWS[4])
    assert {name: row[name] for name in row if name.startswith("given_")} == {
        "given_source_type": "tweet",
        "given_year": 2019,
        "given_tier": "gold",
        "given_confidence": 0.3,
        "given_evidence": [],
        "given_scorer": 99,
    }
    assert not any(name.startswith("given_") for name in scored(ROWS[3]))
    other = Document.from_row({"body": SPOKEN, "text": "a summary", "schema": "v2"}, text_column="body")
    assert scored_row(other).items() >= {"text": SPOKEN, "given_text": "a summary", "given_schema": "v2"}.items()


def test_a_guess_of_a_scorer_that_wrote_no_origin_counts_for_nothing() -> None:
    row = {"text": SPOKEN, "authority_weight": 0.3, "provenance_entropy": 4.0, "scorer": 2, "note": "kept"}
    assert unscored({**row, "source_type": "oral_history", "year": 1850}) == {"text": SPOKEN, "note": "kept"}
    own = {"text": SPOKEN, "scorer": "ada", "source_type": "wiki", "authority_weight": 1, "provenance_entropy": 1}
    assert unscored(own) == own


def test_prepare_rescores_to_the_scores_of_the_first_time(tmp_path: Path) -> None:
    rows = [scored(row) for row in ROWS[:3]]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    prepare([str(source)], tmp_path / "data", PrepareConfig(rescore=True))
    lines = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "data").glob("*.jsonl")).splitlines()
    found = {row["id"]: row for row in map(json.loads, lines)}
    assert len(found) == 2, "the third has the text of the first"
    for row in rows[:2]:
        assert found[row["id"]].items() >= {name: row[name] for name in row if name != "text"}.items()


def test_a_column_that_json_cannot_hold_is_named() -> None:
    with pytest.raises(DataError, match="column 'picture' holds a object, which JSON cannot; convert or remove it"):
        scored({"text": SPOKEN, "picture": [{"pixels": object()}]})
