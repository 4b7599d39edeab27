"""The app behind a real server, asked over HTTP: nothing lost under load, and nothing readable that should not be."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pytest

from distrust_hub.app.auth import slow_login
from distrust_hub.app.conversation import ChatService
from distrust_hub.app.examples import EXAMPLES
from distrust_hub.errors import ConfigError
from distrust_hub.scoring.document import score_document
from tests.app.test_conversation import Recorder

gr = pytest.importorskip("gradio")
ROOT = Path(__file__).parents[2]


def app_load() -> ModuleType:
    """The benchmark's own client, which talks to the queue as a browser does."""
    spec = importlib.util.spec_from_file_location("app_load", ROOT / "benchmarks" / "app_load.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["app_load"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def client() -> ModuleType:
    return app_load()


@pytest.fixture(scope="module")
def port():
    from distrust_hub.app.ui import build_app

    with ChatService("owner/base", make_backend=Recorder(pause=0.01)) as chat:
        chat.problem = lambda: ""  # the tab, also where neither MLX nor PyTorch is installed
        demo = build_app(chat)
        demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", mcp_server=mcp_installed())
        yield demo.server_port
        demo.close()


def mcp_installed() -> bool:
    return importlib.util.find_spec("mcp") is not None


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def get(port: int, path: str) -> int:
    """Status of the answer itself; what it points to is not asked for."""
    try:
        with urllib.request.build_opener(_Stay).open(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_server_answers_every_one_of_twenty_scorers_at_once(client, port):
    found = client.handlers(port)
    for name in ("score, page", "score, function"):
        assert len(client.load(port, found[name], visitors=20, requests=2)) == 40


def test_server_function_returns_the_scorers_numbers(client, port):
    handler = client.handlers(port)["score, function"]
    (result,) = client.send(port, handler, EXAMPLES["Letter"])
    expected = score_document(EXAMPLES["Letter"], {})
    assert result["tier"] == expected.tier
    assert result["authority_weight"] == pytest.approx(expected.authority_weight)
    assert {"provenance_entropy", "signed_core", "confidence", "evidence"} <= set(result)


def test_server_gives_each_of_ten_chatting_visitors_the_own_reply(client, port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/config", timeout=10) as response:
        events = json.loads(response.read())["dependencies"]
    answer = next(event for event in events if event["api_name"] == "answer")
    replies: dict[int, str] = {}

    class Message(client.Handler):
        def payload(self, text):
            return [text, None, "owner/base", "", 0.0, 64, 0, False, True, None]

    def chat(number: int) -> None:
        shown = client.send(port, Message(answer["id"], len(answer["inputs"])), f"from {number}")
        replies[number] = json.dumps(shown)

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(replies) == list(range(10))
    assert all(f"base: from {number} " in reply and "Done." in reply for number, reply in replies.items())


@pytest.mark.parametrize(
    "path", ["/etc/passwd", str(ROOT / "pyproject.toml"), "../../pyproject.toml", "pyproject.toml"]
)
def test_server_reads_no_path_outside_the_upload_folder(port, path):
    assert get(port, f"/gradio_api/file={quote(path)}") in (403, 404)


def events(port: int) -> list[dict]:
    """Everything on the page that sends something to the server."""
    return [event for event in fetched(port, "/config")["dependencies"] if event["backend_fn"] and event["inputs"]]


def file_events(port: int) -> list[dict]:
    """Events that take a file: "Open a file", and "Score the file"."""
    parts = fetched(port, "/config")["components"]
    files = {part["id"] for part in parts if part["type"] in ("uploadbutton", "file")}
    found = [event for event in events(port) if files & set(event["inputs"])]
    assert len(found) == 2
    return found


def fetched(port: int, path: str):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return json.loads(response.read())


@pytest.fixture
def elsewhere():
    """The address of another server, and the paths that were asked of it."""
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a secret of the inner network, weighed in 1931")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def test_server_downloads_nothing_for_a_visitor(client, port, monkeypatch):
    asked = []

    async def download(url, cache_dir):
        asked.append(url)
        raise RuntimeError("no network here")

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", download)
    value = {"path": "https://example.org/note.txt", "orig_name": "note.txt", "meta": {"_type": "gradio.FileData"}}
    for event in events(port):
        sent(client, port, event, value)
        sent(client, port, event, [{"deeper": [value]}])
    assert asked == []


@pytest.mark.parametrize("path", ["/etc/passwd", str(ROOT / "README.md"), "../../README.md"])
def test_server_opens_no_file_of_the_machine_given_as_an_upload(client, port, path):
    value = {"path": path, "orig_name": "note.txt", "meta": {"_type": "gradio.FileData"}}
    for event in file_events(port):
        answer = sent(client, port, event, value)
        assert "distrust-hub" not in answer
        assert "root:" not in answer


def sent(client, port, event, value) -> str:
    """What the server answers to a file of a visitor's own making."""

    class Forged(client.Handler):
        def payload(self, text):
            return [value, *[None] * (self.inputs - 1)]

    try:
        return json.dumps(client.send(port, Forged(event["id"], len(event["inputs"])), ""))
    except RuntimeError as error:
        return str(error)


def test_server_passes_nothing_on_to_other_servers(port, elsewhere):
    address, asked = elsewhere
    assert get(port, f"/gradio_api/proxy={address}/note.txt") >= 400
    assert get(port, f"/gradio_api/file={address}/note.txt") != 200
    assert asked == []


def test_server_offers_scoring_and_nothing_else_to_programs(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/gradio_api/info", timeout=10) as response:
        assert list(json.loads(response.read())["named_endpoints"]) == ["/score"]


@pytest.mark.skipif(not mcp_installed(), reason="mcp is not installed")
def test_server_offers_scoring_and_nothing_else_as_mcp_tool(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/gradio_api/mcp/schema", timeout=10) as response:
        tools = json.loads(response.read())
    assert [tool["name"] for tool in tools] == ["score"]
    assert "not a check of truth" in tools[0]["description"]
    assert "text" in tools[0]["inputSchema"]["properties"]


def test_server_asks_for_name_and_password_where_told_to():
    from distrust_hub.app.ui import build_app

    demo = build_app(ChatService("owner/base"))
    pairs = slow_login([("ada", "secret")])
    demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", auth=pairs)
    try:
        assert get(demo.server_port, "/config") == 401
        wrong = urllib.request.Request(f"http://127.0.0.1:{demo.server_port}/login", data=b"username=ada&password=x")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(wrong, timeout=10)
        body = b"username=ada&password=secret"
        login = urllib.request.Request(f"http://127.0.0.1:{demo.server_port}/login", data=body)
        with urllib.request.urlopen(login, timeout=10) as response:
            assert response.headers["Set-Cookie"]
    finally:
        demo.close()


def test_server_on_a_port_that_is_taken_says_so(port):
    from distrust_hub.app.ui import build_app, launch_app

    with pytest.raises(ConfigError, match=f"port {port} is in use"):
        launch_app(build_app(ChatService("owner/base")), host="127.0.0.1", port=port)
