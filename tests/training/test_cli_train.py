"""``distrust-hub train`` as a user runs it, publishing included."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from distrust_hub.cli.main import main
from distrust_hub.files import sha256_file
from distrust_hub.models.fingerprint import base_fingerprint
from tests.hub_server.faults import Fault
from tests.training.conftest import scored_row, write_rows

pytestmark = pytest.mark.mlx


@pytest.fixture
def run(tiny_model, folder, tmp_path, no_plots):
    def command(*more: str) -> int:
        places = ["--model", tiny_model, "--data", str(folder), "--adapter-path", str(tmp_path / "adapter")]
        return main(["train", *places, "--iters", "2", "--rank", "2", "--max-seq-length", "64", *more])

    return command


@pytest.fixture
def token(hub, monkeypatch):
    value = hub.add_user("ada")
    monkeypatch.setenv("HF_TOKEN", value)
    return value


def writes(hub) -> list[str]:
    return [entry.path for entry in hub.requests if entry.method != "GET"]


def test_train_prints_a_table_and_what_to_do_next(run, capsys, tmp_path):
    assert run() == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["primary", "medium", "coordinated"]
    assert "held-out loss" in out
    assert "2 steps (0 skipped)" in out
    for command in ("distrust-hub chat", "distrust-hub evaluate", f"distrust-hub push {tmp_path / 'adapter'}"):
        assert command in err


def test_train_json_is_the_record(run, capsys, tmp_path):
    assert run("--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "adapter" / "training_run.json").read_text())


def test_train_push_is_refused_before_training_where_the_licence_of_the_base_forbids_it(
    run, hub, token, tiny_model, tmp_path, capsys
):
    base = shutil.copytree(tiny_model, tmp_path / "base")
    for license, message in (("cc-by-nd-4.0", "forbids passing on changed versions"), ("llama3.2", "call it Llama-x")):
        (base / "README.md").write_text(f"---\nlicense: {license}\n---\n")
        assert run("--model", str(base), "--base-model-id", "meta/base", "--push", "ada/x") == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "adapter").exists()
    assert writes(hub) == []


def test_train_writes_the_card_of_every_run(run, folder, tmp_path):
    rows = [scored_row(i, words=4, lang="en" if i else "de") for i in range(6)]
    write_rows(folder / "train.jsonl", rows)
    assert run() == 0
    card = (tmp_path / "adapter" / "README.md").read_text()
    assert "language:\n- de\n- en\n" in card
    assert "| Training weight | Examples | |" in card
    assert run("--base-model-id", "ada/tiny", "--overwrite") == 0
    assert "base_model: ada/tiny" in (tmp_path / "adapter" / "README.md").read_text()


def test_train_yaml_gives_options_and_the_command_line_wins(run, capsys, tmp_path):
    (tmp_path / "options.yaml").write_text("rank: 3\nlearning-rate: 1e-3\n")
    assert run("-c", str(tmp_path / "options.yaml"), "--format", "json") == 0
    config = json.loads(capsys.readouterr().out)["config"]
    assert (config["rank"], config["learning_rate"]) == (2, 1e-3)


def test_train_estimate_trains_nothing(run, tiny_model, capsys, tmp_path):
    assert run("--estimate", "--format", "json") == 0
    small = json.loads(capsys.readouterr().out)
    assert run("--estimate", "--format", "json", "--batch-size", "64") == 0
    assert json.loads(capsys.readouterr().out)["peak_bytes"] > small["peak_bytes"] > 0
    assert main(["train", "--model", tiny_model, "--estimate"]) == 0  # needs no data
    assert "; fits in the" in capsys.readouterr().out
    assert run("--estimate", "--max-memory-gb", "0.1") == 0
    out, err = capsys.readouterr()
    assert "does not fit in the 0.1 GB of --max-memory-gb" in out
    assert "fitted to dense models" not in err
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize(
    ("key", "number", "said"),
    [
        ("num_local_experts", " GB; fits in the", "fitted to dense models with attention"),
        ("state_size", ": not measured", "keeps states from token to token"),
    ],
)
def test_train_estimate_of_other_models_says_what_it_is_worth(tiny_model, tmp_path, capsys, key, number, said):
    config = Path(shutil.copytree(tiny_model, tmp_path / "model")) / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), key: 8}))
    assert main(["train", "--model", str(config.parent), "--estimate"]) == 0
    out, err = capsys.readouterr()
    assert number in out
    assert said in err


def test_train_quiet_prints_nothing_and_other_terminals_get_lines(tiny_model, folder, tmp_path):
    def train(name: str, *more: str) -> subprocess.CompletedProcess[str]:
        places = ["--model", tiny_model, "--data", str(folder), "--adapter-path", str(tmp_path / name)]
        options = ["--iters", "2", "--rank", "2", "--max-seq-length", "64", *more]
        command = [sys.executable, "-m", "distrust_hub", "train", *places, *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)

    quiet = train("quiet", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    lines = train("lines").stderr.splitlines()
    assert any(line.startswith("INFO: step 2/2: loss ") for line in lines)
    assert not any("it/s" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--learning-rate", "5"], 1, "learning_rate is 5.0; expected 0.0 to 1.0"),
        (["--epochs", "2"], 2, "iters is 2 and epochs is 2"),
        (["--patience", "2"], 2, "give --steps-per-eval too"),
        (["--resume", "--overwrite"], 2, "resume and overwrite are both set"),
        (["--packing", "--objective", "preference"], 2, "cannot be packed"),
        (["--no-mask-prompt", "--objective", "conditional"], 2, "whose prefix is not trained"),
        (["--target-modules", "q_tail"], 1, "layers here: down_proj"),
        (["--dry-run"], 2, "--push REPO_ID"),
        (["--objective", "magic"], 2, "invalid choice"),
    ],
)
def test_train_wrong_usage_is_one_line(run, capsys, arguments, code, message):
    try:
        found = run(*arguments)
    except SystemExit as stop:
        found = stop.code
    err = capsys.readouterr().err
    assert found == code
    assert message in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.hub
def test_train_push_publishes_in_one_commit(run, hub, token, capsys, tmp_path):
    assert run("--push", "ada/adapter", "--base-model-id", "org/tiny", "--commit-message", "Mine") == 0
    repo = hub.repo("ada/adapter")
    assert [commit.title for commit in repo.commits()] == ["Mine", "initial commit"]
    assert {"README.md", "adapters.safetensors", "adapter_model.safetensors", "training_run.json"} <= set(repo.files())
    assert repo.read("adapters.safetensors") == (tmp_path / "adapter" / "adapters.safetensors").read_bytes()
    assert "base_model: org/tiny" in repo.read("README.md").decode()
    assert token not in "".join(capsys.readouterr())


@pytest.mark.hub
def test_train_push_dry_run_shows_files_and_card_and_writes_nothing(run, hub, token, capsys):
    assert run("--push", "ada/adapter", "--base-model-id", "org/tiny", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert "\nadapters.safetensors\n" in out
    assert "base_model: org/tiny" in out
    assert "dry run: nothing was written" in err
    assert writes(hub) == []


@pytest.mark.hub
def test_train_push_dry_run_needs_no_token_and_says_what_was_not_checked(run, hub, capsys, caplog):
    assert run("--push", "ada/adapter", "--base-model-id", "org/tiny", "--dry-run") == 0
    assert "dry run: nothing was written" in capsys.readouterr().err
    assert "no Hugging Face token: not checked whether you may write to ada/adapter" in caplog.text
    assert hub.requests == []


@pytest.mark.hub
def test_train_push_that_fails_says_how_to_publish_what_was_trained(run, hub, token, capsys, no_waiting):
    hub.faults.append(Fault("status", "POST .*/commit/", times=None))
    assert (
        run("--push", "ada/adapter", "--base-model-id", "org/tiny", "--private", "--commit-message", "a first try") == 1
    )
    note, error = capsys.readouterr().err.splitlines()[-2:]
    assert "the Hub answered 503" in error
    assert note.startswith("the adapter is finished and was not published")
    hub.faults.clear()
    assert main(shlex.split(note.partition("with: distrust-hub ")[2])) == 0
    assert hub.repo("ada/adapter").commits()[0].title == "a first try"


@pytest.mark.hub
def test_train_push_refuses_before_training(run, hub, monkeypatch, capsys, tmp_path):
    assert run("--push", "ada/adapter", "--base-model-id", "org/tiny") == 1
    assert "hf auth login" in capsys.readouterr().err
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    assert run("--push", "ada/adapter") == 1
    assert "--base-model-id OWNER/NAME" in capsys.readouterr().err
    assert run("--push", "bob/adapter", "--base-model-id", "org/tiny") == 1
    assert "belongs to bob" in capsys.readouterr().err
    assert not (tmp_path / "adapter").exists()
    assert writes(hub) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--dry-run"],
        ["--private"],
        ["--create-pr"],
        ["--revision", "next"],
        ["--commit-message", "first"],
        ["--push-strategy", "checkpoint"],
    ],
)
def test_train_refuses_options_of_a_push_without_one(run, capsys, tmp_path, options):
    assert run(*options) == 2
    assert "without --push; give --push REPO_ID" in capsys.readouterr().err
    assert not (tmp_path / "adapter").exists()


@pytest.mark.hub
def test_train_reads_a_dataset_from_the_hub(hub, token, tiny_model, tmp_path):
    from distrust_hub.hub.scored_datasets import push_scored
    from distrust_hub.training.data import read_training_data

    path = write_rows(tmp_path / "scored.jsonl", [scored_row(i, license="cc0-1.0") for i in range(6)])
    pushed = push_scored(path, "ada/notes")
    data = read_training_data("ada/notes")
    assert (data.name, data.revision, len(data.train)) == ("ada/notes", pushed.sha, 6)
    assert read_training_data(f"ada/notes@{pushed.sha}").sha256 == data.sha256


def test_train_adapter_changes_the_base_model_s_answers(run, tiny_model, tmp_path):
    from distrust_hub.adapters.load import load_adapter
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx

    before = base_fingerprint(Path(tiny_model)), sha256_file(Path(tiny_model) / "model.safetensors")
    assert run("--learning-rate", "0.05") == 0
    tokens = mx.array([[70, 80, 90]])
    plain = load_base(tiny_model).model(tokens)
    adapted = load_adapter(tmp_path / "adapter", tiny_model).model(tokens)
    assert not mx.allclose(plain, adapted, atol=1e-3)
    assert before == (base_fingerprint(Path(tiny_model)), sha256_file(Path(tiny_model) / "model.safetensors"))
