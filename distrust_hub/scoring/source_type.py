"""Which of the known source types a text reads like, with a probability."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from distrust_hub.schema import SOURCE_TYPES
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.features import NAMES
from distrust_hub.scoring.metadata import SourceHint
from distrust_hub.scoring.style import Array


class TypeReading(NamedTuple):
    """What the text alone reads like.

    Attributes:
        logits: One a type, in the order of ``schema.SOURCE_TYPES``.
        best: The most probable type.
        probability: Its probability.
        expected: Mean prior of (authority_weight, provenance_entropy) under the probabilities.
    """

    logits: Array
    best: str
    probability: float
    expected: tuple[float, float]


@lru_cache(maxsize=1)
def _table() -> tuple[Array, Array, Array]:
    """Weights of the types, shape (K, T), their intercepts, shape (T,), and their priors, shape (T, 2)."""
    types, priors = calibration().style["source_types"], calibration().priors
    weights = np.array([[types[kind].get(name, 0.0) for kind in SOURCE_TYPES] for name in NAMES])
    intercepts = np.array([types[kind].get("intercept", 0.0) for kind in SOURCE_TYPES])
    return weights, intercepts, np.array([priors[kind] for kind in SOURCE_TYPES])


def read_types(z: Array, share: float) -> TypeReading:
    """Softmax over the types, linear in the standardised features.

    Args:
        z: Standardised features, shape (K,).
        share: Share of the text in the language of the weights, 0 to 1.
    """
    weights, intercepts, priors = _table()
    logits = (z @ weights) * share + intercepts
    best = int(logits.argmax())
    odds = np.exp(logits - logits[best])
    odds /= odds.sum()
    first, second = (odds @ priors).tolist()
    return TypeReading(logits, SOURCE_TYPES[best], float(odds[best]), (first, second))


def source_type_of(
    reading: TypeReading, stated: SourceHint | None, hint: SourceHint | None, readable: bool
) -> tuple[str | None, float]:
    """The source type to report: the row's own, else the reading with what address or publisher suggest.

    Returns:
        Name and probability; (None, 0.0) where neither words of a known language nor metadata say anything.
    """
    if stated is not None:
        return stated.source_type, 1.0
    if hint is None:
        return (reading.best, reading.probability) if readable else (None, 0.0)
    logits = reading.logits.copy()
    logits[SOURCE_TYPES.index(hint.source_type)] += calibration().constants["source_hint_logit"]
    best = int(logits.argmax())
    return SOURCE_TYPES[best], float(1.0 / np.exp(logits - logits[best]).sum())
