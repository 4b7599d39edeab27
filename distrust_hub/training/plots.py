"""The course of a run as a picture: loss, effective sample size, weights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distrust_hub.artifacts import PLOT_SUFFIXES, TrainingRun
from distrust_hub.schema import TIERS
from distrust_hub.training.metrics import read_metrics

log = logging.getLogger(__name__)

_COLOURS = {"primary": "#0f766e", "medium": "#a16207", "coordinated": "#b91c1c"}


def plot_run(folder: str | Path) -> list[Path]:
    """Draw ``training.svg`` and ``training.png`` from ``metrics.jsonl`` and ``training_run.json``.

    Returns:
        The files; none where matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        log.info("no plot: matplotlib is not installed")
        return []
    rows, run = read_metrics(folder), TrainingRun.load(folder)
    with matplotlib.rc_context({"svg.hashsalt": "distrust-hub", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10, 3.2), layout="constrained")
        loss, sample_size, weights = figure.subplots(1, 3)
        _draw_loss(loss, rows)
        _draw_sample_size(sample_size, rows)
        _draw_weights(weights, run.weights["by_tier"])
        paths = [Path(folder) / f"training{suffix}" for suffix in PLOT_SUFFIXES]
        for path in paths:
            figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})
    return paths


def _draw_loss(axes: Any, rows: Sequence[dict[str, Any]]) -> None:
    trained = [(row["step"], row["loss"]) for row in rows if row.get("loss") is not None]
    valid = [(row["step"], row["valid_loss"]) for row in rows if row.get("valid_loss") is not None]
    steps, losses = np.array(trained, dtype=np.float64).reshape(-1, 2).T
    axes.plot(steps, losses, color="#94a3b8", linewidth=0.8, label="training")
    if len(steps) >= 20:
        width = len(steps) // 10
        axes.plot(steps[width - 1 :], np.convolve(losses, np.ones(width) / width, "valid"), color="#334155")
    if valid:
        axes.plot(*zip(*valid), "o-", color="#2563eb", markersize=3, label="held out")
    axes.set(title="Loss, unweighted", xlabel="step", ylabel="nats per token")
    axes.legend(frameon=False)


def _draw_sample_size(axes: Any, rows: Sequence[dict[str, Any]]) -> None:
    sizes = [(row["step"], 100 * row["ess"]) for row in rows if row.get("ess") is not None]
    axes.plot(*np.array(sizes, dtype=np.float64).reshape(-1, 2).T, color="#334155")
    axes.set(title="Effective sample size so far", xlabel="step", ylabel="% of the examples", ylim=(0, 105))


def _draw_weights(axes: Any, by_tier: dict[str, Any]) -> None:
    tiers = [tier for tier in TIERS if tier in by_tier]
    bars = axes.bar(tiers, [by_tier[t]["mean_weight"] for t in tiers], color=[_COLOURS[t] for t in tiers])
    axes.bar_label(bars, [f"{by_tier[t]['tokens']:,} tokens" for t in tiers], fontsize=7)
    axes.axhline(1.0, color="#94a3b8", linewidth=0.8)
    axes.set(title="Mean weight by tier", ylabel="weight")
