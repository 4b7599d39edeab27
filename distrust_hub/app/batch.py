"""Many texts at once, as one table and as downloads. No gradio here."""

from __future__ import annotations

import csv
import importlib.util
import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distrust_hub.app.limits import Limits
from distrust_hub.errors import DataError
from distrust_hub.files import atomic_write, write_jsonl
from distrust_hub.objective import signed_core
from distrust_hub.schema import TIERS
from distrust_hub.scoring.document import score_document

COLUMNS = (
    "row",
    "tier",
    "text",
    "signed core",
    "authority",
    "entropy, bits",
    "source type",
    "year",
    "confidence",
)
NUMBERS = ("signed core", "authority", "entropy, bits", "confidence")
"""Columns with two decimals."""

EXTREMES_SHOWN = 3
"""Most primary and most coordinated rows to look at first; fewer where there are not twice as many rows."""

_EXCERPT_CHARS = 160
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class BatchView:
    """Scores of many texts.

    Attributes:
        records: One scored row per text: ``id``, ``text``, scores, tier, year and so on, as a scored file has them.
        table: The same as rows of COLUMNS, texts shortened.
        tiers: {tier: rows}.
        most_primary: Numbers (from 1) of the rows with the highest signed core, the highest first.
        most_coordinated: Numbers of the rows with the lowest, the lowest first.
        stopped: Why not all rows are scored: ``""``, ``cancelled`` or ``time limit``.
    """

    records: list[dict[str, Any]]
    table: list[list[Any]]
    tiers: dict[str, int]
    most_primary: tuple[int, ...]
    most_coordinated: tuple[int, ...]
    stopped: str = ""


def score_batch(
    documents: Iterable[tuple[str, Mapping[str, Any]]],
    limits: Limits,
    on_progress: Callable[[int], None] = lambda done: None,
    cancelled: threading.Event | None = None,
) -> BatchView:
    """Score documents one by one.

    Args:
        documents: (text, metadata) pairs.
        limits: The app's bounds; at the bound on seconds the rest is left out.
        on_progress: Told the number of documents done after each one.
        cancelled: Set it to leave the rest out.

    Raises:
        DataError: If there are none, too many, or one is too long.
    """
    records: list[dict[str, Any]] = []
    deadline, stopped = time.monotonic() + limits.file_seconds, ""
    for number, (text, metadata) in enumerate(documents, start=1):
        limits.check_rows(number)
        try:
            limits.check_text(text)
        except DataError as error:
            raise DataError(f"row {number}: {error.problem}") from error
        records.append(_record(number, text, metadata))
        on_progress(number)
        if cancelled and cancelled.is_set():
            stopped = "cancelled"
        elif time.monotonic() > deadline:
            stopped = "time limit"
        if stopped:
            break
    if not records:
        raise DataError("there is no text in it; give one document per row, in a column named text")
    counts = Counter(record["tier"] for record in records)
    by_core = [record["row"] for record in sorted(records, key=lambda record: record["signed_core"])]
    shown = min(EXTREMES_SHOWN, len(records) // 2)
    return BatchView(
        records=records,
        table=[_table_row(record) for record in records],
        tiers={tier: counts[tier] for tier in TIERS},
        most_primary=tuple(by_core[::-1][:shown]),
        most_coordinated=tuple(by_core[:shown]),
        stopped=stopped,
    )


def chosen_rows(view: BatchView, tier: str, words: str) -> list[list[Any]]:
    """The table's rows of one tier (all for an empty ``tier``) whose text or source type holds every word."""
    wanted = words.lower().split()
    rows = []
    for record, row in zip(view.records, view.table):
        searched = f"{record['text']} {record['source_type']}".lower()
        if (not tier or record["tier"] == tier) and all(word in searched for word in wanted):
            rows.append(row)
    return rows


def _record(number: int, text: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    score = score_document(text, metadata)
    return {
        "row": number,
        "text": text,
        "authority_weight": round(score.authority_weight, 4),
        "provenance_entropy": round(score.provenance_entropy, 4),
        "signed_core": round(signed_core(score.authority_weight, score.provenance_entropy), 4),
        "tier": score.tier,
        "source_type": score.source_type,
        "year": score.year,
        "confidence": round(score.confidence, 3),
    }


def excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT_CHARS else line[: _EXCERPT_CHARS - 1] + "…"


def _table_row(record: Mapping[str, Any]) -> list[Any]:
    return [
        record["row"],
        record["tier"],
        excerpt(record["text"]),
        round(record["signed_core"], 2),
        round(record["authority_weight"], 2),
        round(record["provenance_entropy"], 2),
        str(record["source_type"] or "unknown").replace("_", " "),
        "" if record["year"] is None else str(record["year"]),
        round(record["confidence"], 2),
    ]


def write_downloads(view: BatchView, folder: Path) -> list[Path]:
    """Write ``scores.jsonl``, ``scores.csv`` and, where pyarrow is there, ``scores.parquet``; return their paths.

    A CSV cell that a spreadsheet would run as a formula starts with an apostrophe.
    """
    jsonl, table = folder / "scores.jsonl", folder / "scores.csv"
    write_jsonl(jsonl, view.records)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(view.records[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: _csv_cell(value) for key, value in record.items()} for record in view.records)
    with atomic_write(table) as stream:
        stream.write(buffer.getvalue())
    return [jsonl, table, *_parquet(view, folder)]


def _parquet(view: BatchView, folder: Path) -> list[Path]:
    if importlib.util.find_spec("pyarrow") is None:
        return []
    import pyarrow
    from pyarrow import parquet

    path = folder / "scores.parquet"
    schema = pyarrow.schema(
        [("row", pyarrow.int64()), ("text", pyarrow.string())]
        + [(name, pyarrow.float64()) for name in ("authority_weight", "provenance_entropy", "signed_core")]
        + [("tier", pyarrow.string()), ("source_type", pyarrow.string()), ("year", pyarrow.int64())]
        + [("confidence", pyarrow.float64())]
    )
    with atomic_write(path, "wb") as stream:
        parquet.write_table(pyarrow.Table.from_pylist(view.records, schema=schema), stream)
    return [path]


def _csv_cell(value: Any) -> Any:
    runs = isinstance(value, str) and (value[:1] in ("\t", "\r") or value.lstrip().startswith(_FORMULA_STARTS))
    return f"'{value}" if runs else value
