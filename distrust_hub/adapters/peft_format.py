"""PEFT's adapter format, both ways, with numpy and safetensors only.

PEFT names a tensor ``base_model.model.<module path>.lora_A.weight`` and stores both matrices transposed with respect
to mlx-lm. mlx-lm has one rank and one scale per adapter, PEFT one per layer: smaller ranks are padded with zeros
(exact), other scales are folded into ``lora_b``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.adapters.mlx_format import (
    AdapterConfig,
    base_identity,
    config_number,
    layout,
    read_config_json,
    read_mlx,
    write_adapter,
)
from distrust_hub.adapters.names import mlx_path, peft_path
from distrust_hub.adapters.tensors import MAX_RANK, Tensors, by_module, read_tensors, write_tensors
from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, PEFT_ADAPTER_FILE
from distrust_hub.errors import AdapterError
from distrust_hub.files import write_json

_PREFIX = "base_model.model."
_SUFFIXES = {"lora_a": ".lora_A.weight", "lora_b": ".lora_B.weight", "m": ".lora_magnitude_vector"}
_LEAF = re.compile(r"(?P<path>.+)\.(?P<leaf>lora_A|lora_B|lora_magnitude_vector)(?:\.weight)?")
_LEAF_NAMES = {"lora_A": "lora_a", "lora_B": "lora_b", "lora_magnitude_vector": "m"}

_UNSUPPORTED = (
    "fan_in_fan_out",
    "modules_to_save",
    "trainable_token_indices",
    "layer_replication",
    "lora_bias",
    "target_parameters",
    "megatron_config",
    "alora_invocation_tokens",
    "use_qalora",
    "use_bdlora",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
)
"""PEFT options that change what the adapter computes in a way mlx-lm's layers cannot express."""

_PLAIN_INITS = (None, True, False, "gaussian", "eva", "orthogonal")
"""Values of ``init_lora_weights`` that leave the base weights as they are (pissa, olora, corda and loftq do not)."""

_PATTERNS = ("rank_pattern", "alpha_pattern")
_NO_NAME = re.compile(r"\)[*+{?]|\(\?(?!:)")
"""What a pattern for names of layers does not need: groups that repeat, and all but plain groups."""
_MAX_PATTERN = 300
_MAX_WORK = 10**9
"""Ways to match that may be tried in all, which takes a second or two; those of real adapters are some millions."""


def write_peft(folder: str | Path) -> Path:
    """Write ``adapter_model.safetensors`` beside an mlx-lm adapter, and the config that both loaders read.

    Returns:
        Path of the file.

    Raises:
        AdapterError: If a tensor has no counterpart in PEFT, naming it.
    """
    return save_peft(folder, *read_mlx(folder))


def save_peft(out: str | Path, config: AdapterConfig, tensors: Tensors) -> Path:
    """Write an adapter, given in mlx-lm's terms, in PEFT's format; returns the path of the weights."""
    path = Path(out) / PEFT_ADAPTER_FILE
    write_tensors(path, to_peft(tensors, config.base_model_type), framework="pt")
    write_json(path.with_name(ADAPTER_CONFIG_FILE), config.to_json(by_module(tensors)))
    return path


def to_peft(tensors: Mapping[str, np.ndarray], model_type: str | None = None) -> Tensors:
    """Rename and transpose mlx-lm adapter tensors to PEFT's, for a base of that ``model_type``."""
    converted, refused = {}, []
    for path, parts in by_module(tensors).items():
        unknown = "embed" in path.rsplit(".", 1)[-1] or not set(parts) <= set(_SUFFIXES)
        if unknown or any(value.ndim > 2 for value in parts.values()):
            refused.append(path)
        else:
            name = _PREFIX + peft_path(path, model_type)
            converted.update({name + _SUFFIXES[leaf]: value.T for leaf, value in parts.items()})
    if refused:
        raise AdapterError(f"embedding and expert layers cannot be converted to PEFT: {', '.join(refused)}")
    return converted


def convert_peft_to_mlx(folder: str | Path, out: str | Path) -> Path:
    """Convert a PEFT adapter folder to mlx-lm's format.

    Args:
        folder: Folder with ``adapter_model.safetensors`` and PEFT's ``adapter_config.json``.
        out: Folder to write ``adapters.safetensors`` and ``adapter_config.json`` to.

    Returns:
        Path of ``adapters.safetensors``.

    Raises:
        AdapterError: If an option or tensor has no counterpart in mlx-lm, naming it.
    """
    return write_adapter(out, *read_peft(folder))


def read_peft(folder: str | Path) -> tuple[AdapterConfig, Tensors]:
    """Config and tensors of a PEFT folder, in mlx-lm's terms. Raises as convert_peft_to_mlx does."""
    path = Path(folder) / ADAPTER_CONFIG_FILE
    raw = read_config_json(path)
    _refuse_unsupported(raw, path)
    layers = _layers(read_tensors(path.with_name(PEFT_ADAPTER_FILE)), path.with_name(PEFT_ADAPTER_FILE))
    _check_patterns(raw, layers, path)
    scales = {name: _scale(name, parts, raw, path) for name, parts in layers.items()}
    rank = max(parts["lora_a"].shape[1] for parts in layers.values())
    scale = Counter(scales.values()).most_common(1)[0][0]
    identity = base_identity(raw)
    paths = {name: mlx_path(name, identity["base_model_type"]) for name in layers}
    config = AdapterConfig(
        rank=rank,
        scale=scale,
        dropout=config_number(raw, "lora_dropout", path, default=0.0),
        fine_tune_type="dora" if raw.get("use_dora") else "lora",
        **identity,
        **layout(paths.values()),
    )
    tensors = {}
    for name, parts in layers.items():
        missing = rank - parts["lora_a"].shape[1]
        factor = np.float32(scales[name] / scale)
        parts["lora_a"] = np.pad(parts["lora_a"], ((0, 0), (0, missing)))
        parts["lora_b"] = np.pad(parts["lora_b"] * factor, ((0, missing), (0, 0)))
        tensors.update({f"{paths[name]}.{leaf}": np.ascontiguousarray(value) for leaf, value in parts.items()})
    return config, tensors


