"""Draw the plots of docs/objectives.md: ``python docs/plots.py`` (needs matplotlib)."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from distrust_hub.objective import distrust_term, example_weights, signed_core

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "distrust-hub", "svg.fonttype": "none", "font.size": 11})

import matplotlib.pyplot as plt  # noqa: E402 - after the backend is chosen
from matplotlib.colors import BoundaryNorm  # noqa: E402

IMAGES = Path(__file__).parent / "images"
SOURCES = {
    "patent of 1923": (0.05, 7.5),
    "preprint": (0.50, 3.5),
    "at the valley": (0.90, 2.3026),
    "encyclopaedia": (0.90, 1.0),
}


def plane(name: str, title: str, function, levels) -> None:
    """Contours of a function of authority weight and provenance entropy; dashed where the signed core is 0."""
    w, h = np.meshgrid(np.linspace(0, 0.99, 90), np.linspace(0, 8, 90))
    figure, axes = plt.subplots(figsize=(6, 4.2), layout="constrained")
    filled = axes.contourf(w, h, function(w, h), levels=levels, norm=BoundaryNorm(levels, 256), cmap="cividis")
    axes.contour(w, h, signed_core(w, h), levels=[0.0], colors="white", linestyles="dashed")
    figure.colorbar(filled)
    for label, (x, y) in SOURCES.items():
        axes.plot(x, y, "o", color="white", markeredgecolor="black")
        axes.annotate(
            label,
            (x, y),
            xytext=(6 if x < 0.7 else -6, 5 if y > 2 else -12),
            textcoords="offset points",
            ha="left" if x < 0.7 else "right",
            color="black" if y > 6 else "white",
            fontsize=9,
        )
    axes.set(xlabel="authority weight w", ylabel="provenance entropy H (bits)", title=title)
    save(figure, name)


def weights() -> None:
    """Training weight against the signed core, for three ratios."""
    core = np.linspace(-4.5, 8, 400)
    w, h = np.zeros_like(core), np.maximum(core, 0.0)
    negative = core < 0
    w[negative] = 1.0 - np.exp(core[negative])
    figure, axes = plt.subplots(figsize=(6, 4.2), layout="constrained")
    for ratio in (2, 4, 10):
        axes.plot(core, example_weights(w, h, max_weight_ratio=ratio), label=f"ratio {ratio}")
    axes.set(xlabel="signed core s", ylabel="weight of the example", title="reweight: weight by signed core")
    axes.legend()
    save(figure, "weights")


def save(figure, name: str) -> None:
    """Write an SVG that is the same each time."""
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    plane(
        "term", "The published term: a valley, not a slope", distrust_term, [0, 0.5, 1, 2, 5, 10, 20, 40, 80, 120, 180]
    )
    plane("core", "Its signed core: rises with trust", signed_core, list(range(-5, 9)))
    weights()
