from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.statistics import (
    MIN_UNITS,
    NOT_RESOLVED,
    Estimate,
    bootstrap_mean,
    difference_in_differences,
    hierarchical_mean,
    paired_difference,
    wilson,
)


def test_wilson_matches_published_example() -> None:
    # 81 of 263: (0.2553, 0.3662), Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    estimate = wilson(81, 263)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)


def test_wilson_ends_are_exact_at_none_and_all() -> None:
    assert wilson(0, 10).low == 0.0
    assert wilson(10, 10).high == 1.0


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_wilson_refuses_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(EvaluationError, match="trials"):
        wilson(successes, n)


def test_bootstrap_mean_covers_the_true_mean_about_95_percent() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(300):
        estimate = bootstrap_mean(rng.normal(0.3, 1.0, 60), seed=trial)
        hits += estimate.low <= 0.3 <= estimate.high
    assert 0.90 <= hits / 300 <= 0.98


def test_bootstrap_mean_of_clusters_is_wider_than_of_items() -> None:
    rng = np.random.default_rng(2)
    values = np.repeat(rng.normal(0.0, 1.0, 20), 10)
    names = [f"e{i // 10}" for i in range(200)]
    alone, clustered = bootstrap_mean(values), bootstrap_mean(values, clusters=names)
    assert clustered.n == 20
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


@pytest.mark.parametrize("clusters", [None, ["book"]])
def test_one_unit_has_a_mean_and_no_interval(clusters: list[str] | None) -> None:
    values = [2.0] if clusters is None else [1.0, 3.0]
    estimate = bootstrap_mean(values, clusters=clusters and clusters * 2)
    assert (estimate.value, estimate.n, estimate.verdict) == (2.0, 1, NOT_RESOLVED)
    assert estimate.to_json() == {"value": 2.0, "ci95": None, "n": 1}
    many = (np.arange(20.0), np.zeros(20), None)
    assert difference_in_differences(many, ([1.0], [0.0], None)).to_json()["ci95"] is None


def test_bootstrap_mean_weighs_items() -> None:
    assert bootstrap_mean([1.0, 3.0], weights=[3.0, 1.0]).value == 1.5


def test_bootstrap_mean_is_seeded() -> None:
    values = np.arange(30.0)
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_bootstrap_mean_refuses_nothing_and_non_finite(values: list[float]) -> None:
    with pytest.raises(EvaluationError):
        bootstrap_mean(values)


def test_paired_difference_is_narrower_than_unpaired_spread() -> None:
    rng = np.random.default_rng(4)
    before = rng.normal(0.0, 5.0, 50)
    difference = paired_difference(before + 0.5 + rng.normal(0.0, 0.1, 50), before)
    assert difference.verdict == "higher"
    assert difference.high - difference.low < 0.1


def test_paired_difference_refuses_other_items() -> None:
    with pytest.raises(EvaluationError, match="same items"):
        paired_difference([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.2, "higher"),
        (-2, -1, "lower"),
        (-1, 1, NOT_RESOLVED),
        (0, 1, NOT_RESOLVED),
        (-1, 0, NOT_RESOLVED),
    ],
)
def test_estimate_verdict_follows_the_interval(low: float, high: float, verdict: str) -> None:
    assert Estimate(0.0, low, high, MIN_UNITS).verdict == verdict


@pytest.mark.parametrize(("n", "share"), [(MIN_UNITS - 1, 0.0), (MIN_UNITS, 0.12)])
def test_verdicts_without_a_difference_are_rare_however_few_the_items(n: int, share: float) -> None:
    rng = np.random.default_rng(6)
    wrong = [bootstrap_mean(rng.normal(size=n)).verdict != NOT_RESOLVED for _ in range(200)]
    assert sum(wrong) / len(wrong) <= share


def test_difference_in_differences_cancels_what_both_groups_share() -> None:
    rng = np.random.default_rng(3)
    primary, other = rng.normal(3.0, 1.0, 80), rng.normal(4.0, 1.0, 60)
    noise = rng.normal(0.0, 0.01, 80)
    same = difference_in_differences((primary - 0.5, primary, None), (other - 0.5, other, None))
    assert same.value == pytest.approx(0.0)
    more = difference_in_differences((primary - 0.7 + noise, primary, None), (other - 0.5, other, None))
    assert more.value == pytest.approx(-0.2, abs=0.01)
    assert (more.verdict, more.n) == ("lower", 60)


def test_difference_in_differences_resamples_its_groups_independently() -> None:
    group = (np.random.default_rng(7).normal(size=50), np.zeros(50), None)
    estimate, alone = difference_in_differences(group, group), bootstrap_mean(group[0])
    assert estimate.value == 0.0
    assert estimate.high - estimate.low > 1.2 * (alone.high - alone.low)


def test_difference_in_differences_counts_clusters() -> None:
    groups = [(np.repeat(np.random.default_rng(seed).normal(size=9), 20), np.zeros(180), None) for seed in (1, 2)]
    books = [f"book {i // 20}" for i in range(180)]
    alone, clustered = (difference_in_differences(*groups, clusters=names) for names in ((None, None), (books, books)))
    assert (clustered.value, clustered.n) == (pytest.approx(alone.value), 9)
    assert clustered.high - clustered.low > 3 * (alone.high - alone.low)


def test_difference_in_differences_weighs_items() -> None:
    estimate = difference_in_differences(([1.0, 3.0], [0.0, 0.0], [3.0, 1.0]), ([1.0], [1.0], None))
    assert estimate.value == 1.5
    with pytest.raises(EvaluationError, match="same items"):
        difference_in_differences(([1.0], [1.0, 2.0], None), ([1.0], [1.0], None))


def test_bootstrap_mean_of_many_items_takes_little_memory_and_is_the_same(monkeypatch) -> None:
    values = np.random.default_rng(0).normal(size=3000)
    tracemalloc.start()
    found = bootstrap_mean(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000  # all resamples at once are 96 MB
    monkeypatch.setattr("distrust_hub.evaluation.statistics._COUNTS_AT_ONCE", 1 << 30)
    assert bootstrap_mean(values) == found


def test_hierarchical_mean_is_wider_than_items_alone_when_groups_differ() -> None:
    rng = np.random.default_rng(4)
    groups = [rng.normal(centre, 1.0, 100) for centre in (-1.0, 0.0, 0.5, 1.0, 2.0)]
    nested, flat = hierarchical_mean(groups), bootstrap_mean(np.concatenate(groups))
    assert nested.value == pytest.approx(flat.value)
    assert nested.n == 5
    assert nested.high - nested.low > 3 * (flat.high - flat.low)


def test_hierarchical_mean_of_alike_groups_is_about_as_wide_as_of_items() -> None:
    rng = np.random.default_rng(5)
    groups = [rng.normal(0.0, 1.0, 100) for _ in range(20)]
    nested, flat = hierarchical_mean(groups), bootstrap_mean(np.concatenate(groups))
    assert 0.9 < (nested.high - nested.low) / (flat.high - flat.low) < 1.7


def test_hierarchical_mean_of_one_group_resolves_nothing() -> None:
    assert hierarchical_mean([[1.0, 1.1, 0.9]]).verdict == NOT_RESOLVED
    with pytest.raises(EvaluationError, match="no groups"):
        hierarchical_mean([])
