"""The gradient of one optimizer step, from one or more micro-batches."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distrust_hub.config import TrainConfig
from distrust_hub.models.runtime import mx, nn, tree_flatten, tree_map
from distrust_hub.training.batches import Batch
from distrust_hub.training.losses import EXTRAS, BatchLoss, NextTokenLoss, cross_entropy, held_out_loss, odds_ratio
from distrust_hub.training.parallel import cut, replica, side_by_side
from distrust_hub.training.ranks import find_ranks


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
        tokens: Loss of tokens; None makes one for the model.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, tokens: NextTokenLoss | None = None) -> None:
        self.model, self.config = model, config
        self.tokens = NextTokenLoss(model) if tokens is None else tokens
        self.ranks = find_ranks()

    def __call__(self, batches: Sequence[Batch], position: int) -> Gradients:
        """Sum over the micro-batches of a step, divided once by the sum of their counts.

        Args:
            batches: Micro-batches of the step.
            position: Number of micro-batches before them in the run; with the seed it decides the dropout.
        """
        parts = [(place, part) for place, batch in enumerate(batches, position) for part in cut(batch, self.ranks.size)]
        tree = tree_map(mx.zeros_like, self.model.trainable_parameters())
        losses = [self._no_loss(part) for _, part in parts]
        mine = self.ranks.share(range(len(parts)))
        for i, (loss, grads) in zip(mine, side_by_side(self._differentiate, [parts[i] for i in mine])):
            tree, losses[i] = tree_map(mx.add, tree, grads), loss
            mx.eval(tree)
        tree, losses = self._over_ranks(tree, losses)
        count = sum(loss.count for loss in losses)
        return _gather(tree_map(lambda g: g / count, tree), losses, batches, count)

    def held_out(self, batch: Batch) -> tuple[float, int]:
        """Unweighted sum of the losses of a batch in nats, and its number of trained tokens."""
        parts = self.ranks.share([(part,) for part in cut(batch, self.ranks.size)])
        losses = side_by_side(lambda part: held_out_loss(self.tokens, self.model, part), parts)
        return self.ranks.total(mx.array(math.fsum(losses))).item(), len(batch.targets)

    def _no_loss(self, part: Batch) -> BatchLoss:
        """The loss of a part that another rank computes, as far as this one knows it."""
        zero = mx.zeros(())
        return BatchLoss(zero, 0, mx.zeros(len(part.items)), dict.fromkeys(EXTRAS[self.config.objective], zero))

    def _over_ranks(self, tree: Any, losses: list[BatchLoss]) -> tuple[Any, list[BatchLoss]]:
        """Sums over the ranks; each part was computed by one of them."""
        if self.ranks.size == 1:
            return tree, losses
        values = [{**vars(loss), "count": mx.array(loss.count)} for loss in losses]
        tree, values = self.ranks.total([tree, values])
        return tree, [BatchLoss(**{**value, "count": int(value["count"].item())}) for value in values]

    def _differentiate(self, position: int, part: Batch) -> tuple[BatchLoss, Any]:
        mx.random.seed(_noise_seed(self.config.seed, position, int(part.items[0])))
        model = replica(self.model)
        (_, loss), grads = nn.value_and_grad(model, functools.partial(self._loss, model))(part)
        mx.eval(loss.total, loss.item_nll, loss.extras, grads)
        return loss, grads

    def _loss(self, model: nn.Module, batch: Batch) -> tuple[Any, BatchLoss]:
        if self.config.objective == "preference":
            loss = odds_ratio(self.tokens, model, batch, self.config.orpo_lambda)
        else:
            loss = cross_entropy(self.tokens, model, batch)
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


def _noise_seed(seed: int, position: int, item: int) -> int:
    """Seed of the dropout of one part: its micro-batch in the run and its first item in the data."""
    return int(np.random.SeedSequence((seed, position, item)).generate_state(1, np.uint64)[0])
