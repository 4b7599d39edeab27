"""Fuse an adapter into a full model folder that mlx-lm and transformers load (MLX, one shard in memory at a time)."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.adapters.folder import read_adapter, resolve_adapter_base
from distrust_hub.adapters.locate import locate_adapter
from distrust_hub.adapters.mlx_format import AdapterConfig
from distrust_hub.adapters.names import peft_path
from distrust_hub.adapters.tensors import Tensors, by_module
from distrust_hub.adapters.verify import base_shapes, verify_adapter
from distrust_hub.errors import AdapterError, OutputExistsError
from distrust_hub.files import read_json, write_json
from distrust_hub.models.cache import build_folder
from distrust_hub.models.config_names import fields_for_mlx
from distrust_hub.models.fingerprint import QUANTIZATION_KEYS, quantization_of, weight_files
from distrust_hub.models.quantized import unpacked
from distrust_hub.models.resolve import BaseModel
from distrust_hub.models.runtime import mx, nn

log = logging.getLogger(__name__)

_INDEX = "model.safetensors.index.json"
_COPIED = (".json", ".jinja", ".txt", ".model")
_IN_BLOCK = re.compile(r"^.*?(?=\.\d+\.)")
"""What stands before the number of a block in the path of a layer."""


def fuse_adapter(
    folder: str | Path,
    model: str | None,
    out: str | Path,
    *,
    quantize_bits: int | None = None,
    quantize_group_size: int = 64,
) -> Path:
    """Write the base model with the adapter added to its weights.

    Tensor names and types are the base's; quantised weights are dequantised to the type of their scales. In a 16-bit
    base the sum is rounded to 16 bits, so logits differ from the adapter's by that rounding.

    Args:
        folder: Adapter folder or Hub id.
        model: Base model; None takes the one the adapter names.
        out: Folder to write; must not exist.
        quantize_bits: Quantise the sum to so many bits a weight, in mlx-lm's format; None leaves it as it is.
        quantize_group_size: Weights that share a scale.

    Returns:
        ``out``.

    Raises:
        OutputExistsError: If ``out`` exists.
        AdapterError: If the adapter does not verify against the base, or the base's files hold an adapted layer in
            another form than MLX computes with (merged or transposed).
    """
    target = Path(out)
    if target.exists():
        raise OutputExistsError(f"{target}: already exists; choose another folder or remove it")
    source = locate_adapter(folder)
    config, tensors = read_adapter(source)
    base = resolve_adapter_base(config, model, folder)
    verify_adapter(source, base)
    layers = by_module(tensors)
    if base_shapes(base.path) is None:
        layers = _as_stored(layers, base)
    with build_folder(target) as temporary:
        plain = temporary / "plain" if quantize_bits else temporary
        plain.mkdir(exist_ok=True)
        _write_weights(base.path, plain, config, layers)
        _copy_rest(base.path, plain)
        if quantize_bits:
            _copy_rest(plain, temporary)
            _quantise(plain, temporary, quantize_bits, quantize_group_size)
            shutil.rmtree(plain)
    return target


def _as_stored(layers: dict[str, Tensors], base: BaseModel) -> dict[str, Tensors]:
    """The layers by the names that the base's files have for them: those of the weights that MLX computes with."""
    from mlx_lm.utils import load_model

    fields = fields_for_mlx(read_json(base.path / "config.json"))
    modules = dict(load_model(base.path, lazy=True, model_config=fields)[0].named_modules())
    used = {path: m.weight for path in layers if isinstance(m := modules.get(path), (nn.Linear, nn.QuantizedLinear))}
    del modules
    names: dict[str, str] = {}
    for file in weight_files(base.path):
        weights: dict[str, mx.array] = dict(mx.load(str(file)))  # type: ignore[arg-type]
        for path in [*used]:
            ending = _IN_BLOCK.sub("", path) + ".weight"
            same = (name for name in weights if name.endswith(ending) and mx.array_equal(weights[name], used[path]))
            if name := next(same, None):
                names[path] = name.removesuffix(".weight")
                del used[path]
    if odd := [path for path in layers if path not in names]:
        others = f" and {len(odd) - 1} others" if odd[1:] else ""
        problem = f"the files hold {odd[0]}{others} in another form than MLX computes with, which cannot be fused here"
        raise AdapterError(f"{base.id or base.path.name}: {problem}; use mlx_lm.fuse")
    kind = read_json(base.path / "config.json").get("model_type")
    if any(names[path] == path != peft_path(path, kind) for path in layers):
        log.warning(
            "%s: the fused model has the names that MLX gave this base's weights, so mlx-lm reads it and transformers "
            "does not; for both, fuse with --model and the base that it was converted from",
            base.id or base.path.name,
        )
    return {names[path]: parts for path, parts in layers.items()}


