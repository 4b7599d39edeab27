"""The learned style component: a linear reading of the kind of source, small, versioned, capped, shown term by term.

With ``P`` the softmax over kinds of source of linear predictors::

    l_k = intercept_k + sum_i weight_ik * x_i

``x_i`` are the standardised rates of the word groups and shapes in ``features.py``. A tier's probability is the sum
over its kinds. The component adds ``cap_w * (P_coordinated + 0.4 P_medium - 0.47)`` to authority_weight and
``cap_H * (P_primary + 0.5 P_medium - 0.5)`` bits to provenance_entropy: nothing where the three tiers are equally
likely. Weights: ``benchmarks/fit_scoring.py``.

The terms' shares are integrated gradients (Sundararajan, Taly, Yan 2017) along the straight line from equally likely
tiers to the text; they add up to the component exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distrust_hub.schema import SOURCE_TYPES, TIERS
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.features import NAMES

CLIP_HIGH, CLIP_LOW = 3.0, -1.0
"""Standard deviations after which more, or less, of a feature adds nothing: absence says less than presence."""

FULL_WORDS = 200
"""Length from which absent wording is evidence in full (our choice, by documents cut to half their length)."""

MEDIUM_AUTHORITY, MEDIUM_ENTROPY = 0.4, 0.5
"""Where medium stands between the two ends on each axis (our choice, by leave-one-origin-out tier accuracy)."""

_NODES = ((0.069432, 0.173927), (0.330009, 0.326073), (0.669991, 0.326073), (0.930568, 0.173927))
"""Four-point Gauss-Legendre quadrature on [0, 1]; what it misses is made good in ``_slopes``."""

Array = NDArray[np.float64]


class Table(NamedTuple):
    """Weights in the form the sums want them, for K features, C kinds and T source types.

    Attributes:
        mean: Of the features, (K,).
        inverse: 1 / scale of the features, (K,).
        weights: (K, C).
        intercepts: (C,).
        start: Predictors at which the three tiers, and the kinds within each, are equally likely, (C,).
        values: What a kind adds to each axis, (C, 2).
        tiers: 1 where a kind is of a tier, (C, 3).
        types: 1 where a kind is of a source type, (C, T).
    """

    mean: Array
    inverse: Array
    weights: Array
    intercepts: Array
    start: Array
    values: Array
    tiers: Array
    types: Array


class Style(NamedTuple):
    """The component of one text.

    Attributes:
        logits: Predictor of each kind, (C,).
        kinds: Probability of each kind, (C,).
        authority: Contribution to authority_weight.
        entropy: Contribution to provenance_entropy in bits.
        share: Share of the text that is in the language of the weights; the predictors are scaled by it.
    """

    logits: Array
    kinds: Array
    authority: float
    entropy: float
    share: float

    @property
    def tiers(self) -> Array:
        """Probability of (primary, medium, coordinated)."""
        return self.kinds @ table().tiers

    @property
    def types(self) -> Array:
        """Probability of each of ``schema.SOURCE_TYPES``."""
        return self.kinds.dot(table().types)


@lru_cache(maxsize=1)
def table() -> Table:
    """The packaged weights."""
    style = calibration().style
    features, kinds = style["features"], list(style["kinds"].values())
    tiers = np.array([[float(kind["tier"] == tier) for tier in TIERS] for kind in kinds])
    caps = np.array([style["cap_authority"], style["cap_entropy_bits"]])
    levels = np.array([[0.0, 1.0], [MEDIUM_AUTHORITY, MEDIUM_ENTROPY], [1.0, 0.0]])
    return Table(
        mean=np.array([features[name][0] for name in NAMES]),
        inverse=np.array([1.0 / features[name][1] for name in NAMES]),
        weights=np.array([[kind["weights"].get(name, 0.0) for kind in kinds] for name in NAMES]),
        intercepts=np.array([kind["intercept"] for kind in kinds]),
        start=-np.log(tiers @ tiers.sum(0)),
        values=tiers @ (levels - levels.mean(0)) * caps,
        tiers=tiers,
        types=np.array([[float(kind["source_type"] == name) for name in SOURCE_TYPES] for kind in kinds]),
    )


def standardised(values: Sequence[float], words: int) -> Array:
    """Features in standard deviations from their mean, clipped, shape (K,).

    What is rarer than usual counts in full from ``FULL_WORDS`` words on: in a short text its absence says little.
    """
    weights = table()
    z: Array = (np.array(values) - weights.mean) * weights.inverse
    if words < FULL_WORDS:
        z = np.where(z < 0.0, z * (words / FULL_WORDS), z)
    return np.maximum(np.minimum(z, CLIP_HIGH), CLIP_LOW)


def style_of(z: Array, share: float) -> Style:
    """Score a text's style.

    Args:
        z: Standardised features in the order of ``features.NAMES``.
        share: Share of the text in the language of the weights, 0 to 1.
    """
    weights = table()
    step = z.dot(weights.weights) + weights.intercepts - weights.start
    logits = weights.start + (step if share == 1.0 else share * step)
    kinds = _softmax(logits)
    authority, entropy = kinds.dot(weights.values).tolist()
    return Style(logits, kinds, authority, entropy, share)


def style_terms(style: Style, z: Array) -> Iterator[tuple[str, float, float]]:
    """Each term's ``(name, authority, entropy bits)``: the intercept, then every feature."""
    weights = table()
    slopes = _slopes(style) * style.share
    yield ("intercept", *((weights.intercepts - weights.start) @ slopes).tolist())
    for name, shares in zip(NAMES, (weights.weights * z[:, None] @ slopes).tolist()):
        yield (name, *shares)


def _slopes(style: Style) -> Array:
    """Mean slopes of the two axes in each predictor along the line, corrected to give the totals exactly, (C, 2)."""
    weights = table()
    step = style.logits - weights.start
    slopes = np.zeros_like(weights.values)
    for node, weight in _NODES:
        kinds = _softmax(weights.start + node * step)
        slopes += weight * kinds[:, None] * (weights.values - kinds @ weights.values)
    square = float(step @ step)
    if square > 0.0:
        missing = np.array([style.authority, style.entropy]) - step @ slopes
        slopes += np.outer(step, missing) / square
    return slopes


def _softmax(logits: Array) -> Array:
    odds: Array = np.exp(logits - max(logits.tolist()))
    return odds / np.add.reduce(odds)
