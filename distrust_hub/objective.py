"""The published term, its signed core, and the training weights built from it: the only formulas there are.

Published term (Brian Roemmele, public domain, 2025-11-25)::

    L = alpha * || ln(1 - w + 1e-8) + H ||^2

with ``w`` = authority_weight in [0, 0.99], ``H`` = provenance_entropy in bits and alpha in [2.3, 3.0].

Three facts decide how it can be used:

- ``w`` and ``H`` are constants of the data. *Added* to a loss the term has no gradient in the model and
  changes nothing; only as a *weight on* each example's loss can it steer training.
- The square is not monotone in trust: (w, H) = (0.90, 2.3026) gives 0 while both a better and a worse source
  give more. The signed core ``s = ln(1 - w + 1e-8) + H`` is monotone, so weights are built from ``s``.
- ``ln`` is in nats and ``H`` in bits. The sum is kept as published and is a heuristic scale, not a quantity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from distrust_hub.errors import ObjectiveError
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX

ALPHA_MIN, ALPHA_MAX, ALPHA_DEFAULT = 2.3, 3.0, 2.7
"""Range and usual value of alpha in the published term."""

EPSILON = 1e-8
"""Guard inside the logarithm, part of the published formula."""

MAX_WEIGHT_RATIO_DEFAULT = 2.0
"""Largest weight over smallest: measured to have an effect and to keep the margins (docs/evidence.md, protocol 8).

