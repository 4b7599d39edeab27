"""The demo: its rows and budget, and the whole path on the tiny model."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from distrust_hub import demo
from distrust_hub.cli.main import main
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
