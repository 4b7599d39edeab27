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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ObjectiveError
from distrust_hub.objective import WeightRule, distrust_term, weight_rule
from distrust_hub.schema import TIERS
from distrust_hub.training.examples import Encoder, Item
from distrust_hub.training.rows import Row, Rows
from distrust_hub.training.stream import Encode, Stream
from distrust_hub.training.survey import Survey

CONDITION_TEMPLATE = "Source tier: {tier}\n\n"
"""The prefix of ``conditional``: plain text in existing tokens (our wording)."""

NEEDS_SCORES = ("reweight", "conditional", "filter", "literal")


@dataclass(frozen=True)
class Plan:
    """What is trained, and how much each item counts.

    Attributes:
        stream: The weighted items in batches.
        survey: How much there is.
        weights: Summary of the weights, for ``training_run.json``.
        record: Name and parameters of the objective, for ``training_run.json``.
        term: Published term of each of some items, shape (n,), where the objective logs it; else None.
        condition_prefix: Text to put before a prompt, for an adapter that was trained to heed it.
    """

    stream: Stream
    survey: Survey
    weights: dict[str, Any]
    record: dict[str, Any]
    term: Callable[[Sequence[Item]], NDArray[np.float64]] | None = None
    condition_prefix: str | None = None


def make_plan(rows: Rows | Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Encode the training rows for an objective.

    Raises:
        ObjectiveError: If nothing is left to train on.
        DataError: If a row does not suit the objective.
    """
    makers: dict[str, Callable[[Rows | Sequence[Row], Encoder, TrainConfig], Plan]] = {
        "reweight": reweight,
        "conditional": conditional,
        "preference": preference,
        "none": none,
        "filter": filter_by_trust,
        "literal": literal,
    }
    return makers[config.objective](rows, encoder, config)


def _survey(rows: Rows | Sequence[Row], encode: Encode, config: TrainConfig) -> tuple[Stream, Survey]:
    stream = Stream(rows, encode, config)
    survey = Survey.of(stream, config.quiet)
    if not survey.tokens:
        raise ObjectiveError("no tokens to train on; every example is empty after tokenising")
    return stream, survey


def reweight(rows: Rows | Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Weight each example's loss by the trust in its source; the default.

    Formula: ``w_i = c exp(clip(b (s_i - m), -ln(R)/2, ln(R)/2))``, see ``objective.example_weights``.

    Requirements: scored rows. Inputs: ``authority_weight`` (N,), ``provenance_entropy`` (N,) in bits, trained tokens
    (N,); ``R`` = ``max_weight_ratio``, ``b`` = ``distrust_alpha / 2.7`` (our choice).

    References: Shimodaira 2000 (importance-weighted likelihood); Kish 1965 (effective sample size).

    Example: ``distrust-hub train --objective reweight --max-weight-ratio 4``.
    """
    stream, survey = _survey(rows, lambda number, row: encoder.encode(row), config)
    rule = weight_rule(
        survey.cores, survey.group_tokens, alpha=config.distrust_alpha, max_weight_ratio=config.max_weight_ratio
    )
    parameters = {"max_weight_ratio": config.max_weight_ratio, "distrust_alpha": config.distrust_alpha}
    weights = survey.summarise(rule(survey.cores))
    return Plan(stream.weighted(_by_core(rule)), survey, weights, {"name": "reweight", **parameters})


def conditional(rows: Rows | Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Tell the model the source tier in a prefix it is not trained on; steer by the prefix afterwards.

    Formula: minimise ``-log p(text | prefix(tier))`` on a share ``condition_rate`` of the rows and ``-log p(text)`` on
    the rest.

    Requirements: scored rows. Inputs: the rows' tiers; the choice of rows depends on the seed only.

    References: Keskar et al. 2019, "CTRL"; Khalifa et al. 2024, "Source-Aware Training".

    Example: ``distrust-hub train --objective conditional --condition-rate 0.9``.
    """

    def encode(number: int, row: Row) -> Sequence[Item]:
        scores = encoder.read_scores(row)
        if scores is None or _draw((config.seed, len(rows)), number) >= config.condition_rate:
            return encoder.encode(row)
        return encoder.encode(row, CONDITION_TEMPLATE.format(tier=scores.tier))

    record = {"name": "conditional", "condition_rate": config.condition_rate, "prefix": CONDITION_TEMPLATE}
    primary = CONDITION_TEMPLATE.format(tier=TIERS[0])
    return _unweighted(rows, encode, config, record, condition_prefix=primary)


def preference(rows: Rows | Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Prefer one of two answers to the same prompt; formula, inputs and references are at ``losses.odds_ratio``.

    Requirements: rows with ``prompt``, ``chosen``, ``rejected``. Scores are not needed.

    Example: ``distrust-hub train --objective preference --data pairs/ --orpo-lambda 0.1``.
    """
    record = {"name": "preference", "orpo_lambda": config.orpo_lambda}
    return _unweighted(rows, lambda number, row: [encoder.encode_pair(row)], config, record)


def none(rows: Rows | Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Plain LoRA: every weight is 1. The control for everything else.

    Formula: ``w_i = 1``. Requirements: none; rows need no scores. Inputs: trained tokens only.

    References: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models".

    Example: ``distrust-hub train --objective none``.
    """
    return _unweighted(rows, lambda number, row: encoder.encode(row), config, {"name": "none"})


def filter_by_trust(rows: Rows | Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """Plain LoRA on the rows whose signed core is at least ``min_trust``; a control.

    Formula: ``w_i = 1 if s_i >= min_trust else 0``. Requirements: scored rows. Inputs: ``min_trust`` in units of s.

    References: none; the plainest form of data selection.

    Example: ``distrust-hub train --objective filter --min-trust 1``.
    """

    def core(row: Row) -> float:
        return scores.core if (scores := encoder.read_scores(row)) else -np.inf

    kept = sum(core(row) >= config.min_trust for row in rows)
    if not kept:
        most = max(core(row) for row in rows)
        raise ObjectiveError(f"min_trust is {config.min_trust:g} and the most trusted row has {most:.2f}; lower it")

    def encode(number: int, row: Row) -> Sequence[Item]:
        return encoder.encode(row) if core(row) >= config.min_trust else []

    record = {"name": "filter", "min_trust": config.min_trust, "rows_kept": kept, "rows": len(rows)}
    return _unweighted(rows, encode, config, record)


def literal(rows: Rows | Sequence[Row], encoder: Encoder, config: TrainConfig) -> Plan:
    """The published term added to the loss as published, for the record. It has NO gradient.

    Formula: ``L = CE + alpha * ||ln(1 - w + 1e-8) + H||^2``.

    ``w`` and ``H`` are constants of the data, so the second summand does not depend on the model: training is plain
    LoRA to the last bit, whatever alpha is, and the adapter's hash equals that of ``none``. Alpha changes only the term
    that is logged beside the loss.

    Requirements: scored rows. Inputs: ``authority_weight`` (N,), ``provenance_entropy`` (N,) in bits.

    References: Roemmele 2025, public domain.

    Example: ``distrust-hub train --objective literal --distrust-alpha 2.7``.
    """

    def term(items: Sequence[Item]) -> NDArray[np.float64]:
        scores = [item.scores for item in items if item.scores]
        authority, entropy = [s.authority_weight for s in scores], [s.provenance_entropy for s in scores]
        return np.atleast_1d(distrust_term(authority, entropy, config.distrust_alpha))

    stream, survey = _survey(rows, lambda number, row: encoder.encode(row), config)
    mean = config.distrust_alpha * np.average(np.square(survey.cores), weights=survey.group_tokens)
    record = {"name": "literal", "distrust_alpha": config.distrust_alpha, "mean_term": float(mean)}
    return Plan(stream, survey, survey.summarise(np.ones(len(survey.groups))), record, term=term)


def _unweighted(
    rows: Rows | Sequence[Row], encode: Encode, config: TrainConfig, record: dict[str, Any], **more: Any
) -> Plan:
    stream, survey = _survey(rows, encode, config)
    return Plan(stream, survey, survey.summarise(np.ones(len(survey.groups))), record, **more)


def _by_core(rule: WeightRule) -> Callable[[Sequence[Item]], NDArray[np.float64]]:
    return lambda items: rule([item.scores.core for item in items if item.scores])


def _draw(seed: tuple[int, int], number: int) -> float:
    """The ``number``-th (from 0) uniform number of a seeded sequence, without those before it."""
    return float(np.random.Generator(np.random.PCG64(seed).advance(number)).random())
