"""A datatrove pipeline block that scores documents, for corpora that one machine is too small for.

    executor = LocalPipelineExecutor([JsonlReader("in"), Score(), JsonlWriter("out", expand_metadata=True)], tasks=8)

The numbers are those of ``score_dataset``; the executor (local, Slurm, Ray) decides where the work is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from distrust_hub.errors import ConfigError, DataError, MissingDependencyError
from distrust_hub.schema import Document
from distrust_hub.scoring.document import PRIOR_SHARE_DEFAULT, checked_share
from distrust_hub.scoring.rows import scored_row

try:
    from datatrove.pipeline.base import PipelineStep
except ImportError as error:
    raise MissingDependencyError("datatrove", "cluster", "scoring in a datatrove pipeline") from error


class Score(PipelineStep):
    """Adds the columns of a scored row to the metadata of each document that passes.

    The counts by tier, and of the documents dropped, are in datatrove's statistics of the run.

    Args:
        evidence: Add what moved each score.
        prior_share: Share in [0, 1] of the prior of a source type that the metadata states.
        on_error: ``stop`` at a document without text or with metadata that is not JSON, or ``skip`` it.

    Raises:
        ConfigError: For a value out of range.
        DataError: At a bad document with ``on_error="stop"``.
    """

    type = "\N{STRAIGHT RULER} - SCORER"
    name = "distrust-hub"

    def __init__(
        self,
        *,
        evidence: bool = False,
        prior_share: float = PRIOR_SHARE_DEFAULT,
        on_error: Literal["stop", "skip"] = "stop",
    ) -> None:
        super().__init__()
        if on_error not in ("stop", "skip"):
            raise ConfigError(f"on_error is {on_error!r}; expected stop or skip")
        self.evidence, self.prior_share, self.on_error = evidence, checked_share(prior_share), on_error

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Score the documents of one task, in their order."""
        for document in data:
            with self.track_time():
                try:
                    row = self._row(document)
                except DataError:
                    if self.on_error == "stop":
                        raise
                    self.stat_update("rejected")
                    continue
                document.text, document.id = row.pop("text"), row.pop("id")
                document.metadata = row
                self.stat_update(row["tier"])
            yield document

    def _row(self, document: Any) -> dict[str, Any]:
        source = Document.from_row({**document.metadata, "text": document.text, "id": document.id}, path=document.id)
        return scored_row(source, evidence=self.evidence, prior_share=self.prior_share)
