"""The verbs env, setup and recommend."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re

import pytest
import yaml

from distrust_hub.cli.main import main
from distrust_hub.hardware.detect import named_machine


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTRUST_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("DISTRUST_HUB_CONFIG", str(tmp_path / "settings"))


def test_recommend_describes_another_machine(capsys):
    assert main(["recommend", "--chip", "Apple M2", "--memory-gb", "8", "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["machine"]["backend"] == "metal"
    assert value["machine"]["memory_bytes"] == 8 << 30
    assert {"model", "license", "batch_size", "estimated_bytes", "notes"} <= set(value["models"][0])


def test_recommend_prints_a_table_and_the_next_command(capsys):
    assert main(["recommend", "--memory-gb", "64"]) == 0
    captured = capsys.readouterr()
    assert "SmolLM2-135M-Instruct" in captured.out
    assert "est. GB" in captured.out
    assert "distrust-hub train --model" in captured.err
    assert "estimated" in captured.err


def test_recommend_says_so_when_nothing_fits(capsys):
    assert main(["recommend", "--memory-gb", "0.5"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no known model is estimated to fit" in captured.err


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["--memory-gb", "0"], 1, "expected more than 0"),
        (["--memory-gb", "nan"], 1, "expected more than 0"),
        (["--chip", "Apple M2"], 2, "up to 24 GB"),
        (["--chip", "EPYC"], 2, "give its memory too"),
        (["--chip", "m1 pro", "--memory-gb", "64"], 1, "an Apple M1 Pro has at most 32 GB"),
    ],
)
def test_recommend_refuses_half_a_machine(capsys, arguments, code, problem):
    assert main(["recommend", *arguments]) == code
    error = capsys.readouterr().err.strip()
    assert problem in error
    assert len(error.splitlines()) == 1


def test_setup_names_machine_models_and_next_steps(capsys):
    assert main(["setup"]) == 0
    captured = capsys.readouterr()
    assert "backend" in captured.out
    assert ("distrust-hub demo" in captured.err) == bool(importlib.util.find_spec("mlx"))
    assert main(["setup", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["models"]) <= 3


def test_setup_proposes_nothing_that_mlx_is_missing_for(capsys, monkeypatch):
    monkeypatch.setattr("distrust_hub.cli.setup.mlx_problem", lambda: 'not installed; run: pip install "x"')
    assert main(["setup"]) == 0
    printed = capsys.readouterr()
    assert "not installed; run: pip install" in printed.out
    assert "demo" not in printed.err
    assert "train --model" not in printed.err


def test_setup_saves_a_profile_and_shows_it_until_told_not_to(capsys, tmp_path):
    assert main(["setup", "--save", "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    first = value["models"][0]
    path = tmp_path / "settings" / "profile.yaml"
    assert yaml.safe_load(path.read_text()) == value["profile"]
    assert value["profile"] == {
        "model": first["model"],
        **{key: first[key] for key in ("batch_size", "max_seq_length", "num_layers", "grad_checkpoint")},
    }
    assert main(["setup"]) == 0
    assert "saved profile" in capsys.readouterr().out
    assert main(["setup", "--no-profile"]) == 0
    assert "saved profile" not in capsys.readouterr().out


def test_setup_shows_what_is_known_of_an_apple_chip(capsys, monkeypatch):
    machine = named_machine("Apple M4 Pro", 24 << 30)
    monkeypatch.setattr("distrust_hub.cli.setup.detect_machine", lambda: dataclasses.replace(machine, gpu_cores=16))
    assert main(["setup"]) == 0
    table = capsys.readouterr().out
    assert re.search(r"memory bandwidth +up to 273 GB/s", table)
    assert re.search(r"GPU cores +16", table)


def test_a_gb_of_every_command_is_the_same_and_memory_is_also_told_as_it_is_sold(capsys, monkeypatch):
    monkeypatch.setattr("distrust_hub.cli.setup.detect_machine", lambda: named_machine("Apple M4", 16 << 30))
    assert main(["setup"]) == 0
    assert re.search(r"^memory +17\.2 GB \(16\.0 GiB\)$", capsys.readouterr().out, re.MULTILINE)
    assert main(["recommend", "--chip", "Apple M4", "--memory-gb", "16", "--format", "json"]) == 0
    best = json.loads(capsys.readouterr().out)["models"][0]
    assert main(["recommend", "--chip", "Apple M4", "--memory-gb", "16"]) == 0
    captured = capsys.readouterr()
    assert re.search(rf"^{best['model']} .* {best['estimated_bytes'] / 1e9:.1f}  ", captured.out, re.MULTILINE)
    assert "estimated for Apple M4, 17.2 GB (16.0 GiB), metal backend" in captured.err


def test_setup_has_nothing_to_save_where_nothing_fits(capsys, monkeypatch):
    monkeypatch.setattr("distrust_hub.cli.setup.detect_machine", lambda: named_machine("EPYC", 1 << 28))
    assert main(["setup", "--save"]) == 1
    assert "nothing to save" in capsys.readouterr().err


def test_setup_saves_no_profile_that_needs_a_4_bit_version_of_its_model(capsys, monkeypatch, tmp_path):
    machine = named_machine("Apple M1", int(0.6 * (1 << 30)))
    monkeypatch.setattr("distrust_hub.cli.setup.detect_machine", lambda: machine)
    assert main(["setup", "--save"]) == 1
    assert "only a 4-bit version of HuggingFaceTB/SmolLM2-135M-Instruct fits" in capsys.readouterr().err
    assert not (tmp_path / "settings").exists()


def test_a_stale_option_of_the_saved_profile_is_named_with_its_file(capsys, tmp_path):
    path = tmp_path / "settings" / "profile.yaml"
    path.parent.mkdir()
    path.write_text("model: owner/small\nold_key: 3\n")
    assert main(["train", "--data", "d", "--estimate"]) == 1
    assert f"{path}: unknown option 'old_key'; make the profile anew" in capsys.readouterr().err


def test_train_starts_from_the_saved_profile(capsys, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("distrust_hub.cli.train._estimate", lambda config, form: seen.append(config) or 0)
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "profile.yaml").write_text("model: owner/small\nbatch_size: 3\nnum_layers: 5\n")
    run = ["train", "--data", "d", "--estimate"]
    assert main(run) == 0
    assert main([*run, "--batch-size", "7"]) == 0
    assert main([*run, "--model", "owner/other"]) == 0
    assert main([*run, "--no-profile"]) == 2
    assert "--model" in capsys.readouterr().err
    found = [(config.model, config.batch_size, config.num_layers) for config in seen]
    assert found == [("owner/small", 3, 5), ("owner/small", 7, 5), ("owner/other", 4, 16)]


def test_env_without_mlx_says_why_and_still_prints(capsys, monkeypatch):
    monkeypatch.setattr("distrust_hub.cli.env.mlx_problem", lambda: "glibc is 2.31; MLX needs 2.35 or newer")
    assert main(["env", "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["mlx"].startswith("glibc is 2.31")
    assert value["speed"] is None
    assert value["versions"]["numpy"]


@pytest.mark.mlx
@pytest.mark.skipif(importlib.util.find_spec("mlx") is None, reason="MLX is not installed")
def test_env_measures_the_speed_of_both(capsys):
    assert main(["env"]) == 0
    table = capsys.readouterr().out
    assert "GFLOP/s" in table
    assert "MLX" in table
