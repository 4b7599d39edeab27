"""The benchmarks there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distrust_hub.errors import ConfigError
from distrust_hub.evaluation.benchmark import Benchmark
from distrust_hub.evaluation.perplexity import Perplexity
from distrust_hub.evaluation.preference_suite import SourcePreference
from distrust_hub.evaluation.probes import Probes
from distrust_hub.evaluation.truthfulqa import TruthfulQA

BENCHMARKS: dict[str, Benchmark[Any]] = {
    benchmark.name: benchmark for benchmark in (SourcePreference(), TruthfulQA(), Perplexity(), Probes())
}


def find_benchmarks(names: Sequence[str]) -> list[Benchmark[Any]]:
    """The benchmarks of these names, each once.

    Raises:
        ConfigError: If a name is unknown or none is given.
    """
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown or not names:
        problem = f"unknown suite {unknown[0]!r}" if unknown else "no suite given"
        raise ConfigError(f"{problem}; expected one or more of {', '.join(BENCHMARKS)}")
    return [BENCHMARKS[name] for name in dict.fromkeys(names)]
