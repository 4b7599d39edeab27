from __future__ import annotations

import gzip
import json

import pytest

from distrust_hub.errors import DataError
from distrust_hub.training.data import read_training_data
from distrust_hub.training.rows import Part, Row, Rows, bucket, scan
from tests.training.conftest import scored_row, write_rows


def ids(rows):
    return [row.values["id"] for row in rows]


@pytest.fixture
def shards(tmp_path):
    """Three shards of 4, 0 and 3 rows."""
    paths = [tmp_path / f"train-{i:05d}-of-00003.jsonl" for i in range(3)]
    for path, numbers in zip(paths, (range(4), range(0), range(4, 7))):
        write_rows(path, [scored_row(i) for i in numbers])
    return paths


@pytest.mark.parametrize("start", range(8))
def test_rows_start_anywhere(shards, start):
    rows = Rows(shards, scan(shards, 0).files)
    assert len(rows) == 7
    assert ids(rows.start_at(start)) == [f"row-{i}" for i in range(start, 7)]


def test_rows_before_the_start_are_in_files_that_are_not_opened(shards):
    rows = Rows(shards, scan(shards, 0).files)
    shards[0].unlink()
    assert ids(rows.start_at(5)) == ["row-5", "row-6"]


def test_parts_share_out_rows_and_keep_origins_together(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_rows(path, [scored_row(i, origin=f"book-{i % 20}") for i in range(200)])
    held_out = scan([path], 3).held_out(0.2)
    parts = [Part(3, held_out, valid) for valid in (False, True)]
    found = [Rows([path], scan([path], 3, part).files, part) for part in parts]
    assert len(found[0]) + len(found[1]) == 200
    assert len(found[1]) == 40
    origins = [{row.origin for row in rows} for rows in found]
    assert not origins[0] & origins[1]
    assert ids(found[0].start_at(17)) == ids(found[0])[17:]
    assert scan([path], 4).held_out(0.2) != held_out


def test_held_out_never_takes_a_single_large_origin(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_rows(path, [scored_row(i, origin="one book") for i in range(50)])
    assert scan([path], 0).held_out(0.1) == frozenset()


def test_origin_is_a_whole_number_however_a_table_holds_it():
    rows = [Row({"entity_id": value, "id": "a"}, "x", 1) for value in (7, 7.0, "7", float("nan"), 0.5)]
    assert [row.origin for row in rows] == [*["entity_id:7"] * 3, *["id:a"] * 2]


def test_origin_of_pairs_is_their_prompt():
    one, other = (Row({"prompt": "Who?", "chosen": c, "rejected": "no"}, "p.jsonl", 1) for c in ("Ann", "Bea"))
    assert one.origin == other.origin
    assert bucket(0, one.origin) == bucket(0, other.origin)
    assert Row({"text": "a"}, "p", 1).origin != Row({"text": "b"}, "p", 2).origin


def test_read_training_data_takes_shards_of_several_forms_and_ignores_other_files(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    import pyarrow

    rows = [scored_row(i) for i in range(9)]
    (tmp_path / "data").mkdir()
    with gzip.open(tmp_path / "train-00000-of-00002.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows[:4])
    with_gap = [{**row, "year": None} for row in rows[4:]]
    parquet.write_table(pyarrow.Table.from_pylist(with_gap), tmp_path / "data" / "train-00001-of-00002.parquet")
    write_rows(tmp_path / "data" / "validation-00000.jsonl", [scored_row(20)])
    write_rows(tmp_path / "train.rejected.jsonl", [scored_row(30)])
    write_rows(tmp_path / "training.jsonl", [scored_row(31)])
    data = read_training_data(str(tmp_path))
    assert sorted(ids(data.train)) == sorted(ids(Row(row, "", 0) for row in rows))
    assert ids(data.valid) == ["row-20"]
    assert not any("year" in row.values for row in data.train)
    assert len(data.sha256["train"]) == 64


def test_scan_refuses_scorers_that_differ_between_splits(tmp_path):
    write_rows(tmp_path / "train.jsonl", [scored_row(0)])
    write_rows(tmp_path / "valid.jsonl", [scored_row(1, scorer=2)])
    with pytest.raises(DataError, match=r"valid.jsonl:1: .*different scorers"):
        read_training_data(str(tmp_path))
