from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.errors import DataError, ObjectiveError
from distrust_hub.objective import distrust_term, effective_sample_size, example_weights
from distrust_hub.training import stream, survey
from distrust_hub.training.examples import Encoder
from distrust_hub.training.objectives import NEEDS_SCORES, make_plan
from distrust_hub.training.rows import Row
from tests.training.conftest import scored_row

pytestmark = pytest.mark.mlx

ROWS = [Row(scored_row(i, words=4 + i), "rows.jsonl", i + 1) for i in range(12)]

SCORES = {name: value for name, value in scored_row(0).items() if name not in ("id", "text")}


@pytest.fixture
def plan(tiny):
    def run(objective, rows=ROWS, **options):
        config = TrainConfig(model="m", data="d", objective=objective, max_seq_length=64, **options)
        encoder = Encoder(tiny.tokenizer, 64, scored=objective in NEEDS_SCORES)
        return make_plan(rows, encoder, config)

    return run


def items_of(plan):
    return [item for block in plan.stream.blocks() for item in block.items]


def test_reweight_normalises_over_the_data_set(plan):
    found = plan("reweight", max_weight_ratio=3.0, distrust_alpha=2.5)
    items = items_of(found)
    tokens = np.array([item.n_tokens for item in items])
    wanted = example_weights(
        [item.scores.authority_weight for item in items],
        [item.scores.provenance_entropy for item in items],
        tokens,
        alpha=2.5,
        max_weight_ratio=3.0,
    )
    weights = found.stream.weigh(items)
    np.testing.assert_allclose(weights, wanted, rtol=1e-14)
    assert np.average(weights, weights=tokens) == pytest.approx(1.0)
    assert found.record == {"name": "reweight", "max_weight_ratio": 3.0, "distrust_alpha": 2.5}


def test_reweight_with_a_ratio_of_one_gives_weights_of_exactly_one(plan):
    found = plan("reweight", max_weight_ratio=1.0)
    assert set(found.stream.weigh(items_of(found))) == {1.0}


def test_reweight_is_the_same_from_a_buffer_smaller_than_the_data(plan, monkeypatch):
    whole = plan("reweight")
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", 5)
    parts = plan("reweight")
    assert len(list(parts.stream.blocks())) == 3
    np.testing.assert_array_equal(parts.stream.weigh(items_of(parts)), whole.stream.weigh(items_of(whole)))
    assert parts.weights == whole.weights
    assert (parts.survey.tokens, parts.survey.items) == (whole.survey.tokens, whole.survey.items)


def test_weights_are_summarised_by_examples_and_tokens_however_they_are_grouped(plan):
    scores = [3.0, 3.0, 3.0, 3.0, 4.0, 4.5, 9.0]  # of the first four the survey makes one group
    rows = [Row(scored_row(1, words=3 + i, provenance_entropy=e), "rows.jsonl", i) for i, e in enumerate(scores)]
    found = plan("reweight", rows=rows, max_weight_ratio=9.0)
    items = items_of(found)
    weights, tokens = found.stream.weigh(items), np.array([item.n_tokens for item in items])
    tier = found.weights["by_tier"]["medium"]
    assert (tier["rows"], tier["tokens"]) == (7, tokens.sum())
    assert tier["mean_weight"] == pytest.approx(1.0)
    assert tier["mean_provenance_entropy"] == pytest.approx(np.average(scores, weights=tokens))
    assert found.weights["ess"] == pytest.approx(effective_sample_size(weights))
    assert found.weights["max"] / found.weights["min"] == pytest.approx(weights.max() / weights.min())


def test_survey_of_many_scores_stays_small_and_moves_no_weight_much(plan, monkeypatch):
    rows = [Row(scored_row(i, provenance_entropy=3.0 + i / 997), "rows.jsonl", i + 1) for i in range(300)]
    exact = plan("reweight", rows=rows)
    monkeypatch.setattr(survey, "_MOST_CORES", 16)
    monkeypatch.setattr(survey, "_DECIMALS", 1)
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", 50)
    rounded = plan("reweight", rows=rows)
    assert len(rounded.survey.groups) < 60 < len(exact.survey.groups)
    np.testing.assert_allclose(rounded.stream.weigh(items_of(exact)), exact.stream.weigh(items_of(exact)), rtol=0.06)


def test_conditional_tags_the_given_share_by_seed(plan):
    everyone, nobody = plan("conditional", condition_rate=1.0), plan("conditional", condition_rate=0.0)
    assert all(item.start > 10 for item in items_of(everyone))
    assert all(item.start == 1 for item in items_of(nobody))
    starts = [[item.start for item in items_of(plan("conditional", condition_rate=0.5, seed=s))] for s in (0, 0, 1)]
    assert starts[0] == starts[1] != starts[2]
    assert everyone.condition_prefix == "Source tier: primary\n\n"


def test_filter_keeps_trusted_rows_only(plan):
    found = plan("filter", min_trust=2.0)
    assert {item.scores.tier for item in items_of(found)} == {"primary", "medium"}
    assert found.record["rows_kept"] == 8
    with pytest.raises(ObjectiveError, match=r"most trusted row has 6.95; lower it"):
        plan("filter", min_trust=50.0)


def test_literal_logs_the_published_term_and_weights_nothing(plan):
    found = plan("literal", distrust_alpha=3.0)
    items = items_of(found)
    assert found.stream.weigh is None
    terms = found.term(items)
    np.testing.assert_allclose(terms[0], distrust_term(0.05, 7.0, 3.0))
    mean = np.average(terms, weights=[item.n_tokens for item in items])
    assert found.record["mean_term"] == pytest.approx(mean)
    assert found.record["mean_term"] != plan("literal", distrust_alpha=2.3).record["mean_term"]


@pytest.mark.parametrize("objective", ["reweight", "conditional", "filter", "literal"])
def test_make_plan_needs_scores(plan, objective):
    with pytest.raises(DataError, match="distrust-hub score"):
        plan(objective, rows=[Row({"text": "abc"}, "rows.jsonl", 1)])


def test_none_takes_rows_without_scores(plan):
    assert plan("none", rows=[Row({"text": "abc"}, "rows.jsonl", 1)]).survey.items == 1


def test_make_plan_refuses_data_without_a_token(plan):
    with pytest.raises(DataError, match="'text' is missing or empty"):
        plan("none", rows=[Row({"text": " "}, "rows.jsonl", 1)])


def test_survey_counts_rows_not_texts(plan):
    rows = [Row({"text": "the same", **SCORES}, "rows.jsonl", i + 1) for i in range(5)]
    rows.append(Row({"text": "w" * 200, **SCORES}, "rows.jsonl", 6))  # several examples
    found = plan("reweight", rows=rows)
    assert found.weights["by_tier"]["primary"]["rows"] == 6 < found.survey.items


def test_plan_summarises_weights_by_tier(plan):
    summary = plan("reweight", max_weight_ratio=4.0).weights
    tiers = summary["by_tier"]
    assert [tiers[tier]["rows"] for tier in ("primary", "medium", "coordinated")] == [4, 4, 4]
    assert tiers["primary"]["mean_weight"] > tiers["medium"]["mean_weight"] > tiers["coordinated"]["mean_weight"]
    assert tiers["primary"]["mean_authority_weight"] == pytest.approx(0.05)
    assert tiers["primary"]["mean_provenance_entropy"] == pytest.approx(7.0)
    assert summary["max"] / summary["min"] == pytest.approx(4.0)
    assert 0.5 < summary["ess"] < 1.0
