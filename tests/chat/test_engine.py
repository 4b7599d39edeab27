"""The engine with a backend that says the numbers up to max_tokens, at the pace the test sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from distrust_hub.chat.engine import ChatEngine, ChatRequest
from distrust_hub.errors import AdapterError, ChatBusyError, ConfigError

HELLO = [{"role": "user", "content": "count"}]


class Counter:
    """Yields "1", "2", ...; waits before each piece while ``gate`` is closed."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.threads: set[int] = set()
        self.closed = False
        self.made = 0
        self.asked: list[str] = []

    def load(self) -> None:
        self.threads.add(threading.get_ident())

    def generate(self, request: ChatRequest, stop: threading.Event) -> Iterator[str]:
        self.threads.add(threading.get_ident())
        self.asked.append(request.messages[-1]["content"])
        if request.messages[-1]["content"] == "fail":
            yield "1"
            raise RuntimeError("the backend broke")
        for number in range(1, request.max_tokens + 1):
            while not self.gate.wait(0.01):
                if stop.is_set():
                    return
            self.made += 1
            yield f"{number} "

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed = True


class Unloadable(Counter):
    def load(self) -> None:
        raise AdapterError("no such model")


@pytest.fixture
def backend() -> Counter:
    return Counter()


def test_stream_yields_the_pieces_in_order(backend: Counter) -> None:
    with ChatEngine(backend) as engine:
        replies = [engine.stream(HELLO, max_tokens=n) for n in (3, 2)]
        assert [list(reply) for reply in replies] == [["1 ", "2 ", "3 "], ["1 ", "2 "]]


def test_engine_uses_one_thread_for_everything(backend: Counter) -> None:
    with ChatEngine(backend) as engine:
        for _ in range(3):
            engine.stream(HELLO, max_tokens=1).text()
    assert backend.closed
    assert len(backend.threads) == 1
    assert threading.get_ident() not in backend.threads


def test_stream_gives_pieces_before_the_answer_is_complete(backend: Counter) -> None:
    with ChatEngine(backend) as engine:
        pieces = iter(engine.stream(HELLO, max_tokens=10**9))
        assert [next(pieces) for _ in range(3)] == ["1 ", "2 ", "3 "]
        pieces.close()  # type: ignore[attr-defined]


def test_leaving_the_loop_stops_generation(backend: Counter) -> None:
    with ChatEngine(backend) as engine:
        for piece in engine.stream(HELLO, max_tokens=10**9):
            assert piece == "1 "
            break
        assert engine.stream(HELLO, max_tokens=1).text() == "1 "


@pytest.mark.parametrize("by_event", [True, False])
def test_cancelled_reply_ends(backend: Counter, by_event: bool) -> None:
    backend.gate.clear()
    stop = threading.Event()
    with ChatEngine(backend) as engine:
        reply = engine.stream(HELLO, max_tokens=10**9, stop_event=stop)
        stop.set() if by_event else reply.cancel()
        assert reply.text() == ""
        assert reply.position is None


def test_cancelled_reply_leaves_the_queue_at_once(backend: Counter) -> None:
    backend.gate.clear()
    with ChatEngine(backend, max_queue=3) as engine:
        first, second, third = (engine.stream(HELLO, max_tokens=1) for _ in range(3))
        assert [reply.position for reply in (first, second, third)] == [0, 1, 2]
        second.cancel()
        assert [reply.position for reply in (first, second, third)] == [0, None, 1]
        assert second.text() == ""
        backend.gate.set()
        assert (first.text(), third.text()) == ("1 ", "1 ")
    assert backend.made == 2


def served(engine: ChatEngine, backend: Counter, *visitors: str) -> list[str]:
    """The order in which requests of these visitors are answered, all sent while another one is running."""
    backend.gate.clear()
    backend.asked.clear()
    first = engine.stream(HELLO, max_tokens=1, visitor=visitors[0])
    while not backend.asked:
        time.sleep(0.005)
    names = [f"{visitor}{visitors[: at + 1].count(visitor)}" for at, visitor in enumerate(visitors)]
    messages = [[{"role": "user", "content": name}] for name in names[1:]]
    replies = [engine.stream(m, max_tokens=1, visitor=v) for m, v in zip(messages, visitors[1:])]
    places = sorted(zip([reply.position for reply in replies], names[1:]))
    assert [place for place, _ in places] == [*range(1, len(names))]
    backend.asked.clear()
    backend.gate.set()
    assert [reply.text() for reply in (first, *replies)] == ["1 "] * len(names)
    assert backend.asked == [name for _, name in places]  # the place shown is the place taken
    return backend.asked


