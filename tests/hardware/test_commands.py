"""The verbs env, setup and recommend."""

from __future__ import annotations

import importlib.util
import json

import pytest

from distrust_hub.cli.main import main


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTRUST_HUB_CACHE", str(tmp_path))


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


@pytest.mark.parametrize("arguments", [["--memory-gb", "0"], ["--memory-gb", "nan"], ["--chip", "Apple M2"]])
def test_recommend_refuses_half_a_machine(capsys, arguments):
    assert main(["recommend", *arguments]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_setup_names_machine_models_and_next_steps(capsys):
    assert main(["setup"]) == 0
    captured = capsys.readouterr()
    assert "backend" in captured.out
    assert "distrust-hub demo" in captured.err
    assert main(["setup", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["models"]) <= 3


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
