"""What a benchmark needs from a model: log-probabilities of continuations. No model library here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from distrust_hub.errors import EvaluationError


@dataclass(frozen=True)
class Loglikelihood:
    """Log-probability of a continuation.

    Attributes:
        total: Sum over its tokens in nats, <= 0, finite.
        tokens: How many tokens it has, >= 1.
    """

    total: float
    tokens: int

    def __post_init__(self) -> None:
        if not math.isfinite(self.total):
            problem = f"the model gave a log-probability of {self.total}"
            raise EvaluationError(f"{problem}; its weights or numbers are broken, so it gets no score")

    @property
    def per_token(self) -> float:
        """Mean nats per token."""
        return self.total / self.tokens


class Scorer(Protocol):
    """Anything that can say how probable a continuation is."""

    def loglikelihoods(self, pairs: Sequence[tuple[str, str]], label: str = "scoring") -> list[Loglikelihood]:
        """Log-probability of each continuation given its context, in order."""
        ...

    def text_loglikelihoods(self, texts: Sequence[str], max_tokens: int, label: str = "scoring") -> list[Loglikelihood]:
        """Log-probability of each text's first ``max_tokens`` tokens after its first one, in order."""
        ...

    def chat_prompt(self, question: str) -> str:
        """The question as the model's chat template puts it, up to where the answer starts."""
        ...
