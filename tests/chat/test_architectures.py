"""The chat on other architectures than llama: mlx-lm's own answer to a prompt longer than windows and prefill steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from distrust_hub.chat.engine import ChatEngine
from tests.adapters.conftest import random_adapter

pytestmark = pytest.mark.mlx

HELLO = [{"role": "user", "content": "What does the log say? " * 20}]  # 460 tokens: beyond PREFILL_STEP_TOKENS
BASES = {
    "qwen2": ("qwen2", None),
    "gemma3_text": ("gemma3_text", None),  # a sliding window of 16 tokens in every second block
    "phi3": ("phi3", None),  # one projection for queries, keys and values
    "lfm2": ("lfm2", None),  # convolutions whose cache is no KV cache
    "llama, 4 bits": ("llama", 4),
}


def ask(engine: ChatEngine, adapter: Path | None = None) -> str:
    return engine.stream(HELLO, adapter, max_tokens=40).text()


@pytest.mark.parametrize("name", BASES)
def test_greedy_answer_of_other_bases_is_mlx_lms_own_and_survives_an_adapter(tmp_path: Path, name: str) -> None:
    from mlx_lm import generate, load

    from distrust_hub.chat.backends import MlxBackend
    from tests.training.architectures import make_model

    kind, bits = BASES[name]
    base = make_model(tmp_path / "base", kind, bits=bits)
    adapter = random_adapter(base, tmp_path / "adapter").folder
    with ChatEngine(MlxBackend(str(base))) as engine:
        plain, adapted, again = (ask(engine, chosen) for chosen in (None, adapter, None))
    model, tokenizer = load(str(base))
    prompt = tokenizer.apply_chat_template(HELLO, add_generation_prompt=True)
    assert plain == generate(model, tokenizer, prompt, max_tokens=40)
    assert adapted != plain == again
