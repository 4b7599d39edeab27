from __future__ import annotations

import dataclasses
import importlib.util
import subprocess
import sys

import pytest

from distrust_hub.app.conversation import ChatService
from distrust_hub.app.limits import Limits
from distrust_hub.chat.choice import backend_kind
from distrust_hub.cli.app import _is_loopback
from distrust_hub.cli.main import main


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_app_counts_loopback_as_local(host):
    assert _is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org"])
def test_app_counts_nothing_else_as_local(host):
    assert not _is_loopback(host)


@pytest.mark.parametrize("port", ["0", "65536", "web"])
def test_app_refuses_a_bad_port(port, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["app", "--port", port])
    assert caught.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_app_without_gradio_says_what_to_install():
    code = "import sys; sys.modules['gradio'] = None; from distrust_hub.cli.main import main; sys.exit(main(['app']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert 'pip install "distrust-hub[app]"' in done.stderr.splitlines()[-1]


def test_chat_without_mlx_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert 'pip install "distrust-hub[train]"' in ChatService("owner/base").problem()


@pytest.fixture
def launched(monkeypatch):
    """Run ``distrust-hub app`` up to the launch; returns the page and the launch options."""
    ui = pytest.importorskip("distrust_hub.app.ui")
    calls = []
    monkeypatch.setattr(ui, "launch_app", lambda demo, **options: calls.append((demo, options)))

    def run(*arguments):
        assert main(["app", "--model", "owner/base", *arguments]) == 0
        return calls[-1]

    return run


def test_app_passes_every_server_option_on(launched, tmp_path):
    (tmp_path / "users").write_text("ada:secret\n")
    _, options = launched("--port", "7999", "--root-path", "/distrust", "--auth-file", str(tmp_path / "users"))
    assert options["auth"] == [("ada", "secret")]
    assert (options["port"], options["root_path"], options["share"]) == (7999, "/distrust", False)
    assert launched("--share")[1]["share"] is True
    assert launched("--host", "0.0.0.0")[1]["host"] == "0.0.0.0"
    assert launched()[1]["auth"] is None


@pytest.mark.skipif(importlib.util.find_spec("mcp") is None, reason="mcp is not installed")
def test_app_offers_mcp_only_when_asked(launched):
    assert launched("--mcp")[1]["mcp_server"] is True
    assert launched()[1]["mcp_server"] is False


def test_app_limits_are_options(launched):
    demo, options = launched("--upload-bytes", "1000", "--queue-length", "7", "--reply-tokens", "64")
    assert options["max_file_size"] == 1000
    assert demo._queue.max_size == 7
    sliders = [block for block in demo.blocks.values() if getattr(block, "label", "") == "Longest reply, tokens"]
    assert [slider.maximum for slider in sliders] == ([64] if backend_kind() else [])


def test_app_hands_every_limit_to_the_chat(launched, monkeypatch):
    made = []
    monkeypatch.setattr("distrust_hub.app.conversation.ChatService.__enter__", lambda self: made.append(self) or self)
    wanted = {field.name: field.default + 1 for field in dataclasses.fields(Limits)}
    launched(*(word for name, value in wanted.items() for word in (f"--{name.replace('_', '-')}", str(value))))
    assert dataclasses.asdict(made[0].limits) == wanted


def test_app_takes_one_chat_more_than_the_limit_to_say_so(launched):
    demo, _ = launched("--chat-requests", "3")
    at_once = {fn.concurrency_limit for fn in demo.fns.values() if fn.concurrency_id == "chat"}
    assert at_once == ({4} if backend_kind() else set())


def test_app_shared_with_others_does_not_take_folders(launched, monkeypatch):
    made = []
    monkeypatch.setattr("distrust_hub.app.conversation.ChatService.__enter__", lambda self: made.append(self) or self)
    launched()
    launched("--share")
    launched("--host", "0.0.0.0")
    assert [service.local for service in made] == [True, False, False]


def test_app_mcp_without_the_package_says_what_to_install(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "mcp" else found(name))
    assert main(["app", "--mcp"]) == 1
    assert 'pip install "distrust-hub[mcp]"' in capsys.readouterr().err


def test_app_refuses_mcp_with_passwords(tmp_path, capsys):
    pytest.importorskip("mcp")
    (tmp_path / "users").write_text("ada:secret\n")
    assert main(["app", "--mcp", "--auth-file", str(tmp_path / "users")]) == 2
    err = capsys.readouterr().err
    assert "--mcp cannot ask for names and passwords" in err
    assert "secret" not in err


def test_app_refuses_a_missing_auth_file_and_a_bad_limit(tmp_path, capsys):
    assert main(["app", "--auth-file", str(tmp_path / "users")]) == 1
    assert main(["app", "--rows", "0"]) == 1
    err = capsys.readouterr().err
    assert "no such file" in err
    assert "rows is 0" in err
