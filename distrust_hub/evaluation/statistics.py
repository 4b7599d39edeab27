"""Intervals: Wilson for proportions, seeded cluster bootstrap for means and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distrust_hub.errors import EvaluationError

FloatArray = NDArray[np.float64]

BOOTSTRAP_SAMPLES = 4000
"""Resamples behind every bootstrap interval; its Monte Carlo error is then a few percent of the width (our choice)."""

_COUNTS_AT_ONCE = 1 << 21
"""How often each unit is in each resample: as many of these numbers are held at once, 16 MiB and as floats 16 more."""

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""

NOT_RESOLVED = "not resolved at this size"
"""What is said of a difference whose interval holds 0, or that too few units are behind."""

MIN_UNITS = 8
"""Fewest independent units whose difference gets a verdict. A percentile bootstrap of fewer is much too narrow: with
normal values and no difference it misses 0 in 11 % of the cases at 8 units, 16 % at 5, 48 % at 2 (3000 draws each)."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval.

    Attributes:
        value: Point estimate.
        low: Lower end of the interval; minus infinity where one unit says nothing of the spread.
        high: Upper end; infinity there.
        n: Independent units (clusters where there are any) behind it.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def verdict(self) -> str:
        """``higher``, ``lower``, or NOT_RESOLVED when the interval holds 0 or fewer than MIN_UNITS are behind it."""
        if self.n < MIN_UNITS:
            return NOT_RESOLVED
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else NOT_RESOLVED

    def to_json(self) -> dict[str, Any]:
        """``value``, ``ci95`` and ``n``; an interval without ends is None."""
        return {"value": self.value, "ci95": [self.low, self.high] if np.isfinite(self.low) else None, "n": self.n}

    def judged(self) -> dict[str, Any]:
        """``to_json`` of a difference, with its ``verdict``."""
        return {**self.to_json(), "verdict": self.verdict}


