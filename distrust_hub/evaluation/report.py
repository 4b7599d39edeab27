"""Outcomes to ``eval_results.json``: entries, merging, and the rows of a table."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distrust_hub import __version__
from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import ArtifactError, EvaluationError
from distrust_hub.evaluation.benchmark import Benchmark, Measurement, Outcome, Request
from distrust_hub.evaluation.statistics import difference_in_differences

TABLE_HEADERS = ("suite", "metric", "n", "value", "95 % interval", "chance", "base", "difference", "95 % interval", "")

COMPARISON_HEADERS = ("adapter", "against", "suite", "metric", "n", "difference", "95 % interval", "")


def suite_entry(
    benchmark: Benchmark[Any],
    request: Request,
    outcome: Outcome,
    *,
    n: int,
    limit: int | None = None,
    total: int | None = None,
    base: Outcome | None = None,
    against: tuple[str, Outcome] | None = None,
    sha256: Mapping[str, str | None] | None = None,
    items_sha256: str | None = None,
) -> dict[str, Any]:
    """One suite of an EvalReport.

    Args:
        benchmark: What was measured.
        request: How.
        outcome: The model's (or adapter's) values.
        n: Items measured.
        limit: The limit asked for, or None.
        total: Items there are; fewer measured marks the entry as partial.
        base: The base model's values on the same items.
        against: Name and values of another adapter, usually plain LoRA on the same data.
        sha256: {"base", "adapter", "against": SHA-256 of its weights, or None}.
        items_sha256: SHA-256 of the items measured, see ``hash_of_items``.
    """
    named = against[0] if against else None
    other = against[1] if against else None
    entry: dict[str, Any] = {
        "n": n,
        "limit": limit,
        "partial": total is not None and n < total,
        "seed": request.seed,
        "settings": benchmark.settings(request),
        "primary_metric": outcome.primary_metric or benchmark.primary_metric,
        "higher_is_better": benchmark.higher_is_better,
        "version": __version__,
        "sha256": dict(sha256 or {}),
        "items_sha256": items_sha256,
        "metrics": _metrics(
            outcome.measurements,
            base.measurements if base else {},
            other.measurements if other else {},
            request.seed,
        ),
    }
    if base is not None:
        note = f" Partial: the first {n} of {total} items were asked." if entry["partial"] else ""
        entry["warnings"] = [warning + note for warning in benchmark.warnings(outcome, base)]
    if named is not None:
        entry["against"] = named
    if contrast := _contrast(benchmark, outcome, other or base, request.seed):
        entry["difference_in_differences"] = {**contrast, "against": named or "base"}
    if outcome.groups:
        entry["groups"] = {
            name: {
                "metrics": _metrics(
                    measured,
                    base.groups.get(name, {}) if base else {},
                    other.groups.get(name, {}) if other else {},
                    request.seed,
                )
            }
            for name, measured in outcome.groups.items()
        }
    return entry


def hash_of_items(items: Sequence[Any]) -> str:
    """SHA-256 of dataclass instances as JSON: the data that was measured, wherever it came from."""
    return hashlib.sha256(json.dumps([asdict(item) for item in items], default=str).encode()).hexdigest()


def _metrics(
    measured: Mapping[str, Any], base: Mapping[str, Any], against: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Metric entries; one the data cannot give has the value None, which reads as "not measured"."""
    missing = {"value": None, "ci95": None, "n": 0, "baseline": None}
    return {
        name: measurement.to_json(seed, base.get(name), against.get(name))
        if isinstance(measurement, Measurement)
        else dict(missing)
        for name, measurement in measured.items()
    }


def _contrast(
    benchmark: Benchmark[Any], outcome: Outcome, reference: Outcome | None, seed: int
) -> dict[str, Any] | None:
    """How much more the first metric of ``benchmark.contrast`` moved than the second, against the reference."""
    if benchmark.contrast is None or reference is None:
        return None
    groups, clusters = [], []
    for name in benchmark.contrast:
        after, before = outcome.measurements.get(name), reference.measurements.get(name)
        if after is None or before is None:
            return None
        groups.append((after.values, before.values, after.weights))
        clusters.append(after.clusters)
    estimate = difference_in_differences(groups[0], groups[1], clusters=(clusters[0], clusters[1]), seed=seed)
    return {"of": list(benchmark.contrast), **estimate.judged()}


def open_report(
    file: Path | None,
    model: str,
    revision: str | None,
    adapter: str | None,
    sha256: Mapping[str, str | None],
    replaced: Sequence[str],
) -> EvalReport:
    """The report a run adds its suites to: the one on disk, or a new one.

    Args:
        file: Where it is kept, if anywhere.
        model, revision, adapter: What is measured.
        sha256: {"base", "adapter": SHA-256 of the weights, or None}.
        replaced: Suites to be measured; what the file holds of them from other weights is left out.

    Raises:
        EvaluationError: If the file holds results of another model or adapter, or suites that nobody replaces of other
            weights of the same names.
        ArtifactError: If it is damaged or newer, or was edited so that it can no longer be shown.
    """
    if file is None or not file.exists():
        return EvalReport(model, revision, adapter)
    report = EvalReport.load(file)
    suites: Any = report.suites
    entries = suites if isinstance(suites, dict) else {"suites": suites}
    if broken := [name for name, entry in entries.items() if not _is_readable(entry)]:
        problem = f"the entry {broken[0]} is not as evaluate writes it"
        raise ArtifactError(f"{file}: {problem}; remove it, or choose another file")
    if (report.model, report.revision, report.adapter) != (model, revision, adapter):
        held = _described(report.model, report.revision, report.adapter)
        asked = _described(model, revision, adapter)
        raise EvaluationError(f"{file}: holds results of {held}, not of {asked}; choose another file")
    measured_on = {name: entry.get("sha256", {}) for name, entry in report.suites.items()}
    stale = [
        name
        for name, found in measured_on.items()
        if any(found.get(part, sha256[part]) != sha256[part] for part in ("base", "adapter", "adapter_config"))
    ]
    if kept := [name for name in stale if name not in replaced]:
        problem = f"the suite {kept[0]} was measured on other weights or another scale of {adapter or model}"
        raise EvaluationError(f"{file}: {problem}; run it again too, or choose another file")
    for name in stale:
        del report.suites[name]
    return report


