"""Log-likelihoods of every kind of architecture and cache, against a plain pass over the whole sequence.

The models are random and tiny, with windows shorter than the prefix that all prompts share.
"""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distrust_hub.errors import EvaluationError
from tests.tiny import make_tiny_model

pytest.importorskip("mlx.core")

from distrust_hub.evaluation.mlx_backend import MLXScorer
from distrust_hub.models.load import load_base
from distrust_hub.models.runtime import mx, nn, tree_flatten

pytestmark = pytest.mark.mlx

BASIC = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "rms_norm_eps": 1e-5,
    "vocab_size": 304,
    "max_position_embeddings": 256,
    "rope_theta": 1000.0,
    "eos_token_id": 2,
}
WINDOWED = {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"] * 2}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48, "norm_topk_prob": True}
GPT2 = {"n_ctx": 256, "n_positions": 256, "n_embd": 64, "n_head": 4, "n_layer": 2, "layer_norm_epsilon": 1e-5}
CONV = {
    "conv_bias": False,
    "conv_L_cache": 3,
    "block_dim": 64,
    "block_ff_dim": 96,
    "block_multiple_of": 4,
    "block_ffn_dim_multiplier": 2,
    "block_auto_adjust_ff_dim": True,
}
DELTA = {
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "full_attention_interval": 2,
    "partial_rotary_factor": 0.5,
    "tie_word_embeddings": True,
}
SHARED_KEYS = {
    **WINDOWED,
    "num_kv_shared_layers": 2,
    "vocab_size_per_layer_input": 304,
    "hidden_size_per_layer_input": 32,
    "rope_local_base_freq": 100.0,
    "final_logit_softcapping": 30.0,
    "activation_sparsity_pattern": [0.5] * 4,
    "altup_num_inputs": 4,
    "altup_coef_clip": 1.0,
    "altup_correct_scale": True,
    "altup_active_idx": 0,
    "laurel_rank": 8,
}
CHUNKED = {
    "attention_chunk_size": 16,
    "attention_bias": False,
    "interleave_moe_layer_step": 2,
    "intermediate_size_mlp": 96,
    "num_experts_per_tok": 1,
    "num_local_experts": 2,
    "rope_scaling": None,
    "use_qk_norm": True,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {**WINDOWED, "layer_types": ["full_attention", *["sliding_attention"] * 3]},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"tie_word_embeddings": True},
    "gemma2": {"query_pre_attn_scalar": 16},
    "gemma3_text": {"sliding_window": 16, "sliding_window_pattern": 2, "query_pre_attn_scalar": 16},
    "gemma3n": {"text_config": {**BASIC, **SHARED_KEYS, "model_type": "gemma3n_text"}},
    "phi3": {},
    "olmo2": {},
    "cohere": {"layer_norm_eps": 1e-5, "logit_scale": 0.1},
    "gpt2": GPT2,
    "gpt_neox": {"layer_norm_eps": 1e-5, "rotary_emb_base": 10_000, "rotary_pct": 0.25},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen3_moe": {**EXPERTS, "decoder_sparse_step": 1, "mlp_only_layers": [], "tie_word_embeddings": False},
    "gpt_oss": {**WINDOWED, "num_local_experts": 4, "num_experts_per_tok": 2},
    "mamba": {"use_bias": False, "use_conv_bias": True, "conv_kernel": 4, "state_size": 8, "time_step_rank": 4},
    "lfm2": {**CONV, "norm_eps": 1e-5, "layer_types": ["full_attention", "conv"] * 2},
    "qwen3_5": {"text_config": {**BASIC, **DELTA, "model_type": "qwen3_5_text"}},
    "llama4": {"text_config": {**BASIC, **CHUNKED, "model_type": "llama4_text"}},
}

PREFIX = "Q: one? A: two. Q: three? A: four.\n\n"
PAIRS = [
    (f"{PREFIX}Q: short?\nA:", " yes"),
    (f"{PREFIX}Q: short?\nA:", " a much longer answer than yes"),
    (f"{PREFIX}Q: other?\nA:", " ü✓"),
    (f"{PREFIX}Q: a longer question, is it?\nA:", " no"),
    (f"{PREFIX}Q", ":"),
]


