from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from distrust_hub.errors import ConfigError, DataError, EvaluationError
from distrust_hub.evaluation.benchmark import Measurement, Request
from distrust_hub.evaluation.perplexity import Perplexity
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
