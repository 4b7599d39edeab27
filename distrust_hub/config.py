"""Configurations: frozen dataclasses that know the bounds, choices and help text of every field.

The command line and YAML files are both read through these classes, so an option is defined once. Precedence:
command line, then YAML, then default.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from distrust_hub.errors import ConfigError, InputNotFoundError, UsageError
from distrust_hub.objective import ALPHA_DEFAULT, ALPHA_MAX, ALPHA_MIN, MAX_WEIGHT_RATIO_DEFAULT

Objective = Literal["reweight", "conditional", "preference", "none", "filter", "literal"]

MAX_SEED = 2**32 - 1
"""Largest seed that every random generator in use takes."""

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}

C = TypeVar("C", bound="_Config")


def option(
    default: Any,
    help_text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    local: bool = False,
    words: bool = False,
) -> Any:
    """A config field.

    Args:
        default: Value when nobody says otherwise; ``dataclasses.MISSING`` makes the field required.
        help_text: One line for ``--help``, with the unit.
        low: Smallest allowed value.
        high: Largest allowed value.
        local: The value is a place on this machine: never stored with a run.
        words: Text of parts with commas between them; in YAML also a list of the parts.
    """
    metadata = {"help": help_text, "low": low, "high": high, "local": local, "words": words}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class _Config:
    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            object.__setattr__(self, entry.name, _checked(entry, hints[entry.name], value))

    @classmethod
    def from_options(
        cls: type[C],
        options: dict[str, Any],
        yaml_file: str | Path | None = None,
        defaults: dict[str, Any] | None = None,
    ) -> C:
        """Combine command-line options with a YAML file.

        Args:
            options: Field name to value for what was given on the command line.
            yaml_file: File of ``key: value`` lines, keys spelled with ``_`` or ``-``.
            defaults: What goes before the fields' own defaults, such as a machine's saved profile.

        Raises:
            ConfigError: For an unknown key, naming it and the closest known ones, or a value out of bounds.
            UsageError: If a required field is given nowhere.
            InputNotFoundError: If the file is missing.
        """
        merged = {**(defaults or {}), **(read_yaml_options(yaml_file) if yaml_file else {}), **options}
        fields = {entry.name: entry for entry in dataclasses.fields(cls)}
        if unknown := [key for key in merged if key not in fields]:
            place = f"{yaml_file}: " if yaml_file and unknown[0] not in options else ""
            raise ConfigError(place + _unknown(unknown, set(fields)))
        missing = [name for name, entry in fields.items() if entry.default is dataclasses.MISSING]
        if missing := [name for name in missing if name not in merged]:
            flags = " and ".join(f"--{name.replace('_', '-')}" for name in missing)
            raise UsageError(f"no {' and no '.join(missing)} given; add {flags}, or a YAML file that says it (-c)")
        return cls(**merged)

    def to_json(self) -> dict[str, Any]:
        """The resolved values, without places on this machine."""
        return {
            entry.name: getattr(self, entry.name)
            for entry in dataclasses.fields(self)
            if not entry.metadata.get("local")
        }


def read_yaml_options(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping of options; ``-`` in keys is read as ``_``."""
    file = Path(path)
    if not file.is_file():
        raise InputNotFoundError(f"{file}: no such file")
    try:
        text = file.read_text(encoding="utf-8")
        content, node = yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        summary = " ".join(str(error).split())
        raise ConfigError(f"{file}: not valid YAML ({summary})") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: expected 'option: value' lines, found a {type(content).__name__}")
    assert isinstance(node, yaml.MappingNode)
    names = [str(key.value).replace("-", "_") for key, _ in node.value]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"{file}: option {twice!r} is given twice; keep one of the lines")
    return {str(key).replace("-", "_"): value for key, value in content.items()}


def option_type(hint: Any) -> tuple[type, bool, tuple[Any, ...]]:
    """Split a field's type into (plain type, may be None, allowed choices)."""
    optional = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        optional, hint = True, members[0]
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        return type(choices[0]), optional, choices
    return hint, optional, ()


