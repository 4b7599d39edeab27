"""Which of the known source types a text reads like, with a probability."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from distrust_hub.schema import SOURCE_TYPES
from distrust_hub.scoring.analysis import Analysis
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.features import NAMES
from distrust_hub.scoring.style import Array


@lru_cache(maxsize=1)
def _table() -> tuple[Array, Array]:
    """Weights of the types, shape (K, T), and their intercepts, shape (T,)."""
    types = calibration().style["source_types"]
    weights = np.array([[types[kind].get(name, 0.0) for kind in SOURCE_TYPES] for name in NAMES])
    return weights, np.array([types[kind].get("intercept", 0.0) for kind in SOURCE_TYPES])


def source_type_of(analysis: Analysis) -> tuple[str | None, float]:
    """The most probable source type: the row's own, else softmax over hint and style.

    Returns:
        Name and probability; (None, 0.0) where neither words of a known language nor metadata say anything.
    """
    if analysis.stated is not None:
        return analysis.stated.source_type, 1.0
    hint = analysis.hint
    if hint is None and analysis.style.share == 0.0:
        return None, 0.0
    weights, intercepts = _table()
    logits = (analysis.z @ weights) * analysis.style.share + intercepts
    if hint is not None:
        logits[SOURCE_TYPES.index(hint.source_type)] += calibration().constants["source_hint_logit"]
    best = int(logits.argmax())
    return SOURCE_TYPES[best], float(1.0 / np.exp(logits - logits[best]).sum())
