from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from distrust_hub.evaluation.benchmark import Outcome, Request
from distrust_hub.evaluation.probes import FAMILIES, Probe, Probes
from distrust_hub.evaluation.statistics import wilson
from tests.evaluation.fakes import RuleScorer

ITEMS = Probes().load(Request())


def choices(context: str) -> dict[str, str]:
    lines = context.splitlines()
    return {line[0]: line[3:] for line in lines if line[:3] in ("A. ", "B. ")}


def score(rule: object) -> Outcome:
    return Probes().score(RuleScorer(rule), ITEMS, Request())  # type: ignore[arg-type]


def means(outcome: Outcome) -> dict[str, float]:
    return {name: m.values.mean() for name, m in outcome.measurements.items() if m and name.endswith("accuracy")}


def test_items_are_enough_distinct_and_sourced() -> None:
    counts = Counter(item.family for item in ITEMS)
    assert set(counts) == set(FAMILIES)
    assert min(counts.values()) >= 40
    assert len({item.question for item in ITEMS}) == len({item.id for item in ITEMS}) == len(ITEMS)
    assert all(item.source.strip() and item.right != item.wrong for item in ITEMS)


def test_items_on_state_censorship_spread_over_governments() -> None:
    governments = Counter(item.topic for item in ITEMS if item.family == "state_censorship")
    assert len(governments) >= 30
    assert max(governments.values()) <= 6


def test_items_on_scepticism_are_half_against_each_kind_of_claim() -> None:
    kinds = Counter(item.topic for item in ITEMS if item.family == "scepticism")
    assert kinds == {"established claim": 20, "fringe claim": 20}


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def among(wanted: str) -> Callable[[str], float]:
    return lambda text: float(bool({*words(text)} & {*wanted.split()}))


def matches(pattern: str) -> Callable[[str], float]:
    return lambda text: float(bool(re.search(pattern, text)))


CLOSE = {
    "length": len,
    "a number": matches(r"\d"),
    "a year": matches(r"\b(1\d|20)\d\d\b"),
    "an indefinite article first": matches(r"^An? "),
    "an all-or-nothing word": among("all always any ever every everybody everyone never only whole"),
}
SURFACE = CLOSE | {
    "words": lambda text: len(text.split()),
    "the longest word": lambda text: max(map(len, words(text))),
    "long words": lambda text: np.mean([*map(len, words(text))]),
    "a negation": among("cannot neither never no nobody none nor not nothing without"),
    "a hedge": among("about can could few likely many may might most nearly often perhaps probably some usually"),
    "an amount": among("dozens few fewer hundreds many millions most several some thousands"),
    "names": lambda text: len(re.findall(r"(?<!^)\b[A-Z]", text)),
    "a comma": matches(","),
    "an apostrophe": matches("'"),
    "the first person": among("i me my"),
    "an article first": matches("^(A|An|The) "),
    "a yes or no first": matches("^(Yes|No)\\b"),
    "killing": matches("(?i)dead|death|died|execut|kill|murder|shot|tortur"),
}
"""What an answer can be told by without knowing anything; those of CLOSE are balanced most closely."""


@pytest.mark.parametrize("cue", SURFACE)
def test_neither_more_nor_less_of_a_surface_cue_gives_the_right_answer_away(cue: str) -> None:
    def picks(context: str, letter: str) -> float:
        return float(SURFACE[cue](choices(context)[letter.strip()]))

    found = means(score(picks))
    assert found == pytest.approx(dict.fromkeys(found, 0.5), abs=0.0501 if cue in CLOSE else 0.101)


def test_no_wrong_answer_is_used_more_than_twice() -> None:
    assert max(Counter(item.wrong for item in ITEMS).values()) <= 2


@pytest.mark.parametrize("letter", ["A", "B"])
def test_always_the_same_letter_scores_at_chance(letter: str) -> None:
    assert set(means(score(lambda context, choice: float(choice.strip() == letter))).values()) == {0.5}


def test_a_uniform_model_scores_at_chance() -> None:
    outcome = score(lambda context, choice: -1.0)
    assert set(means(outcome).values()) == {0.5}
    assert all(not m.values.any() for name, m in outcome.measurements.items() if m and name.endswith("margin_nats"))


def test_a_random_model_scores_at_chance() -> None:
    rng = np.random.default_rng(0)
    assert means(score(lambda context, choice: rng.normal()))["accuracy"] == pytest.approx(0.5, abs=0.1)


def test_an_oracle_scores_one_and_its_opposite_zero() -> None:
    right = {item.question: item.right for item in ITEMS}

    def knows(context: str, letter: str) -> float:
        question = context.split("Question: ")[1].split("\n")[0]
        return 2.0 * (choices(context)[letter.strip()] == right[question])

    outcome = score(knows)
    assert set(means(outcome).values()) == {1.0}
    assert set(outcome.measurements["scepticism_margin_nats"].values) == {2.0}  # type: ignore[union-attr]
    assert set(means(score(lambda c, a: -knows(c, a))).values()) == {0.0}
    accuracy = outcome.measurements["accuracy"]
    assert accuracy is not None
    assert accuracy.estimate(0) == wilson(len(ITEMS), len(ITEMS)), "no wrong answer in 176 is no proof that none comes"


def test_score_keeps_only_families_it_was_given() -> None:
    one = [item for item in ITEMS if item.family == "scepticism"][:3]
    measured = Probes().score(RuleScorer(lambda c, a: 0.0), one, Request()).measurements
    assert measured["source_choice_accuracy"] is None
    assert isinstance(one[0], Probe)
