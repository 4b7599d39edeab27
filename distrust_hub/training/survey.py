"""One pass over the encoded data before training: how much there is, and what the weights are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from distrust_hub.objective import effective_sample_size
from distrust_hub.schema import TIERS
from distrust_hub.training.examples import Item, Scores
from distrust_hub.training.stream import Stream

_MOST_CORES = 1 << 13
"""Distinct signed cores kept apart; beyond that they are rounded for the fit of the weights, which moves the median by
at most 0.005 and so no weight by more than 0.6 %."""
_DECIMALS = 2


@dataclass
class Survey:
    """Counts over all items of a stream; its size does not grow with theirs.

    Attributes:
        batches: Batches per epoch.
        items: Items.
        tokens: Trained tokens.
        longest: Tokens of the longest sequence.
        top_token: The largest token id.
        rows: {tier: rows}; "" where there are no scores.
        groups: {(tier, signed core): items, tokens, tokens x authority weight, tokens x provenance entropy}.
    """

    batches: int = 0
    items: int = 0
    tokens: int = 0
    longest: int = 0
    top_token: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    groups: dict[tuple[str, float], NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of(cls, stream: Stream, quiet: bool = False) -> Survey:
        """Go through a stream once."""
        found = cls()
        with tqdm(total=len(stream.rows), desc="tokenising", unit="row", disable=quiet or None, leave=False) as bar:
            for block in stream.blocks():
                found.batches += stream.count(block)
                found._add(block.items)
                for start in block.starts:
                    tier = _key(block.items[start].scores)[0]
                    found.rows[tier] = found.rows.get(tier, 0) + 1
                bar.update(block.rows)
                del block  # before the next one is read
        return found

    @property
    def cores(self) -> NDArray[np.float64]:
        """Signed core of each group, shape (G,)."""
        return np.array([core for _, core in self.groups], dtype=np.float64)

    @property
    def group_tokens(self) -> NDArray[np.float64]:
        """Trained tokens of each group, shape (G,)."""
        return np.array([sums[1] for sums in self.groups.values()], dtype=np.float64)

    def summarise(self, weights: NDArray[np.float64]) -> dict[str, Any]:
        """``weights`` of ``training_run.json``: effective sample size, range, and means by tier.

        Args:
            weights: Weight of each group, shape (G,).
        """
        sums = np.array(list(self.groups.values()))  # (G, 4)
        tiers = np.array([tier for tier, _ in self.groups])
        by_tier = {}
        for tier in TIERS:
            inside = tiers == tier
            if inside.any():
                _, tokens, authority, entropy = sums[inside].T
                by_tier[tier] = {
                    "rows": self.rows[tier],
                    "tokens": int(tokens.sum()),
                    "mean_authority_weight": float(authority.sum() / tokens.sum()),
                    "mean_provenance_entropy": float(entropy.sum() / tokens.sum()),
                    "mean_weight": float(np.average(weights[inside], weights=tokens)),
                }
        return {
            "ess": effective_sample_size(weights, counts=sums[:, 0]),
            "min": float(weights.min()),
            "max": float(weights.max()),
            "histogram": _histogram(weights, sums[:, 0]),
            "by_tier": by_tier,
        }

    def _add(self, items: Sequence[Item]) -> None:
        for item in items:
            key = _key(item.scores)
            self.groups[key] = self.groups.get(key, 0.0) + _sums(item.scores, item.n_tokens)
            self.items += 1
            self.tokens += item.n_tokens
            for sequence in item.sequences:
                self.longest = max(self.longest, len(sequence.ids))
                self.top_token = max(self.top_token, int(sequence.ids.max()))
        if len(self.groups) > _MOST_CORES:
            self._round()

    def _round(self) -> None:
        """Merge groups whose cores agree to two decimals; of cores between -5 and 10 there are then 1,500 a tier."""
        merged: dict[tuple[str, float], NDArray[np.float64]] = {}
        for (tier, core), sums in self.groups.items():
            key = (tier, round(core, _DECIMALS))
            merged[key] = merged.get(key, 0.0) + sums
        self.groups = merged


def _histogram(weights: NDArray[np.float64], items: NDArray[np.float64]) -> dict[str, list[float]]:
    """Items by weight in ten ranges of equal width; empty where all weights are one."""
    if weights.min() == weights.max():
        return {}
    counts, edges = np.histogram(weights, bins=10, weights=items)
    return {"edges": edges.tolist(), "examples": counts.astype(int).tolist()}


def _key(scores: Scores | None) -> tuple[str, float]:
    return ("", 0.0) if scores is None else (scores.tier, scores.core)


def _sums(scores: Scores | None, tokens: int) -> NDArray[np.float64]:
    if scores is None:
        return np.array([1.0, tokens, 0.0, 0.0])
    return np.array([1.0, tokens, tokens * scores.authority_weight, tokens * scores.provenance_entropy])
