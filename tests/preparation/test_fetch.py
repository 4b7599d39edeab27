"""Hub datasets into a training folder: pinned, in part, again after a kill, and without those that cannot be read."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from huggingface_hub import HfApi

from distrust_hub.cli.main import main
from distrust_hub.config import PrepareConfig
from distrust_hub.errors import HubError
from distrust_hub.files import iter_jsonl
from distrust_hub.preparation.export import prepare
from distrust_hub.preparation.specs import InputSpec
from tests.hub_server.faults import Fault
from tests.hub_server.fixtures import client_env

pytestmark = pytest.mark.hub

NAMES = ("mill", "well", "tide", "moor", "fair", "lamp", "oak", "ferry", "kiln", "barn")


def row(number, **more):
    words = " ".join(f"{NAMES[number % 10]}{NAMES[(number // 10 + place) % 10]}" for place in range(12))
    text = f"May {number % 28 + 1}, 1861. I saw {number} wagons pass the {words} before noon, wind north."
    return {"id": f"n{number}", "text": text, "license": "CC0-1.0", **more}


def publish(api, repo_id, rows, path="train.jsonl"):
    api.create_repo(repo_id, repo_type="dataset", exist_ok=True)
    data = io.BytesIO("".join(json.dumps(entry) + "\n" for entry in rows).encode())
    return api.upload_file(path_or_fileobj=data, path_in_repo=path, repo_id=repo_id, repo_type="dataset").oid


@pytest.fixture
def api(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    return HfApi()


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_prepare_reads_the_rows_it_is_asked_for_and_pins_the_commit(api, tmp_path):
    oid = publish(api, "ada/notes", map(row, range(50)))
    manifest = prepare([InputSpec("ada/notes", rows=20)], tmp_path / "out", PrepareConfig(near_duplicates=False))
    [entry] = manifest.inputs
    assert (entry["name"], entry["revision"], entry["rows"], entry["kept"]) == ("ada/notes", oid, 20, 20)
    assert entry["read_as"]["rows"] == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_prepare_goes_on_without_what_is_gated_gone_or_broken(api, hub, tmp_path, capsys):
    publish(api, "ada/notes", map(row, range(20)))
    hub.add_user("bob")
    publish(HfApi(token=hub.add_user("bob")), "bob/secret", [row(90)])
    hub.repo("bob/secret", "dataset").gated = "manual"
    publish(api, "ada/odd", [row(91)], path="train.bin")
    names = ["ada/notes", "ada/gone", "bob/secret", "ada/odd"]
    command = ["prepare", *names, "-o", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert "not read: ada/gone: dataset ada/gone is not on the Hub" in said
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [failure["name"] for failure in manifest["failed"]] == names[1:]
    assert [entry["name"] for entry in manifest["inputs"]] == ["ada/notes"]
    assert manifest["counts"]["in"] == 20
    assert main([*command, "--overwrite", "--strict"]) == 1
    assert "ada/gone" in capsys.readouterr().err


def test_prepare_goes_on_with_files_where_no_dataset_can_be_read(api, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps(row(1)) + "\n", encoding="utf-8")
    manifest = prepare(["ada/gone", str(tmp_path / "in.jsonl")], tmp_path / "out")
    assert manifest.counts["kept"] == 1
    assert [failure["name"] for failure in manifest.failed] == ["ada/gone"]


def test_prepare_reads_shards_whose_columns_differ(api, tmp_path):
    publish(api, "ada/drift", [row(1), row(2)], path="data/train-0.jsonl")
    publish(api, "ada/drift", [{**row(3), "id": 3, "mood": ["fair"]}, row(4)], path="data/train-1.jsonl")
    manifest = prepare([InputSpec("ada/drift", rows=4)], tmp_path / "out", PrepareConfig(valid_share=0.0))
    rows = [entry for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl")]
    assert [entry["id"] for entry in rows] == ["n1", "n2", "3", "n4"]
    assert rows[2]["mood"] == ["fair"]
    assert manifest.counts == {"in": 4, "kept": 4, "removed": {}}


@pytest.mark.slow  # the client tries for long
def test_an_image_of_a_row_is_written_alike_in_every_run(api, tmp_path):
    datasets, image = pytest.importorskip("datasets"), pytest.importorskip("PIL.Image")
    rows = [row(n, image=image.new("RGB", (2, 2))) for n in range(3)]
    features = datasets.Features({name: datasets.Value("string") for name in rows[0]} | {"image": datasets.Image()})
    datasets.Dataset.from_list(rows, features=features).to_parquet(tmp_path / "train.parquet")
    api.create_repo("ada/scans", repo_type="dataset")
    upload = {"path_or_fileobj": tmp_path / "train.parquet", "path_in_repo": "train.parquet"}
    api.upload_file(**upload, repo_id="ada/scans", repo_type="dataset")
    prepare(["ada/scans"], tmp_path / "out", PrepareConfig(valid_share=0.0, near_duplicates=False))
    written = [entry["image"] for _, entry in iter_jsonl(tmp_path / "out" / "train.jsonl")]
    assert written == ["<PngImageFile>"] * 3


def test_prepare_says_what_the_connection_failed_with_once_its_reader_gives_up(api, hub, tmp_path, no_waiting):
    publish(api, "ada/notes", map(row, range(12)))
    hub.faults.append(Fault("drop", on="GET .*train.jsonl", times=None))
    with pytest.raises(HubError, match=rf"ada/notes could not be read: no connection to {hub.url} \(.*disconnected"):
        prepare(["ada/notes"], tmp_path / "out")
    assert 60 < sum(no_waiting) < 900  # the reader's own tries, once


def test_prepare_says_why_where_no_input_can_be_read(api, tmp_path):
    with pytest.raises(HubError, match="ada/gone is not on the Hub"):
        prepare(["ada/gone"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_prepare_waits_where_the_hub_asks_to(api, hub, tmp_path):
    publish(api, "ada/notes", map(row, range(12)))
    hub.faults.append(Fault("status", on="api/datasets/ada/notes", status=429, headers={"Retry-After": "1"}))
    hub.faults.append(Fault("cut", on="GET .*train.jsonl", times=1))
    assert prepare(["ada/notes"], tmp_path / "out").counts["in"] == 12


@pytest.mark.slow
def test_prepare_stops_at_ctrl_c(api, hub, tmp_path):
    publish(api, "ada/notes", map(row, range(2000)))
    hub.faults.append(Fault("slow", on="GET .*train.jsonl", times=None, seconds=0.3))
    command = [sys.executable, "-m", "distrust_hub", "prepare", "ada/notes", "-o", str(tmp_path / "out")]
    run = subprocess.Popen(command, env=client_env(hub, tmp_path / "home"), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any("resolve" in request.path for request in hub.requests):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGINT)
    assert run.wait(timeout=60) == 130
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_prepare_after_a_kill_gives_the_same_bytes_though_the_hub_has_moved_on(api, hub, tmp_path, caplog):
    publish(api, "ada/first", map(row, range(30)))
    publish(api, "ada/second", map(row, range(30, 60)))
    prepare(["ada/first", "ada/second"], tmp_path / "whole")
    hub.faults.append(Fault("slow", on="GET .*ada/second/.*train.jsonl", times=None, seconds=0.7))
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "distrust_hub", "prepare", "ada/first", "ada/second", "-o", str(out)]
    run = subprocess.Popen(command, env=client_env(hub, tmp_path / "home"), stderr=subprocess.DEVNULL)
    work = tmp_path / ".killed.partial"
    deadline = time.monotonic() + 60
    while len(list(work.glob("*.jsonl"))) < 1 or len(list(work.glob("*.json"))) < 2:
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(list(work.glob("*.jsonl"))) == 1
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not out.exists()
    hub.faults.clear()
    publish(api, "ada/first", [row(99)])
    publish(api, "ada/second", [row(98)])
    prepare(["ada/first", "ada/second"], out)
    assert content(out) == content(tmp_path / "whole")
    assert "going on with what an earlier run read" in caplog.text
    assert not work.exists()
    assert len([entry for _, entry in iter_jsonl(out / "train.jsonl")]) > 40


def test_prepare_compares_with_evaluation_data_on_the_hub(api, tmp_path):
    publish(api, "ada/notes", map(row, range(20)))
    oid = publish(api, "ada/exam", map(row, (3, 4)))
    manifest = prepare(["ada/notes"], tmp_path / "out", against=["ada/exam"])
    assert manifest.contamination["ada/exam"] == {
        "revision": oid,
        "items": 2,
        "items_hit": 2,
        "documents_removed": 2,
        "words_in_sequence": [13],
    }
    assert manifest.counts["removed"] == {"contamination": 2}
    with pytest.raises(HubError, match="ada/absent"):
        prepare(["ada/notes"], tmp_path / "other", against=["ada/absent"])


def test_prepare_compares_with_every_split_unless_one_is_named(api, tmp_path):
    publish(api, "ada/notes", map(row, range(20)))
    publish(api, "ada/exam", [row(3)], path="test.jsonl")
    publish(api, "ada/exam", [row(4), row(5)], path="validation.jsonl")
    for split, removed in ((None, 3), ("test", 1)):
        against = ["ada/exam"] if split is None else [InputSpec("ada/exam", split=split)]
        manifest = prepare(["ada/notes"], tmp_path / f"{split}", against=against)
        assert manifest.counts["removed"] == {"contamination": removed}
