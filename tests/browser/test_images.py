"""Pictures of every tab for the README, with the small real model and an adapter on it.

DISTRUST_HUB_IMAGES=docs/images DISTRUST_HUB_IMAGES_ADAPTER=demo-out/adapter-reweight nox -s browser -- -k picture
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import started
from tests.browser.test_chat_tab import choose, send, wait_for_end
from tests.hub_server.fixtures import client_env
from tests.hub_server.server import HubServer

KEEP = os.environ.get("DISTRUST_HUB_IMAGES", "")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not KEEP, reason="DISTRUST_HUB_IMAGES is not set")]
VIEWS = {"light": (1280, 900, "light"), "dark": (1280, 900, "dark"), "mobile": (390, 844, "light")}
HEIGHTS = {"light": 900, "dark": 900, "mobile": 1200}


@pytest.fixture(scope="module")
def pictured_url(tmp_path_factory):
    options = ("--adapter-path", os.environ["DISTRUST_HUB_IMAGES_ADAPTER"])
    folder = tmp_path_factory.mktemp("pictured")
    with HubServer(folder / "hub") as hub, started(folder, client_env(hub, folder / "home"), *options) as url:
        yield url


@pytest.mark.parametrize("view", VIEWS)
def test_every_tab_has_its_picture(chromium, pictured_url, view):
    folder = Path(KEEP)
    folder.mkdir(parents=True, exist_ok=True)
    width, height, theme = VIEWS[view]
    with chromium.new_context(viewport={"width": width, "height": height}) as context:
        page = context.new_page()
        page.goto(f"{pictured_url}/?__theme={theme}")
        page.get_by_role("button", name="Lab notebook").click()
        page.locator("#dh-verdict h3").wait_for()
        taken = [picture(page, folder / f"score-{view}.png", HEIGHTS[view])]
        page.get_by_role("tab", name="Chat").click()
        page.locator("#dh-chat-status", has_text="Ready").wait_for(timeout=120_000)
        page.get_by_label("Compare with the base model").check()
        choose(page, tokens=80)
        send(page, "What is a primary source in history?")
        wait_for_end(page)
        taken.append(picture(page, folder / f"chat-{view}.png", HEIGHTS[view]))
        page.get_by_role("tab", name="Adapters").click()
        page.locator("#dh-adapters label").first.click()
        page.locator("#dh-adapter-card h3").wait_for()
        taken.append(picture(page, folder / f"adapters-{view}.png", HEIGHTS[view]))
        page.get_by_role("tab", name="About").click()
        page.locator("#dh-about").wait_for()
        taken.append(picture(page, folder / f"about-{view}.png", HEIGHTS[view]))
    assert all(size > 10_000 for size in taken)


def picture(page, path: Path, height: int) -> int:
    """Save the top of the page; the size of the file in bytes."""
    page.wait_for_timeout(1500)
    box = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
    page.screenshot(path=path, full_page=True, clip=box)
    return path.stat().st_size
