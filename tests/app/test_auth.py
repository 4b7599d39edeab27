from __future__ import annotations

import asyncio
import time

import pytest

from distrust_hub.app.auth import AUTH_VARIABLE, read_credentials, slow_login
from distrust_hub.errors import ConfigError, InputNotFoundError


def test_read_credentials_takes_lines_of_a_file(tmp_path):
    (tmp_path / "users").write_text("# who\nada:one:two\n\nbob:x\n")
    assert read_credentials(tmp_path / "users") == [("ada", "one:two"), ("bob", "x")]
    (tmp_path / "users").write_bytes("\ufeffada:café".encode())
    assert read_credentials(tmp_path / "users") == [("ada", "café")]
    (tmp_path / "users").write_bytes("ada:café".encode("cp1252"))
    with pytest.raises(ConfigError, match="users: not UTF-8"):
        read_credentials(tmp_path / "users")


def test_read_credentials_takes_the_environment_or_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv(AUTH_VARIABLE, raising=False)
    assert read_credentials(None) is None
    monkeypatch.setenv(AUTH_VARIABLE, "ada:secret")
    assert read_credentials(None) == [("ada", "secret")]


@pytest.mark.parametrize("text", ["ada:pw\nsecret-without-colon\n", ":pw\n", "ada:\n", "# only a comment\n"])
def test_read_credentials_refuses_bad_lines_without_showing_them(tmp_path, text):
    (tmp_path / "users").write_text(text)
    with pytest.raises(ConfigError, match="name:password") as caught:
        read_credentials(tmp_path / "users")
    assert "secret" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_read_credentials_names_a_missing_file(tmp_path):
    with pytest.raises(InputNotFoundError, match="no such file"):
        read_credentials(tmp_path / "users")


def test_slow_login_knows_the_pairs_and_answers_wrong_ones_one_after_the_other(monkeypatch):
    monkeypatch.setattr("distrust_hub.app.auth._WRONG_SECONDS", 0.2)

    async def tried() -> list[bool]:
        known = slow_login([("ada", "one:two"), ("bob", "x")])
        wrong = [known("ada", "x"), known("ada:one", "two"), known("eve", ""), known("bob", "X")]
        return await asyncio.gather(*wrong, known("ada", "one:two"), known("bob", "x"))

    started = time.monotonic()
    assert asyncio.run(tried()) == [False] * 4 + [True] * 2
    assert time.monotonic() - started >= 0.8
