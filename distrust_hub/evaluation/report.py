"""Outcomes to ``eval_results.json``: entries, merging, and the rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distrust_hub import __version__
from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.benchmark import Benchmark, Measurement, Outcome, Request

TABLE_HEADERS = ("suite", "metric", "n", "value", "95 % interval", "chance", "base", "difference", "95 % interval", "")


def suite_entry(
    benchmark: Benchmark[Any],
    request: Request,
    outcome: Outcome,
    *,
    n: int,
    limit: int | None = None,
    total: int | None = None,
    base: Outcome | None = None,
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
    """
    entry: dict[str, Any] = {
        "n": n,
        "limit": limit,
        "partial": total is not None and n < total,
        "seed": request.seed,
        "settings": benchmark.settings(request),
        "primary_metric": outcome.primary_metric or benchmark.primary_metric,
        "higher_is_better": benchmark.higher_is_better,
        "version": __version__,
        "metrics": _metrics(outcome.measurements, base.measurements if base else {}, request.seed),
    }
    if outcome.groups:
        entry["groups"] = {
            name: {"metrics": _metrics(measured, base.groups.get(name, {}) if base else {}, request.seed)}
            for name, measured in outcome.groups.items()
        }
    return entry


def _metrics(measured: dict[str, Any], base: dict[str, Any], seed: int) -> dict[str, Any]:
    """Metric entries; one the data cannot give has the value None, which reads as "not measured"."""
    missing = {"value": None, "ci95": None, "n": 0, "baseline": None}
    return {
        name: measurement.to_json(seed, base.get(name)) if isinstance(measurement, Measurement) else dict(missing)
        for name, measurement in measured.items()
    }


def open_report(file: Path | None, model: str, revision: str | None, adapter: str | None) -> EvalReport:
    """The report a run adds its suites to: the one on disk, or a new one.

    Raises:
        EvaluationError: If the file holds results of another model or adapter.
        ArtifactError: If it is damaged or newer.
    """
    if file is None or not file.exists():
        return EvalReport(model, revision, adapter)
    report = EvalReport.load(file)
    if (report.model, report.revision, report.adapter) != (model, revision, adapter):
        held = f"{report.model}{f' with {report.adapter}' if report.adapter else ''}"
        asked = f"{model}{f' with {adapter}' if adapter else ''}"
        raise EvaluationError(f"{file}: holds results of {held}, not of {asked}; choose another file")
    return report


def is_same_run(entry: dict[str, Any] | None, benchmark: Benchmark[Any], request: Request, limit: int | None) -> bool:
    """Whether an entry already answers this request, so that a resumed run need not repeat it."""
    if entry is None:
        return False
    wanted = {"limit": limit, "seed": request.seed, "settings": benchmark.settings(request), "version": __version__}
    return all(entry.get(key) == value for key, value in wanted.items())


def table_rows(report: EvalReport) -> list[list[Any]]:
    """One row a metric for ``TABLE_HEADERS``; the parts of a suite follow it."""
    rows = []
    for suite, entry in report.suites.items():
        label = f"{suite} (partial)" if entry["partial"] else suite
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
    return [label, name, metric["n"], metric["value"], _interval(metric["ci95"]), metric["baseline"], *compared]


def _interval(ends: list[float]) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}"
