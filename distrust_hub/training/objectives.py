"""How each objective chooses and weights examples. The losses themselves are in ``losses.py``.

============  ==========================  ==========  =======================================
objective     examples                    weights     loss
============  ==========================  ==========  =======================================
reweight      all                         by trust    cross-entropy
conditional   most with a source prefix   1           cross-entropy, the prefix not trained
preference    pairs                       1           odds ratio
none          all                         1           cross-entropy
filter        trusted ones                1           cross-entropy
literal       all                         1           cross-entropy; the published term is logged
============  ==========================  ==========  =======================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ObjectiveError
from distrust_hub.objective import distrust_term, effective_sample_size, example_weights
from distrust_hub.schema import TIERS
from distrust_hub.training.data import Row
from distrust_hub.training.examples import Encoder, Item, Scores

CONDITION_TEMPLATE = "Source tier: {tier}\n\n"
"""The prefix of ``conditional``: plain text in existing tokens (our wording)."""

NEEDS_SCORES = ("reweight", "conditional", "filter", "literal")


@dataclass(frozen=True)
class Plan:
    """What is trained, and how much each item counts.

    Attributes:
        items: Examples or pairs, at least one.
        weights: Weight of each item, shape (N,).
        record: Name and parameters of the objective, for ``training_run.json``.
        terms: Published term of each item where the objective logs it, shape (N,), else None.
        condition_prefix: Text to put before a prompt, for an adapter that was trained to heed it.
    """

    items: Sequence[Item]
    weights: NDArray[np.float64]
    record: dict[str, Any]
    terms: NDArray[np.float64] | None = None
    condition_prefix: str | None = None


def make_plan(rows: Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Encode the training rows for an objective.

    Raises:
        ObjectiveError: If nothing is left to train on.
        DataError: If a row does not suit the objective.
    """
    makers = {
        "reweight": reweight,
        "conditional": conditional,
        "preference": preference,
        "none": none,
        "filter": filter_by_trust,
        "literal": literal,
    }
    plan = makers[config.objective](rows, encoder, config)
    if not plan.items:
        raise ObjectiveError("no tokens to train on; every example is empty after tokenising")
    return plan


