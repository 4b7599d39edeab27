"""What the Chat tab does, over one chat engine: settings in, a growing conversation out. No gradio here."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from distrust_hub.adapters.mlx_format import CONDITION_PREFIX, read_adapter_config
from distrust_hub.adapters.pull import ADAPTER_FILES
from distrust_hub.app.answer import Answer, written
from distrust_hub.app.exchanges import Exchange, messages_of
from distrust_hub.app.limits import Limits
from distrust_hub.app.published import check_adapter_size
from distrust_hub.chat import choice
from distrust_hub.chat.engine import Backend, ChatEngine, ChatReply
from distrust_hub.errors import AdapterError, ChatBusyError, ConfigError, DistrustHubError
from distrust_hub.files import well_formed
from distrust_hub.hub.client import is_repo_id, split_revision
from distrust_hub.models.registry import default_model

BASE_ALONE = "none: the base model alone"
_REVISION = re.compile(r"[\w./-]{1,100}")
_SNAPSHOT = re.compile(r"\S*[/\\]models--([\w.-]+?)--([\w.-]+)[/\\]snapshots[/\\]\w+")
"""Where a Hub client keeps a repo."""

_LOADING_SECONDS = 1.0
"""Between two signs of life while a model is loaded."""


@dataclass(frozen=True)
class ChatSettings:
    """What a visitor chose.

    Attributes:
        model: One of ``ChatService.models``, or with ``local`` anything ``resolve_base`` takes.
        adapter: BASE_ALONE, one of ``ChatService.adapters``, a Hub id, or with ``local`` a folder.
        temperature: 0 is greedy.
        max_tokens: Longest reply.
        seed: Of the sampling; both sides of a comparison use it.
        compare: Ask the base model too.
        tag: Put the tag before the question that a conditional adapter was trained with; others have none.
    """

    model: str
    adapter: str = BASE_ALONE
    temperature: float = 0.7
    max_tokens: int = 200
    seed: int = 0
    compare: bool = False
    tag: bool = True


@dataclass(frozen=True)
class Progress:
    """A step of an answer: the conversation so far, and what is going on in words."""

    exchanges: list[Exchange]
    status: str


class ChatService:
    """One base model in memory, shared by all visitors, who are answered in turn.

    Args:
        model: Base model to offer: Hub id, folder or ``.gguf`` file; None takes the default one.
        adapter: Adapter to offer: Hub id or folder.
        local: Whether visitors may name other base models and folders of this machine.
        limits: Bounds per visitor.
        make_backend: From a model's name to what runs it; None takes what fits the machine (``chat/choice.py``).

    Use it as a context manager, or call ``close``.
    """

    def __init__(
        self,
        model: str | None = None,
        adapter: str | None = None,
        *,
        local: bool = False,
        limits: Limits | None = None,
        make_backend: Callable[[str], Backend] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._make_backend = make_backend or choice.make_backend
        self.local = local
        offered = model or default_model()
        self.models = {_short_name(offered): offered}
        self.adapters = {_short_name(adapter): adapter} if adapter else {}
        self._engine: ChatEngine | None = None
        self._loaded: str | None = None
        self._lock = threading.Lock()
        self._running: dict[str, Answer] = {}
        self._fetched: dict[str, int] = {}
        choice.announce_gpu_function()

    def problem(self) -> str:
        """Why chat cannot work here, in one line; empty if it can."""
        return choice.why_no_backend()

    def prepare(self, model: str) -> Iterator[str]:
        """Load the base model, telling what is going on until it is ready. Raises the error of loading."""
        yield from self._load(self._engine_for(model), model)
        yield f"Ready: {model}."

    def reply(
        self, session: str, exchanges: list[Exchange], message: str, settings: ChatSettings, user: str = ""
    ) -> Iterator[Progress]:
        """Answer one message, piece by piece.

        Args:
            session: The visitor's page; ``stop(session)`` ends the answer early and keeps what was written.
            exchanges: The conversation before it.
            message: What the visitor wrote.
            settings: What the visitor chose.
            user: Name of who is logged in, whose pages take turns with others as one; "" lets each page count.

        Raises:
            DistrustHubError: If the message, a setting, the model or the adapter cannot be used.
        """
        self.limits.check_message(message)
        message = well_formed(message)
        adapter = self.adapter_named(settings.adapter)
        answer = self._start(session)
        asked = [*exchanges, Exchange(message)]
        try:
            yield Progress(asked, f"Loading {settings.model} ...")
            engine = self._engine_for(settings.model)
            for words in self._load(engine, settings.model):
                if answer.stopped.is_set():
                    break
                yield Progress(asked, words)
            if adapter and not answer.stopped.is_set():
                yield Progress(asked, f"Reading the adapter {settings.adapter} ...")
                self._check_size(adapter)
            if answer.stopped.is_set():
                yield Progress(asked, "Stopped.")
                return
            sides = [(adapter, False), (None, True)] if settings.compare and adapter else [(adapter, False)]
            for source, base in sides:
                messages = [*messages_of(exchanges, base=base), {"role": "user", "content": message}]
                answer.add(self._ask(engine, messages, source, settings, user or session))
            current = Exchange(message, "", "" if len(sides) > 1 else None)
            for reply, (_, base) in zip(answer.replies, sides):
                for text, status in written(reply, answer, self.limits.reply_seconds):
                    current = replace(current, base_reply=text) if base else replace(current, reply=text)
                    yield Progress([*exchanges, current], status)
            yield Progress([*exchanges, current], self._ending(answer, settings, adapter))
        finally:
            answer.stop()
            if self._running.get(session) is answer:
                del self._running[session]

    def _ending(self, answer: Answer, settings: ChatSettings, adapter: str | None) -> str:
        """How an answer ended, in words."""
        if answer.late:
            return f"Stopped after {self.limits.reply_seconds} seconds, the longest a reply takes here."
        if answer.stopped.is_set():
            return "Stopped."
        if settings.compare and not adapter:
            return "Done. Choose an adapter to compare it with the base model."
        tag = _tag(answer.replies[0].request.adapter) if settings.tag else ""
        return f"Done. Before your question stood the adapter's source tag: {tag}" if tag else "Done."

    def told(self, error: DistrustHubError) -> str:
        """What an error says; for visitors from elsewhere, with names in place of this machine's folders."""
        words = str(error)
        if not self.local:
            for name, source in [*self.models.items(), *self.adapters.items()]:
                words = words.replace(str(Path(source).resolve()), name) if Path(source).exists() else words
            words = _SNAPSHOT.sub(r"\1/\2", words)
        return words

    def stop(self, session: str) -> None:
        """End the visitor's running answer, if there is one."""
        if answer := self._running.pop(session, None):
            answer.stop()

    def close(self) -> None:
        """Stop everything and wait for the engine's thread."""
        with self._lock:
            if self._engine:
                self._engine.close()
            self._engine, self._loaded = None, None

    def __enter__(self) -> ChatService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, session: str) -> Answer:
        self.stop(session)
        if len(self._running) >= self.limits.chat_requests:
            raise ChatBusyError(f"{len(self._running)} visitors are waiting for a reply already; try again in a minute")
        answer = self._running[session] = Answer()
        return answer

    def _load(self, engine: ChatEngine, model: str) -> Iterator[str]:
        """Signs of life until the model is loaded; one that cannot load is forgotten, so that a retry starts anew."""
        started = time.monotonic()
        fetched = not Path(self.models.get(model, model)).exists()
        long = " Downloading it the first time can take minutes." if fetched else ""
        try:
            while not engine.wait_until_loaded(_LOADING_SECONDS):
                yield f"Loading {model} ... {time.monotonic() - started:.0f} s.{long}"
        except Exception:
            with self._lock:
                if self._engine is engine:
                    self._engine, self._loaded = None, None
            engine.close()
            raise

    def _engine_for(self, model: str) -> ChatEngine:
        if model not in self.models and not self.local:
            raise ConfigError(f"base model {model!r} is not offered here; choose {' or '.join(self.models)}")
        source = self.models.get(model, model)
        with self._lock:
            if self._engine is None or self._loaded != source:
                if self._engine:
                    self._engine.close()
                self._engine = ChatEngine(self._make_backend(source), max_queue=2 * self.limits.chat_requests)
                self._loaded = source
            return self._engine

    def adapter_named(self, name: str | None) -> str | None:
        """What stands behind an adapter's name: a folder, a Hub id, or None for the base model alone.

        Raises:
            ConfigError: If a visitor from elsewhere names anything but an offered adapter or a Hub id.
        """
        name = (name or "").strip()
        if name in ("", BASE_ALONE):
            return None
        if name in self.adapters:
            return self.adapters[name]
        repo_id, revision = split_revision(name)
        safe_revision = revision is None or (_REVISION.fullmatch(revision) and ".." not in revision)
        on_hub = is_repo_id(repo_id) and safe_revision and not Path(name).exists() and not Path(repo_id).exists()
        if self.local or on_hub:
            return name
        raise ConfigError(f"adapter is {name!r}; expected a Hub id like owner/name")

    def _check_size(self, adapter: str | None) -> None:
        """Refuse an adapter of the Hub that is too large to fetch for a visitor, or one too many; once for each."""
        if adapter is None or self.local or adapter in self.adapters.values() or adapter in self._fetched:
            return
        sizes = check_adapter_size(adapter, self.limits)
        size = sum(sizes.get(name, 0) for name in ADAPTER_FILES)
        if sum(self._fetched.values()) + size > self.limits.adapters_bytes:
            raise AdapterError(
                f"{adapter}: the app keeps {self.limits.adapters_bytes / 1e9:g} GB of adapters and has no room for it; "
                f"run it on your machine: distrust-hub chat --adapter-path {adapter}"
            )
        self._fetched[adapter] = size

    def _ask(
        self,
        engine: ChatEngine,
        messages: list[dict[str, str]],
        adapter: str | None,
        settings: ChatSettings,
        visitor: str,
    ) -> ChatReply:
        return engine.stream(
            messages[-self.limits.history_messages :],
            adapter,
            max_tokens=min(settings.max_tokens, self.limits.reply_tokens),
            temperature=settings.temperature,
            seed=settings.seed,
            use_tag=settings.tag,
            visitor=visitor,
        )


def _tag(adapter: Path | None) -> str:
    """The tag that stands before a question to a conditional adapter; "" for others."""
    with contextlib.suppress(DistrustHubError):
        return str(read_adapter_config(adapter).extra.get(CONDITION_PREFIX) or "") if adapter else ""
    return ""


def _short_name(source: str) -> str:
    """A name without folders: the Hub id, or the last part of a path."""
    path = Path(source)
    is_path = path.exists() or path.is_absolute() or path.suffix == ".gguf"
    return (path.stem if path.suffix == ".gguf" else path.resolve().name) if is_path else source