def wilson(successes: float, n: int) -> Estimate:
    """Wilson's score interval of a proportion (E. B. Wilson, JASA 22, 1927).

    Args:
        successes: How many of ``n`` succeeded, 0 to n.
        n: Trials, >= 1.

    Raises:
        EvaluationError: If n is 0 or successes is outside 0 to n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise EvaluationError(f"{successes:g} successes in {n} trials; expected 0 to n of at least 1 trial")
    share = successes / n
    scale = 1 + Z_95**2 / n
    centre = (share + Z_95**2 / (2 * n)) / scale
    half = Z_95 / scale * np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    low = 0.0 if successes == 0 else max(0.0, float(centre - half))
    high = 1.0 if successes == n else min(1.0, float(centre + half))
    return Estimate(share, low, high, n)


def bootstrap_mean(
    values: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Estimate:
    """Weighted mean with a percentile bootstrap interval that resamples whole clusters.

    Args:
        values: One number per item, shape (N,), finite.
        weights: Weight of each item (for example its tokens), shape (N,), >= 0; None weighs all alike.
        clusters: Cluster of each item (for example its entity); None makes each item its own.
        seed: Seed of the resampling.

    Returns:
        The mean over all items, its interval, and the number of clusters. A single cluster has no spread to
        resample, so its interval has no ends and its verdict is NOT_RESOLVED.

    Raises:
        EvaluationError: If there is no item, a value is not finite, or shapes differ.
    """
    mean, means, n = _resampled_means(values, weights, clusters, seed)
    return _estimate(mean, means, n)


def paired_difference(
    after: ArrayLike,
    before: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
) -> Estimate:
    """Mean of ``after - before`` over the same items, with the interval of ``bootstrap_mean``.

    Raises:
        EvaluationError: If the two differ in length, or for the reasons of ``bootstrap_mean``.
    """
    return bootstrap_mean(_paired(after, before), weights=weights, clusters=clusters, seed=seed)


def difference_in_differences(
    first: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    second: tuple[ArrayLike, ArrayLike, ArrayLike | None],
    *,
    clusters: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None),
    seed: int = 0,
) -> Estimate:
    """Mean of ``after - before`` over one group of items minus that over another group.

    Args:
        first: Values after, values before and weights of the first group's items, shape (N,) each.
        second: The same of the second group, shape (M,) each.
        clusters: Cluster of each item of either group, as in ``bootstrap_mean``.
        seed: Seed of the resampling; the groups are resampled independently.

    Raises:
        EvaluationError: For the reasons of ``paired_difference``.
    """
    one, ones, n = _resampled_means(_paired(*first[:2]), first[2], clusters[0], seed)
    other, others, m = _resampled_means(_paired(*second[:2]), second[2], clusters[1], seed + 1)
    return _estimate(one - other, ones - others, min(n, m))


def hierarchical_mean(groups: Sequence[ArrayLike]) -> Estimate:
    """Mean of the groups' means with a bootstrap interval that resamples groups, then the items within each.

    Args:
        groups: One list of numbers per group (for example per seed of a study), each of at least one number.

    Returns:
        The mean, its interval, and the number of groups.

    Raises:
        EvaluationError: If there is no group or a number is not finite.
    """
    if not groups:
        raise EvaluationError("no groups of items; a mean needs at least one")
    within = [_resampled_means(group, None, None, number)[:2] for number, group in enumerate(groups)]
    n = len(groups)
    drawn = np.random.default_rng(0).integers(n, size=(BOOTSTRAP_SAMPLES, n))
    table = np.stack([means for _, means in within], axis=1)  # (samples, groups)
    # A group drawn twice must be resampled twice: each column takes another row of the table.
    shifted = (np.arange(BOOTSTRAP_SAMPLES)[:, None] + np.arange(n) * (BOOTSTRAP_SAMPLES // n)) % BOOTSTRAP_SAMPLES
    return Estimate(float(np.mean([mean for mean, _ in within])), *_middle(table[shifted, drawn].mean(axis=1)), n)


def _resampled_means(
    values: ArrayLike, weights: ArrayLike | None, clusters: Sequence[str] | None, seed: int
) -> tuple[float, FloatArray, int]:
    """The weighted mean, its value in every resample of clusters, and the number of clusters."""
    x, w = _checked(values, weights)
    if clusters is not None and len(clusters) != x.size:
        raise EvaluationError(f"{len(clusters)} cluster names for {x.size} values; expected one each")
    index = np.arange(x.size) if clusters is None else np.unique(list(clusters), return_inverse=True)[1]
    n = int(index.max()) + 1
    sums = np.bincount(index, weights=x * w, minlength=n)
    masses = np.bincount(index, weights=w, minlength=n)
    rng, means = np.random.default_rng(seed), np.full(BOOTSTRAP_SAMPLES, np.nan)
    at_once = max(1, _COUNTS_AT_ONCE // n)
    for first in range(0, BOOTSTRAP_SAMPLES, at_once):
        some = means[first : first + at_once]
        counts = rng.multinomial(n, np.full(n, 1 / n), size=len(some))
        resampled_masses = counts @ masses
        np.divide(counts @ sums, resampled_masses, out=some, where=resampled_masses > 0)
    return float(sums.sum() / masses.sum()), means, n


def _estimate(mean: float, means: FloatArray, n: int) -> Estimate:
    return Estimate(mean, *(_middle(means) if n > 1 else (-np.inf, np.inf)), n)


def _middle(means: FloatArray) -> tuple[float, float]:
    """Ends of the middle 95 % of the resamples that have a mean."""
    low, high = np.nanpercentile(means, [2.5, 97.5])
    return float(low), float(high)


def _paired(after: ArrayLike, before: ArrayLike) -> FloatArray:
    a, b = np.asarray(after, dtype=np.float64), np.asarray(before, dtype=np.float64)
    if a.shape != b.shape:
        raise EvaluationError(f"{a.size} values after and {b.size} before; a paired difference needs the same items")
    return a - b


def _checked(values: ArrayLike, weights: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    x = np.asarray(values, dtype=np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise EvaluationError("no items were scored; a mean needs at least one")
    if w.shape != x.shape:
        raise EvaluationError(f"{w.size} weights for {x.size} values; expected one each")
    if not (np.isfinite(x).all() and np.isfinite(w).all()) or (w < 0).any() or w.sum() == 0:
        raise EvaluationError("a score is not finite or all weights are 0; a broken model gets no score")
    return x, w
