"""Files as people have them: other encodings, suffixes in capitals, headers that repeat, texts in parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distrust_hub.errors import ConfigError, DataError
from distrust_hub.scoring.bulk import iter_scored, score_dataset
from distrust_hub.scoring.inputs import iter_source

TEXT = "Zürich, March 3, 1850: wind north-west, €5 paid."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_json_lines_with_a_byte_order_mark_are_read(tmp_path: Path, encoding: str) -> None:
    rows = "\r\n".join(json.dumps({"id": str(n), "text": TEXT}, ensure_ascii=False) for n in range(3))
    (tmp_path / "a.jsonl").write_bytes(rows.encode(encoding))
    assert [(item.line, item.row) for item in iter_source(tmp_path / "a.jsonl")] == [
        (n + 1, {"id": str(n), "text": TEXT}) for n in range(3)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("start", ["[", ""], ids=["list", "lines"])
def test_json_files_with_a_byte_order_mark_are_read(tmp_path: Path, encoding: str, start: str) -> None:
    row = {"id": "1", "text": TEXT}
    text = json.dumps([row], ensure_ascii=False, indent=1) if start else json.dumps(row, ensure_ascii=False)
    (tmp_path / "a.json").write_bytes(f"{text}\n".encode(encoding))
    assert [item.row for item in iter_source(tmp_path / "a.json")] == [row]


def test_hidden_files_of_a_folder_are_no_input(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / ".mine" / "in"  # what stands above the folder says nothing
    for name in ("a.jsonl", "b/c.jsonl", "._a.jsonl", ".ipynb_checkpoints/a-checkpoint.jsonl", ".git/x.bin"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"text": TEXT}) + "\n", encoding="utf-8")
    assert [Path(item.path).name for item in iter_source(folder)] == ["a.jsonl", "c.jsonl"]
    assert not caplog.records


def test_a_value_of_a_parquet_file_that_cannot_be_read_is_a_bad_row(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    titles = pyarrow.array([b"A", b"caf\xe9", None], pyarrow.binary())
    titles = pyarrow.Array.from_buffers(pyarrow.string(), 3, titles.buffers())
    dates = pyarrow.array([None, None, 1 << 60], pyarrow.timestamp("us"))
    source = tmp_path / "in.parquet"
    parquet.write_table(pyarrow.table({"text": [TEXT] * 3, "title": titles, "date": dates}), source)
    first, second, third = iter_source(source)
    assert (first.row, first.problem) == ({"text": TEXT, "title": "A", "date": None}, None)
    assert (second.row, second.line, str(second.problem)[:31]) == (None, 2, "column 'title' cannot be read (")
    assert (third.row, third.line, str(third.problem)[:30]) == (None, 3, "column 'date' cannot be read (")


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    source = tmp_path / "in.parquet"
    parquet.write_table(pyarrow.table({"text": [f"{TEXT} {n * n}" for n in range(500)]}), source)
    data = bytearray(source.read_bytes())
    data[100:300] = bytes(byte ^ 0x55 for byte in data[100:300])
    source.write_bytes(data)
    with pytest.raises(DataError, match=r"in\.parquet: damaged parquet file \(.*\); fetch it again"):
        list(iter_source(source))


@pytest.mark.parametrize("name", ["A.TXT", "B.JSONL", "C.Csv"])
def test_suffixes_in_capitals_are_read_alone_and_in_a_folder(tmp_path: Path, name: str) -> None:
    content = {"A.TXT": TEXT, "B.JSONL": json.dumps({"text": TEXT}), "C.Csv": f'text\n"{TEXT}"\n'}[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    for source in (tmp_path, tmp_path / name):
        assert [item.row["text"] for item in iter_source(source) if item.row] == [TEXT]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_column_named_twice_is_refused(tmp_path: Path, form: str) -> None:
    source = tmp_path / f"in.{form}"
    if form == "csv":
        source.write_text("text,id,text,,\none,1,other,,\n", encoding="utf-8")
    else:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(
            pyarrow.Table.from_arrays([["one"], ["1"], ["other"]], names=["text", "id", "text"]), source
        )
    with pytest.raises(DataError, match="column 'text' twice; rename one"):
        list(iter_source(source))


def test_a_text_in_parts_is_joined(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"text": ["Page one.", None, "Page two."]}) + "\n", encoding="utf-8")
    assert [json.loads(line)["text"] for line in iter_scored(source)] == ["Page one.\n\nPage two."]


def test_a_text_file_without_text_is_named_and_does_not_stop_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(" \n", encoding="utf-8")
    (folder / "b.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.txt:1: holds no text; remove the file"):
        list(iter_scored(folder))
    summary = score_dataset(folder, tmp_path / "out.jsonl", on_error="skip")
    assert (summary.rows_read, summary.rows_scored, summary.rows_rejected) == (2, 1, 1)


def test_score_names_the_files_of_a_folder_that_it_does_not_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "b.txt").write_text(TEXT, encoding="utf-8")
    for name in ("scan.pdf", "letter.docx", "README.md"):
        (folder / name).write_text("x", encoding="utf-8")
    score_dataset(folder, folder / "out.jsonl")
    score_dataset(folder, folder / "out.jsonl", overwrite=True)
    assert [record.message for record in caplog.records] == [
        "in: 2 files are not read, for their form: letter.docx, scan.pdf"
    ] * 2


def test_score_reads_markdown_files_of_a_folder_but_its_card(tmp_path: Path) -> None:
    for name in ("notes.md", "README.md"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    assert [json.loads(line)["id"] for line in iter_scored(tmp_path)] == ["notes"]
    assert [json.loads(line)["id"] for line in iter_scored(tmp_path / "README.md")] == ["README"]


@pytest.mark.parametrize(
    "header",
    [
        "Ort, Datum;text;year",
        '"Ort, Tag, Monat, Jahr";text;year',
        "sep=;\r\nplace;text;year",
        "\r\n\r\nplace;text;year",
        "place ; text ; year ",
        "place\ttext\tyear",
    ],
)
def test_headers_of_spreadsheets_are_read(tmp_path: Path, header: str) -> None:
    delimiter = "\t" if "\t" in header else ";"
    lines = [header, delimiter.join(("York", "I saw it, and wrote.", "1890")), delimiter.join("abcd")]
    (tmp_path / "in.csv").write_bytes("\r\n".join(lines).encode())
    good, bad = iter_source(tmp_path / "in.csv")
    assert good.row is not None
    assert (good.row["text"], good.row["year"]) == ("I saw it, and wrote.", "1890")
    assert (good.line, bad.line) == (header.count("\n") + 2, header.count("\n") + 3)
    assert bad.row is None
    assert f"than the header has columns (3); put quotes around cells with {delimiter!r}" in str(bad.problem)


def test_columns_without_a_name_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text;;\nI saw it.;left;right\nI did not.;;\n", encoding="utf-8")
    assert [item.row for item in iter_source(tmp_path / "in.csv")] == [
        {"text": "I saw it.", "column 2": "left", "column 3": "right"},
        {"text": "I did not."},
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_a_text_file_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04\x14\x00\x08\x00 word/document.xml")
    (tmp_path / "b.txt").write_text(TEXT, encoding="utf-16")  # has zero bytes, and its mark
    bad, good = iter_source(tmp_path)
    assert "zero bytes" in str(bad.problem)
    assert (good.row or {})["text"] == TEXT


@pytest.mark.parametrize("source", [".", "*.jsonl"])
def test_rows_that_a_run_rejected_are_no_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(f'{json.dumps({"text": TEXT})}\n{{"text": ""}}\n', encoding="utf-8")
    assert score_dataset("in.jsonl", "out.jsonl", on_error="skip").rejected_file == "out.jsonl.rejected.jsonl"
    (tmp_path / "in.jsonl").unlink()
    assert [(item.path, item.problem) for item in iter_source(source)] == [("out.jsonl", None)]
    assert "not read" not in caplog.text
    assert [item.path for item in iter_source("out.jsonl.rejected.jsonl")] == ["out.jsonl.rejected.jsonl"]


@pytest.mark.parametrize("output", [".", "/", "out.csv"])
def test_an_output_that_is_no_row_file_is_refused(tmp_path: Path, output: str) -> None:
    (tmp_path / "in.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"output is '.*'; expected a name that ends in \.jsonl or \.parquet"):
        score_dataset(tmp_path / "in.txt", output)
