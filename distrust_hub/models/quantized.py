"""MLX's packed weights as the numbers that they stand for."""

from __future__ import annotations

from typing import Any

from distrust_hub.models.runtime import mx, nn, tree_unflatten


def unpacked(weight: Any, scales: Any, biases: Any = None, global_scale: Any = None, **how: Any) -> Any:
    """The weights of a layer, or of the experts stacked in one.

    Args:
        weight: Packed, shape (..., outputs, inputs x bits / 32).
        scales: One for each group of weights.
        biases: The same; None for other modes than ``affine``.
        global_scale: Scale of the whole matrix (``nvfp4``), one for each expert; None where there is none.
        **how: ``group_size``, ``bits`` and ``mode``.
    """
    if global_scale is None:
        return mx.dequantize(weight, scales, biases, **how)
    if weight.ndim == 2:
        return mx.dequantize(weight, scales, global_scale=global_scale, **how)
    return mx.stack([unpacked(*expert, **how) for expert in zip(weight, scales, [None] * len(weight), global_scale)])


def dequantized(model: nn.Module) -> nn.Module:
    """A model with plain layers; mlx-lm 0.32.2 by itself leaves the scales of whole matrices out."""
    from mlx_lm.utils import dequantize_model

    scaled = [
        (
            f"{name}.weight",
            unpacked(m.weight, m.scales, None, scale, group_size=m.group_size, bits=m.bits, mode=m.mode),
        )
        for name, m in model.named_modules()
        if (scale := getattr(m, "global_scale", None)) is not None
    ]
    model = dequantize_model(model)
    model.update(tree_unflatten(scaled))
    return model
