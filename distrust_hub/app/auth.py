"""Who may use the app: names and passwords from a file or the environment, never from the command line."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from distrust_hub.errors import ConfigError, InputNotFoundError

AUTH_VARIABLE = "DISTRUST_HUB_APP_AUTH"
_WRONG_SECONDS = 1.0
"""Each wrong password takes this long, one after the other, so that trying many leads nowhere."""


def read_credentials(path: str | Path | None) -> list[tuple[str, str]] | None:
    """(name, password) pairs, or None when the app is open to everybody.

    Args:
        path: File with one ``name:password`` a line; blank lines and lines that start with ``#`` are passed over.
            None takes ``DISTRUST_HUB_APP_AUTH``, in the same form, where it is set.

    Raises:
        InputNotFoundError: If there is no such file.
        ConfigError: If the file is not UTF-8, or a line is not of that form, without showing it, or there is none.
    """
    if path is None:
        text, place = os.environ.get(AUTH_VARIABLE, ""), AUTH_VARIABLE
        if not text:
            return None
    else:
        file = Path(path)
        if not file.is_file():
            raise InputNotFoundError(f"{file}: no such file; write one name:password a line into it")
        text, place = _read(file), str(file)
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


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the first name
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8; save it as UTF-8") from None


def slow_login(pairs: Sequence[tuple[str, str]]) -> Callable[[str, str], Awaitable[bool]]:
    """Whether name and password are one of the pairs, as gradio asks; wrong ones are answered slowly."""
    wrong = asyncio.Lock()

    async def known(name: str, password: str) -> bool:
        given = f"{name}\0{password}".encode()
        if any(hmac.compare_digest(given, "\0".join(pair).encode()) for pair in pairs):
            return True
        async with wrong:
            await asyncio.sleep(_WRONG_SECONDS)
        return False

    return known
