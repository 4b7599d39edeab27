"""The first code block of a published card works as it stands: another process, an empty cache."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi

from distrust_hub.adapters.mlx_format import AdapterConfig, layout, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.adapters.tensors import by_module
from distrust_hub.files import write_jsonl
from distrust_hub.hub.adapters import push_adapter
from distrust_hub.hub.scored_datasets import push_scored
from tests.cards.folders import BASE_ID, adapter_folder
from tests.hub_server.fixtures import client_env
from tests.hub_server.server import HubServer
from tests.tiny import make_tiny_model

pytestmark = [pytest.mark.hub, pytest.mark.mlx]


def test_code_block_of_a_published_dataset_runs(hub: HubServer, token: str, tmp_path: Path) -> None:
    rows = [{"id": str(n), "text": f"Ledger {n}.", "authority_weight": 0.1, "provenance_entropy": 5.0} for n in (1, 2)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    for options, shown in (({"i_have_rights": True}, "Ledger 2."), ({"scores_only": True}, text_sha256("Ledger 2."))):
        card = push_scored(tmp_path / "rows.jsonl", "ada/notes", **options).card
        block = card.split("```python\n")[1].split("```")[0]
        env = client_env(hub, tmp_path / shown, token)
        command = [sys.executable, "-c", block]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1] == f"0.1 5.0 {shown}"


def text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_first_code_block_of_a_published_card_runs(hub: HubServer, token: str, tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path / "base")
    owner = HfApi(token=hub.add_user(BASE_ID.split("/")[0]))
    owner.create_repo(BASE_ID)
    owner.upload_folder(repo_id=BASE_ID, folder_path=base)
    folder = adapter_folder(tmp_path / "adapters")
    rng = np.random.default_rng(0)
    path = "model.layers.1.self_attn.q_proj"
    shapes = {"lora_a": (64, 4), "lora_b": (4, 64)}
    tensors = {f"{path}.{leaf}": rng.normal(size=shape).astype(np.float32) for leaf, shape in shapes.items()}
    write_adapter(
        folder, AdapterConfig(rank=4, scale=2.0, base_model=BASE_ID, **layout(by_module(tensors), 2)), tensors
    )
    write_peft(folder)
    card = push_adapter(folder, "ada/adapter").card

    block = card.split("```python\n")[1].split("```")[0].replace("max_tokens=200", "max_tokens=4")
    assert "snapshot_download" in block
    code = f"import distrust_hub.models.runtime\n{block}\nprint('reply:', model.model.layers[1].self_attn.q_proj)"
    env = client_env(hub, tmp_path / "empty-home")
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "reply: LoRALinear" in done.stdout
