"""Writes that are whole or not there, and rows with their line numbers."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest

from distrust_hub.artifacts import EvalReport, Manifest
from distrust_hub.errors import ArtifactError, DataError, InputNotFoundError
from distrust_hub.files import atomic_write, iter_jsonl, plain, read_json, write_json
from distrust_hub.schema import Document, ScoredDocument, check_schema, normalise_source_type


def test_atomic_write_keeps_the_old_file_when_the_block_fails(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half():
        with atomic_write(target) as stream:
            stream.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    with atomic_write(target) as stream:
        stream.write("new")
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no file that is open")
def test_atomic_write_leaves_the_old_file_whole_for_who_reads_it(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with target.open() as reader:
        with atomic_write(target) as stream:
            stream.write("new")
        assert (reader.read(), target.read_text()) == ("old", "new")


def test_atomic_write_gives_a_file_the_permissions_of_any_other(tmp_path):
    with atomic_write(tmp_path / "a.txt") as stream:
        stream.write("new")
    (tmp_path / "b.txt").write_text("new")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_write_json_refuses_nan_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_read_json_names_a_missing_or_damaged_file(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"a\.json"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"a\.json: not valid JSON"):
        read_json(tmp_path / "a.json")


def test_read_json_refuses_what_is_nested_too_deeply_to_be_used(tmp_path):
    for mark, end in (("[", "]"), ('{"a":', "}")):
        (tmp_path / "a.json").write_text(mark * 95 + "1" + end * 95)
        assert read_json(tmp_path / "a.json")
        (tmp_path / "a.json").write_text(mark * 700 + "1" + end * 700)
        with pytest.raises(ArtifactError, match=r"a\.json: nested deeper than 100 levels"):
            read_json(tmp_path / "a.json")


def test_iter_jsonl_names_file_and_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n{"b": 2}\nnot json\n')
    rows = iter_jsonl(path)
    assert [next(rows), next(rows)] == [(1, {"a": 1}), (3, {"b": 2})]
    with pytest.raises(DataError, match=r"rows\.jsonl:4: not valid JSON"):
        next(rows)
    path.write_text("[1]\n")
    with pytest.raises(DataError, match="expected a JSON object, found list"):
        list(iter_jsonl(path))


def test_artifact_round_trip_and_refusals(tmp_path):
    report = EvalReport("owner/model", suites={"s": {"n": 3}})
    report.save(tmp_path)
    assert EvalReport.load(tmp_path) == report == EvalReport.load(tmp_path / "eval_results.json")
    saved = json.loads((tmp_path / "eval_results.json").read_text())
    with pytest.raises(ArtifactError, match="upgrade"):
        EvalReport.from_json({**saved, "schema": 99})
    with pytest.raises(ArtifactError, match="unknown key 'extra'"):
        EvalReport.from_json({**saved, "extra": 1})
    with pytest.raises(ArtifactError, match="missing key 'inputs'"):
        Manifest.from_json({})
    made = {"inputs": [], "parameters": {}, "counts": {}, "splits": {}}
    for wrong in ({"splits": []}, {"splits": {"train": 3}}, {"inputs": "x"}, {"inputs": ["x"]}, {"contamination": 1}):
        with pytest.raises(ArtifactError, match=rf"manifest.json: {next(iter(wrong))} is .* of objects"):
            Manifest.from_json({**made, **wrong})
    for name in ("parameters", "counts", "licenses", "changed", "publishing"):
        with pytest.raises(ArtifactError, match=rf"manifest.json: {name} is 5; expected an object;"):
            Manifest.from_json({**made, name: 5})
    with pytest.raises(ArtifactError, match="schema is 'x'"):
        check_schema("x", "file")


def test_document_from_row_reads_old_names_and_mends_surrogates():
    row = {"text": "a\ud800b", "auth_weight": 0.2, "prov_entropy": 3, "id": 7, "year": 1900}
    document = ScoredDocument.from_row(row)
    assert (document.text, document.id, document.authority_weight) == ("a?b", "7", 0.2)
    assert document.to_row()["provenance_entropy"] == 3.0
    assert "auth_weight" not in document.to_row()
    assert Document.from_row({"text": "same"}).id == Document.from_row({"text": "same"}).id
    with pytest.raises(DataError, match="columns here: body"):
        Document.from_row({"body": "x"})


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("Lab Notebook", "lab_notebook"),
        ("government-modern", "government"),
        ("nonsense", None),
        (3, None),
        (None, None),
    ],
)
def test_normalise_source_type(value, known):
    assert normalise_source_type(value) == known


def test_plain_is_what_json_can_hold() -> None:
    row = {1: np.float32(0.5), "array": np.arange(2), "n": Decimal("1839"), "x": (Decimal("NaN"), float("inf"))}
    assert plain(row) == {"1": 0.5, "array": [0, 1], "n": 1839, "x": [None, None]}
    moments = [datetime(1850, 3, 1, 12), timedelta(hours=1), UUID(int=5), b"caf\xc3\xa9", b"\xff", "a\ud800"]
    assert plain(moments) == ["1850-03-01T12:00:00", "1:00:00", str(UUID(int=5)), "café", "/w==", "a?"]
    with pytest.raises(TypeError, match=r"^object$"):
        plain({"a": [object()]})
