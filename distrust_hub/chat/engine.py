"""Chat requests in a bounded and fair queue, answered one after another by one thread that streams its text.

MLX keeps streams and random state per thread, so one thread loads the model, swaps adapters and generates.
Nothing here knows MLX: a backend does the work.
"""

from __future__ import annotations

import bisect
import contextvars
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from distrust_hub.adapters.locate import locate_adapter
from distrust_hub.errors import ChatBusyError, ConfigError

ROLES = ("system", "user", "assistant")
MAX_QUEUE_DEFAULT = 8
"""Requests at once, the running one among them; at 2 to 10 tokens a second a longer wait helps nobody."""


@dataclass(frozen=True)
class ChatRequest:
    """One question to a backend.

    Attributes:
        messages: ``{"role", "content"}`` from the oldest to the newest, roles as in ROLES.
        adapter: Local adapter folder, or None for the base model.
        max_tokens: Longest answer, >= 1.
        temperature: 0 is greedy; otherwise the softmax temperature.
        seed: Of the sampling; None draws one.
        use_tag: Put the tag of a conditional adapter before the question.
    """

    messages: tuple[Mapping[str, str], ...]
    adapter: Path | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    use_tag: bool = True

    def __post_init__(self) -> None:
        for message in self.messages:
            if message.get("role") not in ROLES or not isinstance(message.get("content"), str):
                raise ConfigError(
                    f"message is {dict(message)!r}; expected a role ({', '.join(ROLES)}) and text content"
                )
        if not self.messages or self.messages[-1]["role"] != "user":
            raise ConfigError("the last message must be the user's; add one with role 'user'")
        if self.max_tokens < 1:
            raise ConfigError(f"max_tokens is {self.max_tokens}; expected 1 or more")
        if not 0.0 <= self.temperature <= 10.0:
            raise ConfigError(f"temperature is {self.temperature}; expected 0 (greedy) to 10")


class Backend(Protocol):
    """What runs a model. Its methods are only ever called on the engine's thread."""

    def load(self) -> None:
        """Load the base model; called once, before the first ``generate``."""

    def generate(self, request: ChatRequest, stop: threading.Event) -> Iterator[str]:
        """Yield the answer piece by piece; end early once ``stop`` is set."""

    def close(self) -> None:
        """Free everything; called once, last, also when ``load`` failed."""


class ChatReply:
    """The answer to one request: iterate over its text pieces, once. Leaving the loop early cancels the rest."""

    def __init__(self, engine: ChatEngine, request: ChatRequest, stop: threading.Event, turn: int) -> None:
        self.request = request
        self._engine = engine
        self._stop = stop
        self._turn = turn
        self._pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._future: Future[None] = Future()
        # The caller's context: on ZeroGPU the time is charged to the visitor of the web request in it.
        self._context = contextvars.copy_context()

    @property
    def position(self) -> int | None:
        """Requests ahead of this one, the running one among them; 0 is being answered, None is finished."""
        return self._engine._position(self)

    def cancel(self) -> None:
        """Stop generating, or leave the queue. The iterator ends after the pieces already made."""
        self._stop.set()
        self._future.cancel()

    def __iter__(self) -> Iterator[str]:
        """Yield the pieces as they come; an error of the backend is raised here, after the pieces before it."""
        try:
            while (piece := self._pieces.get()) is not None:
                yield piece
        finally:
            self.cancel()
        if not self._future.cancelled():
            self._future.result()

    def text(self) -> str:
        """Wait for the whole answer."""
        return "".join(self)


