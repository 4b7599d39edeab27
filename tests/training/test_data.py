from __future__ import annotations

import json

import pytest

from distrust_hub.artifacts import Manifest
from distrust_hub.errors import ArtifactError, DataError, InputNotFoundError
from distrust_hub.files import combined_sha256, sha256_file
from distrust_hub.training.data import read_training_data
from tests.training.conftest import scored_row, write_rows

pytestmark = pytest.mark.mlx


def test_read_training_data_folder(folder):
    manifest = Manifest([{"name": "notes.jsonl"}], {"seed": 0}, {"in": 9, "kept": 9, "removed": {}}, {})
    manifest.save(folder)
    data = read_training_data(str(folder))
    assert (len(data.train), len(data.valid), data.manifest) == (9, 3, manifest)
    record = data.record()
    assert record["name"] == "data"
    assert record["sha256"] == sha256_file(folder / "train.jsonl")
    assert record["inputs"] == [{"name": "notes.jsonl"}]
    assert str(folder.parent) not in json.dumps(record)


def test_read_training_data_says_that_a_file_is_not_the_one_its_manifest_describes(folder, caplog):
    splits = {name: {"sha256": sha256_file(folder / f"{name}.jsonl")} for name in ("train", "valid")}
    Manifest([], {}, {}, splits).save(folder)
    read_training_data(str(folder))
    assert not caplog.records
    write_rows(folder / "valid.jsonl", [scored_row(20)])
    data = read_training_data(str(folder))
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "data: valid.jsonl is another file than the one that manifest.json describes;"
    )
    assert data.manifest is not None


def test_read_training_data_of_shards_has_one_hash_that_follows_each_of_them(folder):
    (folder / "train.jsonl").rename(folder / "train-0.jsonl")
    write_rows(folder / "train-1.jsonl", [scored_row(9)])
    before = read_training_data(str(folder)).sha256
    assert before["train"] == combined_sha256(
        [(f"train-{i}.jsonl", sha256_file(folder / f"train-{i}.jsonl")) for i in (0, 1)]
    )
    write_rows(folder / "train-1.jsonl", [scored_row(10)])
    after = read_training_data(str(folder)).sha256
    assert after["train"] != before["train"]
    assert after["valid"] == before["valid"] == sha256_file(folder / "valid.jsonl")


def test_read_training_data_file_counts_licences_and_synthetic_rows(tmp_path):
    rows = [scored_row(0, license="cc0-1.0", synthetic=True), scored_row(1)]
    data = read_training_data(write_rows(tmp_path / "scored.jsonl", rows))
    assert (data.name, len(data.valid)) == ("scored.jsonl", 0)
    assert data.record()["licenses"] == {"cc0-1.0": 1, "unknown": 1}
    assert data.record()["synthetic"] == 1


def test_read_training_data_refuses_mixed_scorers(tmp_path):
    path = write_rows(tmp_path / "scored.jsonl", [scored_row(0), scored_row(1, scorer=2)])
    with pytest.raises(DataError, match=r"scored.jsonl:2: .*different scorers \(1 and 2\).*distrust-hub score"):
        read_training_data(path)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", DataError, "no rows"),
        ('{"text": "a"}\n{broken\n', DataError, ":2: not valid JSON"),
        ('{"text": "a", "schema": 99}\n', ArtifactError, "upgrade"),
    ],
)
def test_read_training_data_names_what_is_wrong(tmp_path, content, error, message):
    path = tmp_path / "train.jsonl"
    path.write_text(content)
    with pytest.raises(error, match=message):
        read_training_data(str(tmp_path))


def test_read_training_data_refuses_a_file_beside_shards(folder):
    write_rows(folder / "train-00001.jsonl", [scored_row(9)])
    with pytest.raises(DataError, match=r"data: holds train.jsonl and train-00001.jsonl; keep"):
        read_training_data(str(folder))


