from __future__ import annotations

import pytest

from distrust_hub.training.schedule import learning_rate


def rates(total, **settings):
    return [learning_rate(step, total, **settings) for step in range(1, total + 1)]


def test_learning_rate_warms_up_in_a_line_to_the_peak():
    found = rates(10, peak=1.0, warmup_steps=4, schedule="constant")
    assert found == pytest.approx([0.25, 0.5, 0.75, 1.0, 1, 1, 1, 1, 1, 1])


def test_learning_rate_linear_falls_evenly_and_stays_above_zero():
    assert rates(4, peak=1.0, warmup_steps=0, schedule="linear") == pytest.approx([1.0, 0.75, 0.5, 0.25])


def test_learning_rate_cosine_is_half_way_in_the_middle():
    found = rates(5, peak=2.0, warmup_steps=1, schedule="cosine")
    assert found[0] == found[1] == pytest.approx(2.0)
    assert found[3] == pytest.approx(1.0)
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0
