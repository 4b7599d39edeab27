"""The gradient of one optimizer step, from one or more micro-batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distrust_hub.config import TrainConfig
from distrust_hub.models.runtime import mx, nn, tree_flatten, tree_map
from distrust_hub.training.batches import Batch
from distrust_hub.training.losses import BatchLoss, NextTokenLoss, cross_entropy, odds_ratio


@dataclass(frozen=True)
class Gradients:
    """Sum of a step's micro-batches, divided by its count.

    Attributes:
        tree: Gradient of each trained tensor.
        norm: Its Euclidean length.
        loss: Unweighted nats per trained token.
        weighted_loss: What was differentiated.
        tokens: Trained tokens.
        mean_weight: Token-weighted mean weight of the step.
        batches: The micro-batches.
        bad_items: Items whose loss is not finite.
        extras: Means of the loss's extras.
    """

    tree: Any
    norm: float
    loss: float
    weighted_loss: float
    tokens: int
    mean_weight: float
    batches: Sequence[Batch]
    bad_items: list[int]
    extras: dict[str, float]

    @property
    def finite(self) -> bool:
        """Whether the step may be taken."""
        return math.isfinite(self.norm) and math.isfinite(self.weighted_loss)

    def clip_factor(self, max_grad_norm: float) -> float:
        """What to multiply the gradient by so that its length stays within ``max_grad_norm * mean_weight``.

        A fixed limit would cut a gradient of weight 4 and one of weight 1 to the same length and so undo the weights
        (at batch size 1 entirely). The limit scales with the step's mean weight: for a batch of one weight that is the
        same as clipping the unweighted gradient and then weighting it. 0 turns clipping off.
        """
        limit = max_grad_norm * self.mean_weight
        return limit / self.norm if 0.0 < limit < self.norm else 1.0


class Differentiator:
    """Differentiates the loss of a model's LoRA layers.

    Args:
        model: Model with LoRA layers.
        config: Settings: objective, seed.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self.model, self.config = model, config
        self.tokens = NextTokenLoss(model)
        self._value_and_grad = nn.value_and_grad(model, self._loss)

    def __call__(self, batches: Sequence[Batch], position: int) -> Gradients:
        """Sum over the micro-batches of a step, divided once by the sum of their counts.

        Args:
            batches: Micro-batches of the step.
            position: Number of micro-batches before them in the run; with the seed it decides the dropout.
        """
        tree, losses = None, []
        for offset, batch in enumerate(batches):
            mx.random.seed(_noise_seed(self.config.seed, position + offset))
            (_, loss), grads = self._value_and_grad(batch)
            tree = grads if tree is None else tree_map(mx.add, tree, grads)
            mx.eval(loss.total, loss.item_nll, loss.extras, tree)
            losses.append(loss)
        count = sum(loss.count for loss in losses)
        return _gather(tree_map(lambda g: g / count, tree), losses, batches, count)

    def _loss(self, batch: Batch) -> tuple[Any, BatchLoss]:
        if self.config.objective == "preference":
            loss = odds_ratio(self.tokens, self.model, batch, self.config.orpo_lambda)
        else:
            loss = cross_entropy(self.tokens, self.model, batch)
        return loss.total, loss


def _gather(tree: Any, losses: Sequence[BatchLoss], batches: Sequence[Batch], count: int) -> Gradients:
    squares = mx.stack([mx.square(g.astype(mx.float32)).sum() for _, g in tree_flatten(tree)])
    item_nll = np.concatenate([np.array(loss.item_nll, dtype=np.float64) for loss in losses])
    items = np.concatenate([batch.items for batch in batches])
    tokens = np.concatenate([batch.n_tokens for batch in batches])
    weights = np.concatenate([batch.weights for batch in batches])
    names = losses[0].extras
    return Gradients(
        tree=tree,
        norm=math.sqrt(np.array(squares, dtype=np.float64).sum()),
        loss=float(item_nll.sum()) / int(tokens.sum()),
        weighted_loss=math.fsum(loss.total.item() for loss in losses) / count,
        tokens=int(tokens.sum()),
        mean_weight=float(np.average(weights, weights=tokens)),
        batches=batches,
        bad_items=items[~np.isfinite(item_nll)].tolist(),
        extras={name: sum(loss.extras[name].item() for loss in losses) / count for name in names},
    )


def _noise_seed(seed: int, position: int) -> int:
    """Seed of the dropout of one micro-batch."""
    return int(np.random.SeedSequence((seed, position)).generate_state(1, np.uint64)[0])