@pytest.mark.parametrize("name", ["val.jsonl", "val-00000-of-00001.jsonl", "data/val.jsonl"])
def test_read_training_data_says_that_a_file_named_val_is_not_read(folder, caplog, name):
    (folder / "valid.jsonl").rename(folder / "held-out.jsonl")
    write_rows(folder / name, [scored_row(i) for i in range(20, 23)])
    data = read_training_data(str(folder), valid_share=0.3)
    (record,) = caplog.records
    renamed = name.replace("val", "valid")
    assert record.getMessage() == f"data: {name} is not read; rename it to {renamed} and it is the held-out split"
    assert data.record()["valid_split"] == "by origin"
    caplog.clear()
    (folder / "held-out.jsonl").rename(folder / "valid.jsonl")
    read_training_data(str(folder))
    assert not caplog.records


@pytest.mark.parametrize(("name", "between"), [("train.csv", ","), ("train.CSV", ","), ("train.tsv", "\t")])
def test_read_training_data_reads_the_numbers_of_a_csv_file(tmp_path, name, between):
    rows = [scored_row(i, year=1890, synthetic=True, schema=1) for i in range(3)]
    path = tmp_path / name
    lines = [between.join(rows[0]), *(between.join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    data = read_training_data(str(path))
    assert [dict(row.values) for row in data.train] == rows
    assert data.record()["synthetic"] == 3


def test_read_training_data_takes_any_scorer_but_not_two(tmp_path):
    path = write_rows(tmp_path / "scored.jsonl", [scored_row(0, scorer=[1]), scored_row(1, scorer=[1])])
    assert len(read_training_data(path).train) == 2
    path = write_rows(tmp_path / "scored.jsonl", [scored_row(0, scorer=[1]), scored_row(1, scorer=1)])
    with pytest.raises(DataError, match="different scorers"):
        read_training_data(path)


def test_read_training_data_takes_a_schema_of_the_rows_and_numbers_held_as_floats(tmp_path):
    rows = [scored_row(0, scorer=1, schema=1.0), scored_row(1, scorer=1.0), scored_row(2, scorer=1, schema="tei")]
    assert len(read_training_data(write_rows(tmp_path / "scored.jsonl", rows)).train) == 3


def test_read_training_data_missing(tmp_path):
    with pytest.raises(InputNotFoundError, match="no such file"):
        read_training_data(str(tmp_path / "absent.jsonl"))
    with pytest.raises(InputNotFoundError, match=r"\./absent: no such file"):
        read_training_data("./absent")
    with pytest.raises(InputNotFoundError, match="distrust-hub prepare"):
        read_training_data(str(tmp_path))


def test_read_training_data_file_keeps_the_splits_that_its_rows_name(tmp_path, caplog):
    names = ["train", "Validation", "test", None, "first half"] * 8
    write_rows(tmp_path / "a.jsonl", [{**scored_row(i), "split": name} for i, name in enumerate(names)])
    data = read_training_data(str(tmp_path / "a.jsonl"), valid_share=0.1)
    assert [row.values["id"] for row in data.train] == [f"row-{i}" for i in range(40) if i % 5 in (0, 3, 4)]
    assert [row.values["id"] for row in data.valid] == [f"row-{i}" for i in range(40) if i % 5 == 1]
    assert (len(data.train), len(data.valid), data.record()["valid_split"]) == (24, 8, "given")
    assert "a.jsonl: 8 rows are left out; their split column says that they are for testing" in caplog.text


def test_read_training_data_file_with_rows_for_testing_holds_out_others(tmp_path):
    write_rows(tmp_path / "a.jsonl", [{**scored_row(i), "split": "test" if i % 2 else "train"} for i in range(40)])
    data = read_training_data(str(tmp_path / "a.jsonl"), valid_share=0.1)
    assert (len(data.train), len(data.valid), data.record()["valid_split"]) == (18, 2, "by origin")
    assert all(row.values["split"] == "train" for rows in (data.train, data.valid) for row in rows)


def test_read_training_data_of_rows_for_testing_alone(tmp_path):
    write_rows(tmp_path / "a.jsonl", [{**scored_row(0), "split": "test"}])
    with pytest.raises(DataError, match="no rows to train on; their split column says valid or test"):
        read_training_data(str(tmp_path / "a.jsonl"))
