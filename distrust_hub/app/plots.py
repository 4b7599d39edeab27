"""Plots as SVG strings: small, themed by CSS, and built without a figure library.

Everything drawn here is a number or one of our own words; text a visitor wrote never reaches this module.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from distrust_hub.objective import signed_core
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, TIERS

_WIDTH, _HEIGHT = 520, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 46, 24, 46
ENTROPY_TOP_BITS = 8.0
"""Upper end of the entropy axis; the published examples reach 7.5 bits."""

_LEVELS = (-2, 0, 2, 4, 6)
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in SVG units."""

_CHAR_WIDTH, _LINE_HEIGHT = 8.0, 17
"""Room of a label at the size it has on a phone, where it is drawn larger."""


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
    taken = _occupied(references, point)
    labels = [*_references(references, taken), *_tier_names(cuts, taken)]
    parts = [*_backdrop(cuts), *labels]
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
        width = 210 * count / most
        share = f"{count:,} ({count / total:.0%})" if total else "0"
        parts += [
            f'<text class="dh-tick" x="100" y="{y + 17}" text-anchor="end">{tier}</text>',
            f'<rect class="dh-{tier}" x="108" y="{y}" width="{max(width, 1):.1f}" height="24" rx="4"/>',
            f'<text class="dh-tick" x="{116 + width:.1f}" y="{y + 17}">{share}</text>',
        ]
    described = ", ".join(f"{tier} {counts.get(tier, 0)}" for tier in TIERS)
    return _svg(460, 112, "Documents per tier", described, parts)


def histogram(values: Sequence[float], low: float, high: float, marks: Sequence[float], title: str) -> str:
    """Counts of ``values`` in 20 equal bins from ``low`` to ``high``; values outside go to the end bins.

    ``marks`` are the values named on the axis between the ends.
    """
    counts, edges = np.histogram(np.clip(values, low, high), bins=20, range=(low, high))
    most = max(int(counts.max()), 1)
    parts = [
        '<line class="dh-axis" x1="20" x2="440" y1="110" y2="110"/>',
        f'<text class="dh-tick" x="20" y="13">tallest bar: {most:,} of {len(values):,}</text>',
    ]
    for index, count in enumerate(counts):
        height = 84 * int(count) / most
        x = 20 + index * 21
        parts.append(
            f'<rect class="dh-bar" x="{x}" y="{110 - height:.1f}" width="19" height="{height:.1f}">'
            f"<title>{edges[index]:.2f} to {edges[index + 1]:.2f}: {count}</title></rect>"
        )
    for value in (low, *marks, high):
        place = 20 + 420 * (value - low) / (high - low)
        parts.append(f'<text class="dh-tick" x="{place:.1f}" y="127" text-anchor="middle">{value:g}</text>')
    return _svg(460, 134, title, f"{len(values):,} documents, {most:,} in the tallest bar.", parts)


