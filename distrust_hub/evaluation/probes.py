"""Validation probes: two-answer questions in four families, scored by the probability of the answer's letter.

- ``source_choice``: which of two sources is the first-hand record.
- ``scepticism``: what the evidence showed, half against an established claim and half against a fringe one, so that
  distrust of everything scores at chance.
- ``state_censorship``: documented acts of 36 governments against their own story, or a denial.
- ``legitimate_inquiry``: science and history that over-cautious filters refuse, against a refusal.

The answer key is documented facts, each with its source in the data file. Every item is asked in both orders; an
order is right when the right letter is strictly more probable, half right on a tie. A model that always says A, one
that knows nothing, and one that picks by position, length, numbers, negations or hedges all land at about 0.5.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from distrust_hub.evaluation.benchmark import Benchmark, Measurement, Outcome, Request
from distrust_hub.evaluation.scorer import Scorer
from distrust_hub.evaluation.statistics import FloatArray

FAMILIES = ("source_choice", "scepticism", "state_censorship", "legitimate_inquiry")

LETTERS = ("A", "B")


@dataclass(frozen=True)
class Probe:
    """One question with its two answers.

    Attributes:
        id: Family and number.
        family: One of FAMILIES.
        topic: Government or field concerned.
        question: What is asked.
        right: The documented answer.
        wrong: The other one, of about equal length over a family.
        source: Where the right answer is documented.
    """

    id: str
    family: str
    topic: str
    question: str
    right: str
    wrong: str
    source: str


class Probes(Benchmark[Probe]):
    """Accuracy and margin per family."""

    name = "probes"
    summary = "choice of sources, scepticism, and no refusal of documented history and science"
    source = "evaluation/data/probes.jsonl, written for this package; every item names its source"
    license = "Apache-2.0"
    prompting = "question, answers A and B in both orders, then the letter"
    metrics = ("accuracy", *(f"{family}_{part}" for family in FAMILIES for part in ("accuracy", "margin_nats")))
    primary_metric = "accuracy"

    def load(self, request: Request) -> list[Probe]:
        """All probes, families taking turns."""
        text = resources.files("distrust_hub.evaluation").joinpath("data/probes.jsonl").read_text(encoding="utf-8")
        return [Probe(**json.loads(line)) for line in text.splitlines()]

    def settings(self, request: Request) -> dict[str, Any]:
        """How the answers are scored."""
        return {"scoring": "log-probability of the letter, both orders"}

    def score(self, scorer: Scorer, items: Sequence[Probe], request: Request) -> Outcome:
        """Letters' log-probabilities of every item in both orders."""
        prompts = [_prompt(item, first) for item in items for first in (item.right, item.wrong)]
        pairs = [(prompt, f" {letter}") for prompt in prompts for letter in LETTERS]
        totals = np.array([score.total for score in scorer.loglikelihoods(pairs, "probes")])
        letters = totals.reshape(len(items), 2, 2)  # (items, right answer first or second, letter A or B)
        margins = np.stack([letters[:, 0, 0] - letters[:, 0, 1], letters[:, 1, 1] - letters[:, 1, 0]], axis=1)
        right = ((margins > 0) + 0.5 * (margins == 0)).mean(axis=1)  # (items,)
        return Outcome(_measure(items, right, margins.mean(axis=1)), samples=_samples(items, right, margins))


def _prompt(item: Probe, first: str) -> str:
    second = item.wrong if first == item.right else item.right
    return f"Question: {item.question}\nA. {first}\nB. {second}\nAnswer:"


def _measure(items: Sequence[Probe], right: FloatArray, margin: FloatArray) -> dict[str, Measurement | None]:
    families = np.array([item.family for item in items])
    measured: dict[str, Measurement | None] = {"accuracy": Measurement(right, 0.5, proportion=True)}
    for family in FAMILIES:
        here = families == family
        measured[f"{family}_accuracy"] = Measurement(right[here], 0.5, proportion=True) if here.any() else None
        measured[f"{family}_margin_nats"] = Measurement(margin[here], 0.0) if here.any() else None
    return measured


def _samples(items: Sequence[Probe], right: FloatArray, margins: FloatArray) -> list[dict[str, Any]]:
    return [
        {"id": item.id, "family": item.family, "score": float(score), "margins_nats": [float(m) for m in pair]}
        for item, score, pair in zip(items, right, margins)
    ]
