"""Preference pairs and chats: read as they are given, never made by putting unrelated documents together.

A pair has ``prompt``, ``chosen`` and ``rejected``; a chat has ``messages``. Both get a ``text``, which is what is
scored and compared; training reads the columns themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

from distrust_hub.errors import DataError

PAIR_COLUMNS = ("prompt", "chosen", "rejected")
CHAT_COLUMN = "messages"
_SYSTEM_ROLES = ("system", "developer")


def is_conversation(row: Mapping[str, Any]) -> bool:
    """Whether a row is a pair or a chat; columns that are null, as in a union of several tables, say nothing."""
    return _is_chat(row) or ("chosen" in row and "rejected" in row and (row["chosen"], row["rejected"]) != (None, None))


def _is_chat(row: Mapping[str, Any]) -> bool:
    return row.get(CHAT_COLUMN) is not None


def without_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without the columns of pairs and chats that are null."""
    return {name: value for name, value in row.items() if value is not None or name not in (*PAIR_COLUMNS, CHAT_COLUMN)}


def read_conversation(row: Mapping[str, Any], path: str | Path, line: int) -> dict[str, Any]:
    """A pair or chat with its columns checked and a ``text``.

    ``chosen`` and ``rejected`` may be lists of messages, as preference datasets on the Hub have them; then everything
    before the last message is the prompt and must be the same in both.

    Raises:
        DataError: If a column is missing, the two answers are the same, or they answer different prompts.
    """
    if _is_chat(row):
        _check_messages(row[CHAT_COLUMN], CHAT_COLUMN, path, line)
        found = dict(row)
    else:
        found = {**row, **_pair(row, path, line)}
        for column in PAIR_COLUMNS:
            if not isinstance(found.get(column), str) or not found[column].strip():
                raise DataError(f"column {column!r} of a pair is missing or empty", path=path, line=line)
        if found["chosen"].strip() == found["rejected"].strip():
            raise DataError("chosen and rejected are the same text; a pair needs two answers", path=path, line=line)
    return with_text(found)


def with_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the ``text`` that stands for it: prompt and chosen answer, or all messages."""
    if _is_chat(row):
        parts = [message["content"] for message in row[CHAT_COLUMN]]
    else:
        parts = [row["prompt"], row["chosen"]]
    return {**row, "text": "\n\n".join(parts)}


def compared_text(row: Mapping[str, Any], text: str) -> str:
    """All a row says: two pairs that differ in the rejected answer only are two pairs."""
    return f"{text}\n\n{row['rejected']}" if isinstance(row.get("rejected"), str) else text


def own_text(row: Mapping[str, Any], text: str, shared: Container[str] = ()) -> str:
    """What a row says that others do not: without system messages and ``shared`` prompts.

    However long these are, they make no two rows alike.
    """
    if not is_conversation(row):
        return text
    if _is_chat(row):
        parts = [message["content"] for message in row[CHAT_COLUMN] if message["role"] not in _SYSTEM_ROLES]
    else:
        parts = [row[column] for column in PAIR_COLUMNS]
    return "\n\n".join(part for part in parts if part not in shared)


def prompts_of(row: Mapping[str, Any]) -> list[str]:
    """What is asked in a pair or chat; nothing for any other row."""
    if not is_conversation(row):
        return []
    if _is_chat(row):
        return [message["content"] for message in row[CHAT_COLUMN] if message["role"] == "user"]
    return [row["prompt"]]


def map_texts(row: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The row with ``change`` applied to every prompt, answer and message."""
    found = dict(row)
    for column in PAIR_COLUMNS:
        if isinstance(found.get(column), str):
            found[column] = change(found[column])
    if _is_chat(found):
        found[CHAT_COLUMN] = [{**message, "content": change(message["content"])} for message in found[CHAT_COLUMN]]
    return found


def _pair(row: Mapping[str, Any], path: str | Path, line: int) -> dict[str, Any]:
    if not isinstance(row["chosen"], list) and not isinstance(row["rejected"], list):
        return {}
    for column in ("chosen", "rejected"):
        _check_messages(row[column], column, path, line)
    prompt, other = row["chosen"][:-1], row["rejected"][:-1]
    if [message["content"] for message in prompt] != [message["content"] for message in other]:
        raise DataError(
            "chosen and rejected answer different prompts; unrelated texts are no pair", path=path, line=line
        )
    if len(prompt) != 1:
        raise DataError(f"the prompt of the pair has {len(prompt)} messages; expected 1", path=path, line=line)
    contents = {column: row[column][-1]["content"] for column in ("chosen", "rejected")}
    return {"prompt": prompt[0]["content"], **contents}


def _check_messages(messages: object, column: str, path: str | Path, line: int) -> None:
    good = isinstance(messages, list) and len(messages) >= 2
    if not good or not all(
        isinstance(message, dict) and isinstance(message.get("role"), str) and isinstance(message.get("content"), str)
        for message in messages  # type: ignore[attr-defined]
    ):
        raise DataError(f"{column!r} is not a list of two or more {{role, content}}", path=path, line=line)
