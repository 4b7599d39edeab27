"""A small step before the first: does this model get the gradient that mlx-lm's own forward pass gives?

What makes training fast, small and packed works on what model files have in common, and they have less in common every
year. So it is tried on a few of the run's own tokens, and a model that would be trained wrong is refused by name.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError, DistrustHubError, ModelError
from distrust_hub.models.runtime import mx, nn, on_cpu, tree_flatten
from distrust_hub.training.anatomy import PROBE, is_called
from distrust_hub.training.batches import Lane, make_batch
from distrust_hub.training.examples import Example, Item, Pack
from distrust_hub.training.gradients import Differentiator
from distrust_hub.training.losses import NextTokenLoss
from distrust_hub.training.parallel import replica, small_products
from distrust_hub.training.ranks import Ranks

TRIAL_ITEMS = 4
_TOKENS = 16
"""Size of the sample: enough for two rows of two documents."""
_TOLERANCE, _TOLERANCE_16_BIT = 1e-3, 0.1
"""Largest relative distance of the gradients (our choice). Those of the same step in 16 bits differ by some percent."""


class Trial:
    """A sample of a run's documents, and the gradient they should give.

    Args:
        model: Model with LoRA layers, as mlx-lm runs it.
        items: The first items of the run, at least one.
        top_token: The largest token id of the run.
        width: Tokens of its longest row.
        config: Settings of the run.

    Raises:
        ModelError: If mlx-lm cannot differentiate the model, or the tokenizer has more ids than it.
        ConfigError: If it has learned fewer positions than a row is long.
    """

    def __init__(
        self, model: nn.Module, items: Sequence[Item], top_token: int, width: int, config: TrainConfig
    ) -> None:
        self.model, self.config = model, dataclasses.replace(config, objective="none", max_seq_length=64)
        starts = [dataclasses.replace(s, ids=s.ids[:_TOKENS], start=1) for item in items for s in item.sequences]
        self.sample = [starts[i % len(starts)] for i in range(TRIAL_ITEMS)]
        self.name = sys.modules[type(model).__module__].__name__
        _prepare(model)
        try:
            known = int(model(mx.array(PROBE)).shape[-1])
            positions = _learned_positions(model, known)
            if top_token < known and width <= positions:
                with small_products():
                    self.expected = _plain_gradient(model, self.sample)
        except Exception as error:  # a model file may raise anything
            raise ModelError(
                f"{self.name} cannot be trained with these layers ({_one_line(error)}); name others with "
                "--target-modules, or use another base model"
            ) from error
        if top_token >= known:
            raise ModelError(f"the tokenizer makes token {top_token} and the model has {known}; they are of two models")
        if width > positions:
            raise ConfigError(
                f"{self.name} has {positions:.0f} learned positions and a row of {width} tokens needs more; give "
                f"--max-seq-length {positions:.0f} or less"
            )

    def check(self, tokens: NextTokenLoss) -> None:
        """Take the step in the way of the run and compare.

        Args:
            tokens: The run's loss, with its frozen blocks.

        Raises:
            ConfigError: If packing or checkpoints are at fault.
            ModelError: If the gradient is another one without them.
        """
        distance, problem = self._distance(tokens)
        if distance <= (_TOLERANCE if on_cpu() else _TOLERANCE_16_BIT if self.config.packing else sys.float_info.max):
            return
        if self.config.packing:
            raise ConfigError(f"packing is not known to work with {self.name} ({problem}); train without --packing")
        if self.config.grad_checkpoint:
            raise ConfigError(
                f"grad_checkpoint is not known to work with {self.name} ({problem}); train without --grad-checkpoint"
            )
        raise ModelError(f"{self.name} is not known to train right here ({problem}); please report it")

    def _distance(self, tokens: NextTokenLoss) -> tuple[float, str]:
        """Relative distance of the gradients, infinite where there is none to compare; and what to say of it."""
        lanes: list[Lane] = [*self.sample]
        if self.config.packing:
            lanes = [Pack(tuple(self.sample[:2])), Pack(tuple(self.sample[2:]))]
        batch = make_batch(lanes, [1.0] * TRIAL_ITEMS, range(TRIAL_ITEMS), 2 * _TOKENS)
        step = Differentiator(self.model, self.config, tokens)
        step.ranks = Ranks()  # each rank for itself: whether they belong together is not known yet
        try:
            found = _flat(step([batch], 0).tree)
        except DistrustHubError:
            raise
        except Exception as error:
            return math.inf, _one_line(error)
        norm, apart = np.linalg.norm(self.expected), np.linalg.norm(found - self.expected)
        if not math.isfinite(norm):  # wrong weights or data, which the loop deals with
            return 0.0, ""
        distance = float(apart / max(norm, sys.float_info.min))
        return (distance if math.isfinite(distance) else math.inf), f"its gradient is {distance:.1%} off"


def _learned_positions(model: nn.Module, vocabulary: int) -> float:
    """Rows of the smallest table of embeddings that is not of token ids; infinite where there is none but those.

    A row of such a table is needed for every position; rotary positions go on for ever.
    """
    tables = {name: m for name, m in model.named_modules() if isinstance(m, (nn.Embedding, nn.QuantizedEmbedding))}
    rows = {name: table.weight.shape[0] for name, table in tables.items()}
    return min((size for name, size in rows.items() if size != vocabulary and is_called(model, name)), default=math.inf)


def _prepare(model: nn.Module) -> None:
    """As in training, without the noise of dropout; the loop sets both again."""
    model.train()
    model.apply_to_modules(lambda _, module: module.eval() if isinstance(module, nn.Dropout) else None)


def _plain_gradient(model: nn.Module, sample: Sequence[Example]) -> np.ndarray:
    """Of the mean loss of the sample's tokens, each document alone."""
    model = replica(model)

    def loss() -> Any:
        total = mx.zeros(())
        for document in sample:
            logits = model(mx.array(document.ids[None, :-1]))[0].astype(mx.float32)
            total = total + nn.losses.cross_entropy(logits, mx.array(document.ids[1:])).sum()
        return total / sum(document.n_tokens for document in sample)

    return _flat(nn.value_and_grad(model, loss)()[1])


def _flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.array(value.astype(mx.float32)).ravel() for _, value in tree_flatten(tree)])


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
