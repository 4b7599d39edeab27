"""Speed and memory of scoring beside the original's formulas, in one run on the same texts.

    python benchmarks/scoring_speed.py [--documents 5000] [--memory] [--json FILE]

Documents are made by a seeded shuffle of the sentences of ``provenance_dev.jsonl`` (so no two are copies),
257 words each.
"""

from __future__ import annotations

import argparse
import json
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


def shuffled(count: int, seed: int = 0) -> Iterator[str]:
    """``count`` texts of about ``WORDS`` words from the sentences of the labelled documents."""
    sentences = [s for row in fit.load() for s in re.split(r"(?<=[.!?])\s+", row["text"]) if s]
    draw = random.Random(seed)
    for _ in range(count):
        text: list[str] = []
        words = 0
        while words < WORDS:
            sentence = draw.choice(sentences)
            text.append(sentence)
            words += len(sentence.split())
        yield " ".join(text)


def seconds_a_document(score: Callable[[str], Any], texts: list[str]) -> float:
    """Mean over chunks of the fastest of ``REPEATS`` passes: what the code costs, not what else the machine did."""
    total = 0.0
    for first in range(0, len(texts), CHUNK):
        chunk = texts[first : first + CHUNK]
        best = float("inf")
        for _ in range(REPEATS):
            start = time.perf_counter()
            for text in chunk:
                score(text)
            best = min(best, time.perf_counter() - start)
        total += best
    return total / len(texts)


def scoring_rows(texts: list[str]) -> list[list[Any]]:
    """Documents a second on one core, beside the original."""
    score_document(texts[0])
    ours, original = seconds_a_document(score_document, texts), seconds_a_document(original_score, texts)
    return [["texts of 257 words in memory", len(texts), 1 / original, 1 / ours, original / ours]]


def adversarial_rows() -> list[list[Any]]:
    """Seconds for texts that make a backtracking pattern slow, at two sizes: linear means a ratio near 2.

    The original is not run on the digits: one of its patterns is quadratic there and would take hours.
    """
    table = []
    long_line = " ".join(shuffled(900))
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
            start = time.perf_counter()
            score_document(part)
            seconds.append(time.perf_counter() - start)
        original = None
        if theirs:
            start = time.perf_counter()
            original_score(text)
            original = time.perf_counter() - start
        table.append([name, original, seconds[1], seconds[1] / max(seconds[0], 1e-9)])
    return table


def file_rows(count: int) -> list[list[Any]]:
    """Documents a second from file to file, with 1 and 2 workers, and the peak memory of the largest process."""
    table = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        with source.open("w", encoding="utf-8") as stream:
            for text in shuffled(count):
                stream.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        for workers in (1, 2):
            start = time.perf_counter()
            score_dataset(source, Path(folder) / f"out{workers}.jsonl", workers=workers)
            seconds = time.perf_counter() - start
            peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
            table.append([workers, count, count / seconds, peak / 1024])
    return table


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
        "documents a second, one core": (
            scoring_rows(list(shuffled(arguments.documents))),
            ["what", "n", "original", "ours", "ratio"],
        ),
        "long and adversarial text, seconds": (
            adversarial_rows(),
            ["text", "original", "ours", "ours, twice the length over once"],
        ),
        "file to file": (file_rows(arguments.file_documents), ["workers", "n", "documents a second", "peak MB"]),
    }
    for title, (table, headers) in tables.items():
        print(f"\n{title}\n{format_table(headers, table)}")
    if arguments.json:
        record = {title: [dict(zip(headers, line)) for line in table] for title, (table, headers) in tables.items()}
        Path(arguments.json).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
