"""How much memory LoRA training needs: an estimate, good to tens of percent, not a promise.

Heuristic. Counted are the base weights, the adapter with its gradient and two Adam moments, the activations kept
for the backward pass and the logits. The two activation constants were fitted to the peak memory MLX 0.32
reported for one loss and gradient of SmolLM2-135M in float32 on a CPU at eight shapes (128 to 512 tokens, 4 to 30
trained blocks). Beyond the base weights the formula is 1 to 6 % above what was measured, and 14 to 20 % above it
with gradient checkpointing, part of which is the optimizer's state. Other architectures were not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distrust_hub.models.registry import KnownModel

Precision = Literal["float32", "bfloat16", "4-bit"]

WEIGHT_BYTES: dict[Precision, float] = {"float32": 4.0, "bfloat16": 2.0, "4-bit": 4.5 / 8}
"""Bytes per weight; 4-bit weights in groups of 64 carry a 16-bit scale and bias each."""
ACTIVATION_BYTES: dict[Precision, int] = {"float32": 4, "bfloat16": 2, "4-bit": 2}

_LOGIT_COPIES = 4.25
"""float32 arrays of tokens x vocabulary alive at once in the loss and its gradient (fitted)."""
_HIDDEN_COPIES, _INNER_COPIES = 10, 4
"""Arrays of tokens x hidden size and tokens x inner size a trained block keeps (fitted)."""
_ADAPTER_BYTES = 16
"""Per adapter weight: float32 value, gradient and two moments."""
_RUNTIME_BYTES = 400 << 20
"""Python, MLX and the tokenizer."""


@dataclass(frozen=True)
class Profile:
    """Training settings that decide the memory.

    Attributes:
        batch_size: Examples per forward pass.
        max_seq_length: Tokens per example.
        num_layers: Last blocks with LoRA layers.
        precision: Of the base weights.
        grad_checkpoint: Whether activations are recomputed.
        rank: LoRA rank.
    """

    batch_size: int
    max_seq_length: int
    num_layers: int
    precision: Precision
    grad_checkpoint: bool = False
    rank: int = 8


def estimate_peak_bytes(model: KnownModel, profile: Profile) -> int:
    """Estimated peak memory of LoRA training in bytes.

    With N = batch size x length tokens and activations of b bytes::

        weights + 16 * adapter + N * (4.25 * 4 * vocabulary + b * blocks) + runtime
        blocks = layers * (10 * hidden + 4 * inner + heads * length)            all kept
        blocks = layers * hidden + (10 * hidden + 4 * inner + heads * length)   with checkpointing
    """
    layers = min(profile.num_layers, model.layers) if profile.num_layers > 0 else model.layers
    tokens = profile.batch_size * profile.max_seq_length
    block = (
        _HIDDEN_COPIES * model.hidden_size
        + _INNER_COPIES * model.intermediate_size
        + model.heads * profile.max_seq_length
    )
    kept = layers * model.hidden_size + block if profile.grad_checkpoint else layers * block
    adapter = layers * profile.rank * (11 * model.hidden_size + 3 * model.intermediate_size)
    total = (
        model.parameters * WEIGHT_BYTES[profile.precision]
        + adapter * _ADAPTER_BYTES
        + tokens * (_LOGIT_COPIES * 4 * model.vocab_size + ACTIVATION_BYTES[profile.precision] * kept)
        + _RUNTIME_BYTES
    )
    return int(total)
