"""Score a corpus: constant memory, order kept, nothing lost without being named."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from distrust_hub.errors import ConfigError, DataError
from distrust_hub.files import iter_jsonl, sha256_file
from distrust_hub.schema import TIERS
from distrust_hub.scoring.document import PRIOR_SHARE_DEFAULT, SCORER_VERSION, checked_share
from distrust_hub.scoring.inputs import SKIP_HINT, InputRow, RawLine, iter_unparsed, source_files
from distrust_hub.scoring.metadata import warn_of_spelling
from distrust_hub.scoring.outputs import ScoredWriter, output_files
from distrust_hub.scoring.rows import ScoredLine, score_rows

log = logging.getLogger(__name__)


@dataclass
class ScoreSummary:
    """What a run did; ``rows_read == rows_scored + rows_rejected``.

    Attributes:
        source: As given.
        output: Path of the scored file.
        rows_read: Rows of the source looked at.
        rows_scored: Rows written.
        rows_rejected: Rows that could not be scored.
        rejected_file: Where those are, None when there are none.
        tiers: Documents of each tier.
        mean_authority_weight: Mean by tier; a tier with no documents is left out.
        mean_provenance_entropy: Mean in bits by tier.
        scorer: Version of the scorer.
        resumed_rows: Rows kept from a run that was stopped.
    """

    source: str
    output: str
    rows_read: int = 0
    rows_scored: int = 0
    rows_rejected: int = 0
    rejected_file: str | None = None
    tiers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TIERS, 0))
    mean_authority_weight: dict[str, float] = field(default_factory=dict)
    mean_provenance_entropy: dict[str, float] = field(default_factory=dict)
    scorer: int = SCORER_VERSION
    resumed_rows: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return dict(vars(self))


def score_dataset(
    source: str | Path,
    output: str | Path,
    *,
    text_column: str = "text",
    limit: int | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    overwrite: bool = False,
    resume: bool = False,
    workers: int = 1,
    evidence: bool = False,
    prior_share: float = PRIOR_SHARE_DEFAULT,
    split: str = "train",
    config: str | None = None,
) -> ScoreSummary:
    """Score every row of a source into one file.

    Args:
        source: File (.jsonl, .jsonl.gz, .jsonl.zst, .json, .csv, .tsv, .txt, .md, .parquet), folder, glob, ``-`` or Hub
            dataset id, with ``@REVISION`` or at its newest commit.
        output: ``.jsonl`` or ``.parquet`` file; in a folder or glob to be scored it is left out.
        text_column: Column that holds the text.
        limit: Look at the first so many rows.
        on_error: ``stop`` at the first bad row, or ``skip`` it into ``OUT.rejected.jsonl``.
        overwrite: Replace an output that is there.
        resume: Go on with a run that was stopped.
        workers: Processes; the output does not depend on it.
        evidence: Add a column ``evidence`` to each row.
        prior_share: Share of the prior of a source type that the row states.
        split: Split of a Hub dataset.
        config: Configuration of a Hub dataset.

    Raises:
        DataError: For a bad row with ``on_error="stop"``, with file and line, and for a source without rows.
        OutputError: If the output cannot be written further, or a worker is gone; ``resume`` goes on.
        InputNotFoundError: If the source is not there.
        OutputExistsError: If the output has content and neither ``overwrite`` nor ``resume`` was said, or ``resume``
            finds no record of the run that wrote it.
        ConfigError: If an option is out of range, or ``resume`` finds a run with other settings.
    """
    if on_error not in ("stop", "skip"):
        raise ConfigError(f"on_error is {on_error!r}; expected stop or skip")
    if workers < 1:
        raise ConfigError(f"workers is {workers}; expected 1 or more")
    if resume and str(source) == "-":
        raise ConfigError("--resume cannot tell whether standard input is the same again; give a file")
    options = {"text_column": text_column, "evidence": evidence, "prior_share": checked_share(prior_share)}
    own_files = output_files(Path(output))
    pinned = _pinned(source)
    state = {
        **options,
        "on_error": on_error,
        "limit": limit,
        "split": split,
        "config": config,
        "scorer": SCORER_VERSION,
        "source": _fingerprint(pinned, own_files),
    }
    writer = ScoredWriter(Path(output), state, overwrite=overwrite, resume=resume)
    summary = ScoreSummary(source=str(source), output=str(output))
    tally = _Tally()
    if writer.finished_before:
        log.warning("%s: already complete, nothing to resume", output)
        tally.read(Path(output))
    else:
        summary.resumed_rows = writer.rows_before + writer.rejected_before
        tally.read(writer.part)
        rows = iter_unparsed(pinned, text_column=text_column, split=split, config=config, leave_out=own_files)
        _run(
            source,
            itertools.islice(_checked_names(rows, text_column), summary.resumed_rows, limit),
            writer,
            tally,
            options,
            on_error,
            workers,
        )
    if writer.rejected_file.exists():
        with writer.rejected_file.open("rb") as stream:
            summary.rows_rejected = sum(1 for _ in stream)
        summary.rejected_file = str(writer.rejected_file)
    tally.into(summary)
    return summary


def iter_scored(
    source: str | Path,
    *,
    text_column: str = "text",
    limit: int | None = None,
    workers: int = 1,
    evidence: bool = False,
    prior_share: float = PRIOR_SHARE_DEFAULT,
    split: str = "train",
    config: str | None = None,
) -> Iterator[str]:
    """The rows ``score_dataset`` would write, as JSON lines.

    Raises:
        DataError: At the first bad row, and where there is none at all.
    """
    options = {"text_column": text_column, "evidence": evidence, "prior_share": checked_share(prior_share)}
    rows = itertools.islice(iter_unparsed(source, text_column=text_column, split=split, config=config), limit)
    empty = True
    for item in score_rows(_checked_names(rows, text_column), options, workers):
        if isinstance(item, InputRow):
            raise DataError(item.problem or "", path=item.path, line=item.line)
        yield item.line.decode("utf-8")
        empty = False
    if empty:
        raise _no_rows(source)


def _run(
    source: str | Path,
    rows: Iterable[InputRow | RawLine],
    writer: ScoredWriter,
    tally: _Tally,
    options: dict[str, Any],
    on_error: str,
    workers: int,
) -> None:
    with writer:
        for item in score_rows(rows, options, workers):
            if isinstance(item, ScoredLine):
                writer.write_line(item.line)
                tally.add(item.tier, item.authority_weight, item.provenance_entropy)
            elif on_error == "stop":
                raise DataError(f"{item.problem}{SKIP_HINT}", path=item.path, line=item.line)
            else:
                writer.reject(item.path, item.line, item.problem or "")
                tally.rejected += 1
        if not (tally.rows or tally.rejected or writer.rejected_before):
            raise _no_rows(source)


def _checked_names(rows: Iterable[InputRow | RawLine], text_column: str) -> Iterator[InputRow | RawLine]:
    """The rows, with a warning where the first of a file has columns that are not read for their spelling.

    Files with the columns of an earlier one are not named again.
    """
    path, seen = None, set[frozenset[str]]()
    for item in rows:
        if item.path != path:
            path = item.path
            row = (item.parsed() if isinstance(item, RawLine) else item).row or {}
            if (names := frozenset(row) - {text_column}) not in seen:
                seen.add(names)
                warn_of_spelling(names, path)
        yield item


def _no_rows(source: str | Path) -> DataError:
    place = "stdin" if str(source) == "-" else source
    return DataError("no rows to score; give an input with at least one document", path=place)


class _Tally:
    """Counts and sums by tier."""

    def __init__(self) -> None:
        self.rejected = 0
        self._sums = {tier: [0, 0.0, 0.0] for tier in TIERS}

    @property
    def rows(self) -> int:
        return int(sum(count for count, _, _ in self._sums.values()))

    def add(self, tier: str, authority_weight: float, provenance_entropy: float) -> None:
        sums = self._sums[tier]  # type: ignore[index]
        sums[0] += 1
        sums[1] += authority_weight
        sums[2] += provenance_entropy

    def read(self, path: Path) -> None:
        """Add the rows of a scored JSON Lines file, if it is there."""
        if path.exists():
            for _, row in iter_jsonl(path):
                self.add(row["tier"], row["authority_weight"], row["provenance_entropy"])

    def into(self, summary: ScoreSummary) -> None:
        summary.rows_scored = self.rows
        summary.rows_read = summary.rows_scored + summary.rows_rejected
        for tier, (count, authority, entropy) in self._sums.items():
            summary.tiers[tier] = int(count)
            if count:
                summary.mean_authority_weight[tier] = round(authority / count, 4)
                summary.mean_provenance_entropy[tier] = round(entropy / count, 4)


def _pinned(source: str | Path) -> str:
    """The source, a Hub dataset with the commit it stands for now, so that a resumed run reads the same rows."""
    name = str(source)
    if name == "-" or source_files(name) is not None:
        return name
    from distrust_hub.hub.client import split_revision
    from distrust_hub.hub.rows import resolve_revision

    repo_id, revision = split_revision(name)
    sha = resolve_revision(repo_id, revision) or revision
    return f"{repo_id}@{sha}" if sha else repo_id


def _fingerprint(source: str, leave_out: Collection[Path]) -> str | None:
    """What a resumed run compares: hashes of the files, or id and commit of a Hub dataset."""
    if source == "-":
        return None
    files = source_files(source, leave_out)
    return source if files is None else ",".join(sha256_file(file)[:32] for file in files)
