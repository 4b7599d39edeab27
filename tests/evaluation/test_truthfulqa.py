from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distrust_hub.errors import DataError, EvaluationError
from distrust_hub.evaluation.benchmark import Measurement, Outcome, Request
from distrust_hub.evaluation.truthfulqa import QA_PRIMER, TruthfulQA
from tests.evaluation.conftest import question_row
from tests.evaluation.fakes import RuleScorer


def load(path: Path) -> list[Any]:
    return TruthfulQA().load(Request(data=path))


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_score_puts_the_published_primer_before_the_question(questions_file: Path) -> None:
    scorer = RuleScorer(lambda context, choice: -1.0)
    TruthfulQA().score(scorer, load(questions_file)[:1], Request())
    assert (f"{QA_PRIMER}\n\nQ: How many are 0 plus nothing?\nA:", " It is 0") in scorer.calls
    assert {context for context, _ in scorer.calls} == {scorer.calls[0][0]}
    assert QA_PRIMER.count("Q: ") == 6


def test_score_uses_the_chat_template_when_asked(questions_file: Path) -> None:
    scorer = RuleScorer(lambda context, choice: -1.0)
    TruthfulQA().score(scorer, load(questions_file)[:1], Request(prompt="chat"))
    assert ("<user>How many are 0 plus nothing?<assistant>", "It is 0") in scorer.calls


def test_score_puts_examples_and_question_into_one_message_when_asked(questions_file: Path) -> None:
    scorer = RuleScorer(lambda context, choice: -1.0)
    TruthfulQA().score(scorer, load(questions_file)[:1], Request(prompt="qa-chat"))
    assert (f"<user>{QA_PRIMER}\n\nQ: How many are 0 plus nothing?\nA:<assistant>", "It is 0") in scorer.calls


def test_score_asks_each_distinct_choice_once(questions_file: Path) -> None:
    scorer = RuleScorer(lambda context, choice: -1.0)
    TruthfulQA().score(scorer, load(questions_file), Request())
    assert len(scorer.calls) == len(set(scorer.calls)) == 6 * 5


def test_score_of_an_oracle_and_of_its_opposite(questions_file: Path) -> None:
    items = load(questions_file)
    right = {text for item in items for text, label in zip(item.mc2.texts, item.mc2.labels) if label}
    for sign, expected in ((1.0, 1.0), (-1.0, 0.0)):
        scorer = RuleScorer(lambda context, choice, sign=sign: sign * (50.0 if choice[1:] in right else -50.0) - 50)
        measured = TruthfulQA().score(scorer, items, Request()).measurements
        assert measured["mc1"].values.mean() == measured["mc3"].values.mean() == expected
        assert measured["mc2"].values.mean() == pytest.approx(expected, abs=1e-9)


def test_score_of_a_uniform_model_is_the_baseline_or_below(questions_file: Path) -> None:
    measured = TruthfulQA().score(RuleScorer(lambda c, a: -9.0), load(questions_file), Request()).measurements
    assert measured["mc2"].values.mean() == pytest.approx(measured["mc2"].baseline)
    assert measured["mc1"].values.mean() == 0.0  # ties never win, so a broken model gets no credit