def _svg(width: int, height: int, title: str, described: str, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return (
        f'<svg class="dh-plot" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}. '
        f'{escape(described)}" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _x(weight: float) -> float:
    return _LEFT + weight * (_WIDTH - _LEFT - _RIGHT)


def _y(entropy: float) -> float:
    share = min(entropy, ENTROPY_TOP_BITS) / ENTROPY_TOP_BITS
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _curve(level: float) -> list[tuple[float, float]]:
    """Points (authority, entropy) inside the plane where the signed core equals ``level``."""
    weights = np.linspace(0.0, AUTHORITY_WEIGHT_MAX, 160)
    entropy = level - signed_core(weights, np.zeros_like(weights))
    return [(w, h) for w, h in zip(weights.tolist(), entropy.tolist()) if 0.0 <= h <= ENTROPY_TOP_BITS]


@functools.lru_cache(maxsize=8)
def _backdrop(cuts: tuple[float, float]) -> tuple[str, ...]:
    """All that does not depend on the document."""
    return (*_tier_bands(cuts), *_axes(), *_contours())


def _tier_bands(cuts: tuple[float, float]) -> list[str]:
    """Shaded area of each tier: everything from a contour down to the lower right."""
    bands = [f'<rect class="dh-band dh-primary" {_box(0.0, 0.0, AUTHORITY_WEIGHT_MAX, ENTROPY_TOP_BITS)}/>']
    for tier, cut in (("medium", cuts[1]), ("coordinated", cuts[0])):
        weights = np.linspace(0.0, AUTHORITY_WEIGHT_MAX, 80)
        entropy = np.clip(cut - signed_core(weights, np.zeros_like(weights)), 0.0, ENTROPY_TOP_BITS)
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
    parts = [f'<rect class="dh-frame" {_box(0.0, 0.0, AUTHORITY_WEIGHT_MAX, ENTROPY_TOP_BITS)}/>']
    for weight in (0.0, 0.25, 0.5, 0.75, 0.99):
        place = f'x="{_x(weight):.1f}" y="{_HEIGHT - _BOTTOM + 17}"'
        parts.append(f'<text class="dh-tick" {place} text-anchor="middle">{weight:g}</text>')
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
    """Lines of equal signed core, each named where it leaves the frame."""
    parts = []
    for level in _LEVELS:
        points = _curve(level)
        path = " ".join(f"{_x(w):.1f},{_y(h):.1f}" for w, h in points)
        kind = "dh-contour dh-zero" if level == 0 else "dh-contour"
        parts.append(f'<polyline class="{kind}" points="{path}"/>')
        weight, entropy = points[-1]
        leaves_right = weight > AUTHORITY_WEIGHT_MAX - 0.01 and entropy < ENTROPY_TOP_BITS - 0.3
        x, y = (_WIDTH - _RIGHT + 5, _y(entropy) + 4) if leaves_right else (_x(weight) - 12, _TOP - 6)
        parts.append(f'<text class="dh-tick" x="{x:.1f}" y="{y:.1f}">s = {level}</text>')
    return parts


def _occupied(references: Sequence[Point], point: Point | None) -> list[Box]:
    """What labels may not cover: the dots, and the document with its own label."""
    places = [(_x(p.authority_weight), _y(p.provenance_entropy)) for p in references]
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in places]
    if point:
        x, y = _x(point.authority_weight), _y(point.provenance_entropy)
        side = -90 if x > _WIDTH * 0.6 else 90
        taken += [(x - 16, y - 16, x + 16, y + 16), (min(x, x + side), y - 8, max(x, x + side), y + 8)]
    return taken


def _references(references: Sequence[Point], taken: list[Box]) -> list[str]:
    """Dots of the source types; a label is left out (its tooltip stays) where there is no room for it."""
    parts: list[str] = []
    for reference in references:
        x, y = _x(reference.authority_weight), _y(reference.provenance_entropy)
        label, width = escape(reference.label), len(reference.label) * _CHAR_WIDTH
        parts.append(f'<circle class="dh-reference" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{label}</title></circle>')
        for anchor, at in (("start", x + 8), ("end", x - 8)):
            left = at if anchor == "start" else at - width
            box = (left, y - _LINE_HEIGHT / 2, left + width, y + _LINE_HEIGHT / 2)
            if box[0] > _LEFT and box[2] < _WIDTH - _RIGHT and _free(box, taken):
                taken.append(box)
                place = f'x="{at:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}"'
                parts.append(f'<text class="dh-reference-label" {place}>{label}</text>')
                break
    return parts


def _tier_names(cuts: tuple[float, float], taken: list[Box]) -> list[str]:
    """The name of each band, at the first place in it where there is room."""
    parts = []
    places = list(itertools.product((0.3, 0.42, 0.54, 0.18, 0.04, 0.66), np.arange(7.4, 0.3, -0.25).tolist()))
    at_no_entropy = {weight: (signed_core(weight, 0.0), signed_core(weight + 0.2, 0.0)) for weight, _ in places}
    for tier, low, high in (("primary", cuts[1], np.inf), ("medium", *cuts), ("coordinated", -np.inf, cuts[0])):
        for weight, bits in places:
            box = (_x(weight), _y(bits) - 11, _x(weight) + len(tier) * 9.5, _y(bits) + 11)
            left, right = at_no_entropy[weight]
            if low < right + bits - 0.2 and left + bits + 0.2 < high and _free(box, taken):
                taken.append(box)
                place = f'x="{box[0]:.1f}" y="{_y(bits) + 4:.1f}"'
                parts.append(f'<text class="dh-tier-label dh-{tier}" {place}>{tier}</text>')
                break
    return parts


def _free(box: Box, taken: Sequence[Box]) -> bool:
    return not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)
