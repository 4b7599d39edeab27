"""How much memory LoRA training needs.

On the CPU a batch is cut into parts, and as many parts as there are cores are computed at a time
(``training/parallel.py``), so the peak does not grow with the batch size. A part holds, at the moment its logits are
made, what its trained blocks keep for the backward pass. The constants were fitted to whole runs of
``benchmarks/memory_estimate.py``, which also measures runs that were not used for it; its results are in
``benchmarks/README.md``.

On Metal and CUDA a batch is computed at once. There nothing was measured: the constants are those of MLX's own graph
on a CPU, and the result is a guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distrust_hub.models.registry import KnownModel

Precision = Literal["float32", "bfloat16", "8-bit", "4-bit"]
"""Of the base weights. The CPU computes in float32, Metal and CUDA never do."""

WEIGHT_BYTES: dict[Precision, float] = {"float32": 4.0, "bfloat16": 2.0, "8-bit": 8.5 / 8, "4-bit": 4.5 / 8}
"""Bytes per weight; quantised weights in groups of 64 carry a 16-bit scale and bias each."""

PART_TOKENS = 256
"""Padded tokens of a part of a batch on the CPU, where its items are not longer; larger parts were not faster."""
CHUNK_TOKENS = 256
"""Predictions whose logits are held at once; 256 x 49,152 float32 are 50 MB (measured: more is not faster)."""

_ADAPTER_BYTES = 16
"""Per adapter weight: float32 value, gradient and two moments."""
_RUNTIME_BYTES, _WEIGHT_SHARE = 180_000_000, 0.08
"""What a process holds beside MLX's arrays: Python and libraries, and a share of the weights' bytes (fitted)."""
_SQUARES = 10
"""Arrays of heads x length x length one attention layer needs at a time (fitted)."""
_CPU_BLOCK = (15.4, 3.0)
"""Float32 arrays of tokens x hidden size and tokens x inner size that a trained block keeps (fitted; the second is
gate, up and their product)."""
_CHECKPOINTED = 3
"""Times as much that the one block being computed again needs (fitted)."""
_GPU_BLOCK = (22.0, 10.0, 7.0)
"""The same of MLX's own graph, and arrays of heads x length a token (from one measurement on a CPU)."""


@dataclass(frozen=True)
class Profile:
    """Training settings that decide the memory.

    Attributes:
        batch_size: Examples per forward pass.
        max_seq_length: Tokens per example.
        num_layers: Last blocks with LoRA layers.
        precision: Of the base weights; float32 means the CPU.
        grad_checkpoint: Whether activations are recomputed.
        rank: LoRA rank.
        cores: CPU cores that compute parts of a batch side by side; 0 where unknown, then all parts at once.
        sequences: Token sequences of an example: 2 for a pair.
    """

    batch_size: int
    max_seq_length: int
    num_layers: int
    precision: Precision
    grad_checkpoint: bool = False
    rank: int = 8
    cores: int = 0
    sequences: int = 1


def estimate_peak_bytes(model: KnownModel, profile: Profile) -> int:
    """Estimated peak memory of LoRA training in bytes: the larger of MLX's and the process's.

    With D the hidden, I the inner size, H the heads, V the vocabulary and T the length, on the CPU::

        1.08 * weights + 16 * adapter + runtime + 4 * parts * (kept + logits + 10 * H * T * tokens of a part)
        kept = tokens of a part * layers * (15.4 D + 3 I)                     or, with checkpointing,
        kept = tokens of a part * (layers * D + 3 * (15.4 D + 3 I))
        logits = min(256, tokens of a part) * V

    On Metal and CUDA the whole batch is one part, and activations have two bytes.
    """
    layers = min(profile.num_layers, model.layers) if profile.num_layers > 0 else model.layers
    adapter = layers * profile.rank * (11 * model.hidden_size + 3 * model.intermediate_size)
    weights = model.parameters * WEIGHT_BYTES[profile.precision] * (1.0 + _WEIGHT_SHARE)
    fixed = weights + adapter * _ADAPTER_BYTES + _RUNTIME_BYTES
    if profile.precision == "float32":
        return int(fixed + _cpu_activations(model, profile, layers))
    return int(fixed + _gpu_activations(model, profile, layers))


def _cpu_activations(model: KnownModel, profile: Profile, layers: int) -> float:
    length, per_item = profile.max_seq_length, profile.max_seq_length * profile.sequences
    items = max(1, PART_TOKENS // per_item)
    parts = -(-profile.batch_size // items)
    tokens = min(items, profile.batch_size) * per_item
    hidden, inner = _CPU_BLOCK
    block = hidden * model.hidden_size + inner * model.intermediate_size
    kept = layers * model.hidden_size + _CHECKPOINTED * block if profile.grad_checkpoint else layers * block
    logits = min(CHUNK_TOKENS, tokens) * model.vocab_size
    squares = _SQUARES * model.heads * tokens * length
    return 4 * min(parts, profile.cores or parts) * (tokens * kept + logits + squares)


def _gpu_activations(model: KnownModel, profile: Profile, layers: int) -> float:
    tokens = profile.batch_size * profile.max_seq_length * profile.sequences
    hidden, inner, squares = _GPU_BLOCK
    block = (
        hidden * model.hidden_size + inner * model.intermediate_size + squares * model.heads * profile.max_seq_length
    )
    kept = layers * model.hidden_size + block if profile.grad_checkpoint else layers * block
    return 2 * tokens * kept + 4 * min(CHUNK_TOKENS, tokens) * model.vocab_size
