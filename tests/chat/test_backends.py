from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from distrust_hub.chat.engine import ChatEngine, ChatReply, ChatRequest
from distrust_hub.errors import AdapterError, ConfigError
from tests.adapters.conftest import random_adapter
from tests.tiny import make_tiny_model

pytestmark = pytest.mark.mlx

HELLO = [{"role": "user", "content": "What does the log say?"}]


@pytest.fixture
def engine(tiny_base: Path):
    from distrust_hub.chat.backends import MlxBackend

    with ChatEngine(MlxBackend(str(tiny_base))) as started:
        yield started


def ask(engine: ChatEngine, **options) -> str:
    return engine.stream(HELLO, max_tokens=24, **options).text()


def test_greedy_answer_is_mlx_lms_own(engine: ChatEngine, tiny_base: Path) -> None:
    from mlx_lm import generate, load

    model, tokenizer = load(str(tiny_base))
    prompt = tokenizer.apply_chat_template(HELLO, add_generation_prompt=True)
    assert ask(engine) == generate(model, tokenizer, prompt, max_tokens=24)


def test_adapters_swap_and_the_base_comes_back_exactly(engine: ChatEngine, tiny_base: Path, tmp_path: Path) -> None:
    first = random_adapter(tiny_base, tmp_path / "a", seed=1).folder
    second = random_adapter(tiny_base, tmp_path / "b", seed=2).folder
    answers = [ask(engine, adapter=adapter) for adapter in (None, first, second, first, None)]
    assert len(set(answers)) == 3
    assert answers[0] == answers[4]
    assert answers[1] == answers[3]


def test_retrained_adapter_in_the_same_folder_is_read_again(
    engine: ChatEngine, tiny_base: Path, tmp_path: Path
) -> None:
    folder = random_adapter(tiny_base, tmp_path / "a", seed=1).folder
    before = ask(engine, adapter=folder)
    random_adapter(tiny_base, folder, seed=2)
    assert ask(engine, adapter=folder) != before


def test_unfit_adapter_is_an_error_and_the_next_answer_is_the_bases(
    engine: ChatEngine, tiny_base: Path, tmp_path: Path
) -> None:
    before = ask(engine)
    good = random_adapter(tiny_base, tmp_path / "good").folder
    other = random_adapter(make_tiny_model(tmp_path / "other", layers=2), tmp_path / "bad").folder
    ask(engine, adapter=good)
    with pytest.raises(AdapterError, match="another base"):
        ask(engine, adapter=other)
    assert ask(engine) == before


def test_seed_decides_the_sample(engine: ChatEngine) -> None:
    first, again, other = (ask(engine, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert ask(engine, temperature=1.0) != ask(engine, temperature=1.0)


def test_max_tokens_is_the_longest_answer(tiny_base: Path) -> None:
    from distrust_hub.chat.backends import MlxBackend

    backend = MlxBackend(str(tiny_base))
    backend.load()
    pieces = list(backend.generate(ChatRequest(tuple(HELLO), max_tokens=5), threading.Event()))
    assert len(pieces) <= 5


@pytest.mark.parametrize("pieces_before", [0, 2])
def test_stop_ends_the_answer_before_or_during_it(tiny_base: Path, pieces_before: int) -> None:
    from distrust_hub.chat.backends import MlxBackend

    backend, stop = MlxBackend(str(tiny_base)), threading.Event()
    backend.load()
    pieces = backend.generate(ChatRequest(tuple(HELLO), max_tokens=200, temperature=1.0, seed=0), stop)
    for _ in range(pieces_before):
        next(pieces)
    stop.set()
    assert list(pieces) == []


def test_conversation_beyond_the_context_is_refused(engine: ChatEngine) -> None:
    with pytest.raises(ConfigError, match="too many"):
        engine.stream([{"role": "user", "content": "x" * 2100}]).text()


def test_answer_ends_at_the_context_length(engine: ChatEngine) -> None:
    reply: ChatReply = engine.stream([{"role": "user", "content": "x" * 2010}], max_tokens=500)
    assert len(reply.text()) < 60


@pytest.mark.parametrize("template", [True, False])
def test_conditional_adapter_puts_its_tag_where_training_did(tmp_path: Path, template: bool) -> None:
    from distrust_hub.chat.backends import MlxBackend

    base = make_tiny_model(tmp_path / "base")
    if not template:
        without_template(base)
    folder = random_adapter(base, tmp_path / "a", condition_prefix="Source tier: primary\n\n").folder
    backend = MlxBackend(str(base))
    backend.load()
    loaded = backend._loaded
    assert loaded is not None
    conversation = (*HELLO, {"role": "assistant", "content": "Nothing."}, *HELLO)
    plain = loaded.tokenizer.decode(backend._prompt(loaded, ChatRequest(conversation)))
    backend._use_adapter(loaded, folder)
    tagged = loaded.tokenizer.decode(backend._prompt(loaded, ChatRequest(conversation, folder)))
    place = plain.rindex(HELLO[0]["content"]) if template else 0
    assert tagged == plain[:place] + "Source tier: primary\n\n" + plain[place:]


def test_model_without_a_chat_template_continues_the_text(tmp_path: Path) -> None:
    from distrust_hub.chat.backends import MlxBackend

    base = make_tiny_model(tmp_path / "plain")
    without_template(base)
    backend = MlxBackend(str(base))
    backend.load()
    assert backend._loaded is not None
    prompt = backend._prompt(backend._loaded, ChatRequest(tuple(HELLO)))
    assert backend._loaded.tokenizer.decode(prompt) == HELLO[0]["content"]


def without_template(base: Path) -> None:
    config = json.loads((base / "tokenizer_config.json").read_text())
    del config["chat_template"]
    (base / "tokenizer_config.json").write_text(json.dumps(config))


def test_engine_process_exits_cleanly(tiny_base: Path) -> None:
    code = (
        "import sys\n"
        "from distrust_hub.chat.backends import MlxBackend\n"
        "from distrust_hub.chat.engine import ChatEngine\n"
        "with ChatEngine(MlxBackend(sys.argv[1])) as engine:\n"
        "    print(engine.stream([{'role': 'user', 'content': 'hi'}], max_tokens=3).text())"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code, str(tiny_base)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
