"""Plots as SVG strings: small, themed by CSS, and built without a figure library.

Everything drawn here is a number or one of our own words; text a visitor wrote never reaches this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from distrust_hub.objective import signed_core
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, TIERS

_WIDTH, _HEIGHT = 520, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 16, 46
_ENTROPY_TOP_BITS = 8.0
_LEVELS = (-4, -2, 0, 2, 4, 6)
_CHAR_WIDTH, _LINE_HEIGHT = 6.2, 13


@dataclass(frozen=True)
class Point:
    """A labelled place on the plane: ``authority_weight`` 0 to 0.99, ``provenance_entropy`` in bits."""

    label: str
    authority_weight: float
    provenance_entropy: float


def plane(point: Point | None, references: Sequence[Point], cuts: tuple[float, float]) -> str:
    """The (authority, entropy) plane with the signed core's contours.

    Args:
        point: The document; None draws the empty plane.
        references: Typical places of source types, labelled where labels do not collide.
        cuts: Values of the signed core where tiers change, ascending.

    Returns:
        One ``<svg>`` element with a title and a description for screen readers.
    """
    parts = [*_tier_bands(cuts), *_axes(), *_contours(), *_references(references, point)]
    described = "No document yet."
    if point:
        core = signed_core(point.authority_weight, point.provenance_entropy)
        described = (
            f"The document lies at authority weight {point.authority_weight:.2f} and provenance entropy "
            f"{point.provenance_entropy:.1f} bits; its signed core is {core:.2f}."
        )
        x, y = _x(point.authority_weight), _y(point.provenance_entropy)
        parts.append(f'<circle class="dh-halo" cx="{x:.1f}" cy="{y:.1f}" r="13"/>')
        parts.append(f'<circle class="dh-here" cx="{x:.1f}" cy="{y:.1f}" r="7"/>')
        anchor, offset = ("end", -17) if x > _WIDTH * 0.6 else ("start", 17)
        parts.append(
            f'<text class="dh-here-label" x="{x + offset:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">'
            f"{escape(point.label)}</text>"
        )
    return _svg(_WIDTH, _HEIGHT, "Where the document lies", described, parts)


def tier_bars(counts: Mapping[str, int]) -> str:
    """Documents per tier as labelled bars."""
    total, most = sum(counts.values()), max([*counts.values(), 1])
    parts = []
    for index, tier in enumerate(TIERS):
        count, y = counts.get(tier, 0), 8 + index * 34
        width = 250 * count / most
        share = f"{count:,} ({count / total:.0%})" if total else "0"
        parts += [
            f'<text class="dh-tick" x="100" y="{y + 17}" text-anchor="end">{tier}</text>',
            f'<rect class="dh-{tier}" x="108" y="{y}" width="{max(width, 1):.1f}" height="24" rx="4"/>',
            f'<text class="dh-tick" x="{116 + width:.1f}" y="{y + 17}">{share}</text>',
        ]
    described = ", ".join(f"{tier} {counts.get(tier, 0)}" for tier in TIERS)
    return _svg(460, 112, "Documents per tier", described, parts)


def histogram(values: Sequence[float], low: float, high: float, title: str) -> str:
    """Counts of ``values`` in 20 equal bins from ``low`` to ``high``; values outside go to the end bins."""
    counts, edges = np.histogram(np.clip(values, low, high), bins=20, range=(low, high))
    most = max(int(counts.max()), 1)
    parts = [f'<line class="dh-axis" x1="20" x2="440" y1="100" y2="100"/>']
    for index, count in enumerate(counts):
        height = 84 * int(count) / most
        x = 20 + index * 21
        parts.append(
            f'<rect class="dh-bar" x="{x}" y="{100 - height:.1f}" width="19" height="{height:.1f}">'
            f"<title>{edges[index]:.2f} to {edges[index + 1]:.2f}: {count}</title></rect>"
        )
    for value, x, anchor in ((low, 20, "start"), ((low + high) / 2, 230, "middle"), (high, 440, "end")):
        parts.append(f'<text class="dh-tick" x="{x}" y="116" text-anchor="{anchor}">{value:g}</text>')
    return _svg(460, 122, title, f"{len(values)} documents, tallest bin {most}.", parts)


def _svg(width: int, height: int, title: str, described: str, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return (
        f'<svg class="dh-plot" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}. '
        f'{escape(described)}" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _x(weight: float) -> float:
    return _LEFT + weight * (_WIDTH - _LEFT - _RIGHT)


def _y(entropy: float) -> float:
    share = min(entropy, _ENTROPY_TOP_BITS) / _ENTROPY_TOP_BITS
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _curve(level: float) -> list[tuple[float, float]]:
    """Points (authority, entropy) inside the plane where the signed core equals ``level``."""
    weights = np.linspace(0.0, AUTHORITY_WEIGHT_MAX, 160)
    entropy = level - signed_core(weights, np.zeros_like(weights))
    return [(w, h) for w, h in zip(weights.tolist(), entropy.tolist()) if 0.0 <= h <= _ENTROPY_TOP_BITS]


def _tier_bands(cuts: tuple[float, float]) -> list[str]:
    """Shaded area of each tier: everything from a contour down to the lower right."""
    bands = [f'<rect class="dh-band dh-primary" {_box(0.0, 0.0, AUTHORITY_WEIGHT_MAX, _ENTROPY_TOP_BITS)}/>']
    for tier, cut in (("medium", cuts[1]), ("coordinated", cuts[0])):
        weights = np.linspace(0.0, AUTHORITY_WEIGHT_MAX, 80)
        entropy = np.clip(cut - signed_core(weights, np.zeros_like(weights)), 0.0, _ENTROPY_TOP_BITS)
        outline = [*zip(weights.tolist(), entropy.tolist()), (AUTHORITY_WEIGHT_MAX, 0.0), (0.0, 0.0)]
        path = " ".join(f"{_x(w):.1f},{_y(h):.1f}" for w, h in outline)
        bands.append(f'<polygon class="dh-band-base" points="{path}"/>')
        bands.append(f'<polygon class="dh-band dh-{tier}" points="{path}"/>')
    return bands


def _box(low_x: float, low_y: float, high_x: float, high_y: float) -> str:
    return (
        f'x="{_x(low_x):.1f}" y="{_y(high_y):.1f}" width="{_x(high_x) - _x(low_x):.1f}" '
        f'height="{_y(low_y) - _y(high_y):.1f}"'
    )


def _axes() -> list[str]:
    parts = [f'<rect class="dh-frame" {_box(0.0, 0.0, AUTHORITY_WEIGHT_MAX, _ENTROPY_TOP_BITS)}/>']
    for weight in (0.0, 0.25, 0.5, 0.75, 0.99):
        parts.append(
            f'<text class="dh-tick" x="{_x(weight):.1f}" y="{_HEIGHT - _BOTTOM + 17}" text-anchor="middle">{weight:g}</text>'
        )
    for bits in (0, 2, 4, 6, 8):
        parts.append(f'<text class="dh-tick" x="{_LEFT - 8}" y="{_y(bits) + 4:.1f}" text-anchor="end">{bits}</text>')
    middle_x, middle_y = (_LEFT + _WIDTH - _RIGHT) / 2, (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text class="dh-label" x="{middle_x}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "authority weight (institutional voice) →</text>"
    )
    parts.append(
        f'<text class="dh-label" x="14" y="{middle_y}" text-anchor="middle" transform="rotate(-90 14 {middle_y})">'
        "provenance entropy, bits →</text>"
    )
    return parts


def _contours() -> list[str]:
    parts = []
    for level in _LEVELS:
        points = _curve(level)
        path = " ".join(f"{_x(w):.1f},{_y(h):.1f}" for w, h in points)
        kind = "dh-contour dh-zero" if level == 0 else "dh-contour"
        parts.append(f'<polyline class="{kind}" points="{path}"/>')
        weight, entropy = points[len(points) * 3 // 5]
        text = "s = 0: the published term is 0" if level == 0 else f"s = {level}"
        x, y = _x(weight), _y(entropy)
        end = _curve(level)[min(len(points) * 3 // 5 + 3, len(points) - 1)]
        slope = np.degrees(np.arctan2(_y(end[1]) - y, max(_x(end[0]) - x, 1e-6)))
        parts.append(
            f'<text class="dh-contour-label" x="{x:.1f}" y="{y - 4:.1f}" text-anchor="middle" '
            f'transform="rotate({slope:.0f} {x:.1f} {y:.1f})">{text}</text>'
        )
    return parts


def _references(references: Sequence[Point], point: Point | None) -> list[str]:
    parts: list[str] = []
    taken: list[tuple[float, float, float, float]] = []
    if point:
        x, y = _x(point.authority_weight), _y(point.provenance_entropy)
        taken.append((x - 16, y - 16, x + 16, y + 16))
    for reference in references:
        x, y = _x(reference.authority_weight), _y(reference.provenance_entropy)
        label = escape(reference.label)
        parts.append(f'<circle class="dh-reference" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{label}</title></circle>')
        width = len(reference.label) * _CHAR_WIDTH
        for start, anchor in ((x + 8, "start"), (x - 8 - width, "end")):
            box = (start, y - _LINE_HEIGHT / 2, start + width, y + _LINE_HEIGHT / 2)
            inside = box[0] > _LEFT and box[2] < _WIDTH - _RIGHT
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                at = start if anchor == "start" else start + width
                parts.append(
                    f'<text class="dh-reference-label" x="{at:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{label}</text>'
                )
                break
    return parts


def _overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
