"""Layers that mlx-lm and transformers call by different names, by ``model_type`` of the base.

PEFT's names are those of the class that ``AutoModelForCausalLM`` makes, else of ``AutoModelForImageTextToText``.
"""

from __future__ import annotations

_RENAMED = {
    "gpt_neox": ("model.h.", "gpt_neox.layers."),
    "gemma3": ("language_model.model.", "model.language_model."),
    "llama4": ("language_model.model.", "model."),
    "mistral3": ("language_model.model.", "model.language_model."),
    "qwen2_vl": ("language_model.model.", "model.language_model."),
    "qwen3_5": ("language_model.model.", "model."),
    "qwen3_5_moe": ("language_model.model.", "model."),
    "qwen3_vl": ("language_model.model.", "model.language_model."),
    "qwen3_vl_moe": ("language_model.model.", "model.language_model."),
}
"""How the paths of a base's blocks begin in mlx-lm and in transformers, where that is not the same."""


def peft_path(path: str, model_type: str | None) -> str:
    """Path of a layer in transformers, given its path in mlx-lm."""
    ours, theirs = _RENAMED.get(model_type or "", ("", ""))
    return theirs + path.removeprefix(ours) if path.startswith(ours) else path


def mlx_path(path: str, model_type: str | None) -> str:
    """Path of a layer in mlx-lm, given its path in transformers; the base of a stranger's adapter may be unknown."""
    if model_type is None and path.startswith(_RENAMED["gpt_neox"][1]):
        model_type = "gpt_neox"
    ours, theirs = _RENAMED.get(model_type or "", ("", ""))
    already = ours and path.startswith(ours)
    return ours + path.removeprefix(theirs) if path.startswith(theirs) and not already else path
