"""Held-out loss by tier: does the adapter read primary sources better, and does it still read the rest?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distrust_hub.artifacts import VALID_FILE
from distrust_hub.errors import ConfigError, DataError, EvaluationError
from distrust_hub.evaluation.benchmark import Benchmark, Measurement, Outcome, Request
from distrust_hub.evaluation.scorer import Scorer
from distrust_hub.files import sha256_file, well_formed
from distrust_hub.objective import signed_core
from distrust_hub.preparation.balance import origins_of
from distrust_hub.schema import TIERS, ScoredDocument
from distrust_hub.scoring.document import tier_of
from distrust_hub.scoring.inputs import InputRow, iter_source
from distrust_hub.scoring.tables import typed_cells

MAX_TOKENS = 512
"""Tokens read of each document, the training default of max_seq_length."""


class Perplexity(Benchmark[ScoredDocument]):
    """Mean loss in nats per token on held-out documents, over all and per tier; perplexity is its exponential."""

    name = "perplexity"
    summary = "loss on held-out documents, by tier"
    source = "--data DIR with valid.jsonl, or a scored FILE"
    license = "that of the data"
    prompting = f"none: each document by itself, its first {MAX_TOKENS} tokens"
    metrics = ("loss", *(f"loss_{tier}" for tier in TIERS))
    primary_metric = "loss"
    higher_is_better = False
    takes_data = True
    contrast = ("loss_primary", "loss_coordinated")

    def load(self, request: Request) -> list[ScoredDocument]:
        """Read the held-out rows.

        Raises:
            ConfigError: If no data was named.
            DataError: If a row is not scored.
            EvaluationError: If there is no row.
        """
        path = _file(request)
        documents = [_document(item) for item in iter_source(path)]
        if not documents:
            raise EvaluationError(f"{path}: no rows to measure on; prepare with a larger valid_share")
        return documents

    def settings(self, request: Request) -> dict[str, Any]:
        """Name and hash of the data, and the tokens read of a document."""
        path = _file(request)
        return {"data": path.name, "data_sha256": sha256_file(path), "max_tokens": MAX_TOKENS}

    def score(self, scorer: Scorer, items: Sequence[ScoredDocument], request: Request) -> Outcome:
        """Loss of every document, weighted by its tokens."""
        scores = scorer.text_loglikelihoods([item.text for item in items], MAX_TOKENS, "held-out loss")
        losses = np.array([-score.per_token for score in scores])
        tokens = np.array([score.tokens for score in scores], dtype=np.float64)
        tiers = np.array([tier_of(signed_core(item.authority_weight, item.provenance_entropy)) for item in items])
        origins = np.array(origins_of(items))  # the parts of a document are no independent witnesses

        def measured_on(here: NDArray[np.bool_]) -> Measurement | None:
            found = Measurement(losses[here], weights=tokens[here], clusters=origins[here].tolist())
            return found if here.any() else None

        measured = {"loss": measured_on(np.full(len(items), True))}
        measured |= {f"loss_{tier}": measured_on(tiers == tier) for tier in TIERS}
        samples = [
            {"id": well_formed(item.id), "tier": str(tier), "loss_nats": float(loss), "tokens": int(count)}
            for item, tier, loss, count in zip(items, tiers, losses, tokens)
        ]
        return Outcome(measured, samples=samples)


def _document(item: InputRow) -> ScoredDocument:
    if item.row is None:
        raise DataError(item.problem or "", path=item.path, line=item.line)
    return ScoredDocument.from_row(typed_cells(item.row, item.path), path=item.path, line=item.line)


def _file(request: Request) -> Path:
    if request.data is None:
        raise ConfigError(
            "the suite perplexity needs held-out text; give --data DIR (with valid.jsonl) or a scored FILE"
        )
    return request.data / VALID_FILE if request.data.is_dir() else request.data
