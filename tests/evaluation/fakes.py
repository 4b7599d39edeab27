"""Scorers that are honest and tiny: they know nothing of language, only a rule for log-probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from distrust_hub.evaluation.scorer import Loglikelihood


class RuleScorer:
    """Scores each pair by a rule ``(context, continuation) -> nats``; one token a word."""

    def __init__(self, rule: Callable[[str, str], float]) -> None:
        self.rule = rule
        self.calls: list[tuple[str, str]] = []

    def loglikelihoods(self, pairs: Sequence[tuple[str, str]], label: str = "") -> list[Loglikelihood]:
        self.calls += pairs
        return [Loglikelihood(self.rule(*pair), max(1, len(pair[1].split()))) for pair in pairs]

    def text_loglikelihoods(self, texts: Sequence[str], max_tokens: int, label: str = "") -> list[Loglikelihood]:
        return [Loglikelihood(self.rule("", text), min(max_tokens, len(text.split()))) for text in texts]

    def chat_prompt(self, question: str) -> str:
        return f"<user>{question}<assistant>"
