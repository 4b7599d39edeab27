"""Near duplicates: recall and precision by noise and length; time and memory at growing sizes, beside ``datasketch``.

    python benchmarks/deduplication.py [--documents 30000 100000 300000 1000000] [--json FILE]

Documents are seeded shuffles of sentences. First, documents of 50, 257 and 2,000 words, among them 100 filled-in forms,
with a tenth planted near-duplicates: 0 to 10 % of the characters misread, another header, other line breaks, or all
three. Then 257 words each at growing sizes, with 5 % planted near-duplicates that have 5 % of the characters misread
where any are. Each size runs in a process of its own, so that its peak memory is its own, the texts included. Time is
that of the processor, and making the documents is not counted in it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from distrust_hub.cli.output import format_table
from distrust_hub.preparation.near_duplicates import BANDS, HASHES, NearDuplicates, letters_of
from tests.preparation.planted import filled_in_form, planted

HEADERS = ["what", "documents", "recall", "precision", "documents a CPU second", "CPU seconds to find", "peak MB"]
NOISE_HEADERS = ["words", "documents", "misread", "recall", "precision", "false", "false of forms"]
PEER_DOCUMENTS = 2000
PEER_SIMILARITY = 0.5
RATES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1)
LENGTHS = {50: 2000, 257: 2000, 2000: 400}
"""Words of a document: how many documents of them."""
FORMS = 100


def quality(found: dict[int, int], truth: dict[int, int]) -> tuple[float, float]:
    """(recall, precision) of the texts said to repeat another; a hit names the original or another copy of it."""
    hits = sum(truth.get(later) in (earlier, truth.get(earlier)) for later, earlier in found.items() if later in truth)
    return hits / max(1, len(truth)), hits / max(1, len(found))


def by_noise(words: int, rate: float) -> list[Any]:
    """One length with so many of the characters misread."""
    finder, truth, draw = NearDuplicates(), {}, random.Random(1)
    for _ in range(FORMS):
        finder.add(filled_in_form(draw))
    for number, (text, source) in enumerate(planted(LENGTHS[words], 0.1, words=words, rate=rate), FORMS):
        finder.add(text)
        if source is not None:
            truth[number] = source + FORMS
    found = finder.find()
    recall, precision = quality(found, truth)
    false = [later for later, earlier in found.items() if truth.get(later) not in (earlier, truth.get(earlier, -1))]
    return [words, LENGTHS[words], rate, recall, precision, len(false), sum(later < FORMS for later in false)]


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
    """The same shingles, hashes and bands with ``datasketch``; None where it is not installed."""
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
        near = [other for other in index.query(sketch) if signatures[other].jaccard(sketch) >= PEER_SIMILARITY]
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
    parser.add_argument("--documents", type=int, nargs="+", default=[30_000, 100_000, 300_000, 1_000_000], metavar="N")
    parser.add_argument("--json", metavar="FILE", help="write the table as JSON too")
    arguments = parser.parse_args()
    noise: list[list[Any]] = []
    sizes: list[list[Any]] = []
    for words, rate in product(LENGTHS, RATES):
        noise.append(_alone(by_noise, words, rate))
        print(format_table(NOISE_HEADERS, noise[-1:]), flush=True)
        _write(arguments.json, noise, sizes)
    jobs = [(peer, PEER_DOCUMENTS), (ours, PEER_DOCUMENTS), *((ours, count) for count in arguments.documents)]
    for measure, count in jobs:
        line = _alone(measure, count)
        if line is not None:
            sizes.append(line)
            print(format_table(HEADERS, [line]), flush=True)
            _write(arguments.json, noise, sizes)
    print(f"\n{format_table(NOISE_HEADERS, noise)}\n\n{format_table(HEADERS, sizes)}")
    return 0


def _write(path: str | None, noise: list[list[Any]], sizes: list[list[Any]]) -> None:
    """What was measured so far, as JSON."""
    if path:
        record = {
            "by_noise": [dict(zip(NOISE_HEADERS, line)) for line in noise],
            "by_size": [dict(zip(HEADERS, line)) for line in sizes],
        }
        Path(path).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _alone(measure: Callable[..., Any], *given: Any) -> Any:
    """What a function returns in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, given)


if __name__ == "__main__":
    raise SystemExit(main())
