"""The JSON files that stages hand to each other: Manifest, TrainingRun, EvalReport.

Stages meet only through these files (and JSON Lines rows, see ``schema.py``), so cards, push and the scoring half
of the app never need MLX. Every file carries ``schema``; a newer one is refused. No local path and no token is
ever stored in one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from distrust_hub.errors import ArtifactError
from distrust_hub.files import read_json, sha256_file, write_json
from distrust_hub.schema import SCHEMA_VERSION, check_schema

ADAPTER_FILE = "adapters.safetensors"
ADAPTER_CONFIG_FILE = "adapter_config.json"
PEFT_ADAPTER_FILE = "adapter_model.safetensors"
METRICS_FILE = "metrics.jsonl"
CARD_FILE = "README.md"
PLOTS = {"training": "Loss and weights of the run", "radar": "Metrics from 0 to 1"}
"""Plots of an adapter folder: name without suffix and what it shows."""
PLOT_SUFFIXES = (".png", ".svg")
PLOT_FILES = tuple(f"{stem}{suffix}" for stem in PLOTS for suffix in PLOT_SUFFIXES)
TRAIN_FILE, VALID_FILE = "train.jsonl", "valid.jsonl"
SPLIT_FILES = {"train": TRAIN_FILE, "validation": VALID_FILE}
"""Split names as the Hub has them, and the files of a training folder."""

A = TypeVar("A", bound="_Artifact")


@dataclass
class _Artifact:
    FILE_NAME: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value with ``schema`` added."""
        return {"schema": SCHEMA_VERSION, **dataclasses.asdict(self)}

    def save(self, folder: str | Path) -> Path:
        """Write ``FILE_NAME`` into ``folder`` atomically and return its path."""
        path = Path(folder) / self.FILE_NAME
        write_json(path, self.to_json())
        return path

    @classmethod
    def load(cls: type[A], folder_or_file: str | Path) -> A:
        """Read the artifact from a folder that holds it, or from the file itself.

        Raises:
            InputNotFoundError: If it is not there.
            ArtifactError: If it is damaged, incomplete or newer than this package.
        """
        path = Path(folder_or_file)
        if path.is_dir():
            path = path / cls.FILE_NAME
        return cls.from_json(read_json(path), what=path)

    @classmethod
    def from_json(cls: type[A], value: Any, what: str | Path = "artifact") -> A:
        """Check ``schema`` and the keys, and build the artifact."""
        if not isinstance(value, dict):
            raise ArtifactError(f"{what}: expected a JSON object, found {type(value).__name__}")
        check_schema(value.get("schema"), what)
        given = {key: entry for key, entry in value.items() if key != "schema"}
        fields = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(given) - set(fields))
        required = {
            name
            for name, f in fields.items()
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        }
        missing = sorted(required - set(given))
        if unknown or missing:
            problem = ", ".join([*(f"unknown key {k!r}" for k in unknown), *(f"missing key {k!r}" for k in missing)])
            raise ArtifactError(f"{what}: not a {cls.__name__}: {problem}")
        return cls(**given)


