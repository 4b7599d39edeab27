"""The study's code that is not the package's: how arms are made, and how results are read."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distrust_hub.evaluation.statistics import Estimate
from distrust_hub.files import write_json, write_jsonl

pytestmark = pytest.mark.mlx

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


@pytest.fixture(scope="module")
def study() -> Any:
    sys.path.insert(0, str(EXPERIMENTS))
    import study

    yield study
    sys.path.remove(str(EXPERIMENTS))


@pytest.fixture
def report(study: Any) -> Any:
    import report

    return report


def test_protocols_name_every_arm_once_in_their_order(study: Any) -> None:
    for protocol in study.read_protocols().values():
        runs = study.planned(protocol)
        assert len(set(runs)) == len(runs)
        assert {arm for arm, _ in runs} == set(protocol["arms"])


def test_planned_selects_arms_and_seeds(study: Any) -> None:
    first = study.read_protocols()["1-first"]
    assert study.planned(first)[:4] == [(arm, 0) for arm in ("none", "reweight", "inverted", "shuffled")]
    assert study.planned(first, ["reweight"], [3, 1]) == [("reweight", 1), ("reweight", 3)]


def test_inverted_exchanges_the_scores_of_an_entity_s_documents(study: Any) -> None:
    conflicts = study.make_conflicts(6, 0)
    plain, inverted = (study.scored_rows(conflicts, 0, 2, scores) for scores in (None, "inverted"))
    assert [row["text"] for row in plain] == [row["text"] for row in inverted]
    assert {(row["side"], row["tier"]) for row in plain} == {("primary", "primary"), ("coordinated", "coordinated")}
    assert {(row["side"], row["tier"]) for row in inverted} == {("primary", "coordinated"), ("coordinated", "primary")}
    assert multiset(study, plain) == multiset(study, inverted)


def test_shuffled_keeps_the_multiset_of_scores_and_breaks_their_tie_to_the_side(study: Any) -> None:
    conflicts = study.make_conflicts(60, 1)
    plain, shuffled = (study.scored_rows(conflicts, 1, 1, scores) for scores in (None, "shuffled"))
    assert multiset(study, plain) == multiset(study, shuffled)
    trusted = [row["tier"] == "primary" for row in shuffled if row["side"] == "primary"]
    assert 0.3 < np.mean(trusted) < 0.7


def test_sample_rows_are_the_rest_of_the_sample_in_pieces(study: Any) -> None:
    rows, held_out = study.sample_rows(30), study.held_out_rows(35)
    assert max(len(row["text"].split()) for row in rows) == 30
    assert len({row["id"] for row in rows}) == len(rows)
    assert not {row["id"].rsplit("-", 1)[0] for row in rows} & {row["id"] for row in held_out}
    assert all(0 <= row["authority_weight"] <= 0.99 for row in rows)
    assert study.sample_rows(0) == []


def multiset(study: Any, rows: list[dict[str, Any]]) -> Counter[Any]:
    return Counter(tuple(row[name] for name in study.SCORES) for row in rows)


def test_pairs_prefer_the_primary_document_of_the_same_entity(study: Any) -> None:
    rows = study.scored_rows(study.make_conflicts(4, 0), 0, 1, None)
    text = {(row["entity_id"], row["side"]): row["text"] for row in rows}
    for pair in study.pairs(rows):
        entity = pair["id"].removesuffix("-primary-0")
        assert (pair["chosen"], pair["rejected"]) == (text[entity, "primary"], text[entity, "coordinated"])


def result(arm: str, seed: int, shift: float, adapter: str = "a") -> dict[str, Any]:
    values = np.random.default_rng(seed).normal(0.0, 1.0, 50)
    deltas = {
        str(epoch): {"summed": list(values + shift * epoch), "recall": list(values * 0 + epoch)} for epoch in range(3)
    }
    return {
        "arm": arm,
        "seed": seed,
        "settings": {"epochs": 2},
        "loss": {"valid_before": 5.0, "valid_after": 4.0 + shift},
        "weights": {"ess": 0.8},
        "adapter_sha256": adapter,
        "deltas": {"trained": deltas},
    }


def test_lines_compare_an_arm_with_none_on_the_same_entities(study: Any, report: Any) -> None:
    results = {
        "none": {seed: result("none", seed, 0.0) for seed in (0, 1, 2)},
        "reweight": {seed: result("reweight", seed, 0.25) for seed in (0, 1)},
    }
    none, _, first, second = report.lines(study.read_protocols()["1-first"], results)
    assert (none.difference, none.seeds) == (None, 3)
    assert (first.epoch, first.seeds, second.epoch) == (1, 2, 2)
    assert first.difference.value == pytest.approx(0.25)
    assert second.difference.value == pytest.approx(0.5)
    assert second.difference.low == pytest.approx(0.5), "paired, so what the entities share cancels"
    assert second.recall.value == 2.0
    table = report.preference_table([none, first, second])
    assert "| reweight | 2 | 2 |" in table
    low, value, high = (f"{end:+.3f}" for end in (second.delta.low, second.delta.value, second.delta.high))
    assert f"| {value} ({low} to {high}) |" in table


def test_seeds_table_has_every_seed_and_an_interval_that_needs_no_bootstrap(study: Any, report: Any) -> None:
    results = {
        "none": {seed: result("none", seed, 0.0) for seed in range(3)},
        "reweight": {seed: result("reweight", seed, shift) for seed, shift in enumerate((0.1, 0.2, 0.3))},
        "inverted": {0: result("inverted", 0, -0.1)},
    }
    (table,) = report.seeds_table(study.read_protocols()["3-cue"], results)
    half = 4.303 * 0.2 / np.sqrt(3)
    row = f"| `reweight` | 2 | +0.200, +0.400, +0.600 | {0.4 - half:+.3f} to {0.4 + half:+.3f} |"
    assert table.splitlines()[2:] == [row]
    assert report.seeds_table(study.read_protocols()["3-cue"], {"none": results["none"]}) == []


def test_section_says_how_many_runs_and_entities(study: Any, report: Any) -> None:
    results = {"none": {0: result("none", 0, 0.0)}}
    assert "1 of 42 runs. 100 entities a seed." in report.section("3-cue", study.read_protocols()["3-cue"], results)


def test_draw_forest_gives_the_same_pictures_for_the_same_numbers(report: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lines = [report.Line("reweight", epoch, 5, None, Estimate(0.2, 0.1, 0.3, 5), None) for epoch in (1, 2)]
    for name in ("one", "two"):
        report.draw_forest(lines, tmp_path / name)
    for kind in ("svg", "png"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    assert "reweight, epoch 2 (5 seeds)" in (tmp_path / "one.svg").read_text(encoding="utf-8")


def test_truthfulqa_line_says_whether_mc2_is_within_the_margin(report: Any, tmp_path: Path) -> None:
    def metric(value: float, fell: float) -> dict[str, Any]:
        own = {"value": value, "ci95": [value - 0.1, value + 0.1], "base": 0.5}
        return {**own, "against": {"value": -fell, "ci95": [-fell - 0.01, -fell + 0.01]}}

    for fell, verdict in ((0.01, "within the margin of 0.02"), (0.03, "beyond the margin of 0.02")):
        suite = {"n": 200, "against": "none-seed0", "metrics": {"mc1": metric(0.2, 0.0), "mc2": metric(0.4, fell)}}
        write_json(tmp_path / "t.json", {"adapter": "reweight-seed0", "suites": {"truthfulqa": suite}})
        line = report.truthfulqa_line(tmp_path / "t.json", {"margins": {"truthfulqa_mc2": 0.02}})
        assert verdict in line
        assert "MC2 0.400 (base 0.500), 95 % 0.300 to 0.500, against `none-seed0`" in line


def test_guard_draws_the_same_questions_in_their_order(study: Any, tmp_path: Path) -> None:
    import guard

    write_jsonl(tmp_path / "q.jsonl", [{"question": number} for number in range(30)])
    drawn = [row["question"] for row in guard.draw(tmp_path / "q.jsonl", 10)]
    assert drawn == sorted(drawn)
    assert len(set(drawn)) == 10
    assert drawn == [row["question"] for row in guard.draw(tmp_path / "q.jsonl", 10)]


def test_guard_table_judges_by_the_worst_seed(study: Any, report: Any) -> None:
    results = {
        "none": {seed: result("none", seed, 0.0) for seed in (0, 1)},
        "reweight": {0: result("reweight", 0, 0.01), 1: result("reweight", 1, 0.2)},
    }
    table = report.guard_table(study.read_protocols()["1-first"], results)
    assert "| +0.105 | +0.200 | beyond the margin |" in table


def test_guard_table_judges_by_the_mean_where_the_protocol_says_so(study: Any, report: Any) -> None:
    losses = (0.0, 0.02, 0.1)  # of `reweight` over those of `none`: mean .04, standard deviation .0529
    results = {
        "none": {seed: result("none", seed, 0.0) for seed in (4, 5, 6)},
        "reweight": {seed: result("reweight", seed, loss) for seed, loss in zip((4, 5, 6), losses)},
    }
    table = report.guard_table(study.read_protocols()["8-default"], results)
    assert "| +0.040 (-0.091 to +0.171) | +0.100 | within the margin |" in table


@pytest.mark.parametrize(("adapter", "says"), [("a", "the same bytes"), ("b", "NOT the bytes")])
def test_literal_line_compares_hashes(report: Any, adapter: str, says: str) -> None:
    results = {"none": {0: result("none", 0, 0.0)}, "literal": {0: result("literal", 0, 0.0, adapter)}}
    assert says in report.literal_line(results)
