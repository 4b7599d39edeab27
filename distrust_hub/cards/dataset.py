"""The card of a scored dataset, from its rows and the manifest of their preparation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCardData

from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, SPLIT_FILES, TRAIN_FILE, Manifest
from distrust_hub.cards.data import language_codes
from distrust_hub.cards.edits import notes_section, seal
from distrust_hub.cards.escape import Safe
from distrust_hub.cards.facts import Facts
from distrust_hub.cards.front_matter import license_fields
from distrust_hub.cards.template import DATASET_TEMPLATE, load_template, render_template
from distrust_hub.errors import DataError
from distrust_hub.files import iter_jsonl
from distrust_hub.hub.client import is_repo_id
from distrust_hub.schema import ScoredDocument

SCORES = {"authority_weight": 0.1, "provenance_entropy": 1.0}
"""Scores, and the width of a bin in their histograms of BINS bins; the last one reaches up to the largest value."""

BINS = 10

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10**7, "1M<n<10M"))
"""Upper bound of rows -> the Hub's ``size_categories`` value."""


@dataclass
class DatasetFacts:
    """Counts of a scored dataset, filled row by row in constant memory.

    Attributes:
        splits: {split: ``rows``, ``tiers`` {tier: rows}}.
        columns: Column names in order of appearance.
        scores: {score: ``min``, ``mean``, ``max``, ``edges`` and ``counts`` of a histogram}.
        personal_data: {``email``, ``phone``, ``key``: number found by the scan before publishing}.
        personal_data_action: ``mask``, ``drop`` or ``keep``; None where no scan was made.
    """

    splits: dict[str, Facts] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    source_types: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    scorers: Counter[str] = field(default_factory=Counter)
    scores: dict[str, Facts] = field(default_factory=dict)
    personal_data: Counter[str] = field(default_factory=Counter)
    personal_data_action: str | None = None
    synthetic_rows: int = 0
    rows: int = 0

    def add(self, row: Mapping[str, Any], split: str) -> None:
        """Count one row of a split."""
        self.rows += 1
        self.columns.update(dict.fromkeys(row))
        entry = self.splits.setdefault(split, Facts(rows=0, tiers=Facts()))
        entry["rows"] += 1
        tier = str(row.get("tier") or "unknown")
        entry["tiers"][tier] = (entry["tiers"][tier] or 0) + 1
        self.source_types[str(row.get("source_type") or "unknown")] += 1
        self.licenses[str(row.get("license") or "unknown")] += 1
        self.scorers[str(row.get("scorer") or "unknown")] += 1
        self.synthetic_rows += row.get("synthetic") is True
        if isinstance(row.get("lang"), str):
            self.languages[row["lang"]] += 1
        for name in SCORES:
            self._add_score(name, row.get(name))

    def _add_score(self, name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return
        width = SCORES[name]
        fresh = Facts(min=value, max=value, mean=0.0, n=0, counts=[0] * BINS)
        fresh["edges"] = [round(width * edge, 6) for edge in range(BINS + 1)]
        entry = self.scores.setdefault(name, fresh)
        entry["n"] += 1
        entry["edges"][-1] = max(entry["edges"][-1], value)
        entry["counts"][max(0, min(BINS - 1, int(value / width + 1e-9)))] += 1
        entry["min"], entry["max"] = min(entry["min"], value), max(entry["max"], value)
        entry["mean"] += (value - entry["mean"]) / entry["n"]


def is_training_folder(folder: str | Path) -> bool:
    """Whether a folder holds rows to train on, and no adapter."""
    folder = Path(folder)
    return (folder / TRAIN_FILE).is_file() and not (folder / ADAPTER_CONFIG_FILE).is_file()


def collect_dataset(folder: str | Path) -> tuple[DatasetFacts, Manifest | None]:
    """Count the rows of a training folder and read its manifest, where there is one.

    Raises:
        DataError: If a row is not scored, or there are none.
        ArtifactError: If the manifest is damaged.
    """
    folder = Path(folder)
    facts = DatasetFacts()
    for split, name in SPLIT_FILES.items():
        path = folder / name
        for line, row in iter_jsonl(path) if path.is_file() else ():
            facts.add(ScoredDocument.from_row(row, path=path, line=line).to_row(), split)
    if facts.rows == 0:
        raise DataError("no rows to describe; prepare the data again", path=folder)
    return facts, Manifest.load(folder) if (folder / Manifest.FILE_NAME).is_file() else None


def render_dataset_card(
    facts: DatasetFacts, repo_id: str | None = None, manifest: Manifest | None = None, notes: str = ""
) -> str:
    """The README.md of a scored dataset; the same facts give the same bytes.

    Args:
        facts: Counts of the rows.
        repo_id: Where it is or will be published.
        manifest: How the rows were prepared, where that is known.
        notes: Markdown a person wrote, kept between the notes markers.
    """
    inputs = [Facts.of(entry) for entry in manifest.inputs] if manifest else []
    body = render_template(
        load_template(DATASET_TEMPLATE),
        facts=facts,
        inputs=inputs,
        manifest=Facts.of(manifest.to_json() if manifest else None),
        title=repo_id.split("/")[-1] if repo_id else "Scored texts",
        columns=list(facts.columns),
        repo_id=repo_id or "OWNER/NAME",
        notes=Safe(notes_section(notes)),
    )
    return seal(f"---\n{_front_matter(facts, inputs).to_yaml()}\n---\n\n{body}")


def _front_matter(facts: DatasetFacts, inputs: list[Facts]) -> DatasetCardData:
    size = next((label for bound, label in _SIZES if facts.rows < bound), "n>10M")
    sources = sorted({entry["name"] for entry in inputs if is_repo_id(entry["name"])})
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in facts.splits]
    return DatasetCardData(
        language=list(language_codes(facts.languages)) or None,
        task_categories=["text-generation"],
        size_categories=[size],
        source_datasets=sources or None,
        tags=["distrust-hub", "provenance", *(["synthetic"] if facts.synthetic_rows else [])],
        configs=[{"config_name": "default", "data_files": files}],
        **_license(facts.licenses),
    )


def _license(licenses: Mapping[str, int]) -> dict[str, Any]:
    """What holds for all rows together; ``other`` where some have no licence, or one that the Hub does not know."""
    names = [name for name in licenses if name != "unknown"]
    if not names:
        return {}
    if len(licenses) == 1:
        return license_fields(names[0])
    known = {license_fields(name).get("license", "other") for name in names}
    if "unknown" in licenses or "other" in known:
        return {"license": "other", "license_name": "mixed"}
    return {"license": sorted(known)}
