from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.errors import ConfigError, DataError, InputNotFoundError, OutputError, OutputExistsError
from distrust_hub.schema import SCORE_COLUMNS, ScoredDocument
from distrust_hub.scoring import bulk, outputs
from distrust_hub.scoring.bulk import iter_scored, score_dataset
from distrust_hub.scoring.document import score_document
from distrust_hub.scoring.inputs import InputRow, RawLine, iter_source
from distrust_hub.scoring.rows import _chunks
from tests.test_bad_input import full_disk

TEXTS = [
    f"March {day}, 1850. I saw {day} ships in the harbour, and the wind was north-west all day." for day in range(1, 31)
]


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_score_dataset_writes_scored_rows_in_order(tmp_path: Path) -> None:
    source = write_rows(
        tmp_path / "in.jsonl", [{"text": t, "id": i, "year": 1850, "note": "kept"} for i, t in enumerate(TEXTS)]
    )
    summary = score_dataset(source, tmp_path / "out.jsonl")
    rows = read_rows(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == [str(i) for i in range(30)]
    assert list(rows[0])[:5] == ["schema", "id", "text", "authority_weight", "provenance_entropy"]
    assert set(SCORE_COLUMNS) < rows[0].keys()
    assert rows[0]["note"] == "kept"
    assert "evidence" not in rows[0]
    document = ScoredDocument.from_row(rows[0])
    assert document.authority_weight == score_document(TEXTS[0], {"year": 1850}).authority_weight
    assert summary.rows_read == summary.rows_scored == sum(summary.tiers.values()) == 30
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl", ".out.jsonl.state.json"}


def test_workers_and_stdout_give_the_same_rows(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": t} for t in TEXTS * 6])
    score_dataset(source, tmp_path / "one.jsonl")
    score_dataset(source, tmp_path / "two.jsonl", workers=2)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert "".join(iter_scored(source)) == (tmp_path / "one.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("evidence", [True, False])
def test_evidence_is_written_only_when_asked(tmp_path: Path, evidence: bool) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": TEXTS[0]}])
    score_dataset(source, tmp_path / "out.jsonl", evidence=evidence)
    assert ("evidence" in read_rows(tmp_path / "out.jsonl")[0]) is evidence


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("{", "not valid JSON"),
        ('"x"', "expected a JSON object"),
        ({"body": "x"}, "column 'text' is missing"),
        ({"text": " "}, "empty"),
    ],
)
def test_a_bad_row_stops_with_file_and_line_and_leaves_nothing(tmp_path: Path, bad: Any, problem: str) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": TEXTS[0]}, bad])
    with pytest.raises(DataError, match=problem) as caught:
        score_dataset(source, tmp_path / "out.jsonl")
    assert str(caught.value).startswith(f"{source}:2: ")
    assert list(tmp_path.iterdir()) == [source]


def test_bad_rows_are_named_and_counted_when_skipped(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ["{", {"text": TEXTS[0]}, {"text": None}, {"text": TEXTS[1]}])
    summary = score_dataset(source, tmp_path / "out.jsonl", on_error="skip")
    rejected = read_rows(tmp_path / "out.jsonl.rejected.jsonl")
    assert [row["line"] for row in rejected] == [1, 3]
    assert (summary.rows_read, summary.rows_scored, summary.rows_rejected) == (4, 2, 2)
    assert summary.rejected_file == str(tmp_path / "out.jsonl.rejected.jsonl")


def test_an_output_that_is_there_is_kept_unless_told(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": TEXTS[0]}])
    output = tmp_path / "out.jsonl"
    output.write_text("mine\n", encoding="utf-8")
    with pytest.raises(OutputExistsError):
        score_dataset(source, output)
    assert output.read_text(encoding="utf-8") == "mine\n"
    score_dataset(source, output, overwrite=True)
    assert len(read_rows(output)) == 1


class Killed(BaseException):
    pass


@pytest.mark.parametrize("stop_at", [1, 7, 70, 100])
def test_resume_after_a_kill_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    rows: list[Any] = [{"text": t} for t in TEXTS * 4]
    rows[5] = rows[66] = "{"
    source = write_rows(tmp_path / "in.jsonl", rows)
    score_dataset(source, tmp_path / "whole.jsonl", on_error="skip")
    written = bulk.ScoredWriter.write_line
    calls = 0

    def failing(self: bulk.ScoredWriter, line: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            self._stream.write(line[: len(line) // 2])
            raise Killed
        written(self, line)

    with monkeypatch.context() as patch:
        patch.setattr(bulk.ScoredWriter, "write_line", failing)
        with pytest.raises(Killed):
            score_dataset(source, tmp_path / "out.jsonl", on_error="skip")
    assert not (tmp_path / "out.jsonl").exists()
    summary = score_dataset(source, tmp_path / "out.jsonl", on_error="skip", resume=True)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    rejected = "out.jsonl.rejected.jsonl"
    assert (tmp_path / rejected).read_bytes() == (tmp_path / "whole.jsonl.rejected.jsonl").read_bytes()
    assert (summary.rows_read, summary.rows_rejected) == (120, 2)
    assert sum(summary.tiers.values()) == 118
    assert summary.resumed_rows == stop_at - 1 + (stop_at > 5) + (stop_at > 65)


def test_resume_refuses_other_settings_and_starts_anew_with_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": t} for t in TEXTS])
    score_dataset(source, tmp_path / "new.jsonl", resume=True)
    assert len(read_rows(tmp_path / "new.jsonl")) == 30

    def failing(self: bulk.ScoredWriter, line: bytes) -> None:
        self._stream.write(line)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(bulk.ScoredWriter, "write_line", failing)
        with pytest.raises(Killed):
            score_dataset(source, tmp_path / "out.jsonl")
    with pytest.raises(ConfigError, match="limit"):
        score_dataset(source, tmp_path / "out.jsonl", resume=True, limit=3)
    write_rows(source, [{"text": t} for t in TEXTS[1:]])
    with pytest.raises(ConfigError, match="source"):
        score_dataset(source, tmp_path / "out.jsonl", resume=True)


@pytest.mark.parametrize("renames", [0, 1, 2])
@pytest.mark.parametrize("bad", [3, 0])
def test_a_kill_while_the_files_get_their_names_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int, bad: int
) -> None:
    source = write_rows(tmp_path / "in.jsonl", ["{"] * bad + [{"text": t} for t in TEXTS[:10]])
    score_dataset(source, tmp_path / "whole.jsonl", on_error="skip")
    output = tmp_path / "out.jsonl"
    left, replace, unlink = renames, os.replace, Path.unlink

    def count(file: Path) -> None:
        nonlocal left
        if str(file).endswith(".part") and file.parent == tmp_path and not file.name.startswith("."):
            if not left:
                raise Killed
            left -= 1

    def counted_replace(old: Path, new: Path) -> None:
        count(Path(old))
        replace(old, new)

    def counted_unlink(file: Path, missing_ok: bool = False) -> None:
        if not missing_ok:
            count(file)
        unlink(file, missing_ok=missing_ok)

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(os, "replace", counted_replace)
        patch.setattr(Path, "unlink", counted_unlink)
        score_dataset(source, output, on_error="skip")
    assert output.exists() == (renames == 2)
    summary = score_dataset(source, output, on_error="skip", resume=True)
    assert (summary.rows_read, summary.rows_scored, summary.rows_rejected) == (10 + bad, 10, bad)
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_resume_of_a_finished_run_wants_the_same_run(tmp_path: Path) -> None:
    source, other = (write_rows(tmp_path / name, [{"text": t} for t in TEXTS[:3]]) for name in ("a.jsonl", "b.jsonl"))
    write_rows(other, [{"text": TEXTS[5]}])
    output = tmp_path / "out.jsonl"
    score_dataset(source, output)
    written = output.read_bytes()
    assert score_dataset(source, output, resume=True).rows_scored == 3
    with pytest.raises(ConfigError, match="--resume: source was"):
        score_dataset(other, output, resume=True)
    with pytest.raises(ConfigError, match="--resume: evidence was False and is now True"):
        score_dataset(source, output, resume=True, evidence=True)
    assert output.read_bytes() == written
    output.unlink()
    assert score_dataset(other, output, resume=True).rows_scored == 1


def test_resume_leaves_a_file_of_unknown_origin_and_fills_an_empty_one(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": TEXTS[0]}])
    output = write_rows(tmp_path / "out.jsonl", [{"mine": 1}])
    with pytest.raises(OutputExistsError, match="--resume finds no record of the run that wrote this"):
        score_dataset(source, output, resume=True)
    assert read_rows(output) == [{"mine": 1}]
    output.write_bytes(b"")
    assert score_dataset(source, output, resume=True).rows_scored == 1
    with output.open("a", encoding="utf-8") as stream:
        stream.write('{"mine": 1}\n')
    with pytest.raises(OutputExistsError):
        score_dataset(source, output, resume=True)


@pytest.mark.parametrize("name", ["in", "in/*"])
def test_a_folder_is_scored_without_the_output_in_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    write_rows(tmp_path / "in" / "a.jsonl", [{"text": TEXTS[0]}, "{", {"text": TEXTS[1]}])
    source, output = str(tmp_path / name), tmp_path / "in" / "out.jsonl"
    for options in ({}, {"overwrite": True}, {"resume": True}):
        summary = score_dataset(source, output, on_error="skip", **options)  # type: ignore[arg-type]
        assert (summary.rows_scored, summary.rows_rejected) == (2, 1)


def test_resume_refuses_another_scorer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out.jsonl"
    source = write_rows(tmp_path / "in.jsonl", [{"text": t} for t in TEXTS * 4])
    with full_disk(20_000), pytest.raises(OutputError):
        score_dataset(source, output)
    monkeypatch.setattr(bulk, "SCORER_VERSION", bulk.SCORER_VERSION + 1)
    with pytest.raises(ConfigError, match="--resume: scorer was"):
        score_dataset(source, output, resume=True)


def test_a_run_without_resume_forgets_the_stopped_one_at_once(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    rows = ["{", *({"text": t} for t in TEXTS * 4)]
    source = write_rows(tmp_path / "in.jsonl", rows)
    with full_disk(20_000), pytest.raises(OutputError):
        score_dataset(source, output, on_error="skip")
    assert len(list(tmp_path.iterdir())) == 4
    outputs.ScoredWriter(output, {})
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.slow
def test_a_killed_process_is_gone_on_with_to_the_same_bytes(tmp_path: Path) -> None:
    rows: list[Any] = [{"text": f"{t} {i}"} for i, t in enumerate(TEXTS * 200)]
    rows[7] = "{"
    source = write_rows(tmp_path / "in.jsonl", rows)
    score_dataset(source, tmp_path / "whole.jsonl", on_error="skip")
    output = tmp_path / "out.jsonl"
    script = "import sys; from distrust_hub.scoring.bulk import score_dataset as s; s(*sys.argv[1:], on_error='skip')"
    child = subprocess.Popen([sys.executable, "-c", script, str(source), str(output)])
    part = tmp_path / "out.jsonl.part"
    while child.poll() is None and not (part.exists() and part.stat().st_size > 100_000):
        time.sleep(0.005)
    child.kill()
    assert child.wait() != 0, "it was done before it could be killed"
    assert not output.exists()
    summary = score_dataset(source, output, on_error="skip", resume=True)
    assert 0 < summary.resumed_rows < len(rows)
    assert (summary.rows_read, summary.rows_rejected) == (len(rows), 1)
    for name in ("out.jsonl", "out.jsonl.rejected.jsonl"):
        assert (tmp_path / name).read_bytes() == (tmp_path / name.replace("out", "whole")).read_bytes()


def test_every_form_of_input_gives_the_same_scores(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"id": str(i), "text": t} for i, t in enumerate(TEXTS[:4])]
    write_rows(tmp_path / "a.jsonl", rows)
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "c.parquet")
    (tmp_path / "d.csv").write_text("id,text\n" + "".join(f'{r["id"]},"{r["text"]}"\n' for r in rows), encoding="utf-8")
    want = "".join(iter_scored(tmp_path / "a.jsonl"))
    for name in ("c.parquet", "d.csv", "[a].jsonl"):
        assert "".join(iter_scored(tmp_path / name)) == want
    (tmp_path / "folder").mkdir()
    for i, row in enumerate(rows):
        (tmp_path / "folder" / f"{i}.txt").write_text(row["text"], encoding="utf-8")
    assert "".join(iter_scored(tmp_path / "folder")) == want
    score_dataset(tmp_path / "a.jsonl", tmp_path / "out.parquet")
    kept = [
        "".join(str(row[c]) for c in ("id", "text")) for row in map(json.loads, iter_scored(tmp_path / "out.parquet"))
    ]
    assert kept == [row["id"] + row["text"] for row in rows]


def test_a_line_in_another_encoding_loses_no_text(tmp_path: Path) -> None:
    mixed = "Zürich, naïve\n".encode() + "caf\u00e9 \u201cquoted\u201d \u2013 \u20ac5".encode("cp1252")
    text = "Zürich, naïve\ncaf\u00e9 \u201cquoted\u201d \u2013 \u20ac5"
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + mixed)
    (tmp_path / "b.csv").write_bytes(b'id,text\n1,"' + mixed + b'"\n')
    for name in ("a.txt", "b.csv"):
        assert [item.row["text"] for item in iter_source(tmp_path / name) if item.row] == [text]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_says_how_a_file_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("Zürich, €5".encode(encoding))
    (tmp_path / "b.csv").write_bytes('id,text\r\n1,"Zürich, €5"\r\n'.encode(encoding))
    for name in ("a.txt", "b.csv"):
        assert [item.row["text"] for item in iter_source(tmp_path / name) if item.row] == ["Zürich, €5"]


def test_csv_with_a_stray_quote_names_the_lines_it_swallows(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,text\n1,one\n2,"stray\n3,"third"\n4,"two\nlines"\n5,"open\n6,x\n', encoding="utf-8")
    items = list(iter_source(source))
    assert [item.row["id"] for item in items if item.row] == ["1", "4"]
    problems = [(item.line, item.problem) for item in items if item.problem]
    assert [line for line, _ in problems] == [3, 7]
    assert "lines 3 to 4 are not read" in str(problems[0][1])
    assert "lines 7 to 8 are not read" in str(problems[1][1])
    with pytest.raises(DataError, match="not valid CSV"):
        list(iter_scored(source))
    source.write_text('id,"text\n1,one\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"in\.csv:1: the header is not valid CSV"):
        list(iter_source(source))


@pytest.mark.parametrize("source", ["missing.jsonl", "no such/*.txt"])
def test_a_missing_source_is_named(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputNotFoundError, match=r"no such file.*check the path .a Hub dataset is OWNER/NAME"):
        score_dataset(tmp_path / source, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["./missing", "../missing", "~/missing"])
def test_a_misspelt_path_is_not_taken_for_a_hub_dataset(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputNotFoundError, match=f"{source}: no such file, folder or Hub dataset"):
        score_dataset(source, tmp_path / "out.jsonl")


def test_an_empty_source_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [])
    for name in ("out.jsonl", "out.parquet"):
        with pytest.raises(DataError, match="no rows to score; give an input with") as caught:
            score_dataset(source, tmp_path / name)
        assert str(caught.value).startswith(f"{source}: ")
    with pytest.raises(DataError, match=r"in\.jsonl: no rows to score"):
        list(iter_scored(source))
    assert list(tmp_path.iterdir()) == [source]


def test_overwrite_of_a_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": TEXTS[0]}])
    folder = tmp_path / "dir.jsonl"
    folder.mkdir()
    (folder / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="a folder of this name is there; choose another name"):
        score_dataset(source, folder, overwrite=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["dir.jsonl", "in.jsonl", "mine"]


@pytest.mark.parametrize("size", [300, 6_000])
def test_a_full_disk_leaves_no_part_of_a_parquet_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(outputs, "_PARQUET_ROWS", 20)
    source = write_rows(tmp_path / "in.jsonl", [{"id": i, "text": f"{TEXTS[i % 30]} {i}"} for i in range(130)])
    with full_disk(size), pytest.raises(OSError, match="File too large"):
        score_dataset(source, tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == [source]


def test_parquet_keeps_columns_that_the_first_row_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(outputs, "_PARQUET_ROWS", 2)
    rows: list[Any] = [{"text": "I saw it."}, {"text": "I saw it.", "note": "a"}, {"text": TEXTS[0], "note": None}]
    score_dataset(write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.parquet")
    found = [json.loads(line) for line in iter_scored(tmp_path / "out.parquet")]
    assert [(row["note"], row["year"]) for row in found] == [(None, None), ("a", None), (None, 1850)]
    late = write_rows(tmp_path / "late.jsonl", [*rows, {"text": TEXTS[1], "late": 1}])
    with pytest.raises(DataError, match=r"column .late. is not in the first 2 rows"):
        score_dataset(late, tmp_path / "late.parquet")


def test_a_full_disk_says_that_the_run_can_go_on_and_it_can(tmp_path: Path) -> None:
    rows: list[Any] = [{"text": t} for t in TEXTS * 4]
    rows[5] = rows[66] = "{"
    source = write_rows(tmp_path / "in.jsonl", rows)
    score_dataset(source, tmp_path / "whole.jsonl", on_error="skip")
    output = tmp_path / "out.jsonl"
    with full_disk(20_000), pytest.raises(OutputError, match=r"no space left on the disk.*--resume") as caught:
        score_dataset(source, output, on_error="skip")
    assert str(caught.value).startswith(f"{output}: ")
    summary = score_dataset(source, output, on_error="skip", resume=True)
    assert summary.resumed_rows > 6
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_disk_too_full_for_one_row_leaves_nothing(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": "word " * 4000}])
    with full_disk(9000), pytest.raises(OSError, match="File too large"):
        score_dataset(source, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == [source]


def test_damaged_parquet_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match="not a parquet file"):
        score_dataset(tmp_path / "a.parquet", tmp_path / "out.jsonl")


@pytest.mark.parametrize("text", ["a\x00b c", "lone \ud800 surrogate", "\ufeff bom"])
def test_odd_characters_are_scored_and_written(tmp_path: Path, text: str) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": text}])
    assert score_dataset(source, tmp_path / "out.jsonl").rows_scored == 1
    read_rows(tmp_path / "out.jsonl")


def test_parquet_values_that_json_does_not_have_are_written(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    row = {"text": TEXTS[0].encode(), "price": Decimal("2.50"), "raw": b"\xff\x00", "seen": {"on": date(1850, 3, 1)}}
    parquet.write_table(pyarrow.Table.from_pylist([{**row, "share": float("nan")}]), tmp_path / "in.parquet")
    write_rows(tmp_path / "in.jsonl", ['{"text": "I saw it.", "share": NaN, "more": [1e999, -Infinity]}'])
    found = {**json.loads(next(iter_scored(tmp_path / "in.parquet")))}
    want = {"text": TEXTS[0], "price": 2.5, "raw": "/wA=", "seen": {"on": "1850-03-01"}, "share": None}
    assert found.items() >= want.items()
    assert json.loads(next(iter_scored(tmp_path / "in.jsonl"))).items() >= {"share": None, "more": [None, None]}.items()


@pytest.mark.parametrize("options", [{"workers": 0}, {"on_error": "panic"}, {"prior_share": 1.5}])
def test_options_out_of_range_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": TEXTS[0]}])
    with pytest.raises(ConfigError):
        score_dataset(source, tmp_path / "out.jsonl", **options)


def test_limit_and_text_column(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"body": t} for t in TEXTS])
    summary = score_dataset(source, tmp_path / "out.jsonl", text_column="body", limit=3)
    assert summary.rows_scored == 3


def test_chunks_end_by_rows_or_by_size_so_that_memory_is_bounded() -> None:
    small = [RawLine("in", number, b"x") for number in range(600)]
    assert [len(chunk) for chunk in _chunks(small, "text")] == [256, 256, 88]
    large = [RawLine("in", number, b"x" * 400_000) for number in range(7)]
    assert [len(chunk) for chunk in _chunks(large, "text")] == [3, 3, 1]
    parsed = [InputRow("in", number, {"text": "x" * 600_000}) for number in range(3)]
    assert [len(chunk) for chunk in _chunks(parsed, "text")] == [2, 1]
    broken = [InputRow("in", 1, None, "a problem"), InputRow("in", 2, {"other": 1})]
    assert list(_chunks(broken, "text")) == [broken]
