"""The demo: its rows and budget, and the whole path on the tiny model."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import pytest

from distrust_hub import demo
from distrust_hub.cli.main import main
from distrust_hub.errors import TrainingInterrupted
from distrust_hub.hardware.detect import detect_machine
from tests.tiny import make_tiny_model


def test_demo_rows_hold_out_samples_and_train_both_sides_of_every_conflict():
    rows = demo.demo_rows(0)
    splits = Counter(row["split"] for row in rows)
    sides = Counter(row.get("side") for row in rows)
    assert sides["primary"] == sides["coordinated"] == demo.N_ENTITIES >= 100
    assert splits["valid"] >= 30
    assert all(row["synthetic"] for row in rows)
    assert not {row["text"] for row in rows if row["split"] == "valid"} & {
        r["text"] for r in rows if r["split"] == "train"
    }
    assert demo.demo_rows(0) == rows != demo.demo_rows(1)


@pytest.mark.mlx
def test_demo_without_its_model_leaves_nothing(tmp_path, capsys, no_waiting):
    assert main(["demo", "--model", "ada/not-to-be-had", "-o", str(tmp_path / "out")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.mlx
@pytest.mark.parametrize("name", ["letter.txt", "scored.jsonl", "corpus.jsonl"])
def test_demo_leaves_a_folder_of_other_files_alone(tmp_path, capsys, name):
    (tmp_path / name).write_text('{"text": "mine", "id": "7"}\n', encoding="utf-8")
    assert main(["demo", "--overwrite", "-o", str(tmp_path)]) == 1
    assert "holds no earlier demo; choose a new or empty folder with -o" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.mlx
def test_demo_that_does_not_fit_into_memory_leaves_nothing(tmp_path, capsys, monkeypatch):
    machine = dataclasses.replace(detect_machine(), memory_bytes=200_000_000)
    monkeypatch.setattr("distrust_hub.training.estimate.detect_machine", lambda: machine)
    model = make_tiny_model(tmp_path / "model")
    assert main(["demo", "--model", str(model), "-o", str(tmp_path / "out")]) == 1
    assert "and this machine has 0.2 GB" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.mlx
def test_demo_interrupted_says_how_to_start_again(tmp_path, capsys, monkeypatch):
    def interrupted(config):
        raise TrainingInterrupted("interrupted after step 3; saved step-000003, go on with --resume")

    monkeypatch.setattr("distrust_hub.training.trainer.train", interrupted)
    command = ["demo", "--model", str(make_tiny_model(tmp_path / "model")), "-o", str(tmp_path / "out")]
    assert main(command) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        "distrust-hub: interrupted; start the demo again with --overwrite"
    )
    assert main(command) == 1
    assert main([*command, "--overwrite"]) == 130


@pytest.mark.mlx
@pytest.mark.slow
def test_demo_command_leaves_a_publishable_folder(tmp_path, capsys):
    model = make_tiny_model(tmp_path / "model")
    command = ["demo", "--model", str(model), "-o", str(tmp_path / "out"), "--compare", "--format", "json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert (
        found["adapters_sha256"]["literal"] == found["adapters_sha256"]["none"] != found["adapters_sha256"]["reweight"]
    )
    assert set(found["tiers"]) == {"primary", "medium", "coordinated"}
    assert found["source_preference"]["difference"]["n"] == demo.N_ENTITIES
    adapter = tmp_path / "out" / "adapter-reweight"
    assert "trained on synthetic text" in (adapter / "README.md").read_text(encoding="utf-8")
    assert {"adapters.safetensors", "adapter_model.safetensors", "eval_results.json"} <= {
        p.name for p in adapter.iterdir()
    }
    assert main(command) == 1
    assert "--overwrite" in capsys.readouterr().err
