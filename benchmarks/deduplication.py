"""Near duplicates: recall, precision, time and memory at growing sizes, beside ``datasketch`` where that is installed.

    python benchmarks/deduplication.py [--documents 10000 100000 1000000] [--json FILE]

Documents are seeded shuffles of sentences, 257 words each; 5 % are planted near-duplicates of earlier ones (2 % of
the characters misread, another header, other line breaks, or all three). Each size runs in a process of its own, so
that its peak memory is its own. Time is that of the processor, and making the documents is not counted in it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from distrust_hub.cli.output import format_table
from distrust_hub.preparation.near_duplicates import BANDS, HASHES, SIMILARITY, NearDuplicates, letters_of
from tests.preparation.planted import planted

HEADERS = ["what", "documents", "recall", "precision", "documents a CPU second", "CPU seconds to find", "peak MB"]
PEER_DOCUMENTS = 2000


def quality(found: dict[int, int], truth: dict[int, int]) -> tuple[float, float]:
    """(recall, precision) of the texts said to repeat another; a hit names the original or another copy of it."""
    hits = sum(truth.get(later) in (earlier, truth.get(earlier)) for later, earlier in found.items() if later in truth)
    return hits / max(1, len(truth)), hits / max(1, len(found))


def ours(count: int) -> list[Any]:
    """One size with this package."""
    finder, truth, adding = NearDuplicates(), {}, 0.0
    for number, (text, source) in enumerate(planted(count)):
        if source is not None:
            truth[number] = source
        began = time.process_time()
        finder.add(text)
        adding += time.process_time() - began
    began = time.process_time()
    found = finder.find()
    finding = time.process_time() - began
    recall, precision = quality(found, truth)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return ["distrust-hub", count, recall, precision, count / (adding + finding), finding, peak]


def peer(count: int) -> list[Any] | None:
    """The same shingles, hashes, bands and threshold with ``datasketch``; None where it is not installed."""
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        return None
    index = MinHashLSH(num_perm=HASHES, params=(BANDS, HASHES // BANDS))
    signatures: list[Any] = []
    found, truth, seconds = {}, {}, 0.0
    for number, (text, source) in enumerate(planted(count)):
        if source is not None:
            truth[number] = source
        began = time.process_time()
        letters = letters_of(text).encode()
        sketch = MinHash(num_perm=HASHES)
        sketch.update_batch([letters[i : i + 8] for i in range(len(letters) - 7)])
        near = [other for other in index.query(sketch) if signatures[other].jaccard(sketch) >= SIMILARITY]
        signatures.append(sketch)
        if near:
            found[number] = min(near)
        else:
            index.insert(number, sketch)
        seconds += time.process_time() - began
    recall, precision = quality(found, truth)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return ["datasketch", count, recall, precision, count / seconds, None, peak]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Near duplicates at growing sizes.")
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the table as JSON too")
    arguments = parser.parse_args()
    jobs = [(peer, PEER_DOCUMENTS), (ours, PEER_DOCUMENTS), *((ours, count) for count in arguments.documents)]
    table = []
    for measure, count in jobs:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            line = pool.apply(measure, (count,))
        if line is not None:
            table.append(line)
            print(format_table(HEADERS, [line]), flush=True)
    print(f"\n{format_table(HEADERS, table)}")
    if arguments.json:
        record = [dict(zip(HEADERS, line)) for line in table]
        Path(arguments.json).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