Two weights with this ratio R keep an effective sample size of at least 4 R / (1 + R)^2, 89 % for 2 and 64 % for 4.
"""

FloatArray = NDArray[np.float64]


def signed_core(authority_weight: ArrayLike, provenance_entropy: ArrayLike) -> Any:
    """``s = ln(1 - w + 1e-8) + H``, rising with trust in the source.

    Args:
        authority_weight: ``w`` in [0, 0.99], scalar or array of any shape.
        provenance_entropy: ``H`` in bits, >= 0, of a shape that broadcasts with ``w``.

    Returns:
        float64 scalar or array of the broadcast shape; about -4.61 (w = 0.99, H = 0) upwards.

    Raises:
        ObjectiveError: If a value is out of range, NaN or infinite.
    """
    w = _checked(authority_weight, "authority_weight", 0.0, AUTHORITY_WEIGHT_MAX)
    h = _checked(provenance_entropy, "provenance_entropy", 0.0, np.inf)
    core = np.log(1.0 - w + EPSILON) + h
    return float(core) if core.ndim == 0 else core


def distrust_term(
    authority_weight: ArrayLike,
    provenance_entropy: ArrayLike,
    alpha: float = ALPHA_DEFAULT,
    reduction: Literal["none", "mean", "sum"] = "none",
) -> Any:
    """The published term ``alpha * (ln(1 - w + 1e-8) + H)^2``, as published.

    It is a number about the data. Added to a training loss it changes no gradient.

    Args:
        authority_weight: ``w`` in [0, 0.99], scalar or array.
        provenance_entropy: ``H`` in bits, >= 0.
        alpha: Factor in [2.3, 3.0].
        reduction: ``none`` keeps the shape, ``mean`` and ``sum`` reduce to a scalar.

    Returns:
        float64 scalar or array, >= 0.

    Raises:
        ObjectiveError: If a value or alpha is out of range, or reduction is unknown.
    """
    check_alpha(alpha)
    term = alpha * np.square(signed_core(authority_weight, provenance_entropy))
    if reduction == "none":
        return float(term) if np.ndim(term) == 0 else term
    if reduction in ("mean", "sum"):
        return float(np.mean(term) if reduction == "mean" else np.sum(term))
    raise ObjectiveError(f"reduction is {reduction!r}; expected none, mean or sum")


def example_weights(
    authority_weight: ArrayLike,
    provenance_entropy: ArrayLike,
    n_tokens: ArrayLike | None = None,
    *,
    alpha: float = ALPHA_DEFAULT,
    max_weight_ratio: float = MAX_WEIGHT_RATIO_DEFAULT,
) -> FloatArray:
    """Weights of the examples' losses for the ``reweight`` objective.

    ``w_i = c * exp(clip(b * (s_i - m), -ln(R)/2, +ln(R)/2))`` with ``b = alpha / 2.7``, ``m`` the token-weighted
    median of ``s`` and ``c`` chosen so that ``sum(w_i n_i) / sum(n_i) = 1``. The slope ``b`` is our choice: any
    factor that alpha alone contributed would cancel in ``c``. Normalised over the data set, never over a batch:
    a batch-wise mean would cancel the weights at batch size 1.

    Args:
        authority_weight: ``w`` per example, shape (N,), in [0, 0.99].
        provenance_entropy: ``H`` per example in bits, shape (N,).
        n_tokens: Trained tokens per example, shape (N,), >= 0; None counts each example as one.
        alpha: Slope control in [2.3, 3.0].
        max_weight_ratio: ``R``, the bound on max(w) / min(w), >= 1.

    Returns:
        float64 weights of shape (N,), token-weighted mean 1.

    Raises:
        ObjectiveError: If N is 0, a value is out of range, or no token is trained.
    """
    core = np.atleast_1d(np.asarray(signed_core(authority_weight, provenance_entropy), dtype=np.float64))
    tokens = np.ones_like(core) if n_tokens is None else _checked(n_tokens, "n_tokens", 0.0, np.inf)
    return weight_rule(core, tokens, alpha=alpha, max_weight_ratio=max_weight_ratio)(core)


@dataclass(frozen=True)
class WeightRule:
    """The weight of an example as a function of its signed core; the formula is at ``example_weights``.

    Attributes:
        median: ``m``, the token-weighted median of ``s`` over the data set.
        slope: ``b``.
        bound: ``ln(R) / 2``.
        scale: ``c``.
    """

    median: float
    slope: float
    bound: float
    scale: float

    def __call__(self, core: ArrayLike) -> FloatArray:
        """Weights of signed cores, float64 of the same shape."""
        above = self.slope * (np.asarray(core, dtype=np.float64) - self.median)
        return np.asarray(np.exp(np.clip(above, -self.bound, self.bound)) * self.scale)


def weight_rule(core: FloatArray, n_tokens: FloatArray, *, alpha: float, max_weight_ratio: float) -> WeightRule:
    """Fit ``m`` and ``c`` to a data set, given as one entry per example or per group of examples with one core.

    Args:
        core: Signed cores, shape (N,).
        n_tokens: Trained tokens of each entry, shape (N,).
        alpha: Slope control in [2.3, 3.0].
        max_weight_ratio: ``R``, >= 1.

    Raises:
        ObjectiveError: As ``example_weights``.
    """
    check_alpha(alpha)
    if not np.isfinite(max_weight_ratio) or max_weight_ratio < 1.0:
        raise ObjectiveError(f"max_weight_ratio is {max_weight_ratio:g}; expected a finite number of 1 or more")
    if core.ndim != 1 or core.size == 0:
        raise ObjectiveError(f"weights need a list of examples; got shape {core.shape}")
    if n_tokens.shape != core.shape:
        raise ObjectiveError(f"n_tokens has shape {n_tokens.shape}; expected {core.shape}")
    if n_tokens.sum() <= 0:
        raise ObjectiveError("no tokens to train on; every example is empty after tokenising")
    bound, slope = 0.5 * float(np.log(max_weight_ratio)), alpha / ALPHA_DEFAULT
    unscaled = WeightRule(weighted_median(core, n_tokens), slope, bound, 1.0)
    scale = float(n_tokens.sum() / np.sum(unscaled(core) * n_tokens))
    return WeightRule(unscaled.median, slope, bound, scale)


def effective_sample_size(weights: ArrayLike, counts: ArrayLike | None = None) -> float:
    """Kish's effective sample size as a share of N: ``(sum w)^2 / (N sum w^2)``, in (0, 1].

    Source: L. Kish, Survey Sampling, 1965. 1 means equal weights.

    Args:
        weights: Weights, shape (G,).
        counts: How many examples have each, shape (G,); None for one each.

    Raises:
        ObjectiveError: If there are no weights, one is negative, or all are 0.
    """
    w = np.atleast_1d(_checked(weights, "weights", 0.0, np.inf))
    n = np.ones_like(w) if counts is None else np.atleast_1d(_checked(counts, "counts", 0.0, np.inf))
    total = (n * np.square(w)).sum()
    if w.size == 0 or total == 0:
        raise ObjectiveError("effective sample size needs at least one weight above 0")
    return float(np.square((n * w).sum()) / (n.sum() * total))


def weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """The smallest value at which half of the total weight is reached (lower weighted median)."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])


def check_alpha(alpha: float) -> None:
    """Raise ObjectiveError unless alpha is in the published range [2.3, 3.0]."""
    if not ALPHA_MIN <= alpha <= ALPHA_MAX:
        raise ObjectiveError(f"alpha is {alpha:g}; the published range is {ALPHA_MIN} to {ALPHA_MAX}")


def _checked(values: ArrayLike, name: str, low: float, high: float) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(array) | (array < low) | (array > high)
    if bad.any():
        index = int(np.argmax(np.atleast_1d(bad)))
        value = np.atleast_1d(array).ravel()[index]
        wanted = f"{low:g} or more" if high == np.inf else f"{low:g} to {high:g}"
        place = "" if array.ndim == 0 else f" at position {index}"
        raise ObjectiveError(f"{name} is {value:g}{place}; expected {wanted}")
    return array
