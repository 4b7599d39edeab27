"""Every answer of a Hub that refuses, over real HTTP, is one line with its fix."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import HfApi

from distrust_hub.errors import HubAuthError, HubError
from distrust_hub.hub.client import check_can_write
from distrust_hub.hub.refusals import repo_page
from distrust_hub.hub.rows import resolve_revision
from distrust_hub.pii import redact

pytestmark = pytest.mark.hub

TOKEN = "hf_" + "t" * 34


class Refusing(BaseHTTPRequestHandler):
    """Answers each request with what the server was told to answer."""

    def do_GET(self) -> None:
        status, headers = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "headers", "kind", "message"),
    [
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, HubAuthError, "token is not valid"),
        (403, {"X-Error-Message": "You must use a write token"}, HubAuthError, "may not write to model ada/model"),
        (403, {"X-Error-Message": "Forbidden"}, HubAuthError, "belongs to someone else or this token may not"),
        (403, {"X-Error-Message": "Private storage limit reached"}, HubError, "no storage left for model ada/model"),
        (409, {}, HubError, "model ada/model changed while this ran"),
        (412, {}, HubError, "model ada/model changed while this ran"),
        (413, {}, HubError, "as too large"),
        (429, {"Retry-After": "17"}, HubError, "rate limit is reached; run again in 17 seconds"),
        (429, {}, HubError, "rate limit is reached; run again in a few minutes"),
        (500, {}, HubError, "the Hub answered 500 for model ada/model"),
        (503, {}, HubError, "the Hub answered 503 for model ada/model"),
        (418, {"X-Error-Message": f"teapot {TOKEN}"}, HubError, r"with status 418 \(.*hf_\*\*\*"),
    ],
)
def test_each_refusal_has_its_own_line(
    server: ThreadingHTTPServer,
    no_waiting: list[float],
    status: int,
    headers: dict[str, str],
    kind: type[HubError],
    message: str,
) -> None:
    server.answer = (status, headers)  # type: ignore[attr-defined]
    api = HfApi(endpoint=f"http://127.0.0.1:{server.server_port}", token=TOKEN)
    with pytest.raises(kind, match=message) as refused:
        check_can_write("ada/model", api=api)
    assert "\n" not in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_redact_keeps_one_line_and_no_token() -> None:
    assert redact(f"a\n b {TOKEN}.") == "a b hf_***."
    assert redact("see https://ada:secret@hub.example/a@b, ada@x.org") == "see https://hub.example/a@b, ada@x.org"


def test_messages_name_the_page_of_a_dataset_and_no_password_of_the_address(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://ada:secret@127.0.0.1:{server.server_port}")
    server.answer = (403, {"X-Error-Code": "GatedRepo"})  # type: ignore[attr-defined]
    page = f"http://127.0.0.1:{server.server_port}/datasets/ada/notes"
    with pytest.raises(HubAuthError, match=f"dataset ada/notes is gated; accept its terms at {page}, then"):
        resolve_revision("ada/notes", api=HfApi(endpoint=f"http://127.0.0.1:{server.server_port}", token=TOKEN))
    assert repo_page("ada/notes", "dataset") == page
    assert repo_page("ada/model", "model", "https://ada:secret@hub.example") == "https://hub.example/ada/model"