def _checked(entry: dataclasses.Field[Any], hint: Any, value: Any) -> Any:
    kind, optional, choices = option_type(hint)
    name = entry.name
    if value is None:
        if optional:
            return None
        raise ConfigError(f"{name} is missing; give a value")
    if (
        entry.metadata.get("words")
        and isinstance(value, list)
        and all(type(part) in (str, int, float) for part in value)
    ):
        value = ",".join(map(str, value))
    if choices and value not in choices:
        raise ConfigError(f"{name} is {value!r}; expected one of {', '.join(map(str, choices))}")
    if kind is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        value = _as_float(name, value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{name} is {value!r}; expected {_KINDS[kind]}")
    low, high = entry.metadata.get("low"), entry.metadata.get("high")
    if (low is not None and value < low) or (high is not None and value > high):
        wanted = f"{low} to {high}" if low is not None and high is not None else _one_sided(low, high)
        raise ConfigError(f"{name} is {value}; expected {wanted}")
    return value


def _as_float(name: str, value: int | float | str) -> float:
    try:  # YAML reads 1e-4 as a string
        number = float(value)
    except (ValueError, OverflowError):
        raise ConfigError(f"{name} is {str(value)[:40]!r}; expected a number") from None
    if not math.isfinite(number):
        raise ConfigError(f"{name} is {number}; expected a finite number")
    return number


def _one_sided(low: float | None, high: float | None) -> str:
    return f"{low} or more" if low is not None else f"{high} or less"


def _unknown(keys: list[str], known: set[str]) -> str:
    import difflib

    near = [difflib.get_close_matches(key, known, n=1, cutoff=0.7) for key in keys]
    named = [f"{key!r} ({close[0]!r}?)" if close else repr(key) for key, close in zip(keys, near)]
    if len(keys) > 1:
        return f"unknown options {', '.join(named)}; --help lists the known ones"
    return f"unknown option {keys[0]!r}; " + (
        f"did you mean {near[0][0]!r}?" if near[0] else "--help lists the known ones"
    )


@dataclass(frozen=True)
class PrepareConfig(_Config):
    """Options of ``distrust-hub prepare``."""

    seed: int = option(0, "seed of every draw: caps, shares and the split", low=0, high=MAX_SEED)
    valid_share: float = option(0.1, "share of rows held out for validation", low=0.0, high=0.5)
    min_words: int = option(5, "drop documents with fewer words", low=1)
    max_words: int | None = option(None, "split longer documents at ends of paragraphs (words per piece)", low=20)
    languages: str | None = option(None, "keep documents in these languages only: ISO codes such as en,de", words=True)
    min_ocr_quality: float = option(0.6, "drop documents with a smaller share of readable words", low=0.0, high=1.0)
    personal_data: Literal["mask", "drop", "keep"] = option(
        "mask", "what to do with e-mail addresses, telephone numbers and keys"
    )
    strip_boilerplate: bool = option(True, "cut licence blocks of e-books, scanners' notices and navigation")
    fix_encoding: bool = option(True, "repair wrongly decoded text")
    near_duplicates: bool = option(True, "drop copies with OCR errors, other headers or other line breaks")
    contamination: bool = option(True, "drop documents that quote TruthfulQA, held-out rows or --against data")
    pairs: bool = option(False, "make preference pairs of documents on the same entity_id and question")
    max_per_source: int | None = option(None, "keep at most so many documents of each input", low=1)
    tier_shares: str | None = option(
        None, "draw rows to these shares: 'published', or PRIMARY,MEDIUM,COORDINATED such as 0.3,0.3,0.4", words=True
    )
    on_error: Literal["stop", "skip"] = option(
        "stop", "at a row that cannot be read: stop, or leave it out and count it"
    )
    text_column: str = option("text", "column that holds the text")
    rescore: bool = option(False, "score every row anew, whatever it brings")


@dataclass(frozen=True)
class TrainConfig(_Config):
    """Options of ``distrust-hub train``; names follow mlx-lm's where it has them."""

    model: str = option(dataclasses.MISSING, "base model: Hub id, local folder or .gguf file", local=True)
    data: str = option(dataclasses.MISSING, "training folder, scored file or Hub dataset", local=True)
    adapter_path: str = option("adapters", "folder the adapter is written to", local=True)
    base_model_id: str | None = option(None, "Hub id [@revision] of a base that is a local file or folder")
    objective: Objective = option("reweight", "what favours primary sources; none and literal are controls")
    max_weight_ratio: float = option(
        MAX_WEIGHT_RATIO_DEFAULT, "largest example weight over the smallest", low=1.0, high=1000.0
    )
    distrust_alpha: float = option(
        ALPHA_DEFAULT,
        "alpha: slope of the weights; for literal only the logged term",
        low=ALPHA_MIN,
        high=ALPHA_MAX,
    )
    min_trust: float = option(1.0, "filter: keep examples with a signed core of at least this")
    condition_rate: float = option(0.9, "conditional: share of examples with a source-tier prefix", low=0.0, high=1.0)
    orpo_lambda: float = option(0.1, "preference: weight of the odds-ratio loss", low=0.0, high=10.0)
    iters: int | None = option(None, "optimizer steps (exclusive with epochs)", low=1)
    epochs: int | None = option(None, "passes over the data (exclusive with iters; default 1)", low=1)
    valid_share: float = option(
        0.1, "share of rows to hold out, by origin, where the data have no valid split", low=0.0, high=0.5
    )
    batch_size: int = option(4, "examples per forward pass", low=1, high=4096)
    grad_accumulation_steps: int = option(1, "forward passes per optimizer step", low=1, high=4096)
    num_layers: int = option(16, "last blocks that get LoRA layers; -1 for all", low=-1)
    fine_tune_type: Literal["lora", "dora"] = option("lora", "kind of adapter")
    target_modules: str = option("all", "layers to adapt: all, attention, or names such as q_proj,v_proj", words=True)
    rank: int = option(8, "LoRA rank", low=1, high=1024)
    scale: float = option(2.0, "LoRA scale (alpha / rank), more than 0", low=0.0, high=1000.0)
    dropout: float = option(0.0, "LoRA dropout", low=0.0, high=0.9)
    optimizer: Literal["adamw", "adam", "sgd", "muon", "adafactor"] = option("adamw", "optimizer")
    learning_rate: float = option(3e-4, "peak learning rate, more than 0", low=0.0, high=1.0)
    lr_schedule: Literal["cosine", "linear", "constant"] = option("cosine", "learning rate after the warm-up")
    warmup_steps: int = option(0, "steps of linear warm-up", low=0)
    weight_decay: float = option(0.01, "weight decay of matrices (adamw, sgd, muon)", low=0.0, high=1.0)
    max_grad_norm: float = option(1.0, "clip to this norm times the step's mean weight; 0 turns clipping off", low=0.0)
    max_seq_length: int = option(512, "tokens per example; longer documents are split", low=8, high=1_000_000)
    mask_prompt: bool = option(True, "train the last answer of a chat only, not its prompt")
    packing: bool = option(False, "put several documents into one row; each is trained as if alone")
    val_batches: int = option(-1, "held-out batches per evaluation; -1 for all, 0 for none", low=-1)
    steps_per_eval: int = option(0, "steps between held-out evaluations; 0 for start and end only", low=0)
    patience: int = option(
        0, "stop after this many held-out evaluations without a new best, and keep the best; 0 for never", low=0
    )
    save_every: int = option(100, "steps between checkpoints", low=1)
    keep_last: int = option(3, "checkpoints to keep beside the best one", low=1)
    max_bad_steps: int = option(5, "stop after this many steps in a row with a non-finite loss or gradient", low=1)
    grad_checkpoint: bool = option(False, "recompute activations in the backward pass to save memory")
    activation_cache_gb: float = option(
        8.0, "most disk for what frozen blocks give, kept for later epochs; 0 turns it off", low=0.0, high=100_000.0
    )
    max_memory_gb: float | None = option(None, "stop with a checkpoint when more memory is in use", low=0.1)
    resume: bool = option(False, "go on from the newest checkpoint that verifies", local=True)
    resume_from_step: int | None = option(None, "go on from the checkpoint of this step", low=1, local=True)
    resume_from_hub: str | None = option(
        None, "go on from the checkpoint of REPO_ID[@REVISION], pushed with --push-strategy checkpoint", local=True
    )
    overwrite: bool = option(False, "replace a run that is already in the folder", local=True)
    report_to: Literal["tensorboard", "trackio"] | None = option(None, "also send the metrics there", local=True)
    quiet: bool = option(False, "no progress bars and no notes", local=True)
    trust_remote_code: bool = option(False, "allow a base model that brings its own Python code")
    seed: int = option(0, "seed of initialisation and data order", low=0, high=MAX_SEED)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iters is not None and self.epochs is not None:
            raise UsageError(f"iters is {self.iters} and epochs is {self.epochs}; give one of them")
        if self.num_layers == 0:
            raise ConfigError("num_layers is 0; expected -1 (all) or 1 and more")
        going_on = [name for name in ("resume", "resume_from_step", "resume_from_hub") if getattr(self, name)]
        if going_on and self.overwrite:
            raise UsageError(f"{going_on[0]} and overwrite are both set; give one of them")
        if self.patience and not self.steps_per_eval:
            raise UsageError(f"patience is {self.patience} without steps_per_eval; give --steps-per-eval too")
        if self.patience and self.val_batches == 0:
            raise UsageError(f"patience is {self.patience} and val_batches is 0; give --val-batches -1 to evaluate")
        for name in ("learning_rate", "scale"):
            if getattr(self, name) == 0.0:
                raise ConfigError(f"{name} is 0, with which the adapter changes nothing; expected more than 0")
        if self.objective == "conditional" and not self.mask_prompt:
            raise UsageError("mask_prompt is off with the objective conditional, whose prefix is not trained; drop one")
        if self.packing and self.objective == "preference":
            raise UsageError("packing is set with the objective preference, whose pairs cannot be packed; drop one")

    @property
    def goes_on(self) -> bool:
        """Whether to go on from a checkpoint in the folder."""
        return self.resume or self.resume_from_step is not None