def test_newcomer_comes_before_the_second_request_of_another(backend: Counter) -> None:
    with ChatEngine(backend) as engine:
        assert served(engine, backend, *"AAAAAB") == ["B1", "A2", "A3", "A4", "A5"]


def test_visitors_are_answered_in_turn(backend: Counter) -> None:
    with ChatEngine(backend, max_queue=9) as engine:
        assert served(engine, backend, *"AAABBCBAC") == ["B1", "C1", "A2", "B2", "C2", "A3", "B3", "A4"]


def test_visitor_who_was_just_answered_goes_behind_those_who_wait(backend: Counter) -> None:
    with ChatEngine(backend) as engine:
        for _ in range(3):
            engine.stream(HELLO, max_tokens=1, visitor="A").text()
        assert served(engine, backend, "A", "A", "B", "B") == ["B1", "A2", "B2"]


def test_cancelled_requests_of_many_visitors_leave_no_gap(backend: Counter) -> None:
    with ChatEngine(backend, max_queue=60) as engine:
        for _ in range(5):
            replies = [engine.stream(HELLO, max_tokens=2, visitor=str(number % 7)) for number in range(60)]
            for reply in replies[::3]:
                reply.cancel()
            kept = [reply for number, reply in enumerate(replies) if number % 3]
            assert [reply.text() for reply in kept] == ["1 2 "] * 40


def test_full_queue_refuses_and_recovers(backend: Counter) -> None:
    backend.gate.clear()
    with ChatEngine(backend, max_queue=2) as engine:
        waiting = [engine.stream(HELLO, max_tokens=1) for _ in range(2)]
        with pytest.raises(ChatBusyError, match="2 chat requests"):
            engine.stream(HELLO)
        backend.gate.set()
        assert [reply.text() for reply in waiting] == ["1 ", "1 "]
        assert engine.stream(HELLO, max_tokens=1).text() == "1 "


def test_backend_error_reaches_the_caller_and_the_engine_lives_on(backend: Counter) -> None:
    with ChatEngine(backend) as engine:
        pieces = iter(engine.stream([{"role": "user", "content": "fail"}]))
        assert next(pieces) == "1"
        with pytest.raises(RuntimeError, match="the backend broke"):
            next(pieces)
        assert engine.stream(HELLO, max_tokens=2).text() == "1 2 "


def test_load_error_reaches_every_caller() -> None:
    with ChatEngine(Unloadable()) as engine:
        for _ in range(2):
            with pytest.raises(AdapterError, match="no such model"):
                engine.stream(HELLO).text()
        with pytest.raises(AdapterError, match="no such model"):
            engine.wait_until_loaded()


def test_close_stops_what_runs_and_refuses_more(backend: Counter) -> None:
    backend.gate.clear()
    engine = ChatEngine(backend)
    running, waiting = (engine.stream(HELLO, max_tokens=10**9) for _ in range(2))
    engine.close()
    assert (running.text(), waiting.text()) == ("", "")
    with pytest.raises(ChatBusyError, match="closed"):
        engine.stream(HELLO)
    engine.close()


@pytest.mark.parametrize(
    ("messages", "options", "message"),
    [
        ([], {}, "last message"),
        ([{"role": "assistant", "content": "hi"}], {}, "last message"),
        ([{"role": "robot", "content": "hi"}], {}, "robot"),
        ([{"role": "user", "content": ["hi"]}], {}, "text content"),
        (HELLO, {"max_tokens": 0}, "max_tokens is 0"),
        (HELLO, {"temperature": -1.0}, "temperature is -1"),
        (HELLO, {"temperature": float("nan")}, "temperature is nan"),
    ],
)
def test_stream_refuses_bad_requests(backend: Counter, messages: list, options: dict, message: str) -> None:
    with ChatEngine(backend) as engine, pytest.raises(ConfigError, match=message):
        engine.stream(messages, **options)


def test_stream_refuses_an_adapter_that_is_not_there(backend: Counter) -> None:
    with ChatEngine(backend) as engine, pytest.raises(AdapterError, match="no such adapter folder"):
        engine.stream(HELLO, "./nothing")