def reweight(rows: Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Weight each example's loss by the trust in its source; the default.

    Formula: ``w_i = c exp(clip(b (s_i - m), -ln(R)/2, ln(R)/2))``, see ``objective.example_weights``.

    Requirements: scored rows. Inputs: ``authority_weight`` (N,), ``provenance_entropy`` (N,) in bits, trained tokens
    (N,); ``R`` = ``max_weight_ratio``, ``b`` = ``distrust_alpha / 2.7`` (our choice).

    References: Shimodaira 2000 (importance-weighted likelihood); Kish 1965 (effective sample size).

    Example: ``distrust-hub train --objective reweight --max-weight-ratio 4``.
    """
    items = encoder.encode_rows(rows)
    scores = [_scores(item) for item in items]
    weights = example_weights(
        [s.authority_weight for s in scores],
        [s.provenance_entropy for s in scores],
        [item.n_tokens for item in items],
        alpha=config.distrust_alpha,
        max_weight_ratio=config.max_weight_ratio,
    )
    parameters = {"max_weight_ratio": config.max_weight_ratio, "distrust_alpha": config.distrust_alpha}
    return Plan(items, weights, {"name": "reweight", **parameters})


def conditional(rows: Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Tell the model the source tier in a prefix it is not trained on; steer by the prefix afterwards.

    Formula: minimise ``-log p(text | prefix(tier))`` on a share ``condition_rate`` of the rows and ``-log p(text)`` on
    the rest.

    Requirements: scored rows. Inputs: the rows' tiers; the choice of rows depends on the seed only.

    References: Keskar et al. 2019, "CTRL"; Khalifa et al. 2024, "Source-Aware Training".

    Example: ``distrust-hub train --objective conditional --condition-rate 0.9``.
    """
    chosen = np.random.default_rng((config.seed, len(rows))).random(len(rows)) < config.condition_rate
    prefixes = []
    for row, take in zip(rows, chosen):
        scores = encoder.read_scores(row)
        prefixes.append(CONDITION_TEMPLATE.format(tier=scores.tier) if scores and take else "")
    record = {"name": "conditional", "condition_rate": config.condition_rate, "prefix": CONDITION_TEMPLATE}
    primary = CONDITION_TEMPLATE.format(tier=TIERS[0])
    return _unweighted(encoder.encode_rows(rows, prefixes), record, condition_prefix=primary)


def preference(rows: Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Prefer one of two answers to the same prompt; formula, inputs and references are at ``losses.odds_ratio``.

    Requirements: rows with ``prompt``, ``chosen``, ``rejected``. Scores are not needed.

    Example: ``distrust-hub train --objective preference --data pairs/ --orpo-lambda 0.1``.
    """
    return _unweighted(encoder.encode_pairs(rows), {"name": "preference", "orpo_lambda": config.orpo_lambda})


def none(rows: Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Plain LoRA: every weight is 1. The control for everything else; needs no scores.

    Example: ``distrust-hub train --objective none``.
    """
    return _unweighted(encoder.encode_rows(rows), {"name": "none"})


def filter_by_trust(rows: Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Plain LoRA on the rows whose signed core is at least ``min_trust``; a control.

    Formula: ``w_i = 1 if s_i >= min_trust else 0``. Requirements: scored rows. Inputs: ``min_trust`` in units of s.

    Example: ``distrust-hub train --objective filter --min-trust 1``.
    """
    cores = [scores.core if (scores := encoder.read_scores(row)) else -np.inf for row in rows]
    kept = [row for row, core in zip(rows, cores) if core >= config.min_trust]
    if not kept:
        problem = f"min_trust is {config.min_trust:g} and the most trusted row has {max(cores):.2f}; lower it"
        raise ObjectiveError(problem)
    record = {"name": "filter", "min_trust": config.min_trust, "rows_kept": len(kept), "rows": len(rows)}
    return _unweighted(encoder.encode_rows(kept), record)


def literal(rows: Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """The published term added to the loss as published, for the record. It has NO gradient.

    Formula: ``L = CE + alpha * ||ln(1 - w + 1e-8) + H||^2``.

    ``w`` and ``H`` are constants of the data, so the second summand does not depend on the model: training is plain
    LoRA to the last bit, whatever alpha is, and the adapter's hash equals that of ``none``. Alpha changes only the term
    that is logged beside the loss.

    Requirements: scored rows. References: Roemmele 2025, public domain.

    Example: ``distrust-hub train --objective literal --distrust-alpha 2.7``.
    """
    items = encoder.encode_rows(rows)
    scores = [_scores(item) for item in items]
    terms = np.atleast_1d(
        distrust_term(
            [s.authority_weight for s in scores], [s.provenance_entropy for s in scores], config.distrust_alpha
        )
    )
    tokens = np.array([item.n_tokens for item in items], dtype=np.float64)
    mean = float(np.average(terms, weights=tokens)) if len(items) else 0.0
    record = {"name": "literal", "distrust_alpha": config.distrust_alpha, "mean_term": mean}
    return _unweighted(items, record, terms=terms)


def _unweighted(items: Sequence[Item], record: dict[str, Any], **more: Any) -> Plan:
    return Plan(items, np.ones(len(items)), record, **more)


def _scores(item: Item) -> Scores:
    if item.scores is None:
        raise ObjectiveError(f"row {item.row_id} has no scores; score the data first: distrust-hub score IN -o OUT")
    return item.scores


def summarise_weights(items: Sequence[Item], weights: NDArray[np.float64]) -> dict[str, Any]:
    """``weights`` of ``training_run.json``: effective sample size, range, and means by tier."""
    tokens = np.array([item.n_tokens for item in items], dtype=np.float64)
    tiers = np.array([item.scores.tier if item.scores else "" for item in items])
    by_tier = {}
    for tier in TIERS:
        inside = np.flatnonzero(tiers == tier).tolist()
        if inside:
            scores = [_scores(items[i]) for i in inside]
            share = tokens[inside]
            by_tier[tier] = {
                "rows": len({items[i].row_id for i in inside}),
                "tokens": int(share.sum()),
                "mean_authority_weight": float(np.average([s.authority_weight for s in scores], weights=share)),
                "mean_provenance_entropy": float(np.average([s.provenance_entropy for s in scores], weights=share)),
                "mean_weight": float(np.average(weights[inside], weights=share)),
            }
    return {
        "ess": effective_sample_size(weights),
        "min": float(weights.min()),
        "max": float(weights.max()),
        "by_tier": by_tier,
    }