def _described(model: str, revision: str | None, adapter: str | None) -> str:
    at, plus = (f" at {revision}" if revision else ""), (f" with {adapter}" if adapter else "")
    return f"{model}{at}{plus}"


def _is_readable(entry: Any) -> bool:
    """Whether an entry of a file, which anybody may have edited, can be shown beside what is measured now."""
    try:
        held = EvalReport("", suites={"": entry})
        comparison_rows(held)
        return isinstance(entry.get("sha256", {}), dict) and all(
            row[3] == "not measured" or math.isfinite(row[3]) for row in table_rows(held)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def is_same_run(
    entry: dict[str, Any] | None,
    benchmark: Benchmark[Any],
    request: Request,
    limit: int | None,
    sha256: Mapping[str, str | None],
    against: str | None = None,
    items_sha256: str | None = None,
) -> bool:
    """Whether an entry already answers this request, so that a resumed run need not repeat it."""
    if entry is None or items_sha256 not in (None, entry.get("items_sha256")):
        return False
    wanted = {
        "limit": limit,
        "seed": request.seed,
        "settings": benchmark.settings(request),
        "version": __version__,
        "against": against,
    }
    found = entry.get("sha256", {})  # files of before do not name the configs
    return all(found.get(part, value) == value for part, value in sha256.items()) and all(
        entry.get(key) == value for key, value in wanted.items()
    )


def table_rows(report: EvalReport) -> list[list[Any]]:
    """One row a metric for ``TABLE_HEADERS``; the parts of a suite follow it."""
    rows = []
    for suite, entry in report.suites.items():
        label = f"{suite} (partial)" if entry.get("partial") else suite
        rows += [_row(label, name, metric) for name, metric in entry["metrics"].items()]
        for group, part in entry.get("groups", {}).items():
            rows += [_row(f"{label}: {group}", name, metric) for name, metric in part["metrics"].items()]
    return rows


def _row(label: str, name: str, metric: dict[str, Any]) -> list[Any]:
    if metric["value"] is None:
        return [label, name, 0, "not measured", *[None] * 6]
    difference = metric.get("difference")
    compared: list[Any] = [None] * 4
    if difference:
        compared = [metric["base"], difference["value"], _interval(difference["ci95"]), difference["verdict"]]
    return [label, name, metric.get("n"), metric["value"], _interval(metric["ci95"]), metric["baseline"], *compared]


def _interval(ends: list[float] | None) -> str | None:
    if ends is None:
        return None
    low, high = (round(end, 3) + 0.0 for end in ends)  # no "-0.000"
    return f"{low:.3f} to {high:.3f}"


def comparison_rows(report: EvalReport) -> list[list[Any]]:
    """Rows for ``COMPARISON_HEADERS``: metrics against the adapter named, and differences in differences."""
    rows = []
    for suite, entry in report.suites.items():
        label = f"{suite} (partial)" if entry.get("partial") else suite
        compared = {
            name: (metric["against"], entry["against"])
            for name, metric in entry["metrics"].items()
            if "against" in metric
        }
        if contrast := entry.get("difference_in_differences"):
            compared[" minus ".join(contrast["of"])] = (contrast, contrast["against"])
        rows += [
            [report.adapter, other, label, name, found["n"], found["value"], _interval(found["ci95"]), found["verdict"]]
            for name, (found, other) in compared.items()
        ]
    return rows


def side_by_side(reports: Sequence[EvalReport]) -> tuple[list[str], list[list[Any]]]:
    """Headers and rows of one table for several adapters: a row a metric, a column an adapter.

    A cell is the value and, in brackets, the interval of its difference to the base where that does not hold 0.
    """
    headers = ["suite", "metric", "n", "chance", "base", *(report.adapter or report.model for report in reports)]
    tables = [{_measured(row): row for row in table_rows(report)} for report in reports]
    keys = dict.fromkeys(key for table in tables for key in table)
    return headers, [[*key, *(_cell(table.get(key)) for table in tables)] for key in keys]


def _measured(row: list[Any]) -> tuple[Any, ...]:
    """What values of several reports must share to stand in one row: suite, metric, n, chance, and base as shown."""
    return (*row[:3], row[5], row[6] and round(row[6], 3) + 0.0)


def _cell(row: list[Any] | None) -> str | None:
    if row is None:
        return None
    if isinstance(row[3], str):
        return row[3]
    resolved = row[9] in ("higher", "lower")
    return f"{row[3]:.3f} [{row[9]}, {row[8]}]" if resolved else f"{row[3]:.3f}"
