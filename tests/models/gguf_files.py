"""Writes the tiny llama as a GGUF file, with whatever a test wants wrong about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quantize
from safetensors.numpy import load_file

from distrust_hub.models.gguf import _BLOCK_NAMES, _TOP_NAMES
from tests.tiny import CHAT_TEMPLATE, SPECIAL_TOKENS, byte_alphabet

MERGES = ["t h", "th e", "Ġ the"]


def permute(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rotary order of GGUF, written out row by row: first half, second half, in turn."""
    size = len(weight) // heads
    order = [h * size + half * size // 2 + i for h in range(heads) for i in range(size // 2) for half in (0, 1)]
    return weight[order]


def gguf_name(name: str) -> str:
    """Hugging Face tensor name -> GGUF tensor name."""
    top = {value: key for key, value in _TOP_NAMES.items()}
    if name in top:
        return top[name]
    _, _, layer, rest = name.split(".", 3)
    block = {value: key for key, value in _BLOCK_NAMES.items()}
    return f"blk.{layer}.{block[rest.removesuffix('.weight')]}.weight"


def write_gguf(
    path: Path,
    folder: Path,
    *,
    types: dict[str, str] | None = None,
    architecture: str = "llama",
    tokenizer_model: str = "gpt2",
    pre: str = "gpt-2",
    drop: tuple[str, ...] = (),
    extra_tensors: dict[str, np.ndarray] | None = None,
    metadata: dict[str, Any] | None = None,
    add_bos: bool = False,
) -> Path:
    """Write the model in ``folder`` as GGUF.

    Args:
        path: File to write.
        folder: From ``make_tiny_model``.
        types: {part of a GGUF tensor name: tensor type}; F32 where none matches.
        architecture, tokenizer_model, pre: As stored.
        drop: GGUF names left out.
        extra_tensors: Added as F32.
        metadata: Further string values.
        add_bos: Whether encoding starts with the bos token.
    """
    config = json.loads((folder / "config.json").read_text())
    writer = GGUFWriter(str(path), architecture)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    for key, value in (metadata or {}).items():
        writer.add_string(key, value)
    tokens = [*SPECIAL_TOKENS, *byte_alphabet(), "th", "the", "Ġthe"]
    tokens += [f"<unused{i}>" for i in range(config["vocab_size"] - len(tokens))]
    writer.add_tokenizer_model(tokenizer_model)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * (len(tokens) - 3))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(add_bos)
    writer.add_chat_template(CHAT_TEMPLATE)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    for name, values in load_file(folder / "model.safetensors").items():
        target = gguf_name(name)
        if target in drop:
            continue
        for part, count in heads.items():
            values = permute(values, count) if part in target else values
        kind = next((kind for part, kind in (types or {}).items() if part in target), "F32")
        _add(writer, target, values, kind)
    for name, values in (extra_tensors or {}).items():
        _add(writer, name, values, "F32")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: GGUFWriter, name: str, values: np.ndarray, kind: str) -> None:
    if kind == "F32":
        writer.add_tensor(name, values)
    elif kind == "F16":
        writer.add_tensor(name, values.astype(np.float16))
    else:
        quantisation = GGMLQuantizationType[kind]
        writer.add_tensor(name, quantize(values, quantisation), raw_dtype=quantisation)
