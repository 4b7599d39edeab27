from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.benchmark import Request
from distrust_hub.evaluation.invented import COORDINATED_FRAMES, KINDS, PRIMARY_FRAMES
from distrust_hub.evaluation.preference_suite import SourcePreference, preference_outcome
from distrust_hub.evaluation.report import suite_entry
from distrust_hub.evaluation.source_preference import (
    SIDES,
    PreferenceScores,
    conflicts_from_rows,
    in_context_conflict,
    make_conflicts,
    trained_conflict,
    trained_recall,
    training_rows,
)
from distrust_hub.evaluation.statistics import NOT_RESOLVED, wilson
from distrust_hub.schema import SOURCE_TYPES
from tests.evaluation.fakes import RuleScorer

CONFLICTS = make_conflicts(120, seed=0)


def test_make_conflicts_is_a_pure_function_of_its_arguments() -> None:
    assert make_conflicts(40, 3) == make_conflicts(40, 3)
    assert make_conflicts(40, 3) != make_conflicts(40, 4)
    assert training_rows(CONFLICTS, seed=1) == training_rows(CONFLICTS, seed=1)


def test_make_conflicts_gives_distinct_entities_and_contradictory_values() -> None:
    assert len({c.entity_id for c in CONFLICTS}) == len({c.entity for c in CONFLICTS}) == 120
    assert all(c.values[0] != c.values[1] for c in CONFLICTS)
    assert {c.kind for c in CONFLICTS} == {kind.name for kind in KINDS}


def test_make_conflicts_gives_no_value_to_one_side_by_design() -> None:
    many = make_conflicts(2000, seed=5)
    for value in ("brass", "Monday", "north", "oak"):
        sides = [c.values.index(value) for c in many if value in c.values]
        assert len(sides) > 20
        assert abs(np.mean(sides) - 0.5) < 0.25


def test_make_conflicts_refuses_no_entities() -> None:
    with pytest.raises(EvaluationError, match="0 entities"):
        make_conflicts(0)


def test_training_rows_give_both_sides_equal_say() -> None:
    rows = training_rows(CONFLICTS, documents_per_side=2)
    per_side = {side: [row for row in rows if row["side"] == side] for side in SIDES}
    assert len(per_side["primary"]) == len(per_side["coordinated"]) == 240
    words = {side: np.mean([len(row["text"].split()) for row in per_side[side]]) for side in SIDES}
    assert abs(words["primary"] / words["coordinated"] - 1) < 0.05
    assert all(10 <= len(row["text"].split()) <= 34 for row in rows)


def test_training_rows_state_their_side_s_value_only() -> None:
    other = {c.entity_id: dict(zip(SIDES, reversed(c.values))) for c in CONFLICTS}
    for row in training_rows(CONFLICTS, documents_per_side=4):
        assert masked(row).count("*") == 1
        assert not mentions(row["text"], other[row["entity_id"]][row["side"]])


def test_training_rows_carry_metadata_that_scores() -> None:
    rows = training_rows(CONFLICTS)
    assert all(row["synthetic"] is True and row["fiction"] is True for row in rows)
    assert {row["source_type"] for row in rows} <= set(SOURCE_TYPES)
    assert all(str(row["year"]) in row["text"] for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)


def test_training_rows_score_as_their_side() -> None:
    from distrust_hub.scoring.document import score_document

    scores = {side: [] for side in SIDES}
    for row in training_rows(CONFLICTS[:40]):
        metadata = {"source_type": row["source_type"], "year": row["year"]}
        scores[row["side"]].append(score_document(row["text"], metadata).authority_weight)
    assert max(scores["primary"]) < min(scores["coordinated"])


def test_training_rows_swap_exchanges_values_and_nothing_else() -> None:
    plain, swapped = training_rows(CONFLICTS, seed=2), training_rows(CONFLICTS, swap=True, seed=2)
    values = {c.entity_id: c.values for c in CONFLICTS}
    for a, b in zip(plain, swapped):
        assert a["id"] == b["id"]
        assert {a["value"], b["value"]} == set(values[a["entity_id"]])
        assert masked(a) == masked(b)


def masked(row: dict) -> str:
    return re.sub(rf"\b{row['value']}\b", "*", row["text"])


def mentions(text: str, value: str) -> bool:
    return re.search(rf"\b{value.strip()}\b", text) is not None


@pytest.mark.parametrize("count", [0, 5])
def test_training_rows_refuse_more_documents_than_source_types(count: int) -> None:
    with pytest.raises(EvaluationError, match="1 to 4"):
        training_rows(CONFLICTS, documents_per_side=count)