@dataclass
class Manifest(_Artifact):
    """``manifest.json`` of a training folder: where every row came from and what was left out.

    Attributes:
        inputs: One record per input: ``name`` (file name or Hub id, no local path), ``revision``, ``sha256``,
            ``rows``, ``kept``, ``licenses`` {name: rows}, ``synthetic`` rows, and how it was read.
        parameters: Every parameter of the preparation, the seed among them.
        counts: ``in``, ``kept`` and ``removed`` {reason: rows}; in = kept + sum(removed). ``in`` is the rows of all
            inputs, plus ``changed["added_by_splitting"]``.
        splits: ``train`` and ``valid``: ``rows``, ``sha256``, ``tiers`` {tier: rows}, ``source_types`` {type: rows}.
        scorer: Version of the scorer that scored the rows.
        licenses: {license: rows} over the kept rows.
        synthetic: Kept rows that are marked as synthetic.
        changed: What cleaning changed in rows: {``encoding_repaired``, ``masked_email``, ...: number}.
        contamination: {evaluation set: ``items``, ``items_hit``, ``documents_removed``, ``words_in_sequence``, and
            ``revision`` or ``sha256`` of what was read}; empty where nothing was compared.
        publishing: Whether the licences allow publishing the rows: ``allowed``, ``classes`` {class: rows},
            ``problems`` {license: rows}, ``conditions`` [text].
        failed: Inputs that could not be read and were left out: ``name``, ``problem``.
    """

    FILE_NAME: ClassVar[str] = "manifest.json"

    inputs: list[dict[str, Any]]
    parameters: dict[str, Any]
    counts: dict[str, Any]
    splits: dict[str, dict[str, Any]]
    scorer: int | None = None
    licenses: dict[str, int] = field(default_factory=dict)
    synthetic: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    contamination: dict[str, dict[str, Any]] = field(default_factory=dict)
    publishing: dict[str, Any] = field(default_factory=dict)
    failed: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse with ArtifactError what an edited file may hold in place of objects, which are read as such."""
        flat = ("parameters", "counts", "licenses", "changed", "publishing")
        for name in ("inputs", "failed", "splits", "contamination", *flat):
            value = getattr(self, name)
            kind: type = list if name in ("inputs", "failed") else dict
            entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            if not isinstance(value, kind) or not (name in flat or all(isinstance(entry, dict) for entry in entries)):
                wanted = f"{'a list' if kind is list else 'an object'}{'' if name in flat else ' of objects'}"
                problem = f"{name} is {repr(value)[:80]}; expected {wanted}"
                raise ArtifactError(f"{self.FILE_NAME}: {problem}; prepare the data again, or remove the file")

    def changed_files(self, folder: str | Path) -> list[str]:
        """Names of the row files of a folder that are no longer those described; without a hash none is."""
        files = {"train": TRAIN_FILE, "valid": VALID_FILE}
        return [
            files[name]
            for name, split in self.splits.items()
            if name in files
            and isinstance(known := split.get("sha256"), str)
            and (path := Path(folder) / files[name]).is_file()
            and sha256_file(path) != known
        ]


@dataclass
class TrainingRun(_Artifact):
    """``training_run.json`` of an adapter folder: what was done, on what, and what came out.

    Attributes:
        config: The resolved TrainConfig without local paths.
        objective: ``name`` and its parameters; for ``literal`` also the logged term's mean.
        versions: {package: version}, Python and platform among them.
        base_model: ``id`` (Hub id or None), ``revision``, ``format`` (safetensors, gguf), ``quantization``,
            ``sha256``, ``base_fingerprint``, ``license``, ``license_link``, ``parameters``.
        data: ``name``, ``revision``, ``sha256``, ``rows``, ``tokens``, ``synthetic`` rows, ``licenses`` and
            ``languages`` {name: rows}, ``inputs`` (from the manifest where there is one).
        weights: ``ess`` (share of N), ``min``, ``max``, ``histogram`` (``edges``, ``examples``; empty where all are
            equal) and ``by_tier`` {tier: ``rows``, ``tokens``, ``mean_authority_weight``,
            ``mean_provenance_entropy``, ``mean_weight``, ``clipped_share``}.
        loss: ``train_first``, ``train_last``, ``valid_before``, ``valid_after``, ``valid_best`` (unweighted nats per
            token, or None), ``best_step``.
        performance: ``trained_tokens``, ``tokens_per_second``, ``seconds``, ``peak_memory_bytes``.
        hardware: ``chip``, ``memory_bytes``, ``backend``, ``blas``.
        steps: ``total``, ``skipped``.
        adapter: ``sha256``, ``rank``, ``scale``, ``num_layers``, ``trainable_parameters``, ``keys``.
    """

    FILE_NAME: ClassVar[str] = "training_run.json"

    config: dict[str, Any]
    objective: dict[str, Any]
    versions: dict[str, str]
    base_model: dict[str, Any]
    data: dict[str, Any]
    weights: dict[str, Any]
    loss: dict[str, float | None]
    performance: dict[str, float | None]
    hardware: dict[str, Any]
    steps: dict[str, int]
    adapter: dict[str, Any]


@dataclass
class EvalReport(_Artifact):
    """``eval_results.json``: one entry per suite, every metric with its interval and baseline.

    Attributes:
        model: Base model id as given or known.
        revision: Its resolved revision, if any.
        adapter: Adapter id or folder name, None for the base model alone.
        suites: {suite: {``n``, ``limit``, ``seed``, ``metrics``, further settings}}; a metric is {``value``,
            ``ci95`` [low, high], ``baseline``} and, where an adapter was compared with its base on the same items,
            ``base`` (the base model's value) and ``difference`` {``value``, ``ci95``, ``n``}; compared with another
            adapter also ``against``. A suite may have ``warnings`` [text] for the top of the card, ``against`` (that
            adapter's name) and ``difference_in_differences``; ``sha256`` names the weights of ``base``, ``adapter`` and
            ``against``.
    """

    FILE_NAME: ClassVar[str] = "eval_results.json"

    model: str
    revision: str | None = None
    adapter: str | None = None
    suites: dict[str, dict[str, Any]] = field(default_factory=dict)
