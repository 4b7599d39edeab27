"""Collect and hold what a card says: only what the artifacts of an adapter folder hold, nothing measured here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from distrust_hub.artifacts import (
    ADAPTER_CONFIG_FILE,
    PEFT_ADAPTER_FILE,
    PLOT_SUFFIXES,
    PLOTS,
    EvalReport,
    Manifest,
    TrainingRun,
    _Artifact,
)
from distrust_hub.cards.facts import Facts, as_list, whole_number
from distrust_hub.cards.licenses import Duty, duty, is_non_commercial
from distrust_hub.cards.results import Comparison, Result, comparisons, results, warnings
from distrust_hub.config import TrainConfig
from distrust_hub.errors import ArtifactError, InputNotFoundError
from distrust_hub.files import read_json
from distrust_hub.hub.client import is_repo_id
from distrust_hub.schema import TIERS

A = TypeVar("A", bound=_Artifact)


@dataclass(frozen=True)
class CardData:
    """Everything a model card prints; an unknown fact is None or empty.

    Attributes:
        base: Base model, as in ``TrainingRun.base_model``; ``id`` is a valid Hub id or None.
        base_name: What the base is called in text.
        objective: ``name`` and parameters.
        data: Training data, as in ``TrainingRun.data``.
        inputs: One record per input of the training data.
        licenses: {licence: rows} of the training data.
        synthetic_rows: Training rows marked as synthetic; None when nobody recorded it.
        tiers: One record per tier, in the order primary, medium, coordinated.
        weights: ``ess``, ``min``, ``max``.
        config: Resolved training options.
        changed: Options that differ from their defaults.
        loss: Losses before and after.
        performance: Time, speed, memory.
        hardware: Machine.
        versions: {package: version}.
        steps: ``total``, ``skipped``.
        adapter: ``sha256``, ``rank``, ``scale``, ``num_layers``, ``trainable_parameters``, ``keys``.
        scorer: Version of the scorer.
        counts: Rows in, kept and removed in preparation.
        results: Metrics in the order of suites and metrics.
        comparisons: Differences to another adapter, and differences in differences.
        warnings: What an evaluation says must stand at the top.
        contamination: Overlap of the training data with evaluation sets, as in ``Manifest.contamination``.
        conditions: What the licences of the training rows ask for.
        plots: (file, what it shows) of the plots in the folder.
        condition_prefix: Tag that a conditional adapter wants before the prompt.
        has_peft: The folder holds PEFT's weights too.
        repo_id: Where the adapter is or will be published.
        languages: Two or three letter codes of the training text, where they are recorded.
    """

    base: Facts
    base_name: str
    objective: Facts
    data: Facts
    inputs: tuple[Facts, ...]
    licenses: Facts
    synthetic_rows: int | None
    tiers: tuple[Facts, ...]
    weights: Facts
    config: Facts
    changed: dict[str, Any]
    loss: Facts
    performance: Facts
    hardware: Facts
    versions: Facts
    steps: Facts
    adapter: Facts
    scorer: object
    counts: Facts
    results: tuple[Result, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    warnings: tuple[str, ...] = ()
    contamination: Facts = field(default_factory=Facts)
    conditions: tuple[str, ...] = ()
    plots: tuple[tuple[str, str], ...] = ()
    condition_prefix: str | None = None
    has_peft: bool = False
    repo_id: str | None = None
    languages: tuple[str, ...] = ()

    @property
    def duty(self) -> Duty | None:
        """What the licence of the base asks for."""
        return duty(self.base["license"])

    @property
    def non_commercial(self) -> list[str]:
        """Licences of the base and the training rows that allow no commercial use, sorted."""
        return sorted(name for name in {str(self.base["license"]), *self.licenses} if is_non_commercial(name))

    @property
    def dataset_ids(self) -> list[str]:
        """Hub datasets among the training data, sorted."""
        names = {entry["name"] for entry in [self.data, *self.inputs]}
        return sorted(name for name in names if is_repo_id(name))


def collect(folder: str | Path, repo_id: str | None = None) -> CardData:
    """Read the artifacts of an adapter folder; those that are not there leave their facts unknown.

    Args:
        folder: Adapter folder.
        repo_id: Where it is or will be published, for the code blocks.

    Raises:
        InputNotFoundError: If the folder is not there.
        ArtifactError: If an artifact is damaged or newer than this package.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputNotFoundError(f"{folder}: no such folder")
    run = _facts(folder, TrainingRun)
    manifest = _facts(folder, Manifest)
    report = _facts(folder, EvalReport)
    adapter_config = _adapter_config(folder)
    data = Facts.of(run["data"])
    base = _base(run, adapter_config)
    weights = Facts.of(run["weights"])
    inputs = data["inputs"] or manifest["inputs"]
    return CardData(
        base=base,
        base_name=str(base["id"] or "an unnamed base model"),
        objective=Facts.of(run["objective"]),
        data=data,
        inputs=tuple(Facts.of(entry) for entry in inputs) if isinstance(inputs, list) else (),
        licenses=Facts.of(data["licenses"] or manifest["licenses"]),
        synthetic_rows=whole_number(data["synthetic"], manifest["synthetic"]),
        tiers=tuple(_tiers(Facts.of(weights["by_tier"]))),
        weights=weights,
        config=Facts.of(run["config"]),
        changed=_changed(Facts.of(run["config"])),
        loss=Facts.of(run["loss"]),
        performance=Facts.of(run["performance"]),
        hardware=Facts.of(run["hardware"]),
        versions=Facts.of(run["versions"]),
        steps=Facts.of(run["steps"]),
        adapter=Facts.of(run["adapter"] or adapter_config["lora_parameters"]),
        scorer=manifest["scorer"],
        counts=Facts.of(manifest["counts"]),
        results=tuple(results(report)),
        comparisons=tuple(comparisons(report)),
        warnings=tuple(warnings(report)),
        contamination=Facts.of(manifest["contamination"]),
        conditions=tuple(map(str, as_list(Facts.of(manifest["publishing"])["conditions"]))),
        plots=tuple(_plots(folder)),
        condition_prefix=Facts.of(adapter_config["distrust_hub"])["condition_prefix"],
        has_peft=(folder / PEFT_ADAPTER_FILE).is_file(),
        repo_id=repo_id,
        languages=language_codes(Facts.of(data["languages"])),
    )


