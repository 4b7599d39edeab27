from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from distrust_hub.adapters.mlx_format import AdapterConfig
from distrust_hub.app.conversation import BASE_ALONE, ChatService, ChatSettings
from distrust_hub.app.exchanges import Exchange, messages_of
from distrust_hub.app.limits import Limits
from distrust_hub.chat.engine import ChatRequest
from distrust_hub.errors import ChatBusyError, ConfigError, DataError, ModelNotFoundError


class Echo:
    """A backend that answers word by word with what it was asked, and says with which adapter."""

    def __init__(self, source: str, pause: float = 0.0) -> None:
        self.source = source
        self.pause = pause
        self.requests: list[ChatRequest] = []
        self.closed = False

    def load(self) -> None:
        if self.source == "missing":
            raise ModelNotFoundError("missing: no such model")

    def generate(self, request: ChatRequest, stop: threading.Event) -> Iterator[str]:
        self.requests.append(request)
        name = request.adapter.name if request.adapter else "base"
        for word in [f"{name}:", *request.messages[-1]["content"].split()]:
            if stop.wait(self.pause):
                return
            yield f"{word} "

    def close(self) -> None:
        self.closed = True


class Recorder:
    """Makes Echo backends and keeps them."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause
        self.made: list[Echo] = []

    def __call__(self, source: str) -> Echo:
        self.made.append(Echo(source, self.pause))
        return self.made[-1]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    (tmp_path / "lean").mkdir()
    return tmp_path / "lean"


def settings(**changes) -> ChatSettings:
    return ChatSettings(**{"model": "owner/base", "temperature": 0.0, **changes})


def replied(service: ChatService, message: str, before: list[Exchange] | None = None, **changes) -> list[Exchange]:
    *_, last = service.reply("me", before or [], message, settings(**changes))
    return last.exchanges


def test_half_of_an_emoji_that_a_box_cut_is_a_question_mark(recorder):
    with ChatService("owner/base", make_backend=recorder) as service:
        (exchange,) = replied(service, "hi \ud83d")
    assert (exchange.user, exchange.reply) == ("hi ?", "base: hi ? ")


def test_reply_grows_piece_by_piece():
    with ChatService("owner/base", make_backend=Recorder(pause=0.15)) as chat:
        steps = list(chat.reply("me", [], "one two", settings()))
    texts = [step.exchanges[-1].reply for step in steps]
    assert texts == sorted(texts, key=len)
    assert {"base: ", "base: one ", "base: one two "} <= set(texts)
    assert steps[0].status.startswith("Loading")
    assert steps[-1].status == "Done."


def test_reply_sends_the_conversation_and_settings(recorder):
    with ChatService("owner/base", make_backend=recorder) as chat:
        before = replied(chat, "first")
        replied(chat, "second", before, temperature=0.5, max_tokens=33, seed=7)
    request = recorder.made[0].requests[-1]
    assert [m["content"] for m in request.messages] == ["first", "base: first ", "second"]
    assert (request.temperature, request.max_tokens, request.seed) == (0.5, 33, 7)


def test_reply_compares_adapter_and_base_on_their_own_histories(recorder, adapter):
    with ChatService("owner/base", str(adapter), make_backend=recorder) as chat:
        before = replied(chat, "hi", adapter="lean", compare=True, seed=3)
        assert before == [Exchange("hi", "lean: hi ", "base: hi ")]
        replied(chat, "more", before, adapter="lean", compare=True, seed=3)
    with_adapter, alone = recorder.made[0].requests[-2:]
    assert with_adapter.messages[1]["content"] == "lean: hi "
    assert alone.messages[1]["content"] == "base: hi "
    assert with_adapter.seed == alone.seed == 3


def test_reply_without_an_adapter_has_nothing_to_compare(recorder):
    with ChatService("owner/base", make_backend=recorder) as chat:
        assert replied(chat, "hi", compare=True)[0].base_reply is None


def test_stop_keeps_what_was_written():
    with ChatService("owner/base", make_backend=Recorder(pause=0.05)) as chat:
        steps = []
        for step in chat.reply("me", [], " ".join(["word"] * 200), settings()):
            steps.append(step)
            if len(step.exchanges[-1].reply) > 20:
                chat.stop("me")
    assert steps[-1].status == "Stopped."
    assert 20 < len(steps[-1].exchanges[-1].reply) < 200


def test_reply_that_takes_too_long_says_so():
    limits = Limits(reply_seconds=1)
    with ChatService("owner/base", limits=limits, make_backend=Recorder(pause=0.05)) as chat:
        *_, last = chat.reply("me", [], "word " * 200, settings())
    assert last.status == "Stopped after 1 seconds, the longest a reply takes here."
    assert last.exchanges[-1].reply.startswith("base: word")


def test_stop_of_another_visitor_changes_nothing(recorder):
    with ChatService("owner/base", make_backend=recorder) as chat:
        chat.stop("you")
        assert replied(chat, "hi")[0].reply == "base: hi "


def test_waiting_visitor_sees_the_place_in_the_queue():
    with ChatService("owner/base", make_backend=Recorder(pause=0.05)) as chat:
        first = chat.reply("a", [], "x " * 40, settings())
        while not next(first).exchanges[-1].reply:
            pass
        statuses = [step.status for step in chat.reply("b", [], "hi", settings())]
        assert "Waiting: 1 ahead of you." in statuses
        assert statuses[-1] == "Done."
        first.close()


def test_newcomer_is_answered_before_the_second_half_of_a_comparison(adapter):
    recorder = Recorder(pause=0.02)
    chosen = settings(adapter="lean", compare=True)
    with ChatService("owner/base", str(adapter), make_backend=recorder) as chat:
        first = chat.reply("a", [], "x " * 20, chosen)
        while not next(first).exchanges[-1].reply:
            pass
        other = threading.Thread(target=list, args=(first,))
        other.start()
        statuses = [step.status for step in chat.reply("b", [], "hi", settings())]
        other.join(timeout=30)
    asked = [request.messages[-1]["content"].strip()[:2] for request in recorder.made[0].requests]
    assert asked == ["x ", "hi", "x "]
    assert "Waiting: 1 ahead of you." in statuses


def test_pages_of_one_user_take_turns_as_one(recorder):
    recorder.pause = 0.02
    with ChatService("owner/base", make_backend=recorder) as chat:
        running = chat.reply("p0", [], "x " * 1900, settings(), "ada")
        while not next(running).exchanges[-1].reply:
            pass
        threads = []
        for page, user in (("p1", "ada"), ("p2", "ada"), ("q1", "eve")):
            waits = threading.Event()

            def ask(page: str = page, user: str = user, waits: threading.Event = waits) -> None:
                for step in chat.reply(page, [], page, settings(), user):
                    if step.status.startswith("Waiting"):
                        waits.set()

            threads.append(threading.Thread(target=ask))
            threads[-1].start()
            assert waits.wait(timeout=30)
        chat.stop("p0")
        list(running)
        for thread in threads:
            thread.join(timeout=30)
    order = [request.messages[-1]["content"] for request in recorder.made[0].requests[1:]]
    assert order == ["q1", "p1", "p2"]


def test_one_visitor_too_many_is_told_so_and_the_next_one_is_taken():
    limits = Limits(chat_requests=2)
    with ChatService("owner/base", limits=limits, make_backend=Recorder(pause=0.05)) as chat:
        waiting = [chat.reply(name, [], "x " * 40, settings()) for name in "ab"]
        for steps in waiting:
            next(steps)
        with pytest.raises(ChatBusyError, match="2 visitors"):
            next(chat.reply("c", [], "hi", settings()))
        waiting[0].close()
        *_, last = chat.reply("c", [], "hi", settings())
    assert last.exchanges[-1].reply == "base: hi "


class SlowToLoad(Echo):
    gate = threading.Event()

    def load(self) -> None:
        self.gate.wait(30)


def test_stop_while_the_model_loads_ends_at_once():
    SlowToLoad.gate.clear()
    with ChatService("owner/base", make_backend=SlowToLoad) as chat:
        steps = chat.reply("me", [], "hi", settings())
        seen = [next(steps).status, next(steps).status]
        chat.stop("me")
        started = time.monotonic()
        seen += [step.status for step in steps]
        assert time.monotonic() - started < 3
        SlowToLoad.gate.set()
        assert replied(chat, "again")[0].reply == "base: again "
    assert "Loading owner/base ... 1 s" in seen[1]
    assert seen[-1] == "Stopped."


@pytest.mark.parametrize("asked_with", [True, False])
def test_conditional_adapter_shows_the_tag_it_was_asked_with(recorder, adapter, asked_with):
    config = AdapterConfig(rank=4, scale=1.0, extra={"condition_prefix": "Source tier: primary\n\n"})
    (adapter / "adapter_config.json").write_text(json.dumps(config.to_json([])))
    with ChatService("owner/base", str(adapter), make_backend=recorder) as chat:
        *_, last = chat.reply("me", [], "hi", settings(adapter="lean", tag=asked_with))
    assert ("source tag: Source tier: primary" in last.status) is asked_with


def test_comparison_without_an_adapter_says_to_choose_one(recorder):
    with ChatService("owner/base", make_backend=recorder) as chat:
        *_, last = chat.reply("me", [], "hi", settings(compare=True))
    assert "Choose an adapter" in last.status


@pytest.mark.parametrize("local", [True, False])
def test_errors_name_no_folder_of_this_machine_to_visitors_from_elsewhere(recorder, adapter, local):
    chat = ChatService("owner/base", str(adapter), local=local, make_backend=recorder)
    cached = "/home/me/hub/models--ada--lean-logs/snapshots/0a1b2c: holds no adapter"
    assert chat.told(DataError(cached)) == (cached if local else "ada/lean-logs: holds no adapter")
    own = f"{adapter.resolve()}/adapter_config.json: damaged"
    assert chat.told(DataError(own)) == (own if local else "lean/adapter_config.json: damaged")


def test_ten_visitors_at_once_all_get_their_own_reply(recorder):
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        *_, last = chat.reply(name, [], f"from {name}", settings())
        found[name] = last.exchanges[-1].reply

    with ChatService("owner/base", make_backend=recorder) as chat:
        threads = [threading.Thread(target=visit, args=(f"v{i}",)) for i in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert found == {f"v{i}": f"base: from v{i} " for i in range(10)}


def test_left_page_stops_the_answer():
    with ChatService("owner/base", make_backend=Recorder(pause=0.05)) as chat:
        steps = chat.reply("me", [], "word " * 200, settings())
        while not next(steps).exchanges[-1].reply:
            pass
        chat.stop("me")
        started = time.monotonic()
        assert [*steps][-1].status == "Stopped."
        assert time.monotonic() - started < 5


_NO_HUB_IDS = [
    "/etc",
    "../x/y",
    "owner/..",
    "owner",
    "a/b/c",
    "tests/app",
    "~/adapter",
    "C:\\a",
    "a/b@../../c",
    "a/b@c d",
]


@pytest.mark.parametrize("name", _NO_HUB_IDS)
def test_public_visitor_cannot_name_a_folder(recorder, name):
    with ChatService("owner/base", make_backend=recorder) as chat, pytest.raises(ConfigError, match="Hub id"):
        replied(chat, "hi", adapter=name)
    assert all(not backend.requests for backend in recorder.made)


def test_public_visitor_may_name_a_branch(recorder):
    with ChatService("owner/base", make_backend=recorder) as chat:
        assert chat.adapter_named("owner/name@refs/pr/1") == "owner/name@refs/pr/1"


def test_public_visitor_cannot_name_a_base_model(recorder):
    with ChatService("owner/base", make_backend=recorder) as chat, pytest.raises(ConfigError, match="not offered here"):
        replied(chat, "hi", model="/etc/model")
    assert recorder.made == []


def test_local_visitor_may_name_both(recorder, adapter):
    with ChatService("owner/base", local=True, make_backend=recorder) as chat:
        assert replied(chat, "hi", model="other/model", adapter=str(adapter))[0].reply == "lean: hi "
    assert recorder.made[0].source == "other/model"


def test_offered_names_show_no_folder(recorder, adapter, tmp_path):
    (tmp_path / "Small.Q4_1.gguf").touch()
    chat = ChatService(str(tmp_path / "Small.Q4_1.gguf"), str(adapter), make_backend=recorder)
    assert list(chat.models) == ["Small.Q4_1"]
    assert list(chat.adapters) == ["lean"]


def test_model_that_does_not_load_is_tried_again(recorder):
    with ChatService("missing", make_backend=recorder) as chat:
        for _ in range(2):
            with pytest.raises(ModelNotFoundError, match="no such model"):
                list(chat.prepare("missing"))
    assert len(recorder.made) == 2


def test_other_base_model_replaces_the_first(recorder):
    with ChatService("owner/base", local=True, make_backend=recorder) as chat:
        replied(chat, "hi")
        replied(chat, "hi")
        replied(chat, "hi", model="other/model")
    assert [backend.source for backend in recorder.made] == ["owner/base", "other/model"]
    assert all(backend.closed for backend in recorder.made)


def test_reply_refuses_empty_and_long_messages_and_bounds_tokens_and_history(recorder):
    limits = Limits(message_chars=10, reply_tokens=20, history_messages=3)
    with ChatService("owner/base", limits=limits, make_backend=recorder) as chat:
        for message in ("", "x" * 11):
            with pytest.raises(DataError, match="the message"):
                replied(chat, message)
        before = [Exchange(f"q{i}", f"a{i}") for i in range(5)]
        replied(chat, "last", before, max_tokens=4000)
    request = recorder.made[0].requests[-1]
    assert request.max_tokens == 20
    assert [m["content"] for m in request.messages] == ["q4", "a4", "last"]


def test_conversation_escapes_only_when_asked():
    exchanges = [Exchange("<b>q</b>", "a & b", "base <i>")]
    assert messages_of(exchanges)[0]["content"] == "<b>q</b>"
    assert [m["content"] for m in messages_of(exchanges, escape=True)] == ["&lt;b&gt;q&lt;/b&gt;", "a &amp; b"]
    assert messages_of(exchanges, base=True)[1]["content"] == "base <i>"


@pytest.mark.mlx
def test_reply_of_a_real_adapter_differs_from_its_base(tmp_path):
    from tests.adapters.conftest import random_adapter
    from tests.tiny import make_tiny_model

    base = make_tiny_model(tmp_path / "tiny", layers=3, scale=0.3, tie=False)
    folder = random_adapter(base, tmp_path / "adapter").folder
    with ChatService(str(base), str(folder)) as chat:
        chosen = {"model": "tiny", "adapter": "adapter", "compare": True, "max_tokens": 16}
        compared = replied(chat, "What is a primary source?", **chosen)[0]
        alone = replied(chat, "What is a primary source?", **{**chosen, "adapter": BASE_ALONE})[0]
    assert compared.reply != compared.base_reply
    assert alone.reply == compared.base_reply
