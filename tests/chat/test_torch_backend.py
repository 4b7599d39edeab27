"""The PyTorch backend against transformers' own generate, and against the MLX backend where that is there too."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.chat.engine import ChatEngine, ChatRequest
from distrust_hub.errors import AdapterError, ConfigError
from tests.adapters.conftest import random_adapter
from tests.tiny import make_tiny_model

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
pytestmark = [pytest.mark.torch, pytest.mark.mlx]

HELLO = [{"role": "user", "content": "What does the log say?"}]


@pytest.fixture
def engine(tiny_base: Path):
    from distrust_hub.chat.torch_backend import TorchBackend

    with ChatEngine(TorchBackend(str(tiny_base))) as started:
        yield started


def peft_adapter(base: Path, folder: Path, **options) -> Path:
    made = random_adapter(base, folder, **options).folder
    write_peft(made)
    return made


def ask(engine: ChatEngine, **options) -> str:
    return engine.stream(HELLO, max_tokens=24, **options).text()


def letters(text: str) -> str:
    """Without half characters and special tokens, which the two tokenizers write differently."""
    return "".join(character for character in text if character.isalnum())


def test_torch_greedy_answer_is_transformers_own(engine: ChatEngine, tiny_base: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    answer = ask(engine)  # first: transformers must not load two models at once, it leaves its own class patched
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    model = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.float32)
    ids = tokenizer.apply_chat_template(HELLO, add_generation_prompt=True, return_dict=False, return_tensors="pt")
    out = model.generate(ids, max_new_tokens=24, do_sample=False)[0, ids.shape[1] :]
    expected = tokenizer.decode(out, skip_special_tokens=True)
    assert answer.rstrip("\ufffd") == expected.rstrip("\ufffd")


def test_torch_answers_are_mlx_answers(engine: ChatEngine, tiny_base: Path, tmp_path: Path) -> None:
    from distrust_hub.chat.backends import MlxBackend

    adapter = peft_adapter(tiny_base, tmp_path / "a")
    with ChatEngine(MlxBackend(str(tiny_base))) as other:
        for chosen in (None, adapter):
            ours, theirs = ask(engine, adapter=chosen), ask(other, adapter=chosen)
            assert letters(ours) == letters(theirs) != ""


def test_torch_adapters_swap_and_the_base_comes_back(engine: ChatEngine, tiny_base: Path, tmp_path: Path) -> None:
    first = peft_adapter(tiny_base, tmp_path / "a", seed=1)
    second = peft_adapter(tiny_base, tmp_path / "b", seed=2)
    answers = [ask(engine, adapter=adapter) for adapter in (None, first, second, first, None)]
    assert len(set(answers)) == 3
    assert (answers[0], answers[1]) == (answers[4], answers[3])


def test_torch_keeps_one_adapter_in_memory(engine: ChatEngine, tiny_base: Path, tmp_path: Path) -> None:
    from distrust_hub.chat import torch_backend

    adapters = [peft_adapter(tiny_base, tmp_path / str(seed), seed=seed) for seed in range(3)]
    answers = [ask(engine, adapter=adapter) for adapter in (*adapters, *adapters)]
    assert answers[:3] == answers[3:]
    assert len(torch_backend._loaded.model.peft_config) == 1


def test_torch_seed_decides_the_sample(engine: ChatEngine) -> None:
    first, again, other = (ask(engine, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_torch_on_zero_gpu_marks_one_function_and_needs_no_mlx(tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text("marked = []\ndef GPU(duration):\n    return lambda f: marked.append(f) or f\n")
    code = (
        "import sys\nsys.modules['mlx'] = sys.modules['mlx_lm'] = None\n"
        "from distrust_hub.app.conversation import ChatService, ChatSettings\n"
        "chat = ChatService(sys.argv[1])\nimport spaces\n"
        "*_, last = chat.reply('me', [], 'hi', ChatSettings(next(iter(chat.models)), max_tokens=16))\n"
        "print(len(spaces.marked), last.status, bool(last.exchanges[-1].reply))\nchat.close()"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    env = {**os.environ, "SPACES_ZERO_GPU": "true", "PYTHONPATH": path}
    command = [sys.executable, "-c", code, str(tiny_base)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[-2:] == ["1 Done. True", ""], done.stderr


def test_torch_stop_ends_the_answer(tiny_base: Path) -> None:
    from distrust_hub.chat.torch_backend import TorchBackend

    backend, stop = TorchBackend(str(tiny_base)), threading.Event()
    backend.load()
    pieces = backend.generate(ChatRequest(tuple(HELLO), max_tokens=200, temperature=1.0, seed=0), stop)
    next(pieces)
    stop.set()
    assert list(pieces) == []
    backend.close()


def test_torch_refuses_an_adapter_of_another_base_and_a_long_conversation(
    engine: ChatEngine, tmp_path: Path, tiny_base: Path
) -> None:
    other = peft_adapter(make_tiny_model(tmp_path / "other", layers=2), tmp_path / "bad")
    with pytest.raises(AdapterError, match="another base"):
        ask(engine, adapter=other)
    with pytest.raises(AdapterError, match="export --to peft"):
        ask(engine, adapter=random_adapter(tiny_base, tmp_path / "mlx").folder)
    with pytest.raises(ConfigError, match="too many"):
        engine.stream([{"role": "user", "content": "x" * 2100}]).text()


def test_torch_tag_of_a_conditional_adapter_changes_the_answer(
    engine: ChatEngine, tiny_base: Path, tmp_path: Path
) -> None:
    adapter = peft_adapter(tiny_base, tmp_path / "a", condition_prefix="Source tier: primary\n\n")
    assert ask(engine, adapter=adapter) != ask(engine, adapter=adapter, use_tag=False)


@pytest.mark.parametrize("kind", ["qwen2", "gemma3_text", "phi3"])
def test_torch_answers_are_mlx_answers_on_other_architectures(tmp_path: Path, kind: str) -> None:
    from distrust_hub.chat.backends import MlxBackend
    from distrust_hub.chat.torch_backend import TorchBackend
    from tests.training.architectures import make_model

    base = make_model(tmp_path / "base", kind)
    adapter = peft_adapter(base, tmp_path / "a")
    answers = []
    for backend in (TorchBackend, MlxBackend):
        with ChatEngine(backend(str(base))) as started:
            answers.append([printable(ask(started, adapter=chosen)) for chosen in (None, adapter)])
    assert answers[0] == answers[1]
    assert "" not in answers[0]
    assert answers[0][0] != answers[0][1]


def printable(text: str) -> str:
    """Without what the two tokenizers write differently: half characters, and "!" for ids that are no token."""
    return "".join(character for character in text if character.isascii() and character.isprintable()).replace("!", "")
