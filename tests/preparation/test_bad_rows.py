"""Rows as real collections have them: nothing is lost without being named or counted."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import ConfigError, DataError
from distrust_hub.files import iter_jsonl
from distrust_hub.preparation.export import prepare
from distrust_hub.preparation.recipe import resolve_recipe
from distrust_hub.preparation.specs import InputSpec
from distrust_hub.scoring.bulk import score_dataset
from distrust_hub.scoring.document import SCORER_VERSION
from tests.preparation.test_fetch import row


def run(tmp_path, *lines, spec=None, **options):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join((json.dumps(x).encode() if isinstance(x, dict) else x) + b"\n" for x in lines))
    settings = PrepareConfig(**{"valid_share": 0.0, "near_duplicates": False, **options})
    manifest = prepare([InputSpec(str(path), **(spec or {}))], tmp_path / "out", settings, overwrite=True)
    return manifest, [entry for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl")]


BAD = [
    b"{oops",
    b"[1]",
    '{"text": "caf\xe9 at noon, said the old man"}'.encode("latin-1"),
    b'{"title": "no text"}',
    b'{"text": null}',
    b'{"text": 3}',
    b'{"text": "as good as any other row", "authority_weight": 7, "provenance_entropy": 1}',
    b'{"text": "as good as any other row", "x": ' + b"[" * 600 + b"]" * 600 + b"}",
]


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_bad_row_stops_or_is_counted(tmp_path, line, caplog):
    with pytest.raises(DataError, match=r"in\.jsonl:2: "):
        run(tmp_path, row(1), line, row(2))
    manifest, rows = run(tmp_path, row(1), line, row(2), on_error="skip")
    assert [entry["id"] for entry in rows] == ["n1", "n2"]
    assert manifest.counts == {"in": 3, "kept": 2, "removed": {"bad_row": 1}}
    assert manifest.inputs[0]["bad_rows"] == 1
    assert "left out: " in caplog.text
    assert "in.jsonl:2: " in caplog.text


def test_lost_characters_are_counted(tmp_path):
    text = row(1)["text"]
    lost = b"\x81"  # no letter in UTF-8 nor in Windows-1252
    (tmp_path / "old.csv").write_bytes(f"id,text\n1,{text.replace(',', '')} A caf".encode() + lost + b" stood there.\n")
    (tmp_path / "old.txt").write_bytes(f"{row(2)['text']} A caf".encode() + lost + b" stood there.")
    manifest = prepare([str(tmp_path / "old.csv"), str(tmp_path / "old.txt")], tmp_path / "out")
    assert manifest.counts["kept"] == 2
    assert manifest.changed == {"encoding_damaged": 2}


def test_equal_ids_are_told_apart_and_counted(tmp_path):
    manifest, rows = run(tmp_path, row(1), {**row(2), "id": "n1"}, {**row(3), "id": "n1"}, row(4))
    assert [entry["id"] for entry in rows] == ["n1", "n1~2", "n1~3", "n4"]
    assert manifest.changed == {"renamed_ids": 2}
    _, rows = run(tmp_path, {**row(1), "id": "n~2"}, {**row(2), "id": "n"}, {**row(3), "id": "n"})
    assert [entry["id"] for entry in rows] == ["n~2", "n", "n~3"]


def test_columns_that_are_sometimes_lists_are_read(tmp_path):
    text = row(1)["text"]
    listed = {"id": 7, "text": [text, "And so to bed.", None], "license": ["CC0-1.0", "MIT"], "title": ["A", "B"]}
    manifest, rows = run(tmp_path, listed, {**row(2), "title": "C"})
    assert rows[0]["text"] == f"{text}\n\nAnd so to bed."
    assert rows[0]["license"] == "CC0-1.0, MIT"
    assert manifest.licenses == {"CC0-1.0": 1, "CC0-1.0, MIT": 1}
    assert manifest.publishing["allowed"] is True


def test_values_of_the_recipe_fill_what_rows_do_not_say(tmp_path):
    rows = [
        {**row(1), "license": ""},
        {**row(2), "license": "MIT"},
        {k: v for k, v in row(3).items() if k != "license"},
    ]
    manifest, _ = run(tmp_path, *rows, spec={"values": {"license": "CC0-1.0"}})
    assert manifest.licenses == {"CC0-1.0": 2, "MIT": 1}
    assert manifest.inputs[0]["read_as"] == {"values": {"license": "CC0-1.0"}}


def test_a_renamed_column_goes_before_the_old_one_and_a_value_before_none(tmp_path):
    rows = [
        {"body": row(1)["text"], "text": "A short line of another text.", "rights": "CC0-1.0", "license": None},
        {"text": "A short line of another text.", "body": row(2)["text"], "license": "MIT", "rights": None},
        {"body": row(3)["text"], "authority_weight": 0.1, "provenance_entropy": 2.0, "auth_weight": None},
    ]
    spec = {"columns": {"body": "text", "rights": "license"}}
    manifest, written = run(tmp_path, *[{**entry, "scorer": SCORER_VERSION} for entry in rows], spec=spec)
    assert [entry["text"] for entry in written] == [row(n)["text"] for n in (1, 2, 3)]
    assert manifest.licenses == {"CC0-1.0": 1, "MIT": 1, "unknown": 1}
    assert written[2]["authority_weight"] == 0.1
    twice = {"body": row(1)["text"], "part": row(1)["text"]}
    assert run(tmp_path, twice, spec={"columns": {"body": "text", "part": "text"}})[1][0]["text"] == row(1)["text"]
    with pytest.raises(DataError, match="'body' and 'part' are both read as 'text' and differ"):
        run(
            tmp_path,
            {"body": row(1)["text"], "part": row(2)["text"]},
            spec={"columns": {"body": "text", "part": "text"}},
        )


def test_values_that_json_lacks_are_written_as_text(tmp_path):
    odd = {"price": Decimal("1.25"), "scan": b"\xff\x00", "time": timedelta(days=1), "seen": [{"on": date(1842, 5, 3)}]}
    texts = [row(n)["text"] for n in range(2)]
    table = pyarrow.Table.from_pylist([{"text": texts[0].encode(), **odd}, {"text": texts[1].encode(), **odd}])
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    (tmp_path / "in.jsonl").write_text(json.dumps({**row(2), "title": "x\udfff", "note": {"\ud800": "y"}}) + "\n")
    specs = [InputSpec(str(tmp_path / name), values={"date": date(1842, 5, 3)}) for name in ("in.parquet", "in.jsonl")]
    prepare(specs, tmp_path / "out", PrepareConfig(valid_share=0.0))
    first, _, last = (entry for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl"))
    assert first["text"] == texts[0]
    assert {name: first[name] for name in odd} == {
        "price": 1.25,
        "scan": "/wA=",
        "time": "1 day, 0:00:00",
        "seen": [{"on": "1842-05-03"}],
    }
    assert (last["date"], last["title"], last["note"]) == ("1842-05-03", "x?", {"?": "y"})


def test_synthetic_reads_the_words_of_a_csv_file(tmp_path):
    lines = [f"{row(n)['text']!r},{mark}".replace("'", '"') for n, mark in enumerate(("false", "True", "no", "", "1"))]
    (tmp_path / "in.csv").write_text("text,synthetic\n" + "\n".join(lines) + "\n")
    manifest = prepare([str(tmp_path / "in.csv")], tmp_path / "out", PrepareConfig(valid_share=0.0))
    rows = [entry for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl")]
    assert [entry["synthetic"] for entry in rows] == [False, True, False, None, True]
    assert manifest.synthetic == manifest.inputs[0]["synthetic"] == 2


def test_utf16_is_read_and_the_current_folder_has_its_name(tmp_path, monkeypatch):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "a.txt").write_text(f"{row(1)['text']} Ünï", encoding="utf-16")
    (folder / "b.csv").write_text(f'text\n"{row(2)["text"]}"\n', encoding="utf-16")
    monkeypatch.chdir(folder)
    manifest = prepare(["."], tmp_path / "out", PrepareConfig(valid_share=0.0))
    rows = [entry for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl")]
    assert [entry["text"] for entry in rows] == [f"{row(1)['text']} Ünï", row(2)["text"]]
    assert manifest.inputs[0]["name"] == "letters"


def test_rows_and_cap_of_an_input(tmp_path):
    lines = [row(n) for n in range(40)]
    manifest, rows = run(tmp_path, *lines, spec={"rows": 30, "cap": 10})
    assert manifest.counts == {"in": 30, "kept": 10, "removed": {"source_cap": 20}}
    assert [entry["id"] for entry in rows] == sorted((entry["id"] for entry in rows), key=lambda name: int(name[1:]))
    for cap, most in ((10, 20), (20, 10)):
        assert run(tmp_path, *lines, spec={"rows": 30, "cap": cap}, max_per_source=most)[1] == rows
    other, drawn = run(tmp_path, *lines, spec={"rows": 30}, max_per_source=10, seed=1)
    assert other.counts == manifest.counts
    assert [entry["id"] for entry in drawn] != [entry["id"] for entry in rows]


def test_checks_that_are_off_change_nothing(tmp_path):
    long = row(1)["text"] + " " + row(2)["text"] + " " + row(3)["text"]
    lines = [{"text": long}, {"text": f"A HEADER\n{long}"}, {"text": "Where did fortune cookies originate?"}]
    manifest, _ = run(tmp_path, *lines, near_duplicates=True)
    assert manifest.counts["removed"] == {"contamination": 1, "near_duplicate": 1}
    assert manifest.contamination["truthfulqa"]["documents_removed"] == 1
    manifest, _ = run(tmp_path, *lines, near_duplicates=False, contamination=False)
    assert manifest.counts["removed"] == {}
    assert manifest.contamination == {}


def test_training_rows_that_repeat_held_out_ones_are_removed(tmp_path):
    held_out = {**row(1), "split": "valid"}
    quoting = {"text": f"As the log has it: {row(1)['text']} That is all.", "split": "train"}
    manifest, rows = run(tmp_path, held_out, quoting, {**row(2), "split": "train"})
    assert [entry["id"] for entry in rows] == ["n2"]
    assert manifest.contamination["held-out"]["documents_removed"] == 1


HEADER = "From the papers of the harbour office at Leith, copied in the year 1861 by the second clerk of it. "


@pytest.mark.parametrize("count", [8, 20])
def test_a_heading_that_rows_share_with_held_out_ones_is_no_quotation(tmp_path, count):
    texts = [{**row(n), "text": HEADER + row(n)["text"], "split": None if n else "valid"} for n in range(count)]
    quoting = {"text": f"As the log has it: {row(0)['text']} That is all."}
    manifest, rows = run(tmp_path, *texts, quoting)
    assert [entry["id"] for entry in rows] == [f"n{n}" for n in range(1, count)]
    assert manifest.contamination["held-out"]["documents_removed"] == 1


def test_evaluation_data_without_text_is_refused(tmp_path):
    (tmp_path / "exam.jsonl").write_text('{"label": 1}\n')
    (tmp_path / "in.jsonl").write_text(json.dumps(row(1)) + "\n")
    with pytest.raises(DataError, match="no text to compare with"):
        prepare([str(tmp_path / "in.jsonl")], tmp_path / "out", against=[str(tmp_path / "exam.jsonl")])


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("[1]", "input 1 is neither a name nor a mapping with 'source'"),
        ("[{source: ''}]", "is neither a name nor a mapping"),
        ("['']", "is neither a name nor a mapping"),
        ("[{text: body}]", "is neither a name nor a mapping"),
        ("[{source: a, colums: {}}]", "unknown key 'colums'; known: source, text, columns"),
        ("[{source: a, rows: 0}]", "rows of input 'a' is 0; expected a whole number above 0"),
        ("[{source: a, columns: [b]}]", "columns of input 'a' is"),
        ("[{source: a, values: 3}]", "values of input 'a' is 3; expected a mapping"),
        ("[{source: a, years: 1900}]", "years of input 'a' is 1900; expected two years, the first"),
        ("[{source: a, years: 1969-1700}]", "years of input 'a' is '1969-1700'; expected two years, the first"),
        ("[{source: a, text: 3}]", "text of input 'a' is 3; expected text"),
        ("[{registry: nothing}]", "no source 'nothing' in the registry; known: newspapers-uk-1800"),
        ("[{registry: [a]}]", r"no source \['a'\] in the registry"),
        ('["a**b.jsonl"]', "neither a name nor a pattern"),
        ('[a.jsonl]\nagainst: ["a**b.jsonl"]', "neither a name nor a pattern"),
        ("x.jsonl", "expected a list"),
        ("[a.jsonl]\ntier-share: published", "recipe.yaml: unknown key 'tier_share'; did you mean 'tier_shares'"),
        ("[a.jsonl]\ninput: [b.jsonl]", "recipe.yaml: unknown key 'input'; did you mean 'inputs'"),
        ("[a.jsonl]\nfoo: 1", "recipe.yaml: unknown key 'foo'; known: inputs, against and the options"),
    ],
)
def test_recipe_names_a_wrong_input(tmp_path, entry, problem):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"inputs: {entry}\n")
    with pytest.raises(ConfigError, match=problem.replace("{", r"\{")):
        resolve_recipe(str(recipe), [], {})


def test_files_of_a_folder_that_are_not_read_are_named(tmp_path, caplog):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text(json.dumps(row(1)) + "\n")
    for name in ("README.md", "LICENSE", "manifest.json", ".hidden", "scan.pdf", "notes.xml"):
        (folder / name).write_text("{}")
    prepare([str(folder)], tmp_path / "out", PrepareConfig(valid_share=0.0))
    assert "in: 2 files are not read, for their form: notes.xml, scan.pdf" in caplog.text


def test_scores_of_a_csv_file_are_numbers(tmp_path):
    lines = ["text;authority_weight;prov_entropy;scorer", f"{row(1)['text']};0.25;3;{SCORER_VERSION}"]
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")
    manifest = prepare([str(tmp_path / "in.csv")], tmp_path / "out", PrepareConfig(valid_share=0.0))
    rows = [entry for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl")]
    assert [(entry["authority_weight"], entry["provenance_entropy"], entry["scorer"]) for entry in rows] == [
        (0.25, 3.0, SCORER_VERSION)
    ]
    assert manifest.inputs[0]["scored_here"] == 0
    (tmp_path / "in.csv").write_text("\n".join(lines).replace("0.25", "0,25") + "\n")
    with pytest.raises(DataError, match="authority_weight is '0,25'; expected a number"):
        prepare([str(tmp_path / "in.csv")], tmp_path / "out", PrepareConfig(), overwrite=True)


def test_scored_and_plain_rows_of_one_table_are_read(tmp_path):
    source = tmp_path / "plain.jsonl"
    source.write_text("".join(json.dumps(row(n)) + "\n" for n in range(3)))
    score_dataset(source, tmp_path / "scored.jsonl")
    scored = [entry for _, entry in iter_jsonl(tmp_path / "scored.jsonl")]
    table = pyarrow.Table.from_pylist([*scored, *map(row, range(3, 5))])
    for name in ("schema", "scorer"):  # as pandas holds whole numbers where some rows have none
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(pyarrow.float64()))
    pyarrow.parquet.write_table(table, tmp_path / "both.parquet")
    manifest = prepare([str(tmp_path / "both.parquet")], tmp_path / "out", PrepareConfig(valid_share=0.0))
    assert (manifest.counts["kept"], manifest.inputs[0]["scored_here"], manifest.scorer) == (5, 2, SCORER_VERSION)
    rows = [entry for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl")]
    assert {str(entry["scorer"]) for entry in rows} == {str(SCORER_VERSION)}
    assert "given_schema" not in rows[0]


def test_a_schema_of_the_rows_own_is_kept(tmp_path):
    _, rows = run(tmp_path, {**row(1), "schema": "dublin-core"}, {**row(2), "schema": True})
    assert [(entry["schema"], entry["given_schema"]) for entry in rows] == [(1, "dublin-core"), (1, True)]


def test_a_column_of_a_recipe_that_no_row_has_is_named(tmp_path, caplog):
    run(tmp_path, row(1), {**row(2), "issued": 1890}, spec={"columns": {"issued": "year", "year": "Jahr"}})
    assert "in.jsonl: no row has the column 'year' that the recipe reads as 'Jahr'" in caplog.text
    assert "'issued'" not in caplog.text


def test_columns_that_are_not_read_for_their_spelling_are_named(tmp_path, caplog):
    source = tmp_path / "in.csv"
    source.write_text("Text,Year,Cited By Count,DOI,doi,Shelf\nI saw it there.,1890,3,10.1/x,10.1/x,A 1\n")
    score_dataset(source, tmp_path / "out.jsonl", text_column="Text")
    named = "in.csv: not read for their spelling: 'Cited By Count' (cited_by_count), 'Year' (year); rename them"
    assert named in caplog.text
    assert "DOI" not in caplog.text  # its field is there
    (tmp_path / "in" / "b").mkdir(parents=True)
    for name in ("a.csv", "b/in.csv"):
        (tmp_path / "in" / name).write_bytes(source.read_bytes())
    caplog.clear()
    score_dataset(tmp_path / "in", tmp_path / "both.jsonl", text_column="Text")
    assert caplog.text.count("for their spelling") == 1
    columns = {"Year": "year", "Cited By Count": "cited_by_count"}
    for spec, warned in (({"columns": columns}, False), ({}, True)):
        caplog.clear()
        prepare(
            [InputSpec(str(source), text="Text", **spec)], tmp_path / "data", PrepareConfig(min_words=1), overwrite=True
        )
        assert (named in caplog.text) is warned