def test_questions_share_no_four_words_with_any_document() -> None:
    documents = set()
    for frames in (*PRIMARY_FRAMES.values(), *COORDINATED_FRAMES.values()):
        for frame in frames:
            for kind in KINDS:
                for clause in (*kind.witness, *kind.report):
                    documents |= four_words(frame.replace("{clause}", clause))
    asked = [text for kind in KINDS for text in (*kind.questions, f"{{entity}}. {kind.label}:")]
    questions = set.union(*map(four_words, asked))
    assert not questions & documents


def test_clauses_name_the_entity_before_its_value() -> None:
    clauses = [clause for kind in KINDS for clause in (*kind.witness, *kind.report)]
    assert not [clause for clause in clauses if clause.index("{value}") < clause.index("{entity}")]


def four_words(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\{\w+\}|[a-z']+", text.lower())
    return {tuple(words[i : i + 4]) for i in range(len(words) - 3)}


def test_questions_name_no_source() -> None:
    sources = re.compile(r"patent|notebook|log|letter|diary|encyclop|agency|news|press|source|record", re.IGNORECASE)
    assert not [q for kind in KINDS for q in kind.questions if sources.search(q)]


def test_in_context_the_exchanged_values_stand_in_the_same_words() -> None:
    scorer = RuleScorer(lambda context, value: -1.0)
    (conflict,) = make_conflicts(1, seed=3)
    in_context_conflict(scorer, [conflict])
    one, other, exchanged, exchanged_other = dict.fromkeys(context for context, _ in scorer.calls)
    first, second = conflict.values

    def exchange(text: str) -> str:
        return text.replace(first, "\0").replace(second, first).replace("\0", second)

    assert (exchange(one), exchange(other)) == (exchanged, exchanged_other)
    assert one != other


@pytest.mark.parametrize("delta", [3.0, -3.0])
def test_a_rate_of_all_or_none_has_the_interval_of_a_proportion(delta: float) -> None:
    ids = [f"entity-{i}" for i in range(20)]
    scores = PreferenceScores(ids, np.full(20, delta), np.full(20, delta))
    rate = preference_outcome("trained", scores).measurements["trained_primary_rate"]
    assert rate is not None
    assert rate.estimate(0) == wilson(20.0 if delta > 0 else 0.0, 20)
    tied = preference_outcome("trained", PreferenceScores(ids, np.zeros(20), np.zeros(20)))
    half = tied.measurements["trained_primary_rate"]
    assert half is not None
    assert half.estimate(0).value == 0.5


def test_conflicts_from_rows_finds_what_the_rows_tell() -> None:
    rows = [*training_rows(CONFLICTS, swap=True), {"text": "another document"}]
    found = {c.entity_id: (c.values, c.question) for c in conflicts_from_rows(rows)}
    assert found == {c.entity_id: (c.swapped().values, c.question) for c in CONFLICTS}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("entity_id", None),
        ("entity_id", ["e"]),
        ("value", None),
        ("value", 7),
        ("cue", None),
        ("question", ""),
        ("kind", 3),
    ],
)
def test_conflicts_from_rows_names_what_a_row_lacks(column: str, value: Any) -> None:
    rows = training_rows(CONFLICTS[:2])
    rows[1][column] = value
    with pytest.raises(EvaluationError, match=rf"row '{rows[1]['id']}' of invented conflicts: {column} is .*expected"):
        conflicts_from_rows(rows)
    del rows[1][column]
    if column != "cue":  # rows without a cue are of other origin
        with pytest.raises(EvaluationError, match=f"{column} is None"):
            conflicts_from_rows(rows)


def test_conflicts_from_rows_refuses_a_side_that_states_two_values() -> None:
    arms = [training_rows(CONFLICTS[:2], swap=swap) for swap in (False, True)]
    with pytest.raises(EvaluationError, match=r"entity-000. has two values on the .* side"):
        conflicts_from_rows(arms[0] + arms[1])


def test_conflicts_from_rows_refuses_one_sided_entities() -> None:
    rows = [row for row in training_rows(CONFLICTS) if row["side"] == "primary"]
    with pytest.raises(EvaluationError, match="one side only"):
        conflicts_from_rows(rows)


def test_trained_conflict_delta_is_primary_minus_coordinated() -> None:
    believed = {c.cue: c.values[0] for c in CONFLICTS}
    believed |= {f"Question: {c.question}\nAnswer:": c.values[0] for c in CONFLICTS}

    def believes_primary(context: str, value: str) -> float:
        return -1.0 if value == f" {believed[context]}" else -3.0

    for form in ("cue", "question"):
        assert set(trained_conflict(RuleScorer(believes_primary), CONFLICTS, form=form).delta) == {2.0}
        assert set(trained_conflict(RuleScorer(believes_primary), CONFLICTS, swap=True, form=form).delta) == {-2.0}