def make_model(folder: Path, config: dict[str, Any]) -> Path:
    """A random model of a config as a Hugging Face folder with the byte tokenizer."""
    make_tiny_model(folder)
    name = {"mistral": "llama"}.get(config["model_type"], config["model_type"])
    module = importlib.import_module(f"mlx_lm.models.{name}")
    mx.random.seed(0)
    model = module.Model(module.ModelArgs.from_dict(config))
    rng = np.random.default_rng(0)
    weights = {
        path: mx.array(rng.normal(0.0, 0.25, array.shape).astype(np.float32)) if array.ndim > 1 else array
        for path, array in tree_flatten(model.parameters())
    }
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def whole_pass(model: Any, context: tuple[int, ...], rest: tuple[int, ...]) -> float:
    """Log-likelihood by one pass over the sequence, with the cache mlx-lm makes for generation."""
    from mlx_lm.models.cache import make_prompt_cache

    ids = [*context, *rest]
    logits = model(mx.array([ids[:-1]]), cache=make_prompt_cache(model)).astype(mx.float32)
    scores = np.array(logits, dtype=np.float64)[0, len(context) - 1 :]
    logprobs = scores - scores.max(-1, keepdims=True)
    logprobs -= np.log(np.exp(logprobs).sum(-1, keepdims=True))
    return float(logprobs[np.arange(len(rest)), list(rest)].sum())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_loglikelihoods_equal_a_whole_pass(name: str, tmp_path: Path) -> None:
    loaded = load_base(str(make_model(tmp_path, {**BASIC, "model_type": name, **ARCHITECTURES[name]})))
    scorer = MLXScorer(loaded)
    expected = [whole_pass(loaded.model, *scorer.encoder.pair(*pair)) for pair in PAIRS]
    found = [score.total for score in scorer.loglikelihoods(PAIRS)]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.ptp(expected[:2]) > 1.0


def test_loglikelihoods_of_a_quantised_model(tmp_path: Path) -> None:
    from mlx_lm.utils import load_model, quantize_model, save_config, save_model

    folder = make_model(tmp_path / "full", {**BASIC, "model_type": "llama"})
    model, config = load_model(folder)
    quantised, config = quantize_model(model, config, group_size=32, bits=4)
    save_model(tmp_path / "small", quantised)
    save_config(config, tmp_path / "small" / "config.json")
    for file in folder.glob("tokenizer*"):
        shutil.copy(file, tmp_path / "small")
    scorer = MLXScorer(load_base(str(tmp_path / "small")))
    reference, _ = load_model(tmp_path / "small")
    assert any(isinstance(module, nn.QuantizedLinear) for _, module in reference.named_modules())
    expected = [whole_pass(reference, *scorer.encoder.pair(*pair)) for pair in PAIRS]
    np.testing.assert_allclose([score.total for score in scorer.loglikelihoods(PAIRS)], expected, atol=1e-3)


@pytest.mark.parametrize("name", ["gemma2", "gpt2", "mixtral", "qwen3_5"])
def test_a_pair_longer_than_the_model_is_refused(name: str, tmp_path: Path) -> None:
    config = {**BASIC, "model_type": name, **ARCHITECTURES[name]}
    scorer = MLXScorer(load_base(str(make_model(tmp_path, config))))
    with pytest.raises(EvaluationError, match=r"need 260 positions; the model has 256; shorten"):
        scorer.loglikelihoods([("x" * 256, " four")])


def test_a_model_that_mlx_cannot_run_here_is_refused_in_a_line(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **named: Any) -> None:
        raise RuntimeError("[metal_kernel] No Metal back-end.")

    monkeypatch.setattr(type(loaded.model), "__call__", refuse)
    with pytest.raises(EvaluationError, match=r"^the model cannot be run here: \[metal_kernel\] No Metal back-end\.$"):
        MLXScorer(loaded).loglikelihoods(PAIRS)
