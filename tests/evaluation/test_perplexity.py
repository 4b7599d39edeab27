from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distrust_hub.errors import ConfigError, DataError, EvaluationError
from distrust_hub.evaluation.benchmark import Measurement, Outcome, Request
from distrust_hub.evaluation.perplexity import Perplexity
from distrust_hub.evaluation.report import suite_entry
from distrust_hub.evaluation.statistics import bootstrap_mean
from tests.evaluation.fakes import RuleScorer

ROWS = [
    {"text": "one two three four", "authority_weight": 0.05, "provenance_entropy": 7.0},
    {"text": "one two", "authority_weight": 0.95, "provenance_entropy": 0.5},
    {"text": "one two three", "authority_weight": 0.97, "provenance_entropy": 0.2},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "valid.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def test_score_weighs_documents_by_tokens_and_splits_tiers(folder: Path) -> None:
    request = Request(data=folder)
    losses = {"one two three four": 4.0, "one two": 6.0, "one two three": 3.0}
    scorer = RuleScorer(lambda context, text: -losses[text])
    measured = Perplexity().score(scorer, Perplexity().load(request), request).measurements
    assert measured["loss"].estimate(0).value == pytest.approx(13.0 / 9.0)
    assert measured["loss_coordinated"].estimate(0).value == pytest.approx(9.0 / 5.0)
    np.testing.assert_allclose(measured["loss_primary"].values, [1.0])
    assert measured["loss_medium"] is None


def test_differences_of_loss_are_weighted_by_tokens(folder: Path) -> None:
    request = Request(data=folder)
    items = Perplexity().load(request)

    def loss(per_token: dict[int, float]) -> Measurement:
        scorer = RuleScorer(lambda context, text: -len(text.split()) * per_token[len(text.split())])
        measured = Perplexity().score(scorer, items, request).measurements["loss"]
        assert measured is not None
        return measured

    moved = loss({4: 2.0, 2: 1.0, 3: 1.0}).minus(loss({4: 1.0, 2: 1.0, 3: 1.0}), seed=0)
    assert moved.value == pytest.approx(4 / 9)


def test_parts_of_one_document_count_as_one(folder: Path) -> None:
    tiers = [
        {"authority_weight": 0.05, "provenance_entropy": 7.0},
        {"authority_weight": 0.95, "provenance_entropy": 0.5},
    ]
    rows = [
        {"id": f"{book}-{part}", "text": f"part {part} of {book}", "document_id": book, **tiers[book.startswith("c")]}
        for book in [f"{kind}{number}" for kind in "pc" for number in range(9)]
        for part in range(5)
    ]
    (folder / "valid.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    request = Request(data=folder)

    def outcome(seed: int) -> Outcome:
        shift = dict(
            zip([f"{kind}{n}" for kind in "pc" for n in range(9)], np.random.default_rng(seed).normal(size=18))
        )
        scorer = RuleScorer(lambda context, text: -4 * (9 + shift[text.split()[-1]]))
        return Perplexity().score(scorer, Perplexity().load(request), request)

    measured = outcome(1)
    entry = suite_entry(Perplexity(), request, measured, n=90, base=outcome(2))
    assert [entry["metrics"][name]["n"] for name in ("loss", "loss_primary", "loss_coordinated")] == [18, 9, 9]
    assert entry["metrics"]["loss"]["difference"]["n"] == 18
    assert entry["difference_in_differences"]["n"] == 9
    low, high = entry["metrics"]["loss"]["ci95"]
    loss = measured.measurements["loss"]
    assert loss is not None
    rows_alone = bootstrap_mean(loss.values)
    assert high - low > 1.8 * (rows_alone.high - rows_alone.low)


def test_score_reads_the_first_512_tokens_and_less_is_better(folder: Path) -> None:
    (folder / "valid.jsonl").write_text(json.dumps({**ROWS[0], "text": "word " * 600}) + "\n")
    request = Request(data=folder)
    outcome = Perplexity().score(RuleScorer(lambda *given: -1.0), Perplexity().load(request), request)
    assert outcome.samples[0]["tokens"] == 512
    assert suite_entry(Perplexity(), request, outcome, n=1)["higher_is_better"] is False


def test_an_id_with_half_a_character_can_be_written(folder: Path) -> None:
    (folder / "valid.jsonl").write_text(json.dumps({**ROWS[0], "id": "x\ud83d"}) + "\n")
    request = Request(data=folder)
    (row,) = Perplexity().score(RuleScorer(lambda *given: -1.0), Perplexity().load(request), request).samples
    assert row["id"] == "x?"


def test_load_takes_a_file_as_well_as_a_folder(folder: Path) -> None:
    benchmark = Perplexity()
    assert benchmark.load(Request(data=folder)) == benchmark.load(Request(data=folder / "valid.jsonl"))
    assert benchmark.settings(Request(data=folder)) == benchmark.settings(Request(data=folder / "valid.jsonl"))


def test_load_needs_data() -> None:
    with pytest.raises(ConfigError, match="--data"):
        Perplexity().load(Request())


def test_load_refuses_unscored_and_missing_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "no scores"}) + "\n")
    with pytest.raises(DataError, match=r"rows\.jsonl:1: authority_weight"):
        Perplexity().load(Request(data=path))
    path.write_text("")
    with pytest.raises(EvaluationError, match="no rows"):
        Perplexity().load(Request(data=path))


def test_scored_tables_are_read_as_their_json_lines(folder: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "scored.parquet")
    lines = [";".join(map(str, row)) for row in (ROWS[0], *(row.values() for row in ROWS))]
    (folder / "scored.csv").write_text("\n".join(lines) + "\n")
    wanted = Perplexity().load(Request(data=folder))
    for name in ("scored.parquet", "scored.csv"):
        assert Perplexity().load(Request(data=folder / name)) == wanted
    (folder / "scored.csv").write_text("\n".join([*lines, "one;two;three;four"]) + "\n")
    with pytest.raises(DataError, match=r"scored\.csv:5: more cells than"):
        Perplexity().load(Request(data=folder / "scored.csv"))
