"""What a run carries from step to step beside its tensors."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distrust_hub.training.batches import Batch
from distrust_hub.training.stream import Position


@dataclass
class Progress:
    """Counts and marks, stored in every checkpoint.

    Attributes:
        position: Where the stream of batches stands, see ``stream.Position``.
        trained_tokens: Tokens whose loss was trained, skipped steps not counted.
        seconds: Time in training steps.
        skipped: Steps skipped for a non-finite loss or gradient.
        bad_in_a_row: Of these, the ones directly before now.
        valid_before: Held-out loss before the first step, nats per token.
        valid_last: The newest held-out loss; None where it was not finite.
        valid_best: The lowest after the first step, and
        best_step: the step it was measured at.
        worse_in_a_row: Held-out evaluations since then.
        valid_due: Whether Ctrl-C cut the held-out evaluation of this step short.
        weight_sums: Number, sum and sum of squares of the weights of the examples trained so far.
        tier_tokens: {tier: trained tokens}.
        clipped_tokens: {tier: of these, the ones in steps whose gradient was clipped}.
    """

    position: dict[str, int] = field(default_factory=dict)
    trained_tokens: int = 0
    seconds: float = 0.0
    skipped: int = 0
    bad_in_a_row: int = 0
    valid_before: float | None = None
    valid_last: float | None = None
    valid_best: float | None = None
    best_step: int | None = None
    worse_in_a_row: int = 0
    valid_due: bool = False
    weight_sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    tier_tokens: dict[str, int] = field(default_factory=dict)
    clipped_tokens: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value; a copy."""
        return dataclasses.asdict(self)

    @property
    def place(self) -> Position:
        """``position`` as an object."""
        return Position(**self.position)

    @property
    def ess(self) -> float | None:
        """Effective sample size of the examples trained so far as a share of their number, see ``objective``."""
        count, total, squares = self.weight_sums
        return total**2 / (count * squares) if squares else None

    @property
    def clipped_share(self) -> dict[str, float]:
        """{tier: share of its trained tokens that were in a clipped step}."""
        return {tier: self.clipped_tokens.get(tier, 0) / tokens for tier, tokens in sorted(self.tier_tokens.items())}

    def count_step(self, batches: Sequence[Batch], *, clipped: bool) -> None:
        """Add the examples of a step that was taken."""
        weights = np.concatenate([batch.weights for batch in batches]).astype(np.float64)
        sums = (len(weights), float(weights.sum()), float(np.square(weights).sum()))
        self.weight_sums = [a + b for a, b in zip(self.weight_sums, sums)]
        for item in (item for batch in batches for item in batch.members):
            self.trained_tokens += item.n_tokens
            if item.scores:
                tier = item.scores.tier
                self.tier_tokens[tier] = self.tier_tokens.get(tier, 0) + item.n_tokens
                self.clipped_tokens[tier] = self.clipped_tokens.get(tier, 0) + clipped * item.n_tokens
        self.bad_in_a_row = 0

    def note_valid(self, loss: float, step: int) -> bool:
        """Take in a held-out loss measured after a step; returns whether it is the best so far."""
        if not loss < (math.inf if self.valid_best is None else self.valid_best):  # one that is not finite is no best
            self.worse_in_a_row += 1
            return False
        self.valid_best, self.best_step, self.worse_in_a_row = loss, step, 0
        return True
