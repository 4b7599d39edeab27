"""Import a llama-architecture GGUF file as a Hugging Face style folder of float32 safetensors.

Dequantising is done by the ``gguf`` package. What is added here: names are mapped to Hugging Face's, and the rotary
permutation that GGUF files of this architecture carry in their q and k projections is undone. Anything not understood
is refused by name, because a half-understood model gives wrong numbers without an error.
"""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.errors import ModelError
from distrust_hub.files import write_json
from distrust_hub.models.cache import build_folder, cache_dir
from distrust_hub.models.gguf_reader import open_gguf, read_metadata
from distrust_hub.models.gguf_tokenizer import special_token, string_list, write_tokenizer
from distrust_hub.models.weights import PlannedTensor, write_safetensors

log = logging.getLogger(__name__)

CONVERTER_VERSION = 1
"""Part of the cache key: raised when a conversion of the same file would come out differently."""

TENSOR_TYPES = ("F32", "F16", "Q8_0", "Q4_0", "Q4_1")

_TOP_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def import_gguf(path: Path, sha256: str) -> Path:
    """Convert a GGUF file once and return the cached folder.

    Args:
        path: The ``.gguf`` file.
        sha256: Its SHA-256; the folder is kept under it in the cache.

    Returns:
        Folder with ``config.json``, ``model.safetensors`` (float32), ``tokenizer.json``, ``tokenizer_config.json`` and
        ``gguf.json`` (what the file says about itself, and its quantisation).

    Raises:
        ModelError: If the file is damaged, or holds an architecture, tensor or tokenizer that is not supported.
        MissingDependencyError: If the ``gguf`` package is not installed.
    """
    target = cache_dir() / "models" / f"gguf-{sha256}-v{CONVERTER_VERSION}"
    if target.is_dir():
        return target
    log.info("converting %s to %s", path.name, target)
    reader = open_gguf(path)
    metadata = read_metadata(reader, path.name)
    config = build_config(metadata, {tensor.name for tensor in reader.tensors}, path.name)
    plan = plan_tensors(reader, config, path.name)
    with build_folder(target) as folder:
        write_tokenizer(metadata, folder, path.name)
        write_json(folder / "config.json", config)
        write_json(folder / "gguf.json", _describe(metadata, reader))
        _write_tensors(plan, config, folder)
    return target


