"""The app as its own process on a free port beside a test Hub, and the distribution's Chromium to look at it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
START_SECONDS = 240
CARD = """---
library_name: peft
base_model: ada/tiny
tags: [distrust-hub]
---

# Leans on logbooks

<img src=x onerror="window.xss=1"><script>window.xss=2</script> trained on **letters**
"""


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``distrust-hub app`` with a tiny random model, a random adapter on it, and another one on a test Hub."""
    pytest.importorskip("gradio")
    pytest.importorskip("mlx.core")
    from tests.adapters.conftest import random_adapter
    from tests.hub_server.fixtures import client_env
    from tests.hub_server.server import HubServer
    from tests.tiny import make_tiny_model

    folder = tmp_path_factory.mktemp("app")
    base = make_tiny_model(folder / "tiny", layers=12, hidden=384, scale=0.2, tie=False)
    adapter = random_adapter(base, folder / "lean").folder
    with HubServer(folder / "hub") as hub:
        publish(hub, random_adapter(base, folder / "other", seed=8).folder)
        env = client_env(hub, folder / "home")
        options = ("--model", str(base), "--adapter-path", str(adapter), "--upload-bytes", "20000000")
        with started(folder, env, *options) as url:
            yield url


def publish(hub: Any, folder: Path) -> None:
    """Put an adapter with the records of a run on the Hub as ``ada/lean-logs``."""
    from huggingface_hub import HfApi

    from tests.cards.folders import eval_report, training_run

    training_run().save(folder)
    eval_report().save(folder)
    (folder / "README.md").write_text(CARD)
    api = HfApi(endpoint=hub.url, token=hub.add_user("ada"))
    api.create_repo("ada/lean-logs")
    api.upload_folder(repo_id="ada/lean-logs", folder_path=folder)


@contextlib.contextmanager
def started(folder: Path, env: dict[str, str], *arguments: str) -> Iterator[str]:
    """The app's address, while the context is open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "distrust_hub", "app", "--port", str(port), *arguments]
    log = folder / "app.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=env)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the app ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the app did not answer in {START_SECONDS} s: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser; skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on this machine; install it with: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def profile(chromium: Any) -> Iterator[Any]:
    """One browser profile for all tests, so that the page's scripts are read once."""
    with chromium.new_context(accept_downloads=True) as context:
        yield context


@pytest.fixture
def open_page(chromium: Any, profile: Any, app_url: str) -> Iterator[Callable[..., Any]]:
    """Open the app as a new visitor; console errors and foreign requests fail the test at its end.

    Args of the function: width, height, theme, and ``apart`` for a browser profile of its own.
    """
    opened, problems = [], []

    def open_one(width: int = 1280, height: int = 900, theme: str = "light", apart: bool = False) -> Any:
        context = chromium.new_context() if apart else profile
        page = context.new_page()
        opened.append(context if apart else page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(30_000)
        page.on("console", lambda m: problems.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("dialog", lambda dialog: (problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda r: None if _is_ours(r.url, app_url) else problems.append(f"foreign: {r.url}"))
        page.goto(f"{app_url}/?__theme={theme}")
        page.get_by_role("tab", name="Score").wait_for()
        return page

    yield open_one
    for page_or_context in opened:
        page_or_context.close()
    assert problems == []


def _is_ours(url: str, app_url: str) -> bool:
    return url.startswith((app_url, "data:", "blob:"))
