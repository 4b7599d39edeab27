"""Speed of scoring beside the original's formulas, in one run on the same texts; memory is ``scoring_memory.py``.

    python benchmarks/scoring_speed.py [--documents 1000] [--file-documents 20000] [--json FILE]

Documents are made by a seeded shuffle of the sentences of ``provenance_dev.jsonl`` (so no two are copies),
257 words each.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fit_scoring as fit
from original_scorer import original_score

from distrust_hub.cli.output import format_table
from distrust_hub.scoring.bulk import score_dataset
from distrust_hub.scoring.document import score_document

WORDS = 257
CHUNK = 50
REPEATS = 5
FILE_RUNS = 3


def documents(first: int, last: int, seed: int = 0) -> Iterator[str]:
    """Texts number ``first`` to ``last - 1``: about ``WORDS`` words from the sentences of the labelled documents."""
    sentences = [(s, len(s.split())) for row in fit.load() for s in re.split(r"(?<=[.!?])\s+", row["text"]) if s]
    for number in range(first, last):
        draw = random.Random((seed << 32) + number)
        text: list[str] = []
        words = 0
        while words < WORDS:
            sentence, length = draw.choice(sentences)
            text.append(sentence)
            words += length
        yield " ".join(text)


def seconds_a_document(scorers: list[Callable[[str], Any]], texts: list[str]) -> list[float]:
    """Processor seconds: mean over chunks of each scorer's fastest of ``REPEATS`` passes, the scorers taking turns.

    Time of this thread alone, so that other programs on the machine slow both columns down alike and little.
    """
    totals = [0.0] * len(scorers)
    for first in range(0, len(texts), CHUNK):
        chunk = texts[first : first + CHUNK]
        best = [float("inf")] * len(scorers)
        for _ in range(REPEATS):
            for number, score in enumerate(scorers):
                start = time.thread_time()
                for text in chunk:
                    score(text)
                best[number] = min(best[number], time.thread_time() - start)
        totals = [total + seconds for total, seconds in zip(totals, best)]
    return [total / len(texts) for total in totals]


def with_metadata(score: Callable[..., Any], rows: dict[str, dict[str, Any]]) -> Callable[[str], Any]:
    """A scorer that also gets the metadata of the row a text is from."""
    return lambda text: score(text, rows[text])


def scoring_rows(count: int) -> list[list[Any]]:
    """Documents a second of processor time on one core, beside the original."""
    score_document("warm up")
    shuffled = list(documents(0, count))
    fields = ("publisher", "url", "year", "title", "license")
    rows = {row["text"]: {name: row[name] for name in fields} for row in fit.load()}
    named, given = [with_metadata(score, rows) for score in (original_score, score_document)], list(rows)
    return [
        _speed("sentences shuffled to about 257 words", [original_score, score_document], shuffled),
        _speed("provenance_dev.jsonl, text only", [original_score, score_document], given),
        _speed("provenance_dev.jsonl, with metadata", named, given),
    ]


def _speed(what: str, scorers: list[Callable[[str], Any]], texts: list[str]) -> list[Any]:
    original, ours = seconds_a_document(scorers, texts)
    return [what, len(texts), 1 / original, 1 / ours, original / ours]


def adversarial_rows() -> list[list[Any]]:
    """Seconds for texts that make a backtracking pattern slow, at two sizes: linear means a ratio near 2.

    The original is not run on the digits: one of its patterns is quadratic there and would take hours.
    """
    table = []
    long_line = " ".join(documents(0, 900))
    for name, text, theirs in (
        ("one line of 1.3 MB", long_line[:1_300_000], True),
        ('"1. a, " x 12,000', "1. a, " * 12_000, True),
        ('"(" x 1,000,000', "(" * 1_000_000, True),
        ("1,000,000 digits", "1" * 1_000_000, False),
        ("1,000,000 spaces", " " * 1_000_000, True),
        ("one line of 10 MB", (long_line * 9)[:10_000_000], False),
    ):
        seconds = []
        for part in (text[: len(text) // 2], text):
            start = time.thread_time()
            score_document(part)
            seconds.append(time.thread_time() - start)
        original = None
        if theirs:
            start = time.thread_time()
            original_score(text)
            original = time.thread_time() - start
        table.append([name, original, seconds[1], seconds[1] / max(seconds[0], 1e-9)])
    return table


def file_rows(count: int) -> list[list[Any]]:
    """File to file with 1 and 2 workers: documents a second, processor seconds of all processes, and the ratio.

    Two workers can at best halve the time; how near they come depends on what else the machine does, so the two take
    turns and the fastest run of each counts. The processor seconds say what the second worker costs in itself.
    """
    best: dict[int, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        with source.open("w", encoding="utf-8") as stream:
            for text in documents(0, count):
                stream.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        for run in range(FILE_RUNS):
            for workers in (1, 2):
                start, used = time.perf_counter(), _processor_seconds()
                score_dataset(source, Path(folder) / f"out{run}-{workers}.jsonl", workers=workers)
                taken = time.perf_counter() - start, _processor_seconds() - used
                best[workers] = min(best.get(workers, taken), taken)
    alone = best[1][0]
    return [
        [workers, count, count / seconds, used, alone / seconds, os.getloadavg()[0]]
        for workers, (seconds, used) in best.items()
    ]


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Speed of scoring beside the original's formulas.")
    parser.add_argument("--documents", type=int, default=1000, help="texts scored in memory (default: 1000)")
    parser.add_argument(
        "--file-documents", type=int, default=20_000, help="documents scored from file (default: 20000)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the tables as JSON too")
    arguments = parser.parse_args()
    tables = {
        "documents a second of processor time, one core": (
            scoring_rows(arguments.documents),
            ["what", "n", "original", "ours", "ratio"],
        ),
        "long and adversarial text, processor seconds": (
            adversarial_rows(),
            ["text", "original", "ours", "ours, twice the length over once"],
        ),
        "file to file": (
            file_rows(arguments.file_documents),
            ["workers", "n", "documents a second", "processor seconds", "times one worker", "load average"],
        ),
    }
    for title, (table, headers) in tables.items():
        print(f"\n{title}\n{format_table(headers, table)}")
    if arguments.json:
        record = {title: [dict(zip(headers, line)) for line in table] for title, (table, headers) in tables.items()}
        Path(arguments.json).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
