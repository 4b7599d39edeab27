"""The app under a path of another server, as behind nginx: nothing is asked for outside of that path."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import started
from tests.hub_server.fixtures import client_env
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.browser
ROOT = "/distrust"


class Proxy(BaseHTTPRequestHandler):
    """Passes what is asked under ROOT on to the app, and streams the answer back."""

    app_port: int
    outside: list[str]

    def do_GET(self) -> None:
        if not self.path.startswith(f"{ROOT}/"):
            self.outside.append(self.path)
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = http.client.HTTPConnection("127.0.0.1", self.app_port, timeout=60)
        upstream.request(self.command, self.path.removeprefix(ROOT), body, dict(self.headers))
        answer = upstream.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(piece)
            self.wfile.flush()

    do_POST = do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxied(tmp_path) -> Iterator[tuple[str, list[str]]]:
    """The address under the proxy, and paths that were asked outside of it."""
    pytest.importorskip("gradio")
    with HubServer(tmp_path / "hub") as hub:
        env = client_env(hub, tmp_path / "home")
        with started(tmp_path, env, "--model", "owner/base", "--root-path", ROOT) as url:
            kept = {"app_port": urlsplit(url).port, "outside": []}
            server = ThreadingHTTPServer(("127.0.0.1", 0), type("Running", (Proxy,), kept))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}{ROOT}", kept["outside"]
            server.shutdown()


def test_app_works_under_a_path_of_a_proxy(chromium, proxied):
    url, outside = proxied
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{url}/")
        page.get_by_role("button", name="Letter").click()
        page.locator("#dh-verdict h3", has_text="Primary").wait_for()
        page.get_by_role("tab", name="Citations").click()
        page.get_by_role("button", name="Example list").click()
        page.wait_for_function("[...document.querySelectorAll('textarea')].some(box => box.value.includes('Faraday'))")
        page.get_by_role("button", name="Score the citations").click()
        page.get_by_text("4 scored.").wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        assert download.value.path().stat().st_size > 100
        icons = page.locator("link[rel=icon]").evaluate_all("links => links.map(link => link.href.slice(0, 19))")
        assert "data:image/svg+xml;" in icons
    assert set(outside) <= {"/favicon.ico"}  # which a browser looks for before it has read the page
