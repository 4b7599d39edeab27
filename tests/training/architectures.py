"""Tiny random models of other architectures than llama, made from mlx-lm's own ``ModelArgs``."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np

from distrust_hub.models.runtime import mx, nn, tree_flatten
from tests.tiny import make_tiny_model

from mlx_lm.utils import MODEL_REMAPPING  # isort: skip  (after the runtime has prepared MLX)

_SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 4,
    "max_position_embeddings": 2048,
    "vocab_size": 304,
    "rms_norm_eps": 1e-5,
    "layer_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_WINDOWS = {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 16, "sliding_window_pattern": 2}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "norm_topk_prob": True}
_MULTIPLIERS = {
    "logits_scaling": 8.0,
    "attention_multiplier": 0.25,
    "embedding_multiplier": 12.0,
    "residual_multiplier": 0.22,
    "attention_bias": False,
    "mlp_bias": False,
}
_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}
_LFM2 = {
    "norm_eps": 1e-5,
    "conv_bias": False,
    "conv_L_cache": 3,
    "block_dim": 64,
    "block_ff_dim": 96,
    "block_multiple_of": 32,
    "block_ffn_dim_multiplier": 1.0,
    "block_auto_adjust_ff_dim": False,
    "full_attn_idxs": [1, 3],
}
_RWKV = {
    "norm_eps": 1e-5,
    "head_dim": 16,
    "a_low_rank_dim": 8,
    "v_low_rank_dim": 8,
    "gate_low_rank_dim": 8,
    "decay_low_rank_dim": 8,
}
_GPT2 = {"n_ctx": 512, "n_embd": 64, "n_head": 4, "n_layer": 4, "n_positions": 512, "layer_norm_epsilon": 1e-5}

CONFIGS: dict[str, dict] = {
    "cohere": {"logit_scale": 0.0625},
    "gemma": {"head_dim": 16},
    "gemma2": _WINDOWS,
    "gemma3": {"text_config": {**_SIZES, **_WINDOWS, "model_type": "gemma3_text"}},
    "gemma3_text": _WINDOWS,
    "gpt2": _GPT2,
    "gptj": {**_GPT2, "rotary_dim": 8, "tie_word_embeddings": False},
    "gpt_neox": {"rotary_emb_base": 10000, "rotary_pct": 0.5, "use_parallel_residual": True},
    "granite": {**_MULTIPLIERS, "tie_word_embeddings": True, "rope_scaling": None},
    "lfm2": _LFM2,
    "llama": {"rope_scaling": _LLAMA3_ROPE, "tie_word_embeddings": False},
    "mistral": {"tie_word_embeddings": False},
    "olmo2": {"tie_word_embeddings": False},
    "olmoe": {"num_experts": 4, "num_experts_per_tok": 2},
    "phi": {"partial_rotary_factor": 0.5},
    "phi3": {"rope_scaling": None, "tie_word_embeddings": False},
    "qwen2": {"tie_word_embeddings": False},
    "qwen2_moe": {**_EXPERTS, "shared_expert_intermediate_size": 64, "tie_word_embeddings": False},
    "qwen3": {"head_dim": 32, "tie_word_embeddings": True},
    "rwkv7": {**_RWKV, "tie_word_embeddings": False},
    "smollm3": {"no_rope_layer_interval": 2, "no_rope_layers": [1, 0, 1, 0], "tie_word_embeddings": True},
    "starcoder2": {"norm_epsilon": 1e-5, "tie_word_embeddings": True},
}
"""What a ``config.json`` says beside the sizes, by ``model_type``."""


def make_model(folder: Path, kind: str, *, bits: int | None = None) -> Path:
    """Write a random model of an architecture, quantised if wanted, with the tokenizer of the tiny llama."""
    make_tiny_model(folder)
    config = {**_SIZES, **CONFIGS[kind], "model_type": kind}
    module = importlib.import_module(f"mlx_lm.models.{MODEL_REMAPPING.get(kind, kind)}")
    model = module.Model(module.ModelArgs.from_dict(config))
    rng = np.random.default_rng(1)
    weights = []
    for name, value in tree_flatten(model.parameters()):
        noise = rng.normal(0.0, 0.1 if value.ndim > 1 else 0.05, value.shape).astype(np.float32)
        weights.append((name, mx.array(noise) if value.ndim > 1 else value + mx.array(noise)))
    model.load_weights(weights)
    if bits:
        config["quantization"] = {"group_size": 32, "bits": bits}
        nn.quantize(model, **config["quantization"])
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())), {"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
