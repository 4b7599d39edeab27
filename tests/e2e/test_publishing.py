"""Train, publish, and use in another process with an empty cache: every kind of place, with and without faults."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import HfApi

from distrust_hub.cli.main import main
from tests.adapters.conftest import QUANTISED
from tests.hub_server.faults import Fault
from tests.hub_server.fixtures import client_env
from tests.hub_server.server import HubServer
from tests.tiny import make_tiny_model
from tests.training.conftest import scored_row, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.mlx, pytest.mark.hub, pytest.mark.timeout(900)]

BASE, REPO = "ada/tiny-base", "ada/run"

MLX = """
import json, sys
from distrust_hub.adapters.load import load_adapter
from distrust_hub.cli.main import main
from distrust_hub.models.runtime import mx
name, here, prompt = sys.argv[1:]
assert main(["pull", name, "--local-dir", here]) == 0
assert main(["chat", "--adapter-path", name, "--prompt", prompt, "--max-tokens", "8"]) == 0
loaded = load_adapter(name)
tokens = loaded.tokenizer.encode(prompt)
print(json.dumps({"base": loaded.base.revision, "logits": loaded.model(mx.array([tokens]))[0].tolist()}))
"""

TORCH = """
import json, sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base, base_revision, repo, revision, prompt = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, revision=base_revision, dtype=torch.float32)
model = PeftModel.from_pretrained(model, repo, revision=revision).eval()
tokenizer = AutoTokenizer.from_pretrained(base, revision=base_revision)
inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
with torch.no_grad():
    print(json.dumps(model(**inputs).logits[0].tolist()))
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=8)[0]), file=sys.stderr)
"""

PROMPT = "An old letter"

PLACES = {
    "main": ([], "main"),
    "branch": (["--revision", "trial"], "trial"),
    "tag": ([], "v1"),
    "private": (["--private"], "main"),
    "pull-request": (["--create-pr"], "refs/pr/1"),
}
"""Where an adapter is pushed to: options of the push, and the revision it is read at."""

FAULTS = [
    ("status", "POST .*/commit/"),
    ("lose", "POST .*/commit/"),
    ("drop", "GET /api/whoami"),
    ("status", "POST .*/preupload/"),
    ("drop", "PUT /lfs-upload/"),
    ("cut", "GET .*/adapters.safetensors"),
    ("cut", "GET .*/adapter_model.safetensors"),
    ("slow", "GET .*/model.safetensors"),
]


@pytest.fixture
def served(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> dict[str, Any]:
    """An adapter trained on a base from the Hub, which has changed since; quantised where the test says how."""
    make_tiny_model(tmp_path / "base")
    if how := getattr(request, "param", None):
        from mlx_lm import convert

        (tmp_path / "base").rename(tmp_path / "float")
        convert(str(tmp_path / "float"), mlx_path=str(tmp_path / "base"), quantize=True, **how)
    write_rows(tmp_path / "data" / "train.jsonl", [scored_row(i, words=6) for i in range(12)])
    token = hub.add_user("ada")
    monkeypatch.setenv("HF_TOKEN", token)
    api = HfApi(token=token)
    api.create_repo(BASE)
    revision = api.upload_folder(repo_id=BASE, folder_path=tmp_path / "base").oid
    adapter = tmp_path / "adapter"
    options = ["--iters", "4", "--rank", "2", "--learning-rate", "1e-2", "--max-seq-length", "64"]
    places = ["--model", BASE, "--data", str(tmp_path / "data"), "--adapter-path", str(adapter)]
    assert main(["train", *places, *options]) == 0
    make_tiny_model(tmp_path / "other", seed=9)
    api.upload_folder(repo_id=BASE, folder_path=tmp_path / "other")
    return {"token": token, "revision": revision, "adapter": adapter, "api": api}


def elsewhere(hub: HubServer, home: Path, token: str, code: str, *arguments: str) -> Any:
    """The JSON a script prints last, run in a process that has nothing but the token."""
    command = [sys.executable, "-c", code, *arguments]
    environment = client_env(hub, home, token)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert token not in done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def publish(hub: HubServer, served: dict[str, Any], place: str) -> str:
    """Push the adapter to a place; the revision it is at."""
    options, revision = PLACES[place]
    if place == "pull-request":
        served["api"].create_repo(REPO)
    assert main(["push", str(served["adapter"]), REPO, *options]) == 0
    if place == "tag":
        served["api"].create_tag(REPO, tag="v1")
        served["api"].upload_file(path_or_fileobj=b"{}", path_in_repo="adapter_config.json", repo_id=REPO)
    assert hub.repo(REPO).private == (place == "private")
    return revision


@pytest.mark.parametrize("faults", [False, True], ids=["calm", "faults"])
@pytest.mark.parametrize("place", PLACES)
def test_published_adapter_works_in_mlx_elsewhere(
    hub: HubServer, served: dict[str, Any], tmp_path: Path, place: str, faults: bool
) -> None:
    if faults:
        hub.faults += [Fault(kind, on) for kind, on in FAULTS]  # type: ignore[arg-type]
    revision = publish(hub, served, place)
    (tmp_path / "home").mkdir()
    found = elsewhere(
        hub, tmp_path / "home", served["token"], MLX, f"{REPO}@{revision}", str(tmp_path / "pulled"), PROMPT
    )
    assert found["base"] == served["revision"]
    np.testing.assert_array_equal(np.array(found["logits"]), local_logits(served))
    for name in ("adapters.safetensors", "adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "pulled" / name).read_bytes() == (served["adapter"] / name).read_bytes()
    if faults:
        unused = [fault.on for fault in hub.faults if not fault.seen]
        assert unused == ["GET .*/adapter_model.safetensors"] or unused == []
        titles = [commit.title for commit in hub.repo(REPO).commits(revision)]
        assert len(titles) == len(set(titles))  # nothing was committed twice
        assert len(hub.repo(REPO).discussions) == (place == "pull-request")


@pytest.mark.parametrize("served", QUANTISED.values(), ids=QUANTISED, indirect=True)
def test_adapter_of_a_quantised_base_is_evaluated_published_used_and_fused(
    hub: HubServer, served: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    adapter, results = str(served["adapter"]), str(served["adapter"] / "eval_results.json")
    use = ["--model", f"{tmp_path}/base", "--adapter-path", adapter]
    suites = [
        "--suite",
        "perplexity,source-preference,probes",
        "--limit",
        "2",
        "--data",
        f"{tmp_path}/data/train.jsonl",
    ]
    assert main(["evaluate", *use, *suites, "-o", results]) == 0
    assert main(["card", adapter]) == main(["card", adapter, "--check"]) == 0
    assert main(["push", adapter, REPO, "--dry-run"]) == 0
    assert not hub.has_repo(REPO)
    publish(hub, served, "main")
    assert b"The base is quantised (MLX, `" in hub.repo(REPO).read("README.md", "main")
    (tmp_path / "home").mkdir()
    found = elsewhere(hub, tmp_path / "home", served["token"], MLX, REPO, str(tmp_path / "pulled"), PROMPT)
    expected = local_logits(served)
    np.testing.assert_array_equal(np.array(found["logits"]), expected)
    assert main(["export", adapter, "--to", "fused", "-o", str(tmp_path / "fused")]) == 0
    fused = logits_of(str(tmp_path / "fused"))
    assert np.abs(fused - expected).max() / np.abs(expected).max() < 0.02  # fp4 and fp8 are fused in bfloat16
    caplog.clear()
    assert main(["chat", "--model", f"{tmp_path}/float", *use[2:], "--prompt", PROMPT, "--max-tokens", "2"]) == 0
    assert "fine if one is the other quantised" in caplog.text
    make_tiny_model(tmp_path / "deeper", layers=3)
    assert main(["chat", "--model", f"{tmp_path}/deeper", *use[2:], "--prompt", PROMPT, "--max-tokens", "2"]) == 1


@pytest.mark.torch
@pytest.mark.parametrize("place", PLACES)
def test_published_adapter_works_in_transformers_and_peft_elsewhere(
    hub: HubServer, served: dict[str, Any], tmp_path: Path, place: str
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("peft")
    revision = publish(hub, served, place)
    (tmp_path / "home").mkdir()
    hub.faults += [Fault("cut", "GET .*/adapter_model.safetensors"), Fault("slow", "GET .*/model.safetensors")]
    arguments = (BASE, served["revision"], REPO, revision, PROMPT)
    found = np.array(elsewhere(hub, tmp_path / "home", served["token"], TORCH, *arguments))
    expected = local_logits(served)
    assert np.abs(found - expected).max() / np.abs(expected).max() < 1e-3
    assert all(fault.seen for fault in hub.faults)


def local_logits(served: dict[str, Any]) -> np.ndarray:
    """Logits of the trained adapter where it was trained."""
    from distrust_hub.adapters.load import load_adapter
    from distrust_hub.models.runtime import mx

    loaded = load_adapter(served["adapter"])
    return np.array(loaded.model(mx.array([loaded.tokenizer.encode(PROMPT)]))[0])


def logits_of(model: str) -> np.ndarray:
    """Logits of a base model."""
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx

    loaded = load_base(model)
    return np.array(loaded.model(mx.array([loaded.tokenizer.encode(PROMPT)]))[0])
