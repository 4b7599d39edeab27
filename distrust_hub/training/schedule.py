"""The learning rate of each step."""

from __future__ import annotations

import math
from typing import Literal


def learning_rate(
    step: int, total: int, *, peak: float, warmup_steps: int, schedule: Literal["cosine", "linear", "constant"]
) -> float:
    """Linear warm-up from ``peak / warmup_steps`` to ``peak``, then decay towards 0 after the last step.

    Args:
        step: Step from 1 to ``total``.
        total: Steps of the run.
        peak: Highest learning rate.
        warmup_steps: Steps of warm-up; at ``warmup_steps`` the rate is ``peak``.
        schedule: Decay after the warm-up: half a cosine, a straight line, or none.

    Returns:
        A rate above 0 and at most ``peak`` (0 where ``peak`` is 0).
    """
    if step <= warmup_steps:
        return peak * step / warmup_steps
    if schedule == "constant":
        return peak
    done = (step - 1 - warmup_steps) / max(1, total - warmup_steps)
    return peak * (1 - done) if schedule == "linear" else peak * 0.5 * (1 + math.cos(math.pi * done))
