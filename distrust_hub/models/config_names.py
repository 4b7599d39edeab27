"""Fields of ``config.json`` under the names that mlx-lm reads.

transformers 5 writes the rotary base, its scaling and the rotated share into ``rope_parameters``. Most models of mlx-lm
0.32.2 look for ``rope_theta``, ``rope_scaling`` and ``partial_rotary_factor`` and, not finding them, take a default
without a word: a Llama 3 that transformers 5 saved is then computed with a base of 10,000 instead of 500,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_GPT_NEOX = {"rope_theta": "rotary_emb_base", "partial_rotary_factor": "rotary_pct"}
"""What this one architecture calls them."""


def fields_for_mlx(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a config lacks under mlx-lm's names, in ``text_config`` too; what is there is never replaced."""
    found = {name: value for name, value in _other_names(config).items() if config.get(name) is None}
    nested = _mapping(config.get("text_config"))
    if nested and (inner := fields_for_mlx(nested)):
        found["text_config"] = {**nested, **inner}
    return found


def _other_names(config: Mapping[str, Any]) -> dict[str, Any]:
    rope = _mapping(config.get("rope_parameters"))
    found: dict[str, Any] = {}
    if "full_attention" in rope:  # one set of parameters for each kind of layer
        found["rope_local_base_freq"] = _mapping(rope.get("sliding_attention")).get("rope_theta")
        rope = _mapping(rope["full_attention"])
    older = _OF_GPT_NEOX if config.get("model_type") == "gpt_neox" else {}
    found |= {older.get(name, name): rope.get(name) for name in ("rope_theta", "partial_rotary_factor")}
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind != "default":
        found["rope_scaling"] = {**rope, "rope_type": kind, "type": kind}
    if config.get("model_type") == "gpt2":
        found["n_ctx"] = config.get("n_positions")
    return {name: value for name, value in found.items() if value is not None}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
