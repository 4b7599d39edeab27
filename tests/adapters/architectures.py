"""Tiny bases whose files hold the layers under other names, or otherwise, than mlx-lm computes with."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

from tests.tiny import make_tiny_model

NEOX = {
    "model_type": "gpt_neox",
    "max_position_embeddings": 512,
    "hidden_size": 64,
    "intermediate_size": 256,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "layer_norm_eps": 1e-5,
    "vocab_size": 304,
    "rotary_emb_base": 10000,
    "rotary_pct": 0.25,
}
GPT2 = {
    "model_type": "gpt2",
    "n_ctx": 512,
    "n_embd": 64,
    "n_head": 4,
    "n_layer": 3,
    "n_positions": 512,
    "layer_norm_epsilon": 1e-5,
    "vocab_size": 304,
}


def make_neox(folder: Path) -> Path:
    """GPT-NeoX: ``model.h.0`` is ``gpt_neox.layers.0`` in the files."""
    return _write(
        folder, NEOX, lambda name: name.replace("model.h.", "gpt_neox.layers.").replace("model.", "gpt_neox.")
    )


def make_gpt2(folder: Path) -> Path:
    """GPT-2, whose files hold the matrices of linear layers transposed."""
    return _write(folder, GPT2, lambda name: name.removeprefix("model."), transposed=(".c_attn", ".c_proj", ".c_fc"))


def _write(folder: Path, config: dict[str, Any], rename: Any, transposed: tuple[str, ...] = ()) -> Path:
    from distrust_hub.models.runtime import mx, tree_flatten

    architecture = importlib.import_module(f"mlx_lm.models.{config['model_type']}")
    mx.random.seed(5)
    model = architecture.Model(architecture.ModelArgs.from_dict(config))
    make_tiny_model(folder)
    weights = {}
    for name, value in tree_flatten(model.parameters()):
        value = value + 0.1 * mx.random.normal(value.shape)
        turned = name.removesuffix(".weight").endswith(transposed) and name.endswith(".weight") if transposed else False
        weights[rename(name)] = mx.contiguous(value.T) if turned else value
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def made_by_transformers(folder: Path, model_type: str, **options: Any) -> Path:
    """A tiny random model that transformers writes and mlx-lm reads."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        model_type,
        hidden_size=64,
        intermediate_size=options.pop("intermediate_size", 128),
        num_attention_heads=4,
        num_key_value_heads=2,
        num_hidden_layers=3,
        vocab_size=304,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        initializer_range=0.1,
        **options,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    for value in model.parameters():
        if value.ndim == 1:  # biases, which start at 0, and norms
            value.data.add_(0.1 * torch.randn_like(value))
    model.save_pretrained(folder)
    tiny = make_tiny_model(folder.with_name("tokenizer"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny / name, folder / name)
    _name_rope_as_before(folder / "config.json")
    return folder


def _name_rope_as_before(path: Path) -> None:
    """Write the options of the positions as models on the Hub have them, where mlx-lm reads them."""
    config = json.loads(path.read_text())
    rope = config.get("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    base, share = rope.get("rope_theta", 10000.0), rope.get("partial_rotary_factor")
    for name, value in {"rope_theta": base, "partial_rotary_factor": share, "rotary_emb_base": base}.items():
        if value is not None:
            config.setdefault(name, value)
    config.setdefault("rotary_pct", share or 0.25)
    config.setdefault("rope_scaling", None)
    path.write_text(json.dumps(config))
