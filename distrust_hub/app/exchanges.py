"""A conversation as the Chat tab keeps it: questions with their replies. No gradio here."""

from __future__ import annotations

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """One question and its answers; ``base_reply`` is the base model's, where it was asked to compare."""

    user: str
    reply: str = ""
    base_reply: str | None = None


def messages_of(exchanges: list[Exchange], *, base: bool = False, escape: bool = False) -> list[dict[str, str]]:
    """The messages of one side.

    Args:
        exchanges: The conversation.
        base: The base model's side of a comparison; turns it was not asked in show the other reply.
        escape: Escape HTML, for a component that renders it.
    """
    messages = []
    for exchange in exchanges:
        reply = exchange.base_reply if base and exchange.base_reply is not None else exchange.reply
        for role, text in (("user", exchange.user), ("assistant", reply)):
            if text:
                messages.append({"role": role, "content": html.escape(text, quote=False) if escape else text})
    return messages
