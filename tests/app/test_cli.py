from __future__ import annotations

import subprocess
import sys

import pytest

from distrust_hub.app.conversation import ChatService
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
