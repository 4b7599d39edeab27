"""One running answer of the Chat tab: it waits for its turn, grows, and can be stopped. No gradio here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from distrust_hub.chat.engine import ChatReply

_POLL_SECONDS = 0.4
_SHOW_SECONDS = 0.1
"""A page takes about this long to show a step; more steps would only queue up behind it."""


class Answer:
    """One or two replies of the engine that stop together; ``late`` when they took too long."""

    def __init__(self) -> None:
        self.late = False
        self.stopped = threading.Event()
        self.replies: list[ChatReply] = []

    def add(self, reply: ChatReply) -> None:
        """Take a reply in; it ends at once where the answer is stopped already."""
        self.replies.append(reply)
        if self.stopped.is_set():
            reply.cancel()

    def stop(self) -> None:
        """End all replies; what they wrote stays."""
        self.stopped.set()
        for reply in self.replies:
            reply.cancel()


def written(reply: ChatReply, answer: Answer, seconds: float) -> Iterator[tuple[str, str]]:
    """(text so far, status) as one reply grows, with its place in the queue before it starts.

    Args:
        reply: One of the answer's.
        answer: Its ``late`` is set, and it is stopped, where the reply takes more than ``seconds``.
        seconds: Counted from the start of the reply.
    """
    stopped, shown_place = answer.stopped, 0
    while (ahead := reply.position) and not stopped.is_set():
        if ahead != shown_place:
            yield "", f"Waiting: {ahead} ahead of you."
        shown_place = ahead
        stopped.wait(_POLL_SECONDS)
    if stopped.is_set():
        return
    text = ""
    yield text, "Thinking ..."
    shown, deadline = 0.0, time.monotonic() + seconds
    for piece in reply:
        if stopped.is_set():
            break
        text += piece
        now = time.monotonic()
        if now > deadline:
            answer.late = True
            stopped.set()
            break
        if now - shown >= _SHOW_SECONDS:
            yield text, "Writing ..."
            shown = now
    yield text, "Writing ..."
