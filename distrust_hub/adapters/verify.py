"""Check an adapter folder before anything uses it: complete, bounded, finite, effective, and made for this base."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from distrust_hub.adapters.folder import read_adapter, weights_file
from distrust_hub.adapters.mlx_format import AdapterConfig
from distrust_hub.adapters.peft_format import to_peft
from distrust_hub.adapters.tensors import LEAVES, MAX_RANK, Tensors, by_module, read_shapes, read_tensors
from distrust_hub.artifacts import ADAPTER_FILE, PEFT_ADAPTER_FILE
from distrust_hub.errors import AdapterError
from distrust_hub.files import read_json, sha256_file
from distrust_hub.models.fingerprint import (
    compare_fingerprints,
    logical_shapes,
    model_headers,
    quantization_of,
    weight_files,
)

if TYPE_CHECKING:
    from distrust_hub.models.resolve import BaseModel

log = logging.getLogger(__name__)

MAX_ADAPTER_BYTES = 8 << 30
"""Largest adapter file read: rank 1024 on every layer of a 7B model in float32 is about this."""
PLAIN_ARCHITECTURES = ("gemma", "gemma2", "llama", "mistral", "phi3", "qwen2", "qwen3")
"""Values of ``model_type`` whose weight files and MLX modules have the same names and shapes; mlx-lm renames, merges or
transposes the weights of others, so their files say nothing about the layers an adapter is for."""
_FLOAT_TYPES = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
class AdapterInfo:
    """A verified adapter.

    Attributes:
        folder: Where it is.
        config: Its config.
        sha256: SHA-256 of the weights file.
        modules: Full paths of the adapted layers, sorted.
        parameters: Number of values.
        base: ``same`` or ``sibling`` (other weights of the same structure, as a quantised model has); ``unknown``
            when no base was given or the adapter carries no fingerprint.
    """

    folder: Path
    config: AdapterConfig
    sha256: str
    modules: tuple[str, ...]
    parameters: int
    base: Literal["same", "sibling", "unknown"]


def verify_adapter(folder: str | Path, base: BaseModel | None = None) -> AdapterInfo:
    """Check a folder in mlx-lm's or PEFT's format, or both.

    Args:
        folder: Adapter folder.
        base: Base model to compare with; None skips fingerprint and shapes of the base.

    Raises:
        AdapterError: If a file is missing or damaged, tensors do not fit (all are named with both shapes), values are
            not finite, the adapter changes nothing, or it was made for another base.
    """
    path = weights_file(folder)
    _check_bounds(path)
    config, tensors = read_adapter(folder)
    modules = by_module(tensors)
    relation = _base_relation(config, base, path)
    shapes = None if base is None else base_shapes(base.path)
    problems = list(_structure_problems(config, modules)) or list(_shape_problems(modules, shapes))
    if problems:
        raise AdapterError(f"{path}: {len(problems)} tensors or layers do not fit: {'; '.join(problems)}")
    _check_values(modules, path)
    if config.scale == 0 or not (_has_update(modules) or _has_magnitudes(modules, base if shapes else None)):
        raise AdapterError(f"{path}: the adapter changes nothing (scale or every update is zero); train it first")
    _check_formats_agree(Path(folder), config, tensors)
    parameters = sum(value.size for value in tensors.values())
    return AdapterInfo(Path(folder), config, sha256_file(path), tuple(modules), parameters, relation)


def base_shapes(folder: Path) -> dict[str, tuple[int, int]] | None:
    """``{module path: (inputs, outputs)}`` of the linear layers of a base, from its safetensors headers.

    MLX's packed quantised weights are unpacked on paper.

    Returns:
        None for an architecture that is not in PLAIN_ARCHITECTURES.
    """
    config = read_json(folder / "config.json")
    if config.get("model_type") not in PLAIN_ARCHITECTURES:
        return None
    shapes = logical_shapes(model_headers(folder), config)
    matrices = {name: shape for name, shape in shapes.items() if name.endswith(".weight") and len(shape) == 2}
    return {name.removesuffix(".weight"): (shape[1], shape[0]) for name, shape in matrices.items()}


def _check_bounds(path: Path) -> None:
    size = path.stat().st_size
    if size > MAX_ADAPTER_BYTES:
        raise AdapterError(f"{path}: {size} bytes; expected at most {MAX_ADAPTER_BYTES}")
    wrong = [f"{name} has type {kind}" for name, (_, kind) in read_shapes(path).items() if kind not in _FLOAT_TYPES]
    if wrong:
        raise AdapterError(f"{path}: {'; '.join(wrong)}; expected one of {', '.join(_FLOAT_TYPES)}")


def _base_relation(config: AdapterConfig, base: BaseModel | None, path: Path) -> Literal["same", "sibling", "unknown"]:
    if base is None or config.base_fingerprint is None:
        return "unknown"
    relation = compare_fingerprints(config.base_fingerprint, base.fingerprint)
    if relation == "same":
        return "same"
    made_for = config.base_model or f"fingerprint {config.base_fingerprint[:12]}"
    given = base.id or base.path.name
    if relation == "other" or (config.base_precision in _FLOAT_TYPES and config.base_precision == base.precision):
        raise AdapterError(
            f"{path.parent}: made for another base ({made_for}), not for {given}; give that one as --model"
        )
    log.warning(
        "%s: made for other weights of the same structure (%s) than %s: fine if one is the other quantised or in "
        "another precision, wrong if it was trained further",
        path.parent,
        made_for,
        given,
    )
    return "sibling"


def _structure_problems(config: AdapterConfig, modules: Mapping[str, Tensors]) -> Iterator[str]:
    wanted = set(LEAVES) if config.fine_tune_type == "dora" else {"lora_a", "lora_b"}
    if not 1 <= config.rank <= MAX_RANK:
        yield f"rank is {config.rank}, expected 1 to {MAX_RANK}"
    if not modules:
        yield "no tensors"
    for path, parts in modules.items():
        if set(parts) != wanted:
            yield f"{path}: has {', '.join(sorted(parts))}, expected {', '.join(sorted(wanted))}"
            continue
        a, b = parts["lora_a"].shape, parts["lora_b"].shape
        if len(a) != 2 or len(b) != 2:
            yield f"{path}: shapes {a} and {b}, expected two dimensions (expert layers are not supported)"
        elif a[1] != config.rank or b[0] != config.rank:
            yield f"{path}: lora_a {a} and lora_b {b}, expected {(a[0], config.rank)} and {(config.rank, b[1])}"
        elif "m" in parts and parts["m"].shape != (b[1],):
            yield f"{path}.m: shape {parts['m'].shape}, expected {(b[1],)}"


def _shape_problems(modules: Mapping[str, Tensors], base: Mapping[str, tuple[int, int]] | None) -> Iterator[str]:
    if base is None:
        return
    for path, parts in modules.items():
        if path not in base:
            yield f"{path}: the base has no such linear layer"
            continue
        (inputs, outputs), rank = base[path], parts["lora_a"].shape[1]
        for leaf, expected in (("lora_a", (inputs, rank)), ("lora_b", (rank, outputs))):
            if parts[leaf].shape != expected:
                yield f"{path}.{leaf}: shape {parts[leaf].shape}, the base needs {expected}"


def _check_values(modules: Mapping[str, Tensors], path: Path) -> None:
    broken = [
        f"{name}.{leaf}" for name, parts in modules.items() for leaf, v in parts.items() if not np.isfinite(v).all()
    ]
    if broken:
        raise AdapterError(f"{path}: NaN or infinity in {', '.join(broken)}; the training run diverged")


def _has_update(modules: Mapping[str, Tensors]) -> bool:
    return any(parts["lora_a"].any() and parts["lora_b"].any() for parts in modules.values())


def _has_magnitudes(modules: Mapping[str, Tensors], base: BaseModel | None) -> bool:
    """Whether this is DoRA with other magnitudes than the rows of the base have, or these cannot be read."""
    if not all("m" in parts for parts in modules.values()):
        return False
    if base is None or quantization_of(read_json(base.path / "config.json")):
        return True
    names = {f"{path}.weight" for path in modules}
    rows = {name: value for file in weight_files(base.path) for name, value in read_tensors(file, names).items()}
    norms = {path: np.linalg.norm(rows[f"{path}.weight"], axis=1) for path in modules}
    return not all(np.allclose(parts["m"], norms[path], rtol=1e-3) for path, parts in modules.items())


def _check_formats_agree(folder: Path, config: AdapterConfig, tensors: Tensors) -> None:
    other = folder / PEFT_ADAPTER_FILE
    if not other.is_file() or not (folder / ADAPTER_FILE).is_file():
        return
    _check_bounds(other)
    found, expected = read_tensors(other), to_peft(tensors, config.base_model_type)
    different = sorted(
        name
        for name in found.keys() | expected.keys()
        if name not in found or name not in expected or not np.array_equal(found[name], expected[name])
    )
    if different:
        raise AdapterError(f"{other}: differs from {ADAPTER_FILE} in {', '.join(different)}; run distrust-hub export")
