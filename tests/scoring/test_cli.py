from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from distrust_hub.cli.main import main
from distrust_hub.scoring.document import score_document

TEXT = "March 3, 1850. I saw the ships in the harbour, and the wind was north-west all day."


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"text": f"{TEXT} {i}", "id": i}) + "\n" for i in range(5)), encoding="utf-8")
    return path


def test_score_text_prints_json_with_the_numbers_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--text", TEXT, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(score_document(TEXT).to_dict()))


def test_score_text_prints_a_table_with_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--text", TEXT]) == 0
    out = capsys.readouterr().out
    assert "primary" in out
    assert "1850" in out
    assert "dated 1850" in out


def test_score_file_writes_rows_and_says_what_is_next(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = source.with_name("out.jsonl")
    assert main(["score", str(source), "-o", str(output), "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["rows_scored"] == 5
    assert "distrust-hub prepare" in captured.err
    assert main(["score", str(source), "-o", str(output)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["score", str(source), "-o", str(output), "--overwrite"]) == 0


def test_score_to_stdout_from_stdin_is_the_same_as_from_the_file(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["score", str(source), "-o", "-", "--workers", "2"]) == 0
    from_file = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    assert main(["score", "-", "-o", "-"]) == 0
    assert capsys.readouterr().out == from_file
    assert len(from_file.splitlines()) == 5


@pytest.mark.parametrize(
    ("options", "changed"),
    [(["--limit", "2"], "rows"), (["--evidence"], "evidence"), (["--prior-share", "0.2"], "weight")],
)
def test_each_option_changes_the_result(
    source: Path, capsys: pytest.CaptureFixture[str], options: list[str], changed: str
) -> None:
    lines = [json.loads(line) | {"source_type": "wiki"} for line in source.read_text(encoding="utf-8").splitlines()]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert main(["score", str(source), "-o", "-"]) == 0
    plain = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["score", str(source), "-o", "-", *options]) == 0
    other = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    if changed == "rows":
        assert other == plain[:2]
    elif changed == "evidence":
        assert other[0]["evidence"]
    else:
        assert other[0]["authority_weight"] != plain[0]["authority_weight"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "give either IN or --text"),
        (["x.jsonl"], 2, "no output"),
        (["--text", "  "], 2, "--text is empty"),
        (["--text", "a word", "-o", "out.jsonl"], 2, "--text prints one score"),
        (["--text", "a word", "--limit", "3"], 2, "--text prints one score"),
        (["--text", "a word", "--text-column", "body"], 2, "--text prints one score"),
        (["missing.jsonl", "-o", "out.jsonl"], 1, "no such file"),
        (["{in}", "-o", "out.xls"], 1, "ends in .jsonl or .parquet"),
        (["{in}", "-o", "-", "--text-column", "body"], 1, "--text-column"),
        (["{in}", "-o", "-", "--on-error", "skip"], 2, "give -o FILE"),
        (["{in}", "-o", "-", "--resume"], 2, "give -o FILE"),
        (["-", "-o", "out.jsonl", "--resume"], 1, "give a file"),
        (["{in}", "-o", "out.jsonl", "--personal-data", "mask"], 2, "--personal-data and --i-have-rights are about"),
        (["{in}", "-o", "out.jsonl", "--private"], 2, "what --push publishes; add --push REPO_ID"),
        (["--text", "a word", "--prior-share", "2"], 1, "expected 0 to 1"),
        (["{in}", "-o", "-", "--prior-share", "-1"], 1, "expected 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    source: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert main(["score", *(argument.replace("{in}", str(source)) for argument in arguments)]) == code
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_bad_rows_are_reported_on_stderr(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source.write_text(source.read_text(encoding="utf-8") + "{\n", encoding="utf-8")
    output = source.with_name("out.jsonl")
    assert main(["score", str(source), "-o", str(output)]) == 1
    assert f"{source}:6: not valid JSON" in capsys.readouterr().err
    assert main(["score", str(source), "-o", str(output), "--on-error", "skip"]) == 0
    assert "1 of 6 rows rejected" in capsys.readouterr().err
