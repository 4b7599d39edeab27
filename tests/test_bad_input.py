"""Bad files, options and places as a user meets them: one line on stderr, exit code 1, nothing left behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distrust_hub.cli.main import main
from tests.tiny import make_tiny_model
from tests.training.conftest import scored_row, write_rows

GOOD = (json.dumps(scored_row(0)) + "\n").encode()
Fails = Callable[..., str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_model(tmp_path_factory.mktemp("bad-input") / "model"))


@pytest.fixture
def fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Fails:
    """Run a command that must fail and leave nothing behind; returns its one line."""

    def run(*arguments: str | Path, code: int = 1) -> str:
        before = set(tmp_path.rglob("*"))
        try:
            found = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            found = int(stop.code or 0)
        error = capsys.readouterr().err.strip()
        assert found == code, error
        assert len(error.splitlines()) == 1, error
        assert set(tmp_path.rglob("*")) == before
        return error

    return run


@contextlib.contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Within the block a file may have ``size`` bytes; writing more is an error, as on a full disk.

    The limit ends with the block: pytest's own output may be a file too.
    """
    resource = pytest.importorskip("resource", reason="no limits of a process here")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def changed(**columns: object) -> bytes:
    return (json.dumps({**scored_row(1), **columns}) + "\n").encode()


def commands(verb: str, source: Path, model: str, out: Path) -> list[str | Path]:
    return {
        "score": ["score", source, "-o", out.with_suffix(".jsonl")],
        "prepare": ["prepare", source, "-o", out],
        "inspect": ["prepare", source, "--inspect"],
        "train": ["train", "--model", model, "--data", source, "--adapter-path", out, "--iters", "1"],
        "evaluate": ["evaluate", "--model", model, "--suite", "perplexity", "--data", source, "-o", out],
        "push": ["push", source, "ada/notes"],
    }[verb]


READERS = ["score", "prepare", "train", "evaluate", "push"]
SCORE_READERS = ["prepare", "inspect", "train", "evaluate", "push"]
BAD_ROWS = [
    ("not_json", b"{oops\n", READERS, "{file}:2: not valid JSON"),
    ("not_an_object", b"[1]\n", READERS, "{file}:2: expected a JSON object, found list"),
    ("nested_deep", b"[" * 100_000 + b"\n", READERS, "{file}:2: not valid JSON"),
    ("not_utf8", '{"text": "café"}\n'.encode("latin-1"), READERS, "{file}:2: not valid JSON ('utf-8' codec"),
    ("no_text", changed(text=None), ["score", "prepare"], "{file}:2: column 'text' is empty; fill it, remove the row"),
    ("no_text", changed(text=None), ["train"], "{file}:2: column 'text' is missing or empty; "),
    ("no_text", changed(text=None), ["evaluate", "push"], "{file}:2: column 'text' is empty; fill it, remove the row"),
    ("text_list", changed(text=["a", 5]), ["score", "prepare", "push"], "'text' holds the list ['a', 5]; expected"),
    ("skip", changed(text=" "), ["score", "prepare"], "such rows out"),
    ("above", changed(authority_weight=1.4), SCORE_READERS, "{file}:2: authority_weight is 1.4; expected 0 to 0.99"),
    ("below", changed(provenance_entropy=-1), SCORE_READERS, "{file}:2: provenance_entropy is -1; expected 0 or more"),
    ("nan", changed(authority_weight=float("nan")), SCORE_READERS, "{file}:2: authority_weight is nan; expected a"),
    ("text_weight", changed(authority_weight="high"), SCORE_READERS, "{file}:2: authority_weight is 'high'; expected"),
    ("huge_number", changed(authority_weight=10**400), SCORE_READERS, "{file}:2: authority_weight is "),
    ("too_many_digits", changed().replace(b"0.5", b"1" * 5000), READERS, "{file}:2: not valid JSON"),
    ("nan_elsewhere", changed(year=float("nan")), ["evaluate", "push"], "{file}:2: year is nan;"),
    ("nan_nested", changed(x={"y": [float("inf")]}), ["push"], "{file}:2: x is {'y': [inf]}; expected"),
    ("newer_schema", changed(schema=99), SCORE_READERS, "upgrade with: pip install -U distrust-hub"),
]


@pytest.mark.mlx
@pytest.mark.parametrize(
    ("verb", "row", "message"),
    [pytest.param(verb, row, m, id=f"{verb}-{name}") for name, row, verbs, m in BAD_ROWS for verb in verbs],
)
def test_bad_row_is_named(fails: Fails, model: str, tmp_path: Path, verb: str, row: bytes, message: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(GOOD + row)
    assert message.replace("{file}", str(source)) in fails(*commands(verb, source, model, tmp_path / "out"))


@pytest.mark.mlx
@pytest.mark.parametrize("verb", READERS)
@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file|neither a"), (b"", "no row"), (b"\n\n", "no row")]
)
def test_missing_and_empty_file(
    fails: Fails, model: str, tmp_path: Path, verb: str, content: bytes | None, message: str
) -> None:
    source = tmp_path / "in.jsonl"
    if content is not None:
        source.write_bytes(content)
    error = fails(*commands(verb, source, model, tmp_path / "out"))
    assert any(part in error for part in message.split("|"))


