"""push, pull, list and card as a user runs them; no token in anything they print."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from distrust_hub.cli.main import COMMANDS, main
from distrust_hub.files import iter_jsonl, write_jsonl
from tests.cards.folders import manifest, training_run
from tests.hub.conftest import writes
from tests.hub.test_scored_datasets import TRAIN
from tests.hub_server.faults import Fault
from tests.hub_server.fixtures import client_env, reread_environment
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.hub


def run(*arguments: str) -> int:
    return main([*arguments])


def test_card_writes_checks_and_finds_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("card", str(folder), "--check") == 1
    assert "write it with: distrust-hub card" in capsys.readouterr().err
    assert run("card", str(folder)) == 0
    assert capsys.readouterr().out == f"{folder / 'README.md'}\n"
    assert run("card", str(folder), "--check") == 0
    path = folder / "README.md"
    path.write_text(path.read_text().replace("library_name: peft", "library_name: mlx"))
    assert run("card", str(folder), "--check") == 1
    assert "library_name is 'mlx'; it must be 'peft'" in capsys.readouterr().err
    assert run("card", str(folder), "--replace-card") == 0
    assert run("card", str(folder), "--check") == 0


def test_card_check_of_a_repo_reads_card_and_artifacts_there(
    hub: HubServer, token: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("push", str(folder), "ada/adapter") == 0
    api = HfApi(token=token)
    for name in ("tokenizer.json", "sub/training_run.json"):
        api.upload_file(path_or_fileobj=b"{}", path_in_repo=name, repo_id="ada/adapter")
    assert run("card", "ada/adapter", "--check") == 0
    assert not any("tokenizer.json" in entry.path or "/sub/" in entry.path for entry in hub.requests)
    card = hub.repo("ada/adapter").read("README.md").decode()
    wrong = card.replace("base_model: HuggingFaceTB/SmolLM2-135M-Instruct", "base_model: ada/other")
    api.upload_file(path_or_fileobj=wrong.encode(), path_in_repo="README.md", repo_id="ada/adapter", revision="main")
    capsys.readouterr()
    assert run("card", "ada/adapter", "--check") == 1
    assert "ada/adapter: base_model is 'ada/other' and the adapter was trained on" in capsys.readouterr().err
    first = hub.repo("ada/adapter").commits()[1].oid
    assert run("card", f"ada/adapter@{first}", "--check") == 0
    assert run("card", "ada/absent", "--check") == 1
    assert "error: model ada/absent is not on the Hub" in capsys.readouterr().err
    write_jsonl(tmp_path / "t" / "train.jsonl", TRAIN)
    assert run("push", str(tmp_path / "t"), "ada/notes") == 0
    assert run("card", "ada/notes", "--check") == 0
    manifest().save(tmp_path / "t")
    assert run("push", str(tmp_path / "t"), "ada/notes") == 0
    silent = hub.repo("ada/notes", "dataset").read("README.md").decode().replace("synthetic", "made")
    api.upload_file(path_or_fileobj=silent.encode(), path_in_repo="README.md", repo_id="ada/notes", repo_type="dataset")
    assert run("card", "ada/notes", "--check") == 1
    assert "rows are synthetic and the first paragraph does not say so" in capsys.readouterr().err
    api.create_repo("ada/empty")
    assert run("card", "ada/empty", "--check") == 1
    assert "there is no README.md" in capsys.readouterr().err
    assert run("card", "ada/absent", "--check") == 1
    assert "is not on the Hub" in capsys.readouterr().err


def test_push_refuses_what_the_licence_of_the_base_forbids(
    hub: HubServer, token: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for license, message in (("cc-by-nd-4.0", "forbids passing on changed"), ("llama3.1", "call it Llama-adapter")):
        record = training_run()
        record.base_model["license"] = license
        record.save(folder)
        assert run("push", str(folder), "ada/adapter") == 1
        assert message in capsys.readouterr().err
    assert writes(hub) == []
    assert run("push", str(folder), "ada/Llama-adapter") == 0


def test_no_option_of_any_command_takes_a_secret() -> None:
    for verb in COMMANDS:
        parser = argparse.ArgumentParser()
        importlib.import_module(f"distrust_hub.cli.{verb}").add_arguments(parser)
        options = {option for action in parser._actions for option in action.option_strings}
        assert not {option for option in options if re.search("token$|key|secret|password", option)}


def test_card_of_a_training_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(tmp_path / "train.jsonl", TRAIN)
    manifest().save(tmp_path)
    assert run("card", str(tmp_path)) == 0
    assert "**This dataset holds synthetic text:** 1 of its 5 rows" in (tmp_path / "README.md").read_text()
    assert run("card", str(tmp_path), "--check") == 0


def test_push_pull_and_list_an_adapter(
    hub: HubServer, token: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("push", str(folder), "ada/adapter", "--private", "--commit-message", "Mine") == 0
    captured = capsys.readouterr()
    assert captured.out == f"{hub.url}/ada/adapter\n"
    assert "distrust-hub pull ada/adapter" in captured.err
    assert hub.repo("ada/adapter").private
    sha = hub.repo("ada/adapter").commits()[0].oid
    assert hub.repo("ada/adapter").commits()[0].title == "Mine"
    here = tmp_path / "here"
    assert run("pull", f"ada/adapter@{sha}", "--local-dir", str(here)) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{here}\n"
    assert "chat --model HuggingFaceTB/SmolLM2-135M-Instruct --adapter-path" in captured.err
    assert run("list", "--author", "ada", "--format", "json") == 0
    assert [repo["repo_id"] for repo in json.loads(capsys.readouterr().out)] == ["ada/adapter"]
    assert run("list") == 0
    assert "ada/adapter" in capsys.readouterr().out


def test_push_names_the_place_to_pull_from(
    hub: HubServer, token: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, options, place in (
        ("adapter", [], "ada/adapter"),
        ("ada/adapter", ["--revision", "v2"], "ada/adapter@v2"),
        ("ada/adapter", ["--create-pr", "--replace-card"], "ada/adapter@refs/pr/1"),
    ):
        (folder / "metrics.jsonl").write_text(json.dumps({"options": options}) + "\n")
        assert run("push", str(folder), name, *options) == 0
        assert capsys.readouterr().err.endswith(f"distrust-hub pull {place}\n")
        here = tmp_path / place.replace("/", "-")
        assert run("pull", place, "--local-dir", str(here)) == 0
        assert (here / "metrics.jsonl").read_bytes() == (folder / "metrics.jsonl").read_bytes()
        capsys.readouterr()


def test_pull_with_two_revisions_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pull", "ada/adapter@v1", "--revision", "v2") == 2
    assert "ada/adapter@v1 and --revision v2 both name a revision; give one" in capsys.readouterr().err


def test_pull_of_a_bare_name_says_how_a_repo_is_named(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pull", "adapter") == 1
    assert "'adapter' is not a repo id; write it as owner/name" in capsys.readouterr().err
    assert hub.requests == []


def test_push_of_rows_draws_no_bars_where_nobody_looks(
    hub: HubServer, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(tmp_path / "t" / "train.jsonl", TRAIN)
    assert run("push", str(tmp_path / "t"), "ada/notes") == 0
    error = capsys.readouterr().err
    assert "Generating" not in error
    assert "Creating parquet" not in error


def test_push_of_what_is_there_says_that_nothing_changed(
    hub: HubServer, token: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("push", str(folder), "ada/adapter") == 0
    assert "published 9 files" in capsys.readouterr().err
    for options in ([], ["--create-pr"]):
        assert run("push", str(folder), "ada/adapter", *options) == 0
        error = capsys.readouterr().err
        assert "nothing to publish: the Hub holds the same files already, commit" in error
        assert "published 9" not in error


def test_push_dry_run_prints_files_and_card_and_writes_nothing(
    hub: HubServer, token: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("push", str(folder), "ada/adapter", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "adapters.safetensors\nadapter" not in shown
    assert "adapters.safetensors" in shown.split("---\n")[0]
    assert "base_model: HuggingFaceTB/SmolLM2-135M-Instruct" in shown
    assert writes(hub) == []


def test_push_dry_run_needs_no_token_and_says_what_was_not_checked(
    hub: HubServer,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = [{"text": "A letter.", "authority_weight": 0.1, "provenance_entropy": 6.0, "license": "CC0-1.0"}]
    (tmp_path / "scored.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for source, shown in ((folder, "adapters.safetensors"), (tmp_path / "scored.jsonl", "data/train-")):
        assert run("push", str(source), "ada/name", "--dry-run") == 0
        assert shown in capsys.readouterr().out
        assert "no Hugging Face token: not checked whether you may write to ada/name" in caplog.text
        caplog.clear()
    assert hub.requests == []
    assert run("push", str(folder), "name", "--dry-run") == 1, "a bare name lacks its owner"
    assert "no Hugging Face token" in capsys.readouterr().err


def test_push_recognises_a_training_folder_by_its_files(
    hub: HubServer, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(tmp_path / "t" / "train.jsonl", TRAIN)
    assert run("push", str(tmp_path / "t"), "ada/notes", "--format", "json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["url"] == f"{hub.url}/datasets/ada/notes"
    assert "distrust-hub train --model HuggingFaceTB/SmolLM2-135M-Instruct --data ada/notes" in captured.err
    assert run("list", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)[0]["repo_type"] == "dataset"


def test_pull_of_a_dataset_gives_back_the_training_folder(
    hub: HubServer, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(tmp_path / "t" / "train.jsonl", TRAIN)
    manifest().save(tmp_path / "t")
    assert run("push", str(tmp_path / "t"), "ada/notes") == 0
    capsys.readouterr()
    here = tmp_path / "here"
    assert run("pull", "ada/notes", "--local-dir", str(here)) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{here}\n"
    assert f"--data {here}" in captured.err
    assert sorted(path.name for path in here.iterdir()) == ["manifest.json", "train.jsonl"]
    assert [row for _, row in iter_jsonl(here / "train.jsonl")] == TRAIN
    assert run("pull", "ada/notes", "--local-dir", str(here)) == 1
    assert "holds files already" in capsys.readouterr().err


def test_pull_and_card_find_a_dataset_in_the_cache_when_offline(
    hub: HubServer, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "t" / "train.jsonl", TRAIN)
    assert run("push", str(tmp_path / "t"), "ada/notes") == 0
    assert (run("pull", "ada/notes"), run("card", "ada/notes", "--check")) == (0, 0)
    for name, value in (("HF_HUB_OFFLINE", "1"), ("HF_ENDPOINT", "http://127.0.0.1:9")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            reread_environment()
            capsys.readouterr()
            assert (run("pull", "ada/notes"), run("card", "ada/notes", "--check")) == (0, 0)
            assert "--data" in capsys.readouterr().err
            assert run("pull", "ada/absent") == 1
            assert re.search("model ada/absent is not in the cache|cannot reach", capsys.readouterr().err)


def test_known_errors_are_one_line_and_exit_1(
    hub: HubServer, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in (
        (["push", str(folder), "ada/adapter"], "no Hugging Face token; run: hf auth login, or set HF_TOKEN"),
        (["push", str(tmp_path / "absent"), "ada/adapter"], "absent: no such file or folder"),
        (["pull", "ada/absent"], "model ada/absent is not on the Hub"),
        (["card", str(tmp_path / "absent")], "no such folder"),
    ):
        assert run(*arguments) == 1
        error = capsys.readouterr().err.strip()
        assert message in error
        assert error.startswith("distrust-hub: error: ")
        assert "\n" not in error


def test_a_log_file_has_no_progress_bars_and_each_warning_once(
    hub: HubServer, token: str, folder: Path, tmp_path: Path
) -> None:
    env = client_env(hub, tmp_path / "child", token)
    del env["HF_HUB_DISABLE_PROGRESS_BARS"]
    push = ["push", str(folder), "ada/adapter"]
    for command in (push, push, ["pull", "ada/adapter"]):
        done = subprocess.run(
            [sys.executable, "-m", "distrust_hub", *command], env=env, capture_output=True, text=True, check=True
        )
        assert "%|" not in done.stderr
        assert "it/s]" not in done.stderr
        assert done.stderr.count("No files have been modified") == ("nothing to publish" in done.stderr)


def test_no_output_of_a_process_holds_the_token(hub: HubServer, token: str, folder: Path, tmp_path: Path) -> None:
    """Also with debug logging and tracebacks on, and when the Hub refuses."""
    reader = hub.add_user("ada", role="read")
    home = tmp_path / "child"
    for secret, repo_id, code in ((token, "ada/adapter", 0), (reader, "ada/adapter", 1), (token, "eve/adapter", 1)):
        env = {**client_env(hub, home, secret), "HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug"}
        command = [sys.executable, "-m", "distrust_hub", "push", str(folder), repo_id]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert secret not in done.stdout + done.stderr
    hub.faults.append(Fault("status", "POST .*/commit/", status=400, message="Bad luck"))
    command = [sys.executable, "-m", "distrust_hub", "push", str(folder), "ada/other"]
    env = {**client_env(hub, home, token), "HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "Bad luck" in done.stderr
    assert token not in done.stdout + done.stderr
    for path in [*folder.rglob("*"), *home.rglob("*")]:
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


def test_push_of_a_run_without_base_id_fails_before_the_hub_is_asked(
    hub: HubServer, token: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_file = training_run()
    run_file.base_model["id"] = None
    run_file.save(folder)
    assert run("push", str(folder), "ada/adapter") == 1
    assert "--base-model-id" in capsys.readouterr().err
    assert hub.requests == []
