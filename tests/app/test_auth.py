from __future__ import annotations

import pytest

from distrust_hub.app.auth import AUTH_VARIABLE, read_credentials
from distrust_hub.errors import ConfigError, InputNotFoundError


def test_read_credentials_takes_lines_of_a_file(tmp_path):
    (tmp_path / "users").write_text("# who\nada:one:two\n\nbob:x\n")
    assert read_credentials(tmp_path / "users") == [("ada", "one:two"), ("bob", "x")]


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
