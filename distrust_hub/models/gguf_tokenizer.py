"""A Hugging Face ``tokenizer.json`` from the tokenizer stored in a GGUF file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrust_hub.errors import ModelError
from distrust_hub.files import write_json

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = range(1, 7)
"""Token types of the GGUF specification (``tokenizer.ggml.token_type``)."""

_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}

_PRE_TOKENIZERS: dict[str, dict[str, Any]] = {
    "gpt-2": _BYTE_LEVEL,
    "smollm": {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, _BYTE_LEVEL],
    },
}
"""``tokenizer.ggml.pre`` -> the pre-tokenizer of the model's own tokenizer.json. More only when checked."""


def write_tokenizer(metadata: Mapping[str, Any], folder: Path, where: str) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``.

    Args:
        metadata: GGUF key-value pairs.
        folder: Where to write.
        where: Name of the GGUF file for messages.

    Raises:
        ModelError: If the tokenizer model or pre-tokenizer is not one this package can rebuild exactly.
    """
    kind, pre = metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre")
    if kind != "gpt2":
        raise ModelError(f"{where}: tokenizer model is {kind!r}; only 'gpt2' (byte-level BPE) can be imported")
    if pre not in _PRE_TOKENIZERS:
        known = ", ".join(_PRE_TOKENIZERS)
        raise ModelError(f"{where}: pre-tokenizer is {pre!r}; known: {known}; use the model's safetensors repo")
    tokens, merges = string_list(metadata, "tokens", where), string_list(metadata, "merges", where)
    types = metadata.get("tokenizer.ggml.token_type", [_NORMAL] * len(tokens))
    if not isinstance(types, list) or len(types) != len(tokens) or len(set(tokens)) != len(tokens):
        raise ModelError(f"{where}: token types or names do not fit {len(tokens)} distinct tokens; the file is damaged")
    pairs = [merge.split(" ") for merge in merges]
    if bad := next((m for m, pair in zip(merges, pairs) if len(pair) != 2), None):
        raise ModelError(f"{where}: BPE merge {bad!r} is not two tokens; the file is damaged")
    special = {name: special_token(metadata, name, where) for name in ("bos", "eos", "padding", "unknown")}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added_tokens(tokens, types),
        "normalizer": None,
        "pre_tokenizer": _PRE_TOKENIZERS[pre],
        "post_processor": _post_processor(metadata, special["bos"]),
        "decoder": {**_BYTE_LEVEL, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": special["unknown"][0] if special["unknown"] else None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": pairs,
        },
    }
    write_json(folder / "tokenizer.json", tokenizer)
    write_json(folder / "tokenizer_config.json", _tokenizer_config(metadata, special))


def string_list(metadata: Mapping[str, Any], name: str, where: str) -> list[str]:
    """``tokens`` or ``merges`` of the file.

    Raises:
        ModelError: If it is missing or not a list of strings.
    """
    value = metadata.get(f"tokenizer.ggml.{name}")
    if not isinstance(value, list) or not value or not all(isinstance(entry, str) for entry in value):
        raise ModelError(f"{where}: tokenizer.ggml.{name} is missing or not a list of strings; the file is damaged")
    return value


def special_token(metadata: Mapping[str, Any], name: str, where: str) -> tuple[str, int] | None:
    """A special token and its id, or None if the file names none.

    Args:
        metadata: GGUF key-value pairs.
        name: ``bos``, ``eos``, ``padding`` or ``unknown``.
        where: File name for messages.

    Raises:
        ModelError: If the id is not one of a token.
    """
    index = metadata.get(f"tokenizer.ggml.{name}_token_id")
    if index is None:
        return None
    tokens = string_list(metadata, "tokens", where)
    if type(index) is not int or not 0 <= index < len(tokens):
        raise ModelError(f"{where}: {name}_token_id is {index!r}; expected 0 to {len(tokens) - 1}")
    return tokens[index], index


def _added_tokens(tokens: list[str], types: list[int]) -> list[dict[str, Any]]:
    return [
        {
            "id": index,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": kind == _CONTROL,
        }
        for index, (token, kind) in enumerate(zip(tokens, types))
        if kind in (_CONTROL, _USER_DEFINED)
    ]


def _post_processor(metadata: Mapping[str, Any], bos: tuple[str, int] | None) -> dict[str, Any]:
    if not metadata.get("tokenizer.ggml.add_bos_token") or bos is None:
        return _BYTE_LEVEL
    token, index = bos
    first = {"SpecialToken": {"id": token, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {token: {"id": token, "ids": [index], "tokens": [token]}},
    }


def _tokenizer_config(metadata: Mapping[str, Any], special: Mapping[str, tuple[str, int] | None]) -> dict[str, Any]:
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": metadata["llama.context_length"],
    }
    for name, key in (("bos", "bos"), ("eos", "eos"), ("padding", "pad"), ("unknown", "unk")):
        if found := special[name]:
            config[f"{key}_token"] = found[0]
    if isinstance(template := metadata.get("tokenizer.chat_template"), str):
        config["chat_template"] = template
    return config