def _refuse_unsupported(raw: Mapping[str, Any], path: Path) -> None:
    problems = [f"{key} = {raw[key]!r}" for key in _UNSUPPORTED if raw.get(key)]
    if raw.get("peft_type") != "LORA":
        problems.append(f"peft_type = {raw.get('peft_type')!r}")
    if raw.get("bias", "none") != "none":
        problems.append(f"bias = {raw['bias']!r}")
    if raw.get("init_lora_weights") not in _PLAIN_INITS:
        problems.append(f"init_lora_weights = {raw['init_lora_weights']!r}")
    if problems:
        raise AdapterError(f"{path}: cannot be converted to mlx-lm: {', '.join(problems)}; only LoRA and DoRA can")


def _layers(tensors: Mapping[str, np.ndarray], path: Path) -> dict[str, Tensors]:
    """Tensors by module path in mlx-lm's orientation; both LoRA matrices checked to be there and to fit."""
    layers: dict[str, Tensors] = {}
    problems = []
    for name, value in sorted(tensors.items()):
        match = _LEAF.fullmatch(name.removeprefix(_PREFIX))
        leaf = _LEAF_NAMES[match["leaf"]] if match else ""
        if match is None or value.ndim != (1 if leaf == "m" else 2):
            problems.append(f"{name} {value.shape}: not a LoRA tensor of a linear layer")
        else:
            layers.setdefault(match["path"], {})[leaf] = value.T
    for name, parts in layers.items():
        if not {"lora_a", "lora_b"} <= set(parts):
            problems.append(f"{name}: has only {', '.join(parts)}")
        elif parts["lora_a"].shape[1] != parts["lora_b"].shape[0]:
            problems.append(f"{name}: lora_A has rank {parts['lora_a'].shape[1]}, lora_B {parts['lora_b'].shape[0]}")
        elif not 1 <= parts["lora_a"].shape[1] <= MAX_RANK:
            problems.append(f"{name}: rank {parts['lora_a'].shape[1]}, expected 1 to {MAX_RANK}")
    if problems or not layers:
        raise AdapterError(f"{path}: {'; '.join(problems) or 'no tensors'}")
    return layers


def _scale(name: str, parts: Tensors, raw: Mapping[str, Any], path: Path) -> float:
    """PEFT's scaling of one layer: alpha / rank, or alpha / sqrt(rank) with rsLoRA."""
    found = parts["lora_a"].shape[1]
    rank = _pattern_value(raw.get("rank_pattern") or {}, name, path)
    rank = config_number(raw, "r", path, whole=True) if rank is None else rank
    alpha = _pattern_value(raw.get("alpha_pattern") or {}, name, path)
    alpha = config_number(raw, "lora_alpha", path) if alpha is None else alpha
    if rank != found:
        raise AdapterError(f"{path}: {name} has rank {found} in the weights and {rank:g} in the config")
    if alpha == 0:
        raise AdapterError(f"{path}: lora_alpha of {name} is 0; the adapter changes nothing there")
    return alpha / math.sqrt(found) if raw.get("use_rslora") else alpha / found


def _check_patterns(raw: Mapping[str, Any], layers: Iterable[str], path: Path) -> None:
    """Refuse patterns of a stranger that would take hours: the number of ways to match is bounded before any is tried.

    Without repeated groups a pattern of n repeats, PEFT's own among them, divides a name of m characters in at most
    C(m + n, n) ways, for every choice of alternatives and of what may be left out.
    """
    lengths, work = Counter(map(len, layers)), 0
    for key in _PATTERNS:
        patterns = raw.get(key) or {}
        if not isinstance(patterns, dict):
            raise AdapterError(f"{path}: {key} is {patterns!r}; expected an object")
        for pattern in patterns:
            if fine := len(pattern) <= _MAX_PATTERN and not _NO_NAME.search(pattern):
                repeats = len(re.findall(r"[*+{]", pattern)) + 1
                choices = math.prod(part.count("|") + 1 for part in pattern.split("(")) << pattern.count("?")
                work += choices * sum(count * math.comb(length + repeats, repeats) for length, count in lengths.items())
            if not fine or work > _MAX_WORK:
                raise AdapterError(f"{path}: pattern {pattern[:80]!r} is too complex to match safely")


def _pattern_value(patterns: Mapping[str, Any], name: str, path: Path) -> float | None:
    """First entry whose key, a regular expression, matches the end of the module path (PEFT's rule)."""
    for pattern in patterns:
        try:
            matches = re.match(rf"(.*\.)?({pattern})$", name)
        except re.error as error:
            raise AdapterError(f"{path}: pattern {pattern!r} is not a regular expression ({error})") from error
        if matches:
            return config_number(patterns, pattern, path)
    return None
