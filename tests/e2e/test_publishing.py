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
def served(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """An adapter trained on a base from the Hub, which has changed since."""
    make_tiny_model(tmp_path / "base")
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
