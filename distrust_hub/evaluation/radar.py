"""A radar plot of reports: one axis a metric from 0 to 1, one outline a model, chance dotted.

The SVG needs no library; PNG is drawn by matplotlib where it is installed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import ConfigError, EvaluationError, MissingDependencyError
from distrust_hub.files import atomic_write

FORMATS = (".svg", ".png")

_SHARES = ("mc1", "mc2", "binary", "primary_rate", "accuracy")
"""Metrics on a scale from 0 to 1 where more is better, by the end of their names."""

_COLOURS = ("#6b7280", "#1d4ed8", "#b45309", "#047857", "#9d174d", "#6d28d9")
_SIZE, _RADIUS = 640, 210
_RINGS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Axis:
    """One spoke.

    Attributes:
        label: Suite and metric; partial suites say so.
        chance: What a model that knows nothing scores, or None.
        values: Value of each outline in the order of ``Radar.names``; None where it was not measured.
    """

    label: str
    chance: float | None
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Radar:
    """What is drawn.

    Attributes:
        title: Base model.
        names: Outlines: the base, then the adapters.
        axes: At least three.
    """

    title: str
    names: tuple[str, ...]
    axes: tuple[Axis, ...]


def radar(reports: Sequence[EvalReport]) -> Radar:
    """Collect the metrics that share the scale 0 to 1.

    Args:
        reports: Reports of adapters of one base, or of one base alone.

    Raises:
        EvaluationError: If fewer than three metrics can be drawn.
    """
    adapters = [report for report in reports if report.adapter]
    names = ("base", *(str(report.adapter) for report in adapters))
    tables = [dict(_shares(report)) for report in reports]
    axes = []
    for label in dict.fromkeys(label for table in tables for label in table):
        entries = [table.get(label, {}) for table in tables]
        first = next(entry for entry in entries if entry)
        base = first.get("base", first["value"])
        values = (base, *(entry.get("value") for entry, report in zip(entries, reports) if report.adapter))
        axes.append(Axis(label, first["baseline"], values))
    _check_number(len(axes))
    return Radar(reports[0].model, names, tuple(axes))


def write_radar(reports: Sequence[EvalReport], path: str | Path) -> Path:
    """Draw reports into a ``.svg`` or ``.png`` file.

    Raises:
        ConfigError: For another kind of file.
        EvaluationError: If there is too little to draw.
        MissingDependencyError: For PNG without matplotlib.
    """
    file = Path(path)
    check_plot_path(file)
    picture = radar(reports)
    if file.suffix.lower() == ".png":
        _draw_png(picture, file)
    else:
        with atomic_write(file) as stream:
            stream.write(radar_svg(picture))
    return file


def check_drawable(metrics: Iterable[str]) -> None:
    """Raise EvaluationError if so few of these metrics go from 0 to 1 that no run can give a radar."""
    _check_number(sum(name.endswith(_SHARES) for name in metrics))


def _check_number(axes: int) -> None:
    if axes < 3:
        raise EvaluationError(f"{axes} metrics from 0 to 1 to draw; a radar needs 3, so run more suites")


def check_plot_path(path: str | Path) -> None:
    """Raise ConfigError unless the file's name ends in one of FORMATS."""
    if Path(path).suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: plots are written as {' or '.join(FORMATS)}; name the file so")


def radar_svg(picture: Radar) -> str:
    """The plot as one ``<svg>`` element with a title and the numbers as its description."""
    spokes = len(picture.axes)
    rings = [_outline([ring] * spokes, 'fill="none" stroke="#d1d5db"') for ring in _RINGS]
    lines = [_line(index, spokes) for index in range(spokes)]
    chance = _outline([axis.chance for axis in picture.axes], 'fill="none" stroke="#374151" stroke-dasharray="2 4"')
    shapes, legend = [], []
    for number, name in enumerate(picture.names):
        colour = _COLOURS[number % len(_COLOURS)]
        values = [axis.values[number] for axis in picture.axes]
        shapes.append(_outline(values, f'fill="{colour}" fill-opacity="0.08" stroke="{colour}" stroke-width="2"'))
        y = 40 + 18 * number
        legend.append(f'<rect x="14" y="{y - 9}" width="10" height="10" fill="{colour}"/>{_text(30, y, name)}')
    labels = [_label(index, spokes, axis) for index, axis in enumerate(picture.axes)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" role="img" '
        'font-family="sans-serif" font-size="11">'
        f"<title>{escape(picture.title)}</title><desc>{escape(_described(picture))}</desc>"
        f'<rect width="{_SIZE}" height="{_SIZE}" fill="white"/>{_text(14, 20, picture.title)}'
    )
    foot = _text(14, _SIZE - 10, "0 in the centre, 1 at the rim; dotted: a model that knows nothing")
    return "\n".join([head, *rings, *lines, chance, *shapes, *labels, *legend, foot, "</svg>"]) + "\n"


