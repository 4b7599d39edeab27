"""A user, their client and a small model, on a fresh test Hub."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from tests.hub_server.server import HubServer

CARD = """---
license: mit
library_name: peft
base_model: meta/tiny
base_model_relation: adapter
datasets: [ada/notes]
language: en
tags: [distrust, mlx]
---
# A model
"""


@pytest.fixture
def token(hub: HubServer) -> str:
    return hub.add_user("ada")


@pytest.fixture
def api(hub: HubServer, token: str) -> HfApi:
    return HfApi(token=token)


@pytest.fixture
def model(api: HfApi, tmp_path: Path) -> str:
    """A model with a card, an LFS file and a file in a folder, pushed in one commit."""
    folder = tmp_path / "model"
    (folder / "logs").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    (folder / "adapters.safetensors").write_bytes(bytes(range(256)) * 400)
    (folder / "logs" / "run.json").write_text('{"loss": 1.5}')
    api.create_repo("ada/model")
    api.upload_folder(repo_id="ada/model", folder_path=folder, commit_message="Add the model")
    return "ada/model"


def add(path: str, text: str) -> CommitOperationAdd:
    return CommitOperationAdd(path, text.encode())