def build_config(metadata: dict[str, Any], tensor_names: set[str], where: str) -> dict[str, Any]:
    """A Hugging Face llama ``config.json`` from GGUF metadata.

    Args:
        metadata: GGUF key-value pairs.
        tensor_names: GGUF tensor names; embeddings are tied when ``output.weight`` is not among them.
        where: File name for messages.

    Raises:
        ModelError: If the architecture is not llama, or a needed value is missing or out of range.
    """
    _check_architecture(metadata, where)

    def size(key: str, limit: int = 1 << 20, default: int | None = None) -> int:
        return _size(metadata, f"llama.{key}", limit, default, where)

    hidden, heads = size("embedding_length"), size("attention.head_count")
    kv_heads = size("attention.head_count_kv", default=heads)
    head_dim = size("attention.key_length", default=size("rope.dimension_count", default=hidden // heads or None))
    if head_dim * heads != hidden or head_dim % 2 or heads % kv_heads:
        raise ModelError(f"{where}: {heads} heads ({kv_heads} key-value) of {head_dim} do not make {hidden}")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "mlp_bias": False,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "num_hidden_layers": size("block_count", limit=1000),
        "intermediate_size": size("feed_forward_length"),
        "max_position_embeddings": size("context_length", limit=1 << 30),
        "vocab_size": len(string_list(metadata, "tokens", where)),
        "rms_norm_eps": _short_float(metadata.get("llama.attention.layer_norm_rms_epsilon"), where),
        "rope_theta": _short_float(metadata.get("llama.rope.freq_base", 10000.0), where),
        "tie_word_embeddings": "output.weight" not in tensor_names,
        "torch_dtype": "float32",
    }
    for name, key in (("bos", "bos"), ("eos", "eos"), ("padding", "pad")):
        if token := special_token(metadata, name, where):
            config[f"{key}_token_id"] = token[1]
    return config


def _check_architecture(metadata: dict[str, Any], where: str) -> None:
    architecture = metadata.get("general.architecture")
    if architecture != "llama":
        raise ModelError(f"{where}: architecture is {architecture!r}; only 'llama' GGUF files can be imported")
    scaling = metadata.get("llama.rope.scaling.type", "none")
    if scaling != "none" or metadata.get("llama.expert_count"):
        what = "expert layers" if metadata.get("llama.expert_count") else f"rope scaling {scaling!r}"
        raise ModelError(f"{where}: {what} cannot be imported; use the model's safetensors repo")


def _size(metadata: dict[str, Any], key: str, limit: int, default: int | None, where: str) -> int:
    value = metadata.get(key, default)
    if type(value) is not int or not 0 < value <= limit:
        raise ModelError(f"{where}: {key} is {value!r}; expected 1 to {limit}; the file is damaged")
    return value


def _short_float(value: Any, where: str) -> float:
    """The shortest decimal that is this float32: 9.999999747378752e-06 -> 1e-05."""
    if not isinstance(value, float) or not math.isfinite(value) or value <= 0:
        raise ModelError(f"{where}: norm epsilon or rope base is {value!r}; expected a positive number")
    return float(str(np.float32(value)))


def plan_tensors(reader: Any, config: dict[str, Any], where: str) -> list[tuple[str, Any]]:
    """Pair each tensor with its Hugging Face name, after checking names, types and shapes.

    Returns:
        ``(name, gguf tensor)`` in file order.

    Raises:
        ModelError: Naming every unknown, missing or misshapen tensor and every unsupported type.
    """
    expected = expected_shapes(config)
    plan: list[tuple[str, Any]] = []
    problems: list[str] = []
    for tensor in reader.tensors:
        name = huggingface_name(tensor.name)
        shape = tuple(int(n) for n in reversed(tensor.shape))
        if name is None or name not in expected or any(name == known for known, _ in plan):
            problems.append(f"unknown tensor {tensor.name!r}")
        elif tensor.tensor_type.name not in TENSOR_TYPES:
            problems.append(f"{tensor.name!r} has type {tensor.tensor_type.name}")
        elif shape != expected[name]:
            problems.append(f"{tensor.name!r} is {shape}, expected {expected[name]}")
        else:
            plan.append((name, tensor))
    if not problems:
        problems = [f"{name!r} is missing" for name in sorted(set(expected) - {name for name, _ in plan})]
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        supported = ", ".join(TENSOR_TYPES)
        raise ModelError(f"{where}: {'; '.join(problems[:5])}{more}; supported: llama with {supported} tensors")
    return plan


def huggingface_name(name: str) -> str | None:
    """``blk.3.attn_q.weight`` -> ``model.layers.3.self_attn.q_proj.weight``; None if unknown."""
    if name in _TOP_NAMES:
        return _TOP_NAMES[name]
    match = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
    if not match or match[2] not in _BLOCK_NAMES:
        return None
    return f"model.layers.{match[1]}.{_BLOCK_NAMES[match[2]]}.weight"


def expected_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Every tensor of a llama model with its shape, from its ``config.json``."""
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    kv = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    block = {
        "attn_norm": (hidden,),
        "attn_q": (hidden, hidden),
        "attn_k": (kv, hidden),
        "attn_v": (kv, hidden),
        "attn_output": (hidden, hidden),
        "ffn_norm": (hidden,),
        "ffn_gate": (inner, hidden),
        "ffn_up": (inner, hidden),
        "ffn_down": (hidden, inner),
    }
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocab, hidden), "model.norm.weight": (hidden,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (vocab, hidden)
    for layer in range(config["num_hidden_layers"]):
        shapes |= {f"model.layers.{layer}.{_BLOCK_NAMES[key]}.weight": shape for key, shape in block.items()}
    return shapes


def unpermute(weight: np.ndarray, heads: int) -> np.ndarray:
    """Undo the row order GGUF uses for interleaved rotary embeddings.

    Each head's rows are stored as pairs (0, d/2), (1, d/2 + 1), ...; Hugging Face has first halves, then second.

    Args:
        weight: q or k projection, shape (heads * d, hidden).
        heads: Number of (key-value) heads.
    """
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _write_tensors(plan: list[tuple[str, Any]], config: dict[str, Any], folder: Path) -> None:
    from gguf import dequantize

    permuted = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}

    def planned(name: str, tensor: Any) -> PlannedTensor:
        def make() -> np.ndarray:
            values = dequantize(tensor.data, tensor.tensor_type)
            heads = permuted.get(name.split(".")[-2])
            return unpermute(values, heads) if heads else values

        shape = tuple(int(n) for n in reversed(tensor.shape))
        return PlannedTensor(name, np.dtype(np.float32), shape, make)

    write_safetensors(folder / "model.safetensors", [planned(name, tensor) for name, tensor in plan])


def _describe(metadata: dict[str, Any], reader: Any) -> dict[str, Any]:
    """What the conversion should not forget: the file's own words about itself, and its tensor types."""
    general = {
        key: value for key, value in metadata.items() if key.startswith("general.") and isinstance(value, str | int)
    }
    counts: dict[str, int] = {}
    for tensor in reader.tensors:
        if len(tensor.shape) > 1:
            counts[tensor.tensor_type.name] = counts.get(tensor.tensor_type.name, 0) + 1
    return {"general": general, "tensor_types": counts, "quantization": max(counts, key=lambda kind: counts[kind])}
