"""Forms of files beside JSON Lines: JSON lists, and tables with other signs between their cells."""

from __future__ import annotations

import json

import pytest

from distrust_hub.scoring.inputs import iter_source, source_files


def rows_of(path):
    return [(item.row, item.problem) for item in iter_source(path)]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_list_is_read_item_by_item(tmp_path, indent):
    rows = [{"text": "é" * (number % 700) + '"]},{[', "n": [number, {"a": None}]} for number in range(4000)]
    path = tmp_path / "rows.json"
    path.write_text("\ufeff" + json.dumps(rows, indent=indent, ensure_ascii=False), encoding="utf-8")
    assert rows_of(path) == [(row, None) for row in rows]


def test_json_lines_under_another_name_are_read(tmp_path):
    (tmp_path / "rows.json").write_text('{"text": "one"}\n{"text": "two"}\n')
    assert [row["text"] for row, _ in rows_of(tmp_path / "rows.json")] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "good", "problem"),
    [
        ('[{"text": "one"}, {"te', 1, "not a valid JSON list from here on"),
        ('[{"text": "one"} oops {"text": "two"}]', 1, "not a valid JSON list from here on"),
        ('["one", {"text": "two"}]', 1, "expected a JSON object, found str"),
        ('[{"text": "one"}] more', 1, "text stands behind the end"),
        ("[]", 0, None),
    ],
)
def test_what_is_wrong_with_a_json_list_is_said(tmp_path, text, good, problem):
    (tmp_path / "rows.json").write_text(text)
    found = rows_of(tmp_path / "rows.json")
    assert sum(row is not None for row, _ in found) == good
    assert [said for _, said in found if said] == [] if problem is None else problem in str(found)


def test_json_of_a_folder_describes_its_rows(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "one"}\n')
    (tmp_path / "manifest.json").write_text("{}")
    assert [file.name for file in source_files(str(tmp_path))] == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("name", "sign"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t"), ("a.csv", "|"), ("a.csv", ",")]
)
def test_tables_are_read_with_the_sign_between_their_cells(tmp_path, name, sign):
    (tmp_path / name).write_text(f'\ufeffid{sign}text\n1{sign}"one; two, three\tfour|five"\n', encoding="utf-8")
    assert rows_of(tmp_path / name) == [({"id": "1", "text": "one; two, three\tfour|five"}, None)]