def _shares(report: EvalReport) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for suite, entry in report.suites.items():
        mark = " (partial)" if entry.get("partial") else ""
        parts = [("", entry["metrics"])] + [
            (f" {group}", {"mc2": part["metrics"]["mc2"]})
            for group, part in entry.get("groups", {}).items()
            if "mc2" in part["metrics"]
        ]
        for group, metrics in parts:
            found += [
                (f"{suite}{mark}{group}: {name}", metric)
                for name, metric in metrics.items()
                if name.endswith(_SHARES) and metric["value"] is not None
            ]
    return found


def _described(picture: Radar) -> str:
    rows = []
    for axis in picture.axes:
        values = ("not measured" if value is None else f"{value:.3f}" for value in axis.values)
        rows.append(f"{axis.label}: " + ", ".join(f"{n} {v}" for n, v in zip(picture.names, values)))
    return "; ".join(rows)


def _point(index: int, spokes: int, radius: float) -> tuple[float, float]:
    angle = 2 * math.pi * index / spokes - math.pi / 2
    centre = _SIZE / 2
    return centre + radius * math.cos(angle), centre + radius * math.sin(angle)


def _outline(values: Sequence[float | None], style: str) -> str:
    """A polygon through the values that there are."""
    corners = (_point(i, len(values), _RADIUS * v) for i, v in enumerate(values) if v is not None)
    return f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in corners)}" {style}/>'


def _line(index: int, spokes: int) -> str:
    x, y = _point(index, spokes, _RADIUS)
    return f'<line x1="{_SIZE / 2}" y1="{_SIZE / 2}" x2="{x:.1f}" y2="{y:.1f}" stroke="#d1d5db"/>'


def _label(index: int, spokes: int, axis: Axis) -> str:
    """Suite above, metric below, outside the rim and pointing away from it."""
    x, y = _point(index, spokes, _RADIUS + 14)
    side = "middle" if abs(x - _SIZE / 2) < 20 else "start" if x > _SIZE / 2 else "end"
    suite, _, metric = axis.label.partition(": ")
    return _text(x, y - 3, suite, side) + _text(x, y + 9, metric.replace("_", " "), side)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _draw_png(picture: Radar, file: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "eval", "a PNG plot (an .svg file does not)") from error
    angles = [2 * math.pi * index / len(picture.axes) for index in range(len(picture.axes))]
    figure = Figure(figsize=(8, 8), layout="constrained")
    plot: Any = figure.add_subplot(projection="polar", theta_offset=math.pi / 2, theta_direction=-1)

    def outline(values: list[float | None], **style: Any) -> None:
        there = [(angle, value) for angle, value in zip(angles, values) if value is not None]
        plot.plot(*zip(*there, there[0]), **style)

    for number, name in enumerate(picture.names):
        colour = _COLOURS[number % len(_COLOURS)]
        outline([axis.values[number] for axis in picture.axes], color=colour, label=name)
    outline([axis.chance for axis in picture.axes], color="black", linestyle=":", label="knows nothing")
    plot.set_xticks(angles, [axis.label.replace(": ", "\n").replace("_", " ") for axis in picture.axes], fontsize=8)
    for label, angle in zip(plot.get_xticklabels(), angles):  # beside the rim, not across it
        side = round(math.sin(angle), 2)
        label.set_horizontalalignment("left" if side > 0 else "right" if side < 0 else "center")
    plot.set_ylim(0, 1)
    plot.set_yticks(_RINGS, map(str, _RINGS), fontsize=8)
    plot.set_rlabel_position(180 / len(angles))  # between two axes
    figure.legend(loc="outside lower left", fontsize=8)
    figure.suptitle(picture.title)
    with atomic_write(file, "wb") as stream:
        figure.savefig(stream, format="png", dpi=120)
