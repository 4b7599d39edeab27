"""Whether two folders hold the same base model, without loading one.

A fingerprint is ``structure:tensors``. The *structure* hash covers what a LoRA adapter depends on: the architecture
(config keys below), the logical names of the weight matrices and the vocabulary. The *tensors* hash covers three
fixed tensors. A quantised or otherwise converted sibling has the same structure and other tensors, but so has another
training of the same architecture and vocabulary (an instruct model and its base): only where both are stored in the
same float type, unquantised, do other tensors prove other weights.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from distrust_hub.errors import ModelError
from distrust_hub.files import read_json
from distrust_hub.models.weights import read_header

_CONFIG_KEYS = (
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
    "vocab_size",
)
"""Keys that every conversion of a model keeps unchanged; their order is part of the hash."""

QUANTIZATION_KEYS = ("quantization", "quantization_config")
"""Where an mlx-lm ``config.json`` says how it is quantised; both hold the same."""

_SAMPLE_BYTES = 1 << 20

Headers = dict[str, tuple[Path, dict[str, Any], int]]
"""Tensor name -> (file, header entry, offset of the file's data)."""


def base_fingerprint(folder: Path) -> str:
    """Fingerprint of a base model folder: ``<64 hex digits>:<64 hex digits>``.

    Reads the config, the tokenizer, the safetensors headers and at most 1 MiB of each of three tensors: the token
    embedding, the attention output projection of the middle layer, and the final norm.

    Raises:
        ModelError: If config, tokenizer or weights are missing or damaged.
    """
    config = read_json(folder / "config.json")
    headers = model_headers(folder)
    structure = hashlib.sha256()
    architecture = {key: config.get(key) for key in _CONFIG_KEYS}
    structure.update(json.dumps(architecture).encode())
    for name, shape in sorted(logical_shapes(headers, config).items()):
        structure.update(f"\n{name} {shape}".encode())
    structure.update(_tokenizer_digest(folder))
    tensors, layers = hashlib.sha256(), architecture["num_hidden_layers"]
    for name in _fixed_tensors(headers, layers if isinstance(layers, int) else 1):
        path, entry, start = headers[name]
        tensors.update(f"\n{name} {entry['dtype']} {entry['shape']}\n".encode())
        tensors.update(_sample(path, entry, start))
    return f"{structure.hexdigest()}:{tensors.hexdigest()}"


def compare_fingerprints(a: str, b: str) -> Literal["same", "sibling", "other"]:
    """``same``, ``sibling`` (same structure, other numbers: quantised, converted or trained on), or ``other``."""
    if a == b:
        return "same"
    return "sibling" if a.partition(":")[0] == b.partition(":")[0] else "other"


def stored_type(folder: Path) -> str:
    """Type of the weights most tensors of a folder have, as safetensors names it: ``BF16``.

    Raises:
        ModelError: If there are no weights or a file is damaged.
    """
    return Counter(entry["dtype"] for _, entry, _ in model_headers(folder).values()).most_common(1)[0][0]


def model_headers(folder: Path) -> Headers:
    """Every tensor of a folder's ``model*.safetensors``.

    Raises:
        ModelError: If there is no such file or one is damaged.
    """
    found: Headers = {}
    for path in weight_files(folder):
        header = read_header(path)
        with path.open("rb") as stream:
            start = 8 + int.from_bytes(stream.read(8), "little")
        found |= {name: (path, entry, start) for name, entry in header.items()}
    return found


def weight_files(folder: Path) -> list[Path]:
    """The ``model*.safetensors`` files of a folder, sorted.

    Raises:
        ModelError: If there are none.
    """
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise ModelError(f"{folder}: no model*.safetensors; expected a Hugging Face style model folder")
    return files


def logical_shapes(headers: Headers, config: dict[str, Any]) -> dict[str, list[int]]:
    """Names and shapes of a model's weights as they were before quantisation.

    Scales and biases are left out, packed 32-bit columns are counted in weights again, and so is the copy of a tied
    output embedding, or precomputed rotary frequencies, that some exports write and some do not.

    Raises:
        ModelError: If a packed tensor has no valid ``bits`` in the config.
    """
    shapes = {}
    for name, (_, entry, _) in headers.items():
        stem, shape = name.removesuffix(".weight"), list(entry["shape"])
        tied = name == "lm_head.weight" and config.get("tie_word_embeddings")
        part = name.endswith((".scales", ".biases", ".global_scale")) and f"{name.rpartition('.')[0]}.weight" in headers
        if tied or part or name.endswith("rotary_emb.inv_freq"):
            continue
        if f"{stem}.scales" in headers and shape:
            shape[-1] = shape[-1] * 32 // _bits(name, quantization_of(config))
        shapes[name] = shape
    return shapes


def quantization_of(config: dict[str, Any]) -> dict[str, Any]:
    """mlx-lm's ``quantization`` entry of a ``config.json``, under either of its names; empty if there is none."""
    value = next((config[key] for key in QUANTIZATION_KEYS if config.get(key)), None)
    return value if isinstance(value, dict) else {}


def _bits(name: str, quantization: dict[str, Any]) -> int:
    """Bits per weight of one tensor in an mlx-lm quantised model, mixed ones included."""
    own = quantization.get(name.removesuffix(".weight"))
    bits = own.get("bits") if isinstance(own, dict) else quantization.get("bits")
    if not isinstance(bits, int) or not 2 <= bits <= 8:
        raise ModelError(f"config.json: quantization of {name!r} has bits {bits!r}; expected 2 to 8")
    return bits


def _tokenizer_digest(folder: Path) -> bytes:
    """Hash of the vocabulary and merges, not of the file's spelling of them."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        for name in ("tokenizer.model", "vocab.json", "vocab.txt"):
            if (folder / name).is_file():
                return hashlib.sha256((folder / name).read_bytes()).digest()
        raise ModelError(f"{folder}: no tokenizer.json; the model cannot be used without its tokenizer")
    try:
        return _vocabulary_digest(read_json(path))
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not a Hugging Face tokenizer ({error}); download it again") from error


def _vocabulary_digest(tokenizer: dict[str, Any]) -> bytes:
    model = tokenizer["model"]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model.get("merges", ())]
    vocab = model.get("vocab", {})
    if isinstance(vocab, dict):
        added = {token["content"]: token["id"] for token in tokenizer.get("added_tokens", ())}
        entries = sorted({**vocab, **added}.items())
    else:
        entries = vocab
    return hashlib.sha256(json.dumps([entries, merges]).encode()).digest()


def _fixed_tensors(headers: dict[str, Any], layers: int) -> list[str]:
    endings = ("embed_tokens.weight", f"layers.{layers // 2}.self_attn.o_proj.weight", "model.norm.weight")
    chosen = [name for ending in endings for name in sorted(headers) if name.endswith(ending)][:3]
    return chosen or sorted(headers)[:3]


def _sample(path: Path, entry: dict[str, Any], start: int) -> bytes:
    begin, end = entry["data_offsets"]
    with path.open("rb") as stream:
        stream.seek(start + begin)
        return stream.read(min(end - begin, _SAMPLE_BYTES))
