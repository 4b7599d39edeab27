"""A repo that was renamed: the Hub sends whoever asks for the old name to the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from distrust_hub.adapters.pull import pull_adapter
from distrust_hub.hub.adapters import push_adapter
from tests.cards.folders import write_weights
from tests.hub_server.server import HubServer


@pytest.fixture
def renamed(hub: HubServer, token: str, folder: Path) -> str:
    push_adapter(folder, "ada/adapter")
    hub.rename("ada/adapter", "lab/better-name")
    return "ada/adapter"


def test_pull_of_a_renamed_repo_follows(hub: HubServer, renamed: str, folder: Path) -> None:
    pulled = pull_adapter(renamed)
    assert (pulled / "adapters.safetensors").read_bytes() == (folder / "adapters.safetensors").read_bytes()


def test_push_to_a_renamed_repo_goes_to_its_new_name_and_says_so(
    hub: HubServer, renamed: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_weights(folder, seed=9)
    result = push_adapter(folder, renamed)
    assert hub.repo("lab/better-name").read("adapters.safetensors") == (folder / "adapters.safetensors").read_bytes()
    assert not hub.has_repo("ada/adapter")
    assert result.place == "lab/better-name"
    assert 'snapshot_download("lab/better-name")' in result.card
    assert "ada/adapter is called lab/better-name now" in caplog.text
