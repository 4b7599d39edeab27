"""The numbers of the scorer: one small versioned file, and the tier every part of the package derives from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from distrust_hub.schema import Tier


@dataclass(frozen=True)
class Calibration:
    """The content of ``calibration.json``.

    Attributes:
        version: The scorer's version; any change of a number below needs a higher one.
        cut_points: Signed core at which coordinated ends and at which primary begins.
        constants: Component name to its constants, see ``authority.py`` and ``provenance.py``.
        style: The learned component: its caps, ``[mean, scale]`` of each feature, and for each kind of source its
            source type, tier, intercept and one weight a feature.
        priors: Source type to ``(authority_weight, provenance_entropy)``.
        confidence: Intercept and slopes of the confidence.
    """

    version: int
    cut_points: tuple[float, float]
    constants: dict[str, Any]
    style: dict[str, Any]
    priors: dict[str, tuple[float, float]]
    confidence: dict[str, float]


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The packaged calibration, read once."""
    text = resources.files("distrust_hub.scoring").joinpath("calibration.json").read_text(encoding="utf-8")
    found = json.loads(text)
    low, high = found["cut_points"]
    return Calibration(
        version=found["version"],
        cut_points=(low, high),
        constants=found["constants"],
        style=found["style"],
        priors={name: (pair[0], pair[1]) for name, pair in found["priors"].items()},
        confidence=found["confidence"],
    )


def tier_of(core: float) -> Tier:
    """The tier of a signed core ``s = ln(1 - w + 1e-8) + H``: the one rule for scoring, training and cards."""
    low, high = calibration().cut_points
    if core >= high:
        return "primary"
    return "medium" if core >= low else "coordinated"