@pytest.mark.parametrize("verb", ["score", "prepare"])
def test_huge_line_is_refused(fails: Fails, tmp_path: Path, verb: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(GOOD + b'{"text": "' + b"a" * (64 << 20) + b'"}\n')
    error = fails(*commands(verb, source, "", tmp_path / "out"))
    assert f"{source}:2: line is longer than 67,108,864 bytes; split the document" in error


@pytest.mark.mlx
@pytest.mark.parametrize("verb", ["score", "prepare", "train", "push"])
def test_damaged_parquet(fails: Fails, model: str, tmp_path: Path, verb: str) -> None:
    source = tmp_path / "in.parquet"
    source.write_bytes(b"PAR1 and no end")
    error = fails(*commands(verb, source, model, tmp_path / "out"))
    assert f"{source}: not a" in error
    assert "parquet file" in error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("learning-rat: 1\n", "{file}: unknown option 'learning_rat'; did you mean 'learning_rate'?"),
        ("rank: 2\nrank: 3\n", "{file}: option 'rank' is given twice; keep one of the lines"),
        ("batch-size: 2\nbatch_size: 3\n", "{file}: option 'batch_size' is given twice"),
        ("rank: two\n", "rank is 'two'; expected a whole number"),
        ("rank: 0\n", "rank is 0; expected 1 to 1024"),
        ("learning-rate: .nan\n", "learning_rate is nan; expected a finite number"),
        ("- rank\n", "{file}: expected 'option: value' lines, found a list"),
        ("rank: [", "{file}: not valid YAML"),
        ("rank: caf\xe9", "{file}: not valid YAML ('utf-8' codec"),
        (None, "{file}: no such file"),
    ],
)
def test_bad_yaml_names_file_and_key(fails: Fails, tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "options.yaml"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    error = fails("train", "--model", "m", "--data", "d", "-c", file)
    assert message.replace("{file}", str(file)) in error


def test_bad_recipe_key_is_named(fails: Fails, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [scored_row(0)])
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("inputs: [in.jsonl]\nvalid-shar: 0.1\n")
    assert "unknown key 'valid_shar'; did you mean" in fails("prepare", "--recipe", recipe, "-o", tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--model", "m", "--data", "d", "--iters", "2", "--epochs", "2"], 2, "iters is 2 and epochs is 2"),
        (["train"], 2, "no model and no data given; add --model and --data"),
        (["train", "--model", "m", "--data", "d", "--seed", "-1"], 1, "seed is -1; expected 0 to"),
        (["train", "--model", "m", "--data", "d", "--iters", "many"], 2, "argument --iters: invalid int value"),
        (["score"], 2, "give either IN or --text TEXT"),
        (["prepare"], 2, "no input; name scored files"),
        (["evaluate"], 2, "no suite given; add --suite"),
        (["evaluate", "--seed", "-1"], 2, "argument --seed: -1 is not 0 to"),
        (["chat", "--seed", "99999999999"], 2, "argument --seed: 99999999999 is not 0 to"),
        (["card"], 2, "arguments are required: DIR"),
        (["push"], 2, "arguments are required: DIR, REPO_ID"),
        (["pull"], 2, "arguments are required: REPO_ID"),
        (["export", "a", "--to", "onnx", "-o", "b"], 2, "invalid choice: 'onnx'"),
        (["app", "--port", "web"], 2, "'web' is not a port; expected 1 to 65535"),
    ],
)
def test_wrong_usage_says_what_is_expected(fails: Fails, arguments: list[str], code: int, message: str) -> None:
    assert message in fails(*arguments, code=code)


@pytest.mark.mlx
@pytest.mark.parametrize("verb", ["score", "prepare", "train", "evaluate"])
def test_output_below_a_file(fails: Fails, model: str, tmp_path: Path, verb: str) -> None:
    source = tmp_path / "in.jsonl"
    write_rows(source, [scored_row(i) for i in range(6)])
    (tmp_path / "file").write_text("mine")
    error = fails(*commands(verb, source, model, tmp_path / "file" / "out"))
    assert "a file is where a folder is needed; choose another path" in error
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.mlx
@pytest.mark.parametrize("verb", ["prepare", "train"])
def test_output_folder_that_is_a_file(fails: Fails, model: str, tmp_path: Path, verb: str) -> None:
    source = tmp_path / "in.jsonl"
    write_rows(source, [scored_row(i) for i in range(6)])
    (tmp_path / "file").write_text("mine")
    error = fails(*commands(verb, source, model, tmp_path / "file"))
    assert f"{tmp_path / 'file'}: " in error
    assert "file" in error.split(": ", 3)[3]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.mlx
@pytest.mark.parametrize("verb", ["prepare", "evaluate"])
def test_full_disk_leaves_nothing(fails: Fails, model: str, tmp_path: Path, verb: str) -> None:
    source = tmp_path / "in.jsonl"
    write_rows(source, [scored_row(i, words=40) for i in range(30)])
    with full_disk(300):
        error = fails(*commands(verb, source, model, tmp_path / "out"))
    assert "no space left" in error


def test_full_disk_keeps_the_training_folder_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path / "in.jsonl", [scored_row(i, words=40) for i in range(30)])
    assert main(["prepare", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out")]) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with full_disk(300):
        assert main(["prepare", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out"), "--overwrite", "--seed", "5"])
    assert "no space left" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
