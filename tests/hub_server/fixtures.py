"""Pytest fixtures and environments that point the real Hub clients at a test Hub.

No client behaviour is replaced: clients are configured with the environment variables they document. They read most
of them once, at import, so a process that already imported them has to read them again (``reread_environment``);
a child process just gets ``client_env``.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import HubServer

# Variables that would send a client elsewhere, or give it somebody's credentials.
_UNWANTED = (
    "HF_ASSETS_CACHE",
    "HF_DATASETS_CACHE",
    "HF_DATASETS_OFFLINE",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_MODULES_CACHE",
    "HF_STORED_TOKENS_PATH",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HF_XET_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HUGGING_FACE_HUB_TOKEN",
    "TRANSFORMERS_OFFLINE",
)


def client_settings(hub: HubServer, home: Path) -> dict[str, str]:
    """The variables that make any Hub client talk to `hub` and keep its files under `home`."""
    return {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # datasets would otherwise count each load at a public address
        "NO_PROXY": "127.0.0.1,localhost",
    }


def client_env(hub: HubServer, home: Path, token: str | None = None) -> dict[str, str]:
    """A whole environment for a child process: this one's, pointed at `hub`, with `token` as ``HF_TOKEN`` if given."""
    env = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    env |= client_settings(hub, home)
    return env | ({"HF_TOKEN": token} if token else {})


def reread_environment() -> None:
    """Make the clients already imported here read their environment variables again, as if freshly imported."""
    for name in ("huggingface_hub.constants", "datasets.config"):
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    for name, module in list(sys.modules.items()):
        # datasets gives its readers the address at their first use; where two threads came first, only one of their
        # two patches follows later addresses, and not always the one that reads
        if name.startswith("datasets.") and hasattr(module, "_patched_for_streaming"):
            del module._patched_for_streaming
    if "huggingface_hub.hf_api" in sys.modules:
        import huggingface_hub
        from huggingface_hub import constants, hf_api

        hf_api.api.endpoint = constants.ENDPOINT  # behind huggingface_hub.model_info and the other bare functions
        huggingface_hub.HfFileSystem.clear_instance_cache()
        huggingface_hub.close_session()


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A fresh, empty Hub that every client in this process talks to, with an empty ``HF_HOME`` and no token."""
    folder = tmp_path_factory.mktemp("hub")
    with HubServer(folder / "storage") as server, pytest.MonkeyPatch.context() as patch:
        for name in _UNWANTED:
            patch.delenv(name, raising=False)
        for name, value in client_settings(server, folder / "hf-home").items():
            patch.setenv(name, value)
        reread_environment()
        yield server
    reread_environment()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Clients wait for nothing between two tries; how long they would have waited, in seconds, is listed here."""
    waits: list[float] = []
    sleep = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: waits.append(seconds) if seconds >= 0.5 else sleep(seconds))
    return waits
