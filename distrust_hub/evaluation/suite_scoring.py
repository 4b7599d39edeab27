"""Score a base and its adapters on one suite, each once and resumable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distrust_hub import __version__
from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.benchmark import Benchmark, Outcome, Request
from distrust_hub.evaluation.journal import Journal

if TYPE_CHECKING:
    from distrust_hub.models.load import LoadedModel


@dataclass(frozen=True)
class NamedAdapter:
    """A verified adapter.

    Attributes:
        name: What to report.
        folder: Where it is.
        sha256: SHA-256 of its weights.
        config_sha256: SHA-256 of what its config makes of them, the scale above all.
    """

    name: str
    folder: Path
    sha256: str
    config_sha256: str


@dataclass
class SuiteScoring:
    """Scores models on one suite, each once, and keeps what is finished on disk until the suite is done.

    Attributes:
        loaded: The base; adapters are put on and taken off.
        benchmark, items, request: What to measure.
        folder: Where unfinished scores are kept; None keeps none.
        resume: Go on with what is there.
    """

    loaded: LoadedModel
    benchmark: Benchmark[Any]
    items: Sequence[Any]
    request: Request
    folder: Path | None
    resume: bool
    journals: list[Journal] = field(default_factory=list)

    def base(self) -> Outcome:
        """Score the base alone."""
        return self._score(None, self._journal(None))

    def adapter(self, adapter: NamedAdapter) -> Outcome:
        """Score the base with an adapter, which is taken off again."""
        from distrust_hub.adapters.load import apply_adapter, remove_adapter

        journal = self._journal(adapter)
        apply_adapter(self.loaded, adapter.folder)
        try:
            return self._score(adapter.name, journal)
        finally:
            remove_adapter(self.loaded)

    def forget(self, adapter: NamedAdapter | None) -> None:
        """Results of this adapter (None: of the base) are written; a run that was killed then left its scores."""
        if path := self._path(adapter.name if adapter else None):
            path.unlink(missing_ok=True)

    def done(self) -> None:
        """The suite is written; nothing is left to resume."""
        for journal in self.journals:
            journal.remove()

    def _score(self, adapter: str | None, journal: Journal) -> Outcome:
        from distrust_hub.evaluation.mlx_backend import MLXScorer

        scorer = MLXScorer(self.loaded, journal=journal)
        try:
            return self.benchmark.score(scorer, self.items, self.request)
        except EvaluationError as error:
            raise EvaluationError(f"{adapter or 'the base model'} on {self.benchmark.name}: {error}") from error

    def _journal(self, adapter: NamedAdapter | None) -> Journal:
        scored_with = [adapter.sha256, adapter.config_sha256] if adapter else None
        identity = {"base": self.loaded.base.sha256, "adapter": scored_with, "version": __version__}
        path = self._path(adapter.name if adapter else None)
        self.journals.append(Journal(path, identity, resume=self.resume))
        return self.journals[-1]

    def _path(self, adapter: str | None) -> Path | None:
        name = "_".join(["partial", self.benchmark.name, *([file_name(adapter)] if adapter else [])])
        return None if self.folder is None else self.folder / f"{name}.jsonl"


def file_name(adapter: str) -> str:
    """An adapter's name as part of a file's."""
    return adapter.replace("/", "--")