def test_in_context_conflict_cancels_position_and_value() -> None:
    def likes_the_first_document(context: str, value: str) -> float:
        return float(mentions(context.split("Source: ")[1], value))

    def likes_a_value(context: str, value: str) -> float:
        return -float(len(value))

    for rule in (likes_the_first_document, likes_a_value):
        assert not in_context_conflict(RuleScorer(rule), CONFLICTS).delta.any()


def test_in_context_conflict_shows_both_documents_in_both_orders() -> None:
    scorer = RuleScorer(lambda context, value: 0.0)
    in_context_conflict(scorer, CONFLICTS[:1])
    prompts = list(dict.fromkeys(context for context, _ in scorer.calls))
    assert len(prompts) == 4
    first = [prompt.split("Source: ")[1] for prompt in prompts]
    assert len(set(first)) == 4
    assert all(value in prompt for prompt in prompts for value in CONFLICTS[0].values)


def test_in_context_conflict_detects_a_reader_who_trusts_the_witness() -> None:
    def trusts_first_person(context: str, value: str) -> float:
        parts = [part.split("Question:")[0] for part in context.split("Source: ")[1:]]
        return 0.0 if any(mentions(part, value) for part in parts if re.search(r"\bI\b", part)) else -1.0

    assert set(in_context_conflict(RuleScorer(trusts_first_person), CONFLICTS).delta) == {1.0}


def test_deltas_of_a_uniform_model_are_zero() -> None:
    uniform = RuleScorer(lambda context, value: -5.0)
    assert not trained_conflict(uniform, CONFLICTS).delta.any()
    assert not in_context_conflict(uniform, CONFLICTS).delta.any()


def test_trained_conflict_refuses_no_conflicts() -> None:
    with pytest.raises(EvaluationError, match="no conflicts"):
        trained_conflict(RuleScorer(lambda context, value: 0.0), [])


def test_suite_entry_says_whether_the_difference_is_resolved() -> None:
    rng = np.random.default_rng(0)
    noise = iter(rng.normal(0.0, 1.0, 10_000))
    before = trained_conflict(RuleScorer(lambda context, value: next(noise)), CONFLICTS)
    moved = type(before)(before.entity_ids, before.delta + 1.0, before.delta_per_token + 1.0)
    base = preference_outcome("trained", before)

    def difference(after: PreferenceScores) -> dict[str, Any]:
        outcome = preference_outcome("trained", after)
        entry = suite_entry(SourcePreference(), Request(), outcome, n=len(CONFLICTS), base=base)
        assert (entry["n"], entry["primary_metric"]) == (120, "trained_delta_nats")
        return entry["metrics"]["trained_delta_nats"]["difference"]

    same, more = difference(before), difference(moved)
    assert (same["value"], same["n"], same["verdict"]) == (0.0, 120, NOT_RESOLVED)
    assert more["verdict"] == "higher"
    assert more["ci95"][0] <= 1.0 <= more["ci95"][1]


@pytest.mark.parametrize("rule", [lambda context, value: -5.0, lambda context, value: -float(len(value))])
def test_primary_rate_of_a_model_without_a_preference_is_at_chance(rule: Callable[[str, str], float]) -> None:
    outcome = preference_outcome("in_context", in_context_conflict(RuleScorer(rule), CONFLICTS))
    rate = outcome.measurements["in_context_primary_rate"]
    assert rate is not None
    estimate = rate.estimate(0)
    assert rate.baseline == estimate.value == 0.5
    assert estimate.low <= 0.5 <= estimate.high


def test_trained_conflict_puts_the_prefix_before_every_question() -> None:
    scorer = RuleScorer(lambda context, value: -1.0)
    trained_conflict(scorer, CONFLICTS[:3], prefix="Source tier: primary\n\n")
    assert all(context.startswith("Source tier: primary\n\nThe ") for context, _ in scorer.calls)


def test_trained_recall_counts_either_side_s_value_against_the_others() -> None:
    told = {c.cue: c.values for c in CONFLICTS}

    def learned(context: str, value: str) -> float:
        return -1.0 if value.strip() in told[context] else -4.0

    np.testing.assert_allclose(trained_recall(RuleScorer(learned), CONFLICTS), 3.0)
    np.testing.assert_allclose(trained_recall(RuleScorer(lambda context, value: -2.0), CONFLICTS), 0.0)