def _facts(folder: Path, kind: type[A]) -> Facts:
    path = folder / kind.FILE_NAME
    return Facts.of(kind.load(path).to_json()) if path.is_file() else Facts()


def _adapter_config(folder: Path) -> Facts:
    path = folder / ADAPTER_CONFIG_FILE
    if not path.is_file():
        return Facts()
    value = read_json(path)
    if not isinstance(value, dict):
        raise ArtifactError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return Facts.of(value)


def _base(run: Facts, adapter_config: Facts) -> Facts:
    base = Facts.of(run["base_model"])
    if not base:
        named = adapter_config["base_model_name_or_path"] or adapter_config["model"]
        base = Facts(id=named, revision=adapter_config["revision"])
    return Facts(base, id=base["id"] if is_repo_id(base["id"]) else None)


def _tiers(by_tier: Facts) -> list[Facts]:
    return [Facts(Facts.of(by_tier[tier]), tier=tier) for tier in TIERS if tier in by_tier]


def _changed(config: Facts) -> dict[str, Any]:
    defaults = {entry.name: entry for entry in dataclasses.fields(TrainConfig)}
    return {
        name: value
        for name, value in sorted(config.items())
        if name in defaults
        and not defaults[name].metadata.get("local")
        and value is not None
        and value != defaults[name].default
    }


def _plots(folder: Path) -> list[tuple[str, str]]:
    """The PNG of each plot, which the Hub shows inline, else its SVG."""
    found = []
    for stem, title in PLOTS.items():
        files = (f"{stem}{suffix}" for suffix in PLOT_SUFFIXES if (folder / f"{stem}{suffix}").is_file())
        found += [(name, title) for name in list(files)[:1]]
    return found


def language_codes(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that the Hub takes for languages: two or three letters, in small ones and sorted."""
    return tuple(sorted({name.lower() for name in names if re.fullmatch(r"[A-Za-z]{2,3}", name)}))
