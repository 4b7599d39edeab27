"""What a row of training data holds: a text, a chat, or a pair of answers. Messages name the column and its value."""

from __future__ import annotations

from typing import Any

from distrust_hub.training.rows import Row

Message = dict[str, Any]
"""``role`` and ``content``, both strings, and whatever else a chat template reads."""


def messages_of(row: Row) -> list[Message] | None:
    """The messages of a chat, the last one the answer to train; None for a row of another kind.

    A row of ``prompt`` and ``completion`` is a chat of two.

    Raises:
        DataError: If they are not whole.
    """
    values = row.values
    if "messages" in values:
        messages = values["messages"]
        if not isinstance(messages, list) or len(messages) < 2:
            raise row.error(
                f"'messages' is {_shown(messages)}, not a list of two or more {{role, content}}; fix the row"
            )
        for number, message in enumerate(messages, start=1):
            _check_message(message, number, row)
        if messages[-1]["role"] != "assistant":
            raise row.error(
                f"the last message is from {messages[-1]['role']!r}; expected assistant, whose answer is trained"
            )
        if not messages[-1]["content"].strip():
            raise row.error("the last message is empty; expected an answer to train")
        return messages
    if "completion" not in values or "text" in values:
        return None
    for column in ("prompt", "completion"):
        if not isinstance(values.get(column), str):
            raise row.error(f"column {column!r} is {_shown(values.get(column))}; expected a string")
    if not values["completion"].strip():
        raise row.error("column 'completion' is empty; expected an answer to train")
    return chat_of(values["prompt"], values["completion"])


def chat_of(prompt: str, answer: str) -> list[Message]:
    """A question and its answer as messages."""
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]


def text_of(row: Row) -> str:
    """The text of a row that is no chat.

    Raises:
        DataError: If it has none.
    """
    values, text = row.values, row.values.get("text")
    if isinstance(text, str) and text.strip():
        return text
    if text is not None and not isinstance(text, str):
        raise row.error(f"column 'text' is {_shown(text)}; expected a string")
    if "chosen" in values:
        raise row.error("the row is a preference pair; train it with --objective preference")
    raise row.error(
        "column 'text' is missing or empty; a row is a text, messages, or prompt and completion "
        f"(columns here: {', '.join(sorted(map(str, values))) or 'none'})"
    )


def pair_of(row: Row) -> tuple[str, str, str]:
    """Prompt, chosen and rejected answer.

    Raises:
        DataError: If one of them is missing.
    """
    for column in ("prompt", "chosen", "rejected"):
        value = row.values.get(column)
        if value is None or value == "":
            raise row.error(f"column {column!r} is missing or empty; preference needs prompt, chosen and rejected")
        if not isinstance(value, str):
            hint = "; lists of messages become strings with: distrust-hub prepare" if isinstance(value, list) else ""
            raise row.error(f"column {column!r} is {_shown(value)}; expected a string{hint}")
    return row.values["prompt"], row.values["chosen"], row.values["rejected"]


def _check_message(message: Any, number: int, row: Row) -> None:
    if not isinstance(message, dict):
        raise row.error(f"message {number} is {_shown(message)}; expected {{role, content}}")
    for key in ("role", "content"):
        if not isinstance(message.get(key), str):
            hint = " (a call of a tool cannot be trained)" if message.get("tool_calls") else ""
            raise row.error(f"message {number} has the {key} {_shown(message.get(key))}; expected a string{hint}")


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:40]