class ChatEngine:
    """Answers requests one at a time, and visitors in turn: who asks once is answered before anyone's second request.

    Args:
        backend: Loaded at once, on the engine's thread; an error of loading is raised by every reply.
        max_queue: Requests at once, the running one among them.

    Use it as a context manager, or call ``close``.
    """

    def __init__(self, backend: Backend, *, max_queue: int = MAX_QUEUE_DEFAULT) -> None:
        if max_queue < 1:
            raise ConfigError(f"max_queue is {max_queue}; expected 1 or more")
        self._backend = backend
        self._max_queue = max_queue
        self._lock = threading.Lock()
        self._pending: list[ChatReply] = []  # the running one, then those waiting in the order of their answers
        self._turn = 0
        self._turns: dict[str, int] = {}  # of each visitor's last request, where others may still be behind it
        self._closed = False
        self._folders: dict[str, Path] = {}
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chat")
        self._loading = self._executor.submit(backend.load)

    def wait_until_loaded(self, seconds: float | None = None) -> bool:
        """Block until the base model is loaded, or for some seconds; whether it is. Raises the backend's error."""
        wait([self._loading], seconds)
        if self._loading.done():
            self._loading.result()
            return True
        return False

    def stream(
        self,
        messages: Sequence[Mapping[str, str]],
        adapter: str | Path | None = None,
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int | None = None,
        use_tag: bool = True,
        stop_event: threading.Event | None = None,
        visitor: str = "",
    ) -> ChatReply:
        """Queue a request and return its reply at once.

        Args:
            messages: The conversation, ending with the user's message.
            adapter: Adapter folder, or Hub id (downloaded on the caller's thread, once per engine), or None.
            max_tokens: Longest answer.
            temperature: 0 is greedy.
            seed: Of the sampling; None draws one.
            use_tag: Put the tag of a conditional adapter before the question.
            stop_event: Set it to stop this answer; the same as ``ChatReply.cancel``.
            visitor: Who asks; visitors are answered in turn, and requests of one in the order they came.

        Raises:
            ChatBusyError: If the queue is full or the engine closed.
            ConfigError: If a value is out of range.
            AdapterError: If there is no such adapter.
        """
        folder = self._folder(str(adapter)) if adapter else None
        request = ChatRequest(tuple(messages), folder, max_tokens, temperature, seed, use_tag)
        with self._lock:
            if self._closed:
                raise ChatBusyError("the chat engine is closed; start it again")
            if len(self._pending) >= self._max_queue:
                raise ChatBusyError(f"{len(self._pending)} chat requests are waiting already; try again in a moment")
            self._turns = {name: turn for name, turn in self._turns.items() if turn >= self._turn}
            turn = self._turns[visitor] = max(self._turn, self._turns.get(visitor, -1) + 1)
            reply = ChatReply(self, request, stop_event or threading.Event(), turn)
            bisect.insort(self._pending, reply, key=lambda other: other._turn)
            self._executor.submit(self._answer_next)
        reply._future.add_done_callback(lambda _: self._finish(reply))
        return reply

    def close(self) -> None:
        """Cancel everything and wait for the thread to end."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            pending = list(self._pending)
        for reply in pending:
            reply.cancel()
        self._executor.submit(self._backend.close)
        self._executor.shutdown(wait=True)

    def __enter__(self) -> ChatEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _folder(self, adapter: str) -> Path:
        if adapter not in self._folders:
            self._folders[adapter] = locate_adapter(adapter)
        return self._folders[adapter]

    def _answer_next(self) -> None:
        """Answer the first that waits; there is one call for each request, and some are cancelled meanwhile."""
        with self._lock:
            reply = next((waiting for waiting in self._pending if not waiting._future.cancelled()), None)
            if reply is None or not reply._future.set_running_or_notify_cancel():
                return
            self._turn = reply._turn
        try:
            reply._context.run(self._answer, reply)
        except BaseException as error:  # whatever it is, the visitor's thread raises it
            reply._future.set_exception(error)
        else:
            reply._future.set_result(None)

    def _answer(self, reply: ChatReply) -> None:
        self._loading.result()
        if reply._stop.is_set():
            return
        for piece in self._backend.generate(reply.request, reply._stop):
            reply._pieces.put(piece)
            if reply._stop.is_set():
                return

    def _finish(self, reply: ChatReply) -> None:
        with self._lock:
            self._pending.remove(reply)
        reply._pieces.put(None)

    def _position(self, reply: ChatReply) -> int | None:
        with self._lock:
            return self._pending.index(reply) if reply in self._pending else None
