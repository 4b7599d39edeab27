"""The sizes of a model as its ``config.json`` tells them, whatever they are called there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIZES = {
    "num_hidden_layers": ("num_hidden_layers", "num_layers", "n_layers", "n_layer"),
    "hidden_size": ("hidden_size", "hidden_dim", "d_model", "n_embd"),
    "intermediate_size": ("intermediate_size", "n_inner", "ffn_hidden_size"),
    "num_attention_heads": ("num_attention_heads", "num_heads", "n_heads", "n_head"),
    "vocab_size": ("vocab_size",),
}
"""{our name: names in use, the commonest first}."""


def read_sizes(config: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """{our name: name and value in the config}, as they stand there; those that are not told are left out.

    A model for several modalities tells the sizes of its language model in ``text_config``.
    """
    inner = config.get("text_config")
    config = {**config, **inner} if isinstance(inner, dict) else config
    found = {}
    for name, aliases in SIZES.items():
        if alias := next((alias for alias in aliases if alias in config), None):
            found[name] = alias, config[alias]
    return found


def largest(value: Any) -> Any:
    """The largest of sizes that differ from block to block; any other value as it is."""
    whole = isinstance(value, list) and value and all(type(entry) is int for entry in value)
    return max(value) if whole else value
