"""A user with a saved token in the environment, and an adapter folder to publish."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cards.folders import adapter_folder
from tests.hub_server.server import HubServer

WRITES = ("POST", "PUT", "DELETE")


@pytest.fixture
def token(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The write token of ``ada``, set as ``HF_TOKEN``."""
    value = hub.add_user("ada", orgs=["lab"])
    monkeypatch.setenv("HF_TOKEN", value)
    return value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return adapter_folder(tmp_path / "adapters")


def writes(hub: HubServer) -> list[str]:
    """Requests so far that could change something on the Hub, as ``METHOD path``."""
    return [f"{entry.method} {entry.path}" for entry in hub.requests if entry.method in WRITES]
