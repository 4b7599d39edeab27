"""Preference pairs and chats: read as they are given, never made by putting unrelated documents together.

A pair has ``prompt``, ``chosen`` and ``rejected``; a chat has ``messages``. Both get a ``text``, which is what is
scored and compared; training reads the columns themselves. Chats of other forms become ``messages``: turns of ``from``
and ``value``, a prompt with its completion, an instruction with its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from distrust_hub.errors import DataError

PAIR_COLUMNS = ("prompt", "chosen", "rejected")
CHAT_COLUMN = "messages"
_SYSTEM_ROLES = ("system", "developer")

_TURNS = ("conversations", "conversation")
_ROLES = {"human": "user", "prompter": "user", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant"}
"""Speakers as other projects call them."""
_SYSTEM, _ASKED, _ABOUT = ("system", "system_prompt"), ("prompt", "instruction"), ("input", "context")
_ANSWERED = ("completion", "output", "response")
"""Columns of a system message, of what is asked, of the text it is about, and of the answer."""


def is_conversation(row: Mapping[str, Any]) -> bool:
    """Whether a row is a pair or a chat; columns that are null, as in a union of several tables, say nothing."""
    return _is_chat(row) or ("chosen" in row and "rejected" in row and (row["chosen"], row["rejected"]) != (None, None))


def _is_chat(row: Mapping[str, Any]) -> bool:
    return row.get(CHAT_COLUMN) is not None


def as_messages(row: Mapping[str, Any], text_column: str) -> dict[str, Any]:
    """The row with a chat of another form as ``messages``, in place of its columns; any other row as it is."""
    if row.get(text_column) not in (None, "") or is_conversation(row):
        return dict(row)
    asked, about, answer, system = (_filled(row, names) for names in (_ASKED, _ABOUT, _ANSWERED, _SYSTEM))
    if column := next((name for name in _TURNS if isinstance(row.get(name), list)), None):
        turns, used = [_message(entry) for entry in row[column]], {column}
    elif asked and answer and all(isinstance(row[name], str) for name in (asked, answer, about) if name):
        parts = [row[name] for name in (asked, about if asked == "instruction" else None) if name]
        question = {"role": "user", "content": "\n\n".join(parts)}
        turns, used = [question, {"role": "assistant", "content": row[answer]}], {asked, answer, *_ABOUT}
    else:
        return dict(row)
    if system and not any(isinstance(turn, dict) and turn.get("role") in _SYSTEM_ROLES for turn in turns):
        turns, used = [{"role": "system", "content": row[system]}, *turns], {system, *used}
    return {CHAT_COLUMN: turns, **{name: value for name, value in row.items() if name not in {CHAT_COLUMN, *used}}}


def _filled(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if row.get(name) not in (None, "")), None)


def _message(entry: Any) -> Any:
    """A message as ``role`` and ``content``, from other names of speakers and text in parts; anything else as it is."""
    if not isinstance(entry, Mapping):
        return entry
    found = {name: value for name, value in entry.items() if value is not None and name not in ("from", "value")}
    if "from" in entry or "value" in entry:
        speaker = entry.get("from")
        found["role"] = _ROLES.get(speaker.lower(), speaker.lower()) if isinstance(speaker, str) else speaker
        found["content"] = entry.get("value")
    parts = found.get("content")
    if isinstance(parts, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in parts):
        found["content"] = "\n".join(str(part.get("text", "")) for part in parts)
    return found


def without_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without the columns of pairs and chats that are null."""
    return {name: value for name, value in row.items() if value is not None or name not in (*PAIR_COLUMNS, CHAT_COLUMN)}


def read_conversation(row: Mapping[str, Any], path: str | Path, line: int) -> dict[str, Any]:
    """A pair or chat with its columns checked and a ``text``.

    ``chosen`` and ``rejected`` may be lists of messages, as preference datasets on the Hub have them; then everything
    before the last message is the prompt and must be the same in both, and a ``prompt`` that is a list stands before.

    Raises:
        DataError: If a column is missing, the two answers are the same, or they answer different prompts.
    """
    if _is_chat(row):
        messages = _messages(row[CHAT_COLUMN], CHAT_COLUMN, path, line)
        if messages[-1]["role"] != "assistant":
            problem = f"the last message is from {messages[-1]['role']!r}; expected assistant, whose answer is trained"
            raise DataError(problem, path=path, line=line)
        found = {**row, CHAT_COLUMN: messages}
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
    before = row["prompt"] if isinstance(row.get("prompt"), list) else []
    full = {column: row[column] for column in ("chosen", "rejected")}
    if before:
        full = {column: [*before, *value] if isinstance(value, list) else value for column, value in full.items()}
    chosen, rejected = (_messages(value, column, path, line) for column, value in full.items())
    prompt = chosen[:-1]
    if [message["content"] for message in prompt] != [message["content"] for message in rejected[:-1]]:
        raise DataError(
            "chosen and rejected answer different prompts; unrelated texts are no pair", path=path, line=line
        )
    if len(prompt) != 1:
        raise DataError(f"the prompt of the pair has {len(prompt)} messages; expected 1", path=path, line=line)
    return {"prompt": prompt[0]["content"], "chosen": chosen[-1]["content"], "rejected": rejected[-1]["content"]}


def _messages(value: object, column: str, path: str | Path, line: int) -> list[dict[str, Any]]:
    """The messages of a chat with text and role in each, or DataError that names the first without."""
    if isinstance(value, list) and len(value) < 2:
        what, many = "the chat" if column == CHAT_COLUMN else repr(column), "" if value else "s"
        raise DataError(f"{what} has {len(value)} message{many}; expected two or more", path=path, line=line)
    if not isinstance(value, list):
        raise DataError(f"{column!r} is not a list of two or more {{role, content}}", path=path, line=line)
    messages = [_message(entry) for entry in value]
    for number, message in enumerate(messages, start=1):
        for key in ("role", "content"):
            found = message.get(key) if isinstance(message, dict) else None
            if not isinstance(found, str):
                shown = "no" if found is None else f"the {type(found).__name__} {repr(found)[:40]} as"
                problem = f"message {number} of {column!r} has {shown} {key}; expected text"
                raise DataError(problem, path=path, line=line)
    return messages
