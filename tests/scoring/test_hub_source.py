"""A dataset on the Hub is scored row by row, to the same numbers as the file it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from distrust_hub.cli.main import main
from distrust_hub.errors import ConfigError, HubError, OutputError
from distrust_hub.hub.rows import iter_rows
from distrust_hub.scoring.bulk import iter_scored, score_dataset
from tests.hub_server.server import HubServer
from tests.test_bad_input import full_disk

pytestmark = pytest.mark.hub


def test_a_hub_dataset_scores_as_its_file_does(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    source = tmp_path / "train.jsonl"
    rows = [{"id": f"n{i}", "text": f"May {i}, 1861. I saw {i} wagons.", "publisher": "x"} for i in range(1, 6)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    api = HfApi()
    api.create_repo("ada/notes", repo_type="dataset")
    api.upload_file(path_or_fileobj=source, path_in_repo="train.jsonl", repo_id="ada/notes", repo_type="dataset")
    summary = score_dataset("ada/notes", tmp_path / "out.jsonl")
    assert summary.rows_scored == 5
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == "".join(iter_scored(source))
    assert main(["score", "ada/notes", "-o", "-", "--limit", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_configuration_split_and_commit_decide_what_is_read(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    card = "---\nconfigs:\n" + "".join(
        f"- config_name: {name}\n  data_files:\n  - split: test\n    path: {name}.jsonl\n" for name in ("old", "new")
    )
    api = HfApi()
    api.create_repo("ada/notes", repo_type="dataset")

    def upload(name: str, content: str) -> str:
        data = content.encode()
        done = api.upload_file(path_or_fileobj=data, path_in_repo=name, repo_id="ada/notes", repo_type="dataset")
        return str(done.oid)

    upload("README.md", f"{card}---\n")
    upload("new.jsonl", json.dumps({"id": "new", "text": "I saw a wagon."}) + "\n")
    first = upload("old.jsonl", "".join(json.dumps({"id": i, "text": f"I saw {i} ships."}) + "\n" for i in range(90)))
    output = tmp_path / "out.jsonl"
    assert score_dataset("ada/notes", tmp_path / "new.jsonl", config="new", split="test").rows_scored == 1
    with full_disk(9000), pytest.raises(OutputError):
        score_dataset("ada/notes", output, config="old", split="test")
    second = upload("old.jsonl", json.dumps({"id": "other", "text": "I saw another ship."}) + "\n")
    assert first != second
    with pytest.raises(ConfigError, match=f"--resume: source was 'ada/notes@{first}' and is now 'ada/notes@{second}'"):
        score_dataset("ada/notes", output, config="old", split="test", resume=True)
    pinned = f"ada/notes@{first}"
    assert score_dataset(pinned, output, config="old", split="test", resume=True).rows_scored == 90


def test_push_publishes_the_scored_file_and_is_refused_before_any_work(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"text": "May 1, 1861. I saw it.", "license": "CC0-1.0"}) + "\n", encoding="utf-8")
    arguments = ["score", str(source), "-o", str(tmp_path / "out.jsonl"), "--push", "ada/scored"]
    assert main(arguments) == 1
    assert not (tmp_path / "out.jsonl").exists()
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    assert main([*arguments, "--private"]) == 0
    assert "published" in capsys.readouterr().err
    assert HfApi().dataset_info("ada/scored").private
    assert [row["text"] for row in iter_rows("ada/scored")] == ["May 1, 1861. I saw it."]


def test_a_dataset_that_is_not_on_the_hub_is_named(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="ada/absent"):
        score_dataset("ada/absent", tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []
