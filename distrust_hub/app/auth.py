"""Who may use the app: names and passwords from a file or the environment, never from the command line."""

from __future__ import annotations

import os
from pathlib import Path

from distrust_hub.errors import ConfigError, InputNotFoundError

AUTH_VARIABLE = "DISTRUST_HUB_APP_AUTH"


def read_credentials(path: str | Path | None) -> list[tuple[str, str]] | None:
    """(name, password) pairs, or None when the app is open to everybody.

    Args:
        path: File with one ``name:password`` a line; blank lines and lines that start with ``#`` are passed over.
            None takes ``DISTRUST_HUB_APP_AUTH``, in the same form, where it is set.

    Raises:
        InputNotFoundError: If there is no such file.
        ConfigError: If a line is not of that form, without showing it, or there is none.
    """
    if path is None:
        text, place = os.environ.get(AUTH_VARIABLE, ""), AUTH_VARIABLE
        if not text:
            return None
    else:
        file = Path(path)
        if not file.is_file():
            raise InputNotFoundError(f"{file}: no such file; write one name:password a line into it")
        text, place = file.read_text(encoding="utf-8"), str(file)
    pairs = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.strip().partition(":")
        if not (name and colon and password):
            raise ConfigError(f"{place}:{number}: not of the form name:password")
        pairs.append((name, password))
    if not pairs:
        raise ConfigError(f"{place}: holds no name:password")
    return pairs
