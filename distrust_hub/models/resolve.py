"""From what the user named (Hub id, folder, ``.gguf``) to a checked local folder with a known identity."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from distrust_hub.errors import ConfigError, ModelError, ModelNotFoundError
from distrust_hub.files import combined_sha256, parse_metadata, read_json
from distrust_hub.hub.client import is_repo_id, snapshot, split_revision
from distrust_hub.models.cache import build_folder, cache_dir, cached_sha256
from distrust_hub.models.fingerprint import (
    base_fingerprint,
    logical_shapes,
    model_headers,
    quantization_of,
    stored_type,
    weight_files,
)
from distrust_hub.models.gguf import import_gguf
from distrust_hub.models.registry import KNOWN_FILES
from distrust_hub.models.sizes import largest, read_sizes
from distrust_hub.models.weights import convert_npz

log = logging.getLogger(__name__)

HUB_PATTERNS = ("model*.safetensors", "*.json", "*.txt", "*.jinja", "tokenizer.model", "README.md")
"""The only files fetched from a model repo: weights that cannot run code, and text."""

_CONFIG_LIMITS = {
    "num_hidden_layers": 1000,
    "hidden_size": 1 << 17,
    "intermediate_size": 1 << 20,
    "num_attention_heads": 1 << 12,
    "vocab_size": 1 << 22,
}
"""Larger than any published model by a wide margin; a model is built from these before its tensors are compared."""


@dataclass(frozen=True)
class BaseModel:
    """A base model on disk and what is known about it.

    Attributes:
        path: Local folder: ``config.json``, ``*.safetensors``, tokenizer files.
        id: Hub id, or None when a local file says nothing about its origin.
        revision: Resolved commit on the Hub, or the one the user named, if any.
        format: What the weights came as.
        quantization: ``Q4_1`` (GGUF, dequantised here), ``4-bit`` or ``4-bit mxfp4`` (an mlx-lm quantised folder), or
            None.
        sha256: Of the file given; for a folder of its weights file, or of the list of them.
        license: Licence id, if stated.
        fingerprint: ``structure:tensors``, see ``fingerprint.py``.
        parameters: Number of weights.
        trust_remote_code: Whether the user accepts Python code from the model.
        license_link: Where its card says the licence is, if it does.
    """

    path: Path
    id: str | None
    revision: str | None
    format: Literal["safetensors", "gguf", "npz"]
    quantization: str | None
    sha256: str
    license: str | None
    fingerprint: str
    parameters: int
    trust_remote_code: bool = False
    license_link: str | None = None

    @property
    def precision(self) -> str:
        """``BF16`` for weights stored so; ``gguf Q4_1`` and ``mlx 4-bit`` for converted or quantised ones."""
        if self.quantization is None:
            return stored_type(self.path)
        return f"{'gguf' if self.format == 'gguf' else 'mlx'} {self.quantization}"

    def to_json(self) -> dict[str, Any]:
        """The ``base_model`` of ``training_run.json``: what is known, without path and consent."""
        value = dataclasses.asdict(self)
        del value["path"], value["trust_remote_code"]
        value["base_fingerprint"] = value.pop("fingerprint")
        return value


def resolve_base(
    model: str, *, base_model_id: str | None = None, revision: str | None = None, trust_remote_code: bool = False
) -> BaseModel:
    """Find, check and if needed convert or download a base model. MLX is not needed.

    Args:
        model: Local folder, ``.gguf`` file, or Hub id.
        base_model_id: ``REPO_ID[@REVISION]`` a local file or folder was made from.
        revision: Branch, tag or commit of a Hub id.
        trust_remote_code: Accept a model that brings its own Python code.

    Raises:
        ModelNotFoundError: If it is neither a folder, nor a file, nor a Hub id.
        ModelError: If it is damaged, unsupported, or would run code.
        ConfigError: If ``base_model_id`` is not a repo id.
    """
    named_id, named_revision = _parse_base_id(base_model_id)
    path = Path(model).expanduser()
    if path.is_file():
        base = _from_file(path)
    elif path.is_dir():
        base = _from_folder(path, trust_remote_code)
    elif is_repo_id(model) and path.suffix != ".gguf":
        base = _from_hub(model, revision, trust_remote_code)
    else:
        raise ModelNotFoundError(f"{model}: no such file or folder, and not a Hub id like owner/name")
    if named_id:
        base = dataclasses.replace(base, id=named_id, revision=named_revision)
    return dataclasses.replace(base, trust_remote_code=trust_remote_code)


def _parse_base_id(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    repo_id, revision = split_revision(text)
    if not is_repo_id(repo_id) or text.endswith("@"):
        raise ConfigError(f"base_model_id is {text!r}; expected REPO_ID or REPO_ID@REVISION")
    return repo_id, revision


def _from_file(path: Path) -> BaseModel:
    if path.suffix.lower() != ".gguf":
        raise ModelError(f"{path}: not a .gguf file; give a model folder, a .gguf file or a Hub id")
    sha256 = cached_sha256(path)
    folder = import_gguf(path, sha256)
    about = read_json(folder / "gguf.json")
    known_id, known_license = KNOWN_FILES.get(sha256, (None, None))
    return BaseModel(
        path=folder,
        id=known_id or _gguf_identity(about["general"]),
        revision=None,
        format="gguf",
        quantization=about["quantization"],
        sha256=sha256,
        license=about["general"].get("general.license") or known_license,
        fingerprint=base_fingerprint(folder),
        parameters=count_parameters(folder),
    )


def _gguf_identity(general: dict[str, Any]) -> str | None:
    """The Hub repo a GGUF names as its source; a bare name or organisation is not enough to be one."""
    for key in ("general.source.huggingface.repository", "general.source.repo_url", "general.repo_url"):
        name = str(general.get(key, "")).removeprefix("https://huggingface.co/").strip("/")
        if is_repo_id(name):
            return name
    return None


def _from_folder(folder: Path, trust_remote_code: bool) -> BaseModel:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no config.json; expected a Hugging Face style model folder")
    check_config(folder, trust_remote_code)
    archives = sorted(folder.glob("*.npz"))
    if archives and not list(folder.glob("model*.safetensors")):
        return _from_npz(folder, archives)
    return _describe(folder, "safetensors", _folder_sha256(folder))


def check_config(folder: Path, trust_remote_code: bool) -> dict[str, Any]:
    """Read ``config.json`` and refuse code, pickles and absurd sizes.

    Raises:
        ModelError: If the model wants to run its own Python, only has pickled weights, or claims sizes
            that no model has.
    """
    config = _json_object(folder / "config.json")
    if not trust_remote_code:
        tokenizer_file = folder / "tokenizer_config.json"
        tokenizer = _json_object(tokenizer_file) if tokenizer_file.is_file() else {}
        # what mlx-lm runs, and transformers; an auto_map in config.json is for a transformers that lacks the model
        runs = (("config.json", config, "model_file"), ("tokenizer_config.json", tokenizer, "auto_map"))
        for name, values, key in runs:
            if values.get(key):
                raise ModelError(
                    f"{folder / name}: {key!r} asks to run Python code from the model; if you have read that code, "
                    "distrust-hub train alone takes it, with --trust-remote-code"
                )
    for name, (key, value) in read_sizes(config).items():
        limit = _CONFIG_LIMITS[name]
        size = 1 if value is None and name == "intermediate_size" else largest(value)  # then it follows from another
        if not isinstance(size, int) or not 0 < size <= limit:
            raise ModelError(f"{folder / 'config.json'}: {key} is {value!r}; expected 1 to {limit}")
    if not list(folder.glob("model*.safetensors")) and not list(folder.glob("*.npz")):
        pickles = sorted(p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.pkl") for p in folder.glob(pattern))
        if pickles:
            raise ModelError(f"{folder}: {pickles[0]} is a pickle, which can run code; convert it to safetensors")
    return config


def _json_object(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def _from_npz(folder: Path, archives: list[Path]) -> BaseModel:
    if len(archives) > 1:
        raise ModelError(f"{folder}: {len(archives)} .npz files; expected one")
    sha256 = cached_sha256(archives[0])
    extras = sorted(p for p in folder.iterdir() if p.suffix in (".json", ".txt", ".jinja", ".model") and p.is_file())
    beside = hashlib.sha256(b"".join(p.read_bytes() for p in extras)).hexdigest()
    target = cache_dir() / "models" / f"npz-{sha256}-{beside[:16]}"
    if not target.is_dir():
        log.info("converting %s to %s", archives[0].name, target)
        with build_folder(target) as temporary:
            for extra in extras:
                (temporary / extra.name).write_bytes(extra.read_bytes())
            convert_npz(archives[0], temporary / "model.safetensors")
    return _describe(target, "npz", sha256)


def _from_hub(repo_id: str, revision: str | None, trust_remote_code: bool) -> BaseModel:
    folder, sha = snapshot(repo_id, revision=revision, allow_patterns=list(HUB_PATTERNS))
    check_config(folder, trust_remote_code)
    if not list(folder.glob("model*.safetensors")):
        raise ModelError(f"{repo_id}: the repo has no model*.safetensors; only such weights are downloaded")
    base = _describe(folder, "safetensors", _folder_sha256(folder))
    return dataclasses.replace(base, id=repo_id, revision=sha)


def _describe(folder: Path, kind: Literal["safetensors", "npz"], sha256: str) -> BaseModel:
    config = read_json(folder / "config.json")
    license_name, license_link = _card_license(folder)
    return BaseModel(
        path=folder,
        id=None,
        revision=None,
        format=kind,
        quantization=_quantization(quantization_of(config)),
        sha256=sha256,
        license=license_name,
        license_link=license_link,
        fingerprint=base_fingerprint(folder),
        parameters=count_parameters(folder),
    )


def _quantization(how: dict[str, Any]) -> str | None:
    if not how.get("bits"):
        return None
    mode = how.get("mode", "affine")
    return f"{how['bits']}-bit" if mode == "affine" else f"{how['bits']}-bit {mode}"


def count_parameters(folder: Path) -> int:
    """Weights in a folder; quantised ones counted as weights, their scales not."""
    return sum(
        math.prod(shape) for shape in logical_shapes(model_headers(folder), read_json(folder / "config.json")).values()
    )


def _folder_sha256(folder: Path) -> str:
    """Hash of the weights file, or of ``name sha256`` lines where there are several."""
    hashes = [(path.name, _weights_sha256(path)) for path in weight_files(folder)]
    return combined_sha256(hashes)


def _weights_sha256(path: Path) -> str:
    """In the Hub's cache a large file is a link to a blob named by its SHA-256, so it need not be read."""
    name = path.resolve().name
    return name if path.is_symlink() and re.fullmatch(r"[0-9a-f]{64}", name) else cached_sha256(path)


def _card_license(folder: Path) -> tuple[str | None, str | None]:
    """(``license``, or ``license_name`` where that is ``other``; ``license_link``) of the README's front matter."""
    card = folder / "README.md"
    if not card.is_file():
        return None, None
    match = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", card.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    try:
        front = parse_metadata(match[1]) if match else None
    except ValueError as error:
        log.warning("%s: the licence of the base is not known, since the metadata %s", card, error)
        return None, None
    if not isinstance(front, dict):
        return None, None
    value = front.get("license_name") if front.get("license") == "other" else front.get("license")
    link = front.get("license_link")
    return value if isinstance(value, str) else None, link if isinstance(link, str) else None
