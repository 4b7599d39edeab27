"""The learned style component: two linear predictors, small, versioned, capped, and shown term by term.

With ``P`` the softmax over (primary, medium, coordinated) of the linear predictors ``(a, b, 0)``::

    a = intercept_a + sum_k group_ak * x_k + sum_v word_av / sqrt(U)

``x_k`` are the standardised rates of the word groups and shapes in ``features.py`` (clipped at +-3), ``v`` runs over
the general words present and ``U`` is the number of different words. The component adds
``cap_w * (P_coordinated + 0.3 P_medium - r)`` to authority_weight and ``cap_H * (P_primary + 0.6 P_medium - q)`` bits
to provenance_entropy, where r and q make a text with no terms add nothing. Weights: ``benchmarks/fit_scoring.py``.

The terms' shares are integrated gradients (Sundararajan, Taly, Yan 2017) along the straight line from no terms to the
text; they add up to the component exactly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.features import NAMES

CLIP = 3.0
"""Standard deviations after which more of a feature adds nothing (our choice)."""

FULL_WORDS = 120
"""Length from which absent wording is evidence: the shortest documents of the fit."""

MEDIUM_AUTHORITY, MEDIUM_ENTROPY = 0.3, 0.6
"""Where medium stands between the two ends on each axis (our choice, by leave-one-origin-out ranking)."""

_NODES = ((0.069432, 0.173927), (0.330009, 0.326073), (0.669991, 0.326073), (0.930568, 0.173927))
"""Four-point Gauss-Legendre quadrature on [0, 1]; what it misses is made good in ``_gradients``."""


Array = NDArray[np.float64]


class Table(NamedTuple):
    """Weights in the form the sums want them: mean and 1 / scale of the features, (K,); weights of a and b, (K, 2)."""

    mean: Array
    inverse: Array
    groups: Array
    words_a: dict[str, float]
    words_b: dict[str, float]
    intercept: tuple[float, float]


class Style(NamedTuple):
    """The component of one text.

    Attributes:
        a: Predictor of primary against coordinated.
        b: Predictor of medium against coordinated.
        authority: Contribution to authority_weight.
        entropy: Contribution to provenance_entropy in bits.
        share: Share of the text that is in the language of the weights; both contributions are scaled by it.
    """

    a: float
    b: float
    authority: float
    entropy: float
    share: float

    @property
    def probabilities(self) -> tuple[float, float, float]:
        """Of (primary, medium, coordinated)."""
        return _softmax(self.a, self.b)


@lru_cache(maxsize=1)
def table() -> Table:
    """The packaged weights."""
    groups = calibration().style["features"]
    text = resources.files("distrust_hub.scoring").joinpath("style_words.json").read_text(encoding="utf-8")
    words = json.loads(text)
    first, second = calibration().style["intercept"]
    return Table(
        np.array([groups[n]["mean"] for n in NAMES]),
        np.array([1.0 / groups[n]["scale"] for n in NAMES]),
        np.array([[groups[n]["primary"], groups[n]["medium"]] for n in NAMES]),
        {word: pair[0] for word, pair in words.items()},
        {word: pair[1] for word, pair in words.items()},
        (first, second),
    )


def standardised(values: Sequence[float], words: int) -> Array:
    """Features in standard deviations from their mean, clipped, shape (K,).

    What is rarer than usual counts in full from ``FULL_WORDS`` words on: in a short text its absence says little.
    """
    weights = table()
    z: Array = (np.array(values) - weights.mean) * weights.inverse
    if words < FULL_WORDS:
        z = np.where(z < 0.0, z * (words / FULL_WORDS), z)
    return np.maximum(np.minimum(z, CLIP), -CLIP)


def style_of(z: Array, unique: set[str], share: float) -> Style:
    """Score a text's style.

    Args:
        z: Standardised features in the order of ``features.NAMES``.
        unique: The different words of the text, lower case.
        share: Share of the text in the language of the weights, 0 to 1.
    """
    weights = table()
    first, second = (z @ weights.groups).tolist()
    a, b = weights.intercept[0] + first, weights.intercept[1] + second
    known = weights.words_a.keys() & unique
    if known:
        root = 1.0 / math.sqrt(len(unique))
        a += sum(map(weights.words_a.__getitem__, known)) * root
        b += sum(map(weights.words_b.__getitem__, known)) * root
    primary, medium, coordinated = _softmax(a, b)
    caps = calibration().style
    third = 1.0 / 3.0
    authority = caps["cap_authority"] * (coordinated - third + MEDIUM_AUTHORITY * (medium - third))
    entropy = caps["cap_entropy_bits"] * (primary - third + MEDIUM_ENTROPY * (medium - third))
    return Style(a, b, authority * share, entropy * share, share)


def style_terms(style: Style, z: Array, unique: set[str]) -> Iterator[tuple[str, str, float, float]]:
    """Each term's ``(kind, name, authority, entropy bits)``; kind is ``group``, ``word`` or ``intercept``."""
    weights = table()
    (wa, wb), (ha, hb) = _gradients(style)
    yield ("intercept", "intercept", *_shares(weights.intercept, wa, wb, ha, hb))
    for name, x, (first, second) in zip(NAMES, z.tolist(), weights.groups.tolist()):
        yield ("group", name, *_shares((x * first, x * second), wa, wb, ha, hb))
    root = 1.0 / math.sqrt(len(unique)) if unique else 0.0
    for word in sorted(weights.words_a.keys() & unique):
        pair = (weights.words_a[word] * root, weights.words_b[word] * root)
        yield ("word", word, *_shares(pair, wa, wb, ha, hb))


def _shares(pair: tuple[float, float], wa: float, wb: float, ha: float, hb: float) -> tuple[float, float]:
    return pair[0] * wa + pair[1] * wb, pair[0] * ha + pair[1] * hb


def _gradients(style: Style) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean slopes of (authority, entropy) in a and b along the line, corrected so that they give the totals exactly."""
    caps = calibration().style
    slopes = [0.0, 0.0, 0.0, 0.0]
    for node, weight in _NODES:
        p, m, c = _softmax(node * style.a, node * style.b)
        slopes[0] += weight * (-c * p - MEDIUM_AUTHORITY * m * p)
        slopes[1] += weight * (-c * m + MEDIUM_AUTHORITY * m * (1 - m))
        slopes[2] += weight * (p * (1 - p) - MEDIUM_ENTROPY * m * p)
        slopes[3] += weight * (-p * m + MEDIUM_ENTROPY * m * (1 - m))
    scaled = [
        slope * cap * style.share
        for slope, cap in zip(slopes, [caps["cap_authority"]] * 2 + [caps["cap_entropy_bits"]] * 2)
    ]
    square = style.a**2 + style.b**2
    if square > 0:
        for first, total in ((0, style.authority), (2, style.entropy)):
            missing = total - scaled[first] * style.a - scaled[first + 1] * style.b
            scaled[first] += missing * style.a / square
            scaled[first + 1] += missing * style.b / square
    return (scaled[0], scaled[1]), (scaled[2], scaled[3])


def _softmax(a: float, b: float) -> tuple[float, float, float]:
    top = max(a, b, 0.0)
    primary, medium, coordinated = math.exp(a - top), math.exp(b - top), math.exp(-top)
    total = primary + medium + coordinated
    return primary / total, medium / total, coordinated / total
