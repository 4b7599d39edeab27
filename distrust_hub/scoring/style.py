"""The learned style component: linear in named features, small, capped, and shown feature by feature.

For each axis ``z = sum_k weight_k * clip((x_k - mean_k) / scale_k, -3, 3)`` and the contribution is
``cap * tanh(z)``, shared among the features in proportion to their terms. The weights are fitted by
``benchmarks/fit_scoring.py``; the cap keeps style from overruling what a document states about itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.features import NAMES

CLIP = 3.0
"""Standard deviations after which more of a feature adds nothing (our choice)."""


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[float, float, float, float], ...]:
    """Per feature: mean, 1 / scale, weight on authority, weight on entropy."""
    style = calibration().style["features"]
    return tuple(
        (style[name]["mean"], 1.0 / style[name]["scale"], style[name]["authority"], style[name]["entropy"])
        for name in NAMES
    )


def style_terms(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Each feature's contribution to (authority_weight, provenance_entropy in bits), summing to the capped totals."""
    first: list[float] = []
    second: list[float] = []
    for value, (mean, inverse, authority, entropy) in zip(values, _table()):
        x = (value - mean) * inverse
        x = CLIP if x > CLIP else -CLIP if x < -CLIP else x
        first.append(x * authority)
        second.append(x * entropy)
    caps = calibration().style
    return _capped(first, caps["cap_authority"]), _capped(second, caps["cap_entropy_bits"])


def _capped(terms: list[float], cap: float) -> list[float]:
    total = sum(terms)
    factor = cap if abs(total) < 1e-9 else cap * math.tanh(total) / total
    return [term * factor for term in terms]
