"""The formulas, against pinned values and an independent path."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrust_hub.errors import ObjectiveError
from distrust_hub.objective import distrust_term, effective_sample_size, example_weights, signed_core

weights_strategy = st.floats(0.0, 0.99)
entropy_strategy = st.floats(0.0, 12.0)


@pytest.mark.parametrize(
    ("w", "h", "term", "core"),
    [
        (0.05, 7.5, 149.8, 7.45),
        (0.90, 1.0, 4.58, -1.30),
        (0.90, 2.3026, 0.0, 0.0),
        (0.95, 0.5, 16.8, -2.50),
        (0.99, 0.0, 57.3, -4.61),
    ],
)
def test_distrust_term_published_values(w, h, term, core):
    assert distrust_term(w, h) == pytest.approx(term, abs=0.05)
    assert signed_core(w, h) == pytest.approx(core, abs=0.005)


def test_distrust_term_is_not_monotone_but_signed_core_is():
    h = np.linspace(0.0, 8.0, 50)
    assert np.any(np.diff(distrust_term(np.full(50, 0.9), h)) < 0)
    assert np.all(np.diff(signed_core(np.full(50, 0.9), h)) > 0)
    w = np.linspace(0.0, 0.99, 50)
    assert np.all(np.diff(signed_core(w, np.full(50, 3.0))) < 0)


@given(weights_strategy, entropy_strategy, st.floats(2.3, 3.0))
def test_distrust_term_matches_plain_math(w, h, alpha):
    expected = alpha * (math.log(1.0 - w + 1e-8) + h) ** 2
    assert distrust_term(w, h, alpha) == pytest.approx(expected, rel=1e-12)


def test_distrust_term_reductions_agree_with_scalars():
    pairs = [(0.1, 5.0), (0.9, 1.0), (0.5, 3.0)]
    w, h = map(list, zip(*pairs))
    scalars = [distrust_term(*pair) for pair in pairs]
    np.testing.assert_allclose(distrust_term(w, h), scalars)
    assert distrust_term(w, h, reduction="sum") == pytest.approx(sum(scalars))
    assert distrust_term(w, h, reduction="mean") == pytest.approx(sum(scalars) / 3)


@pytest.mark.parametrize(
    ("w", "h", "alpha", "message"),
    [
        (1.4, 1.0, 2.7, "authority_weight is 1.4"),
        (-0.1, 1.0, 2.7, "authority_weight is -0.1"),
        (0.5, -1.0, 2.7, "provenance_entropy is -1"),
        (0.5, float("nan"), 2.7, "provenance_entropy is nan"),
        ([0.5, 1.2], [1.0, 1.0], 2.7, "at position 1"),
        (0.5, 1.0, 2.0, "2.3 to 3"),
        (0.5, 1.0, 3.1, "2.3 to 3"),
    ],
)
def test_distrust_term_refuses_values_out_of_range(w, h, alpha, message):
    with pytest.raises(ObjectiveError, match=message):
        distrust_term(w, h, alpha)


def independent_weights(w, h, n, alpha, ratio):
    """The documented formula in plain Python, without NumPy."""
    s = [math.log(1 - a + 1e-8) + b for a, b in zip(w, h)]
    half, run = sum(n) / 2, 0.0
    for value, count in sorted(zip(s, n), key=lambda pair: pair[0]):
        run += count
        if run >= half:
            median = value
            break
    limit = math.log(ratio) / 2
    raw = [math.exp(max(-limit, min(limit, alpha / 2.7 * (value - median)))) for value in s]
    scale = sum(n) / sum(r * k for r, k in zip(raw, n))
    return [r * scale for r in raw]


@given(
    st.lists(st.tuples(weights_strategy, entropy_strategy, st.integers(1, 400)), min_size=1, max_size=30),
    st.floats(2.3, 3.0),
    st.floats(1.0, 32.0),
)
def test_example_weights_match_formula_mean_and_ratio(rows, alpha, ratio):
    w, h, n = map(list, zip(*rows))
    got = example_weights(w, h, n, alpha=alpha, max_weight_ratio=ratio)
    np.testing.assert_allclose(got, independent_weights(w, h, n, alpha, ratio), rtol=1e-9)
    assert np.sum(got * n) / np.sum(n) == pytest.approx(1.0)
    assert got.max() / got.min() <= ratio * (1 + 1e-9)


def test_example_weights_rise_with_trust():
    w = [0.05, 0.4, 0.9]
    h = [7.0, 3.0, 1.0]
    got = example_weights(w, h, [10, 10, 10], max_weight_ratio=5.0)
    assert got[0] > got[1] > got[2]
    assert got[0] / got[2] == pytest.approx(5.0)
    assert np.ptp(np.log(example_weights(w, h))) == pytest.approx(np.log(2.0))  # the default


def test_example_weights_ratio_one_is_plain_training():
    np.testing.assert_array_equal(example_weights([0.0, 0.9], [8, 1], max_weight_ratio=1.0), [1.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([], []), {}, "list of examples"),
        (([0.5], [1.0], [0]), {}, "no tokens"),
        (([0.5], [1.0], [1, 2]), {}, "n_tokens has shape"),
        (([0.5], [1.0]), {"max_weight_ratio": 0.5}, "max_weight_ratio is 0.5"),
    ],
)
def test_example_weights_refuse_what_cannot_be_weighted(arguments, options, message):
    with pytest.raises(ObjectiveError, match=message):
        example_weights(*arguments, **options)


def test_effective_sample_size_known_values():
    assert effective_sample_size([1, 1, 1, 1]) == pytest.approx(1.0)
    assert effective_sample_size([1, 0, 0, 0]) == pytest.approx(0.25)
    assert effective_sample_size([4, 1]) == pytest.approx(25 / 34)
    with pytest.raises(ObjectiveError):
        effective_sample_size([0, 0])
