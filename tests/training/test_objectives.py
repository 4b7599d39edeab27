from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.errors import DataError, ObjectiveError
from distrust_hub.objective import distrust_term, example_weights
from distrust_hub.training.data import Row
from distrust_hub.training.examples import Encoder
from distrust_hub.training.objectives import NEEDS_SCORES, make_plan, summarise_weights
from tests.training.conftest import scored_row

pytestmark = pytest.mark.mlx

ROWS = [Row(scored_row(i, words=4 + i), "rows.jsonl", i + 1) for i in range(12)]


@pytest.fixture
def plan(tiny):
    def run(objective, rows=ROWS, **options):
        config = TrainConfig(model="m", data="d", objective=objective, max_seq_length=64, **options)
        encoder = Encoder(tiny.tokenizer, 64, scored=objective in NEEDS_SCORES)
        return make_plan(rows, encoder, config)

    return run


def test_reweight_normalises_over_the_data_set(plan):
    found = plan("reweight", max_weight_ratio=3.0, distrust_alpha=2.5)
    tokens = np.array([item.n_tokens for item in found.items])
    scores = [item.scores for item in found.items]
    wanted = example_weights(
        [s.authority_weight for s in scores],
        [s.provenance_entropy for s in scores],
        tokens,
        alpha=2.5,
        max_weight_ratio=3.0,
    )
    np.testing.assert_array_equal(found.weights, wanted)
    assert np.average(found.weights, weights=tokens) == pytest.approx(1.0)
    assert found.record == {"name": "reweight", "max_weight_ratio": 3.0, "distrust_alpha": 2.5}


def test_reweight_with_a_ratio_of_one_gives_weights_of_exactly_one(plan):
    assert set(plan("reweight", max_weight_ratio=1.0).weights) == {1.0}


def test_conditional_tags_the_given_share_by_seed(plan):
    everyone, nobody = plan("conditional", condition_rate=1.0), plan("conditional", condition_rate=0.0)
    assert all(item.start > 10 for item in everyone.items)
    assert all(item.start == 1 for item in nobody.items)
    starts = [[item.start for item in plan("conditional", condition_rate=0.5, seed=s).items] for s in (0, 0, 1)]
    assert starts[0] == starts[1] != starts[2]
    assert everyone.condition_prefix == "Source tier: primary\n\n"


def test_filter_keeps_trusted_rows_only(plan):
    found = plan("filter", min_trust=2.0)
    assert {item.scores.tier for item in found.items} == {"primary", "medium"}
    assert found.record["rows_kept"] == 8
    with pytest.raises(ObjectiveError, match="lower it"):
        plan("filter", min_trust=50.0)


def test_literal_logs_the_published_term_and_weights_nothing(plan):
    found = plan("literal", distrust_alpha=3.0)
    assert set(found.weights) == {1.0}
    np.testing.assert_allclose(found.terms[0], distrust_term(0.05, 7.0, 3.0))
    assert found.record["mean_term"] != plan("literal", distrust_alpha=2.3).record["mean_term"]


@pytest.mark.parametrize("objective", ["reweight", "conditional", "filter", "literal"])
def test_make_plan_needs_scores(plan, objective):
    with pytest.raises(DataError, match="distrust-hub score"):
        plan(objective, rows=[Row({"text": "abc"}, "rows.jsonl", 1)])


def test_none_takes_rows_without_scores(plan):
    assert len(plan("none", rows=[Row({"text": "abc"}, "rows.jsonl", 1)]).items) == 1


def test_make_plan_refuses_data_without_a_token(plan):
    with pytest.raises(DataError, match="'text' is missing or empty"):
        plan("none", rows=[Row({"text": " "}, "rows.jsonl", 1)])


def test_summarise_weights_by_tier(plan):
    found = plan("reweight")
    summary = summarise_weights(found.items, found.weights)
    tiers = summary["by_tier"]
    assert [tiers[tier]["rows"] for tier in ("primary", "medium", "coordinated")] == [4, 4, 4]
    assert tiers["primary"]["mean_weight"] > tiers["medium"]["mean_weight"] > tiers["coordinated"]["mean_weight"]
    assert tiers["primary"]["mean_authority_weight"] == pytest.approx(0.05)
    assert tiers["primary"]["mean_provenance_entropy"] == pytest.approx(7.0)
    assert summary["max"] / summary["min"] == pytest.approx(4.0)
    assert 0.5 < summary["ess"] < 1.0
