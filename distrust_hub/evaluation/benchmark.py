"""What a benchmark is: one class that loads items and measures a model on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

from distrust_hub.evaluation.scorer import Scorer
from distrust_hub.evaluation.statistics import Estimate, FloatArray, bootstrap_mean, paired_difference, wilson

Item = TypeVar("Item")
PromptPreset = Literal["qa", "chat", "qa-chat"]


@dataclass(frozen=True)
class Request:
    """What the user asked of a benchmark.

    Attributes:
        data: File or folder to measure on, or None for the benchmark's own source.
        seed: Seed of everything random.
        prompt: How questions are put, for benchmarks that offer more than one way.
    """

    data: Path | None = None
    seed: int = 0
    prompt: PromptPreset = "qa"


@dataclass(frozen=True)
class Measurement:
    """One metric, item by item.

    Attributes:
        values: One value per item, shape (N,).
        baseline: What a model that knows nothing scores, or None where that has no meaning.
        weights: Weight of each item in the mean (for example tokens), or None.
        clusters: Cluster of each item, or None where items are independent.
        proportion: Values are shares: where each is 0 or 1 the interval is Wilson's, which has a width even where all
            are alike.
    """

    values: FloatArray
    baseline: float | None = None
    weights: FloatArray | None = None
    clusters: Sequence[str] | None = None
    proportion: bool = False

    def estimate(self, seed: int) -> Estimate:
        """The mean and its 95 % interval."""
        if self.proportion and np.isin(self.values, (0, 1)).all():
            return wilson(float(self.values.sum()), self.values.size)
        return bootstrap_mean(self.values, weights=self.weights, clusters=self.clusters, seed=seed)

    def minus(self, other: Measurement, seed: int) -> Estimate:
        """The paired difference to another model's values on the same items."""
        return paired_difference(self.values, other.values, weights=self.weights, clusters=self.clusters, seed=seed)

    def to_json(self, seed: int, base: Measurement | None = None, against: Measurement | None = None) -> dict[str, Any]:
        """The metric as ``eval_results.json`` has it, with paired differences to ``base`` and to another adapter."""
        entry = {**self.estimate(seed).to_json(), "baseline": self.baseline}
        if base is not None:
            entry["base"] = base.estimate(seed).value
            entry["difference"] = self.minus(base, seed).judged()
        if against is not None:
            entry["against"] = self.minus(against, seed).judged()
        return entry


@dataclass(frozen=True)
class Outcome:
    """What one model scored on one benchmark.

    Attributes:
        measurements: {metric: values}; a metric the data cannot give is None.
        groups: {group: measurements} for parts shown apart.
        samples: One row an item, in the order of the data.
        primary_metric: The metric to look at first, where it is not the benchmark's usual one.
    """

    measurements: dict[str, Measurement | None]
    groups: dict[str, dict[str, Measurement | None]] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    primary_metric: str | None = None


class Benchmark(ABC, Generic[Item]):
    """A benchmark. Adding one is a file with a subclass and a line in ``registry.py``.

    Attributes:
        name: The suite's name on the command line.
        summary: What it asks, in a line.
        source: Where its data comes from.
        license: Licence of that data.
        prompting: How the model is asked.
        metrics: Names of its metrics.
        primary_metric: The one to look at first.
        higher_is_better: Direction of the primary metric.
        takes_data: Whether ``--data PATH`` is for it.
        takes_named_data: Whether it reads data only when named, as ``--data SUITE=PATH``.
        takes_prompt: Whether ``Request.prompt`` changes how it asks.
        contrast: Two metrics whose differences to a reference are themselves compared: first minus second.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    source: ClassVar[str]
    license: ClassVar[str]
    prompting: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    primary_metric: ClassVar[str]
    higher_is_better: ClassVar[bool] = True
    takes_data: ClassVar[bool] = False
    takes_named_data: ClassVar[bool] = False
    takes_prompt: ClassVar[bool] = False
    contrast: ClassVar[tuple[str, str] | None] = None

    @abstractmethod
    def load(self, request: Request) -> list[Item]:
        """All items, in a fixed order.

        Raises:
            EvaluationError: If there are none.
        """

    @abstractmethod
    def score(self, scorer: Scorer, items: Sequence[Item], request: Request) -> Outcome:
        """Measure one model."""

    def settings(self, request: Request) -> dict[str, Any]:
        """What identifies the data and prompt of a run, without local paths."""
        return {}

    def warnings(self, outcome: Outcome, base: Outcome) -> list[str]:
        """Sentences about harm that must stand at the top of an adapter's card; none by default."""
        return []
