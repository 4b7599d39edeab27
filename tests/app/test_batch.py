from __future__ import annotations

import csv
import json
import threading

import pytest

from distrust_hub.app.batch import (
    COLUMNS,
    EXTREMES_SHOWN,
    chosen_rows,
    score_batch,
    write_downloads,
)
from distrust_hub.app.examples import EXAMPLES
from distrust_hub.app.limits import Limits
from distrust_hub.errors import DataError
from distrust_hub.scoring.document import score_document

DOCUMENTS = [(EXAMPLES["Press release"], {}), (EXAMPLES["Lab notebook"], {"year": 1931}), (EXAMPLES["Letter"], {})]


def test_score_batch_gives_each_row_its_own_score():
    view = score_batch(DOCUMENTS, Limits())
    expected = [score_document(text, metadata) for text, metadata in DOCUMENTS]
    assert [r["authority_weight"] for r in view.records] == pytest.approx(
        [s.authority_weight for s in expected], abs=1e-4
    )
    assert [r["tier"] for r in view.records] == [s.tier for s in expected]
    assert all(len(row) == len(COLUMNS) for row in view.table)
    assert sum(view.tiers.values()) == 3


def test_score_batch_names_the_extremes():
    view = score_batch(DOCUMENTS * 2, Limits())
    cores = [record["signed_core"] for record in view.records]
    assert [cores[row - 1] for row in view.most_primary] == sorted(cores, reverse=True)[:EXTREMES_SHOWN]
    assert [cores[row - 1] for row in view.most_coordinated] == sorted(cores)[:EXTREMES_SHOWN]


@pytest.mark.parametrize(("rows", "shown"), [(1, 0), (2, 1), (3, 1)])
def test_score_batch_names_no_row_as_both_extremes(rows, shown):
    view = score_batch(DOCUMENTS[:rows], Limits())
    assert len(view.most_primary) == len(view.most_coordinated) == shown
    assert not set(view.most_primary) & set(view.most_coordinated)


def test_score_batch_reports_progress_row_by_row():
    seen = []
    score_batch(DOCUMENTS, Limits(), seen.append)
    assert seen == [1, 2, 3]


def test_score_batch_refuses_nothing_too_many_and_too_long():
    with pytest.raises(DataError, match="no text"):
        score_batch([], Limits())
    with pytest.raises(DataError, match="more than 2 rows"):
        score_batch(DOCUMENTS, Limits(rows=2))
    with pytest.raises(DataError, match="row 2: the text has"):
        score_batch([("short", {}), ("x" * 20, {})], Limits(text_chars=10))


def test_write_downloads_hold_every_row(tmp_path):
    view = score_batch(DOCUMENTS, Limits())
    jsonl, table, *_ = write_downloads(view, tmp_path)
    assert [json.loads(line) for line in jsonl.read_text().splitlines()] == view.records
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["text"] for row in rows] == [text for text, _ in DOCUMENTS]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_write_downloads_defuse_spreadsheet_formulas(tmp_path, start):
    view = score_batch([(f"{start}HYPERLINK(1) I saw it", {})], Limits())
    _, table, *_ = write_downloads(view, tmp_path)
    with table.open(newline="") as stream:
        assert next(csv.DictReader(stream))["text"].startswith(f"'{start}")


def test_write_downloads_hold_the_same_rows_as_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    view = score_batch(DOCUMENTS, Limits())
    path = write_downloads(view, tmp_path)[2]
    assert parquet.read_table(path).to_pylist() == view.records


def test_score_batch_stops_when_cancelled_and_keeps_what_is_done():
    cancelled = threading.Event()
    view = score_batch(DOCUMENTS, Limits(), lambda done: cancelled.set() if done == 2 else None, cancelled)
    assert (len(view.records), view.stopped) == (2, "cancelled")


def test_score_batch_stops_at_the_time_limit(monkeypatch):
    now = iter([0.0, 0.5, 1.5])
    monkeypatch.setattr("distrust_hub.app.batch.time.monotonic", lambda: next(now))
    view = score_batch(DOCUMENTS, Limits(file_seconds=1))
    assert (len(view.records), view.stopped) == (2, "time limit")


def test_chosen_rows_keep_a_tier_and_rows_with_all_words():
    view = score_batch(DOCUMENTS, Limits())
    assert chosen_rows(view, "", " ") == view.table
    assert [row[1] for row in chosen_rows(view, "coordinated", "")] == ["coordinated"] * view.tiers["coordinated"]
    assert [row[0] for row in chosen_rows(view, "", "AGNES boat")] == [3]
    assert chosen_rows(view, "coordinated", "Agnes") == []


@pytest.mark.parametrize("text", ["=1+1", "  =1+1", "\t=1", "\r@A", " -2", "\u00a0+1", "＝1", "\tplain"])
def test_csv_cell_that_a_spreadsheet_would_run_is_text(text, tmp_path):
    write_downloads(score_batch([(text, {})], Limits()), tmp_path)
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as stream:
        assert next(csv.DictReader(stream))["text"] == f"'{text}"
