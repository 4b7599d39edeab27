from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from distrust_hub.adapters.folder import locate_adapter, weights_file
from distrust_hub.adapters.mlx_format import read_mlx, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.errors import AdapterError, HubError
from tests.adapters.conftest import Trained, logits
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.mlx


def test_weights_file_prefers_mlx_and_takes_peft(adapter: Trained) -> None:
    write_peft(adapter.folder)
    assert weights_file(adapter.folder).name == "adapters.safetensors"
    (adapter.folder / "adapters.safetensors").unlink()
    assert weights_file(adapter.folder).name == "adapter_model.safetensors"
    (adapter.folder / "adapter_model.safetensors").unlink()
    with pytest.raises(AdapterError, match="holds neither"):
        weights_file(adapter.folder)


@pytest.mark.parametrize("name", ["nothing", "./a/b", "/a/b", "../b", "a/b/c", "a/"])
def test_locate_adapter_asks_the_hub_only_for_hub_ids(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AdapterError, match="no such adapter folder"):
        locate_adapter(name)


@pytest.mark.hub
def test_load_adapter_pulls_adapter_and_recorded_base(
    hub: HubServer, adapter: Trained, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    from distrust_hub.adapters.load import load_adapter

    token = hub.add_user("ada")
    monkeypatch.setenv("HF_TOKEN", token)
    api = HfApi(endpoint=hub.url, token=token)
    for repo in ("ada/base", "ada/adapter"):
        api.create_repo(repo)
    revision = api.upload_folder(repo_id="ada/base", folder_path=tiny_base).oid
    config, tensors = read_mlx(adapter.folder)
    config = dataclasses.replace(config, base_model="ada/base", revision=revision)
    write_adapter(adapter.folder, config, tensors)
    api.upload_folder(repo_id="ada/adapter", folder_path=adapter.folder)
    loaded = load_adapter("ada/adapter@main")
    assert (loaded.base.id, loaded.base.revision) == ("ada/base", revision)
    assert np.array_equal(logits(loaded.model), adapter.logits)
    with pytest.raises(HubError, match="absent"):
        load_adapter("ada/absent")