def _quantise(plain: Path, out: Path, bits: int, group_size: int) -> None:
    """Write a model folder again with its linear and embedding layers quantised, tensor after tensor."""
    from mlx_lm.utils import load_model, quantize_model, save_config, save_model

    model, config = load_model(plain, lazy=True)
    model, config = quantize_model(model, config, group_size, bits)
    save_model(out, model, donate_model=True)
    save_config(config, out / "config.json")


def _write_weights(base: Path, out: Path, config: AdapterConfig, layers: dict[str, Tensors]) -> None:
    quantization = quantization_of(read_json(base / "config.json"))
    left, index, total = dict(layers), {}, 0
    files = weight_files(base)
    for path in files:
        weights = _dequantised(mx.load(str(path)), quantization)
        for name in [name for name in left if f"{name}.weight" in weights]:
            key = f"{name}.weight"
            weights[key] = fused_weight(weights[key], left.pop(name), config).astype(weights[key].dtype)
        try:
            mx.save_safetensors(str(out / path.name), weights, metadata={"format": "pt"})
        except RuntimeError as error:  # a full disk, without an errno
            raise OSError(f"{path.name} cannot be written ({error}); free some space and run again") from error
        index.update(dict.fromkeys(weights, path.name))
        total += sum(value.nbytes for value in weights.values())
    if left:
        raise AdapterError(f"the base has no weights for {', '.join(left)}; nothing was written")
    if len(files) > 1:
        write_json(out / _INDEX, {"metadata": {"total_size": total}, "weight_map": index})


def fused_weight(weight: mx.array, parts: Mapping[str, np.ndarray], config: AdapterConfig) -> mx.array:
    """One layer's weight with its update, in float32.

    ``W' = W + scale * (lora_a @ lora_b)^T``; with DoRA each row of W' is rescaled to the norm ``m``.

    Args:
        weight: (outputs, inputs).
        parts: ``lora_a`` (inputs, rank), ``lora_b`` (rank, outputs), with DoRA ``m`` (outputs,).
        config: For the scale.
    """
    update = mx.array(parts["lora_a"]) @ mx.array(parts["lora_b"])
    fused = weight.astype(mx.float32) + config.scale * update.T
    if "m" in parts:
        fused = fused * (mx.array(parts["m"]) / mx.linalg.norm(fused, axis=1))[:, None]
    return fused


def _dequantised(weights: Any, quantization: Mapping[str, Any]) -> dict[str, mx.array]:
    """mlx-lm's packed weights unpacked; scales and biases gone."""
    plain = dict(weights)
    for name in [name.removesuffix(".scales") for name in weights if name.endswith(".scales")]:
        own = quantization.get(name)
        how = own if isinstance(own, dict) else quantization
        plain[f"{name}.weight"] = unpacked(
            plain[f"{name}.weight"],
            *(plain.pop(f"{name}.{part}", None) for part in ("scales", "biases", "global_scale")),
            group_size=how.get("group_size"),  # None in mlx-lm's mixed recipes: what is usual for the mode
            bits=how["bits"],
            mode=how.get("mode", "affine"),
        )
    return plain


def _copy_rest(base: Path, out: Path) -> None:
    """Config and tokenizer; nothing that could run code, no card of the base."""
    for path in sorted(base.iterdir()):
        if path.is_file() and path.suffix in _COPIED and path.name not in ("config.json", _INDEX, "gguf.json"):
            shutil.copyfile(path, out / path.name)
    config = {**(found := read_json(base / "config.json")), **fields_for_mlx(found)}
    write_json(out / "config.json", {key: value for key, value in config.items() if key not in QUANTIZATION_KEYS})