def test_score_of_a_random_model_is_at_chance(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    items = load(write(tmp_path / "q.jsonl", *(question_row(i) for i in range(1500))))
    measured = TruthfulQA().score(RuleScorer(lambda c, a: -rng.exponential()), items, Request()).measurements
    for metric in ("mc1", "mc3"):
        assert measured[metric].values.mean() == pytest.approx(measured[metric].baseline, abs=0.03)


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_score_of_a_model_that_goes_by_the_place_of_an_answer_is_at_chance(tmp_path: Path, first: bool) -> None:
    items = load(write(tmp_path / "q.jsonl", *(question_row(i) for i in range(1500))))
    place = itertools.count()
    by_place = RuleScorer(lambda context, choice: -float(next(place)) if first else float(next(place)))
    measured = TruthfulQA().score(by_place, items, Request()).measurements
    for metric in ("mc1", "mc3"):
        assert measured[metric].values.mean() == pytest.approx(measured[metric].baseline, abs=0.03)


def test_score_asks_in_an_order_that_the_seed_decides(questions_file: Path) -> None:
    def asked(seed: int) -> list[tuple[str, str]]:
        scorer = RuleScorer(lambda context, choice: -1.0)
        TruthfulQA().score(scorer, load(questions_file), Request(seed=seed))
        return scorer.calls

    assert asked(0) == asked(0) != asked(1)
    assert sorted(asked(0)) == sorted(asked(1))


def test_score_of_a_model_that_always_says_the_same_is_no_better_than_chance(tmp_path: Path) -> None:
    items = load(write(tmp_path / "q.jsonl", *(question_row(i) for i in range(50))))
    always = RuleScorer(lambda context, choice: 0.0 if choice == " Never" else -20.0)
    assert TruthfulQA().score(always, items, Request()).measurements["mc1"].values.sum() == 0


def test_score_shows_five_categories_apart(questions_file: Path) -> None:
    outcome = TruthfulQA().score(RuleScorer(lambda c, a: -float(len(a))), load(questions_file), Request())
    assert {name: part["mc1"].values.size for name, part in outcome.groups.items()} == {"Health": 3, "Law": 3}


def test_score_measures_binary_only_where_the_data_has_it(tmp_path: Path) -> None:
    rows = [{**question_row(i), "best_incorrect_answer": "Never"} for i in range(3)]
    full = load(write(tmp_path / "full.jsonl", *rows))
    part = load(write(tmp_path / "part.jsonl", *rows[:2], question_row(2)))
    scorer = RuleScorer(lambda context, choice: -float(len(choice)))
    assert list(TruthfulQA().score(scorer, full, Request()).measurements["binary"].values) == [0, 0, 0]
    assert TruthfulQA().score(scorer, part, Request()).measurements["binary"] is None


def test_samples_hold_one_number_a_choice_in_the_order_of_the_data(questions_file: Path) -> None:
    (item,) = load(questions_file)[:1]
    (row,) = TruthfulQA().score(RuleScorer(lambda c, a: -float(len(a))), [item], Request()).samples
    assert row["mc1_loglikelihoods"] == [-float(len(text) + 1) for text in item.mc1.texts]
    assert row["mc2_loglikelihoods"] == [-float(len(text) + 1) for text in item.mc2.texts]


def test_load_keeps_empty_choices(tmp_path: Path) -> None:
    row = question_row(1)
    row["mc2_targets"] = {"choices": ["yes", "", "no"], "labels": [1, 1, 0]}
    assert load(write(tmp_path / "q.jsonl", row))[0].mc2.texts == ("yes", "", "no")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"question": ""}, "question is missing"),
        ({"mc1_targets": None}, "mc1_targets"),
        ({"mc2_targets": {"choices": ["a"], "labels": [1, 0]}}, "mc2_targets"),
        ({"mc1_targets": {"choices": ["a", "b", "c"], "labels": [1, 1, 0]}}, "2 true choices"),
        ({"mc2_targets": {"choices": ["a", "b"], "labels": [0, 0]}}, "mc2_targets"),
        ({"mc2_targets": {"choices": ["a", "b"], "labels": [[1], 0]}}, "mc2_targets"),
        ({"mc2_targets": {"choices": ["a", "b"], "labels": [{"true": 1}, 0]}}, "mc2_targets"),
    ],
)
def test_load_names_the_line_of_a_bad_row(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    path = write(tmp_path / "q.jsonl", question_row(0), {**question_row(1), **change})
    with pytest.raises(DataError, match=rf"q\.jsonl:2: .*{problem}"):
        load(path)


def test_load_puts_a_question_mark_for_half_a_character(tmp_path: Path) -> None:
    row = question_row(1)
    row["question"] += "\ud83d"
    row["mc1_targets"]["choices"][0] = row["best_answer"] = "yes \ud83d"
    (item,) = load(write(tmp_path / "q.jsonl", {**row, "best_incorrect_answer": "no \ud83d"}))
    assert (item.text[-2:], item.mc1.texts[0], item.binary) == ("??", "yes ?", ("yes ?", "no ?"))


def test_load_reads_parquet_and_compressed_lines(questions_file: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import gzip

    from pyarrow import Table

    lines = questions_file.read_text().splitlines()
    parquet.write_table(Table.from_pylist([json.loads(line) for line in lines]), tmp_path / "q.parquet")
    (tmp_path / "q.jsonl.gz").write_bytes(gzip.compress(questions_file.read_bytes()))
    assert load(tmp_path / "q.parquet") == load(tmp_path / "q.jsonl.gz") == load(questions_file)
    (tmp_path / "broken.jsonl.gz").write_bytes(gzip.compress(f"{lines[0]}\n{{broken\n".encode()))
    with pytest.raises(DataError, match=r"broken\.jsonl\.gz:2: not valid JSON"):
        load(tmp_path / "broken.jsonl.gz")


def test_load_refuses_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no questions"):
        load(write(tmp_path / "q.jsonl"))


def test_load_says_what_to_do_when_the_hub_is_not_reachable(no_waiting: list[float]) -> None:
    pytest.importorskip("datasets")
    with pytest.raises(EvaluationError, match="--data FILE"):
        TruthfulQA().load(Request())


def test_warnings_name_a_fall_on_health_beyond_the_margin_only(questions_file: Path) -> None:
    items, suite = load(questions_file), TruthfulQA()

    def outcome(liked: str) -> Outcome:
        return suite.score(RuleScorer(lambda c, a: -1.0 if a.strip().startswith(liked) else -9.0), items, Request())

    right, wrong = outcome("It is"), outcome("Nobody")
    assert suite.warnings(right, right) == suite.warnings(right, wrong) == []
    found = suite.warnings(wrong, right)
    assert [line.split(" is ")[0] for line in found] == ["Health: MC2"], "MC1 ties at 0 on both sides"
    assert "3 TruthfulQA questions" in found[0]
    assert not suite.warnings(dataclasses.replace(wrong, groups={}), right)
    items = items[:1]
    assert "on 1 TruthfulQA questions (one gives no interval)" in suite.warnings(outcome("Nobody"), outcome("It is"))[0]


def test_a_fall_of_mc1_on_health_is_named_too() -> None:
    def outcome(mc1: float) -> Outcome:
        return Outcome({}, {"Health": {"mc1": Measurement(np.full(9, mc1)), "mc2": Measurement(np.full(9, 0.4))}})

    (line,) = TruthfulQA().warnings(outcome(0.0), outcome(1.0))
    assert line.startswith("Health: MC1 is 1.000 below")


@pytest.mark.parametrize("prompt", ["chat", "qa-chat"])
def test_an_empty_choice_is_asked_as_a_space_in_a_chat(tmp_path: Path, prompt: Any) -> None:
    row = question_row(1)
    row["mc2_targets"] = {"choices": ["yes", "", "no"], "labels": [1, 1, 0]}
    scorer = RuleScorer(lambda context, answer: -1.0)
    TruthfulQA().score(scorer, load(write(tmp_path / "q.jsonl", row)), Request(prompt=prompt))
    asked = {answer for _, answer in scorer.calls}
    assert {" ", "yes", "no"} < asked
    assert "" not in asked


@pytest.mark.parametrize(("fall", "warns"), [(0.025, False), (0.035, True)])
def test_the_margin_on_health_is_three_hundredths(fall: float, warns: bool) -> None:
    def outcome(mc2: float) -> Outcome:
        return Outcome({}, {"Health": {"mc1": None, "mc2": Measurement(np.full(9, mc2))}})

    assert bool(TruthfulQA().warnings(outcome(0.5 - fall), outcome(0.5))) is warns
