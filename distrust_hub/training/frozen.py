"""Run the blocks below the first trained one outside of differentiation.

Arrays that are evaluated while MLX differentiates keep everything they were computed from. The blocks that have no LoRA
layers need no gradient, so their output is computed first, by itself, and enters the differentiated part as a constant.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from distrust_hub.models.runtime import mx, nn, tree_flatten


class FrozenBlocks:
    """The blocks of a model below the first one with trained parameters.

    Args:
        model: mlx-lm model; at least one block has trained parameters.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model, self.blocks = model, list(model.layers)
        self.first = next(i for i, block in enumerate(self.blocks) if tree_flatten(block.trainable_parameters()))
        self._states: Any = None
        self._below = False
        self._kinds = [type(block) for block in self.blocks]
        self._staged = [_staged(kind, self, index) for index, kind in enumerate(self._kinds)]

    @contextlib.contextmanager
    def precomputed(self, tokens: Any) -> Iterator[None]:
        """Compute the frozen part for ``tokens``; while the context is open, the model starts from its output.

        Args:
            tokens: Token ids, shape (B, T); the model must be called with the same ones.
        """
        if self.first == 0:
            yield
            return
        try:
            self._use(self._staged)
            self._below = True
            self.model(tokens)  # lazy: only the states that enter the first trained block are evaluated
            self._below = False
            mx.eval(self._states)
            yield
        finally:
            self._states, self._below = None, False
            self._use(self._kinds)

    def run(self, index: int, states: Any, block: Callable[[], Any]) -> Any:
        """What block ``index`` returns for ``states``: its own result, or a short cut around it."""
        if self._below:
            if index == self.first:
                self._states = states
            return block() if index < self.first else states
        return self._states if index < self.first else block()

    def _use(self, kinds: list[type]) -> None:
        for block, kind in zip(self.blocks, kinds):
            block.__class__ = kind


def _staged(kind: type, frozen: FrozenBlocks, index: int) -> type:
    """A subclass of a block's class that asks ``frozen`` what to do."""

    def call(self: Any, states: Any, *args: Any, **options: Any) -> Any:
        return frozen.run(index, states, lambda: kind.__call__(self, states, *args, **options))

    return type(kind.__name__, (kind,), {"__call__": call, "__module__": kind.__module__})
