"""Make the index of TruthfulQA that ships with the package: hashes of its word sequences, no text.

    python benchmarks/truthfulqa_sequences.py truthfulqa.jsonl

The file has one question a line, with its answers (both configurations of ``truthfulqa/truthful_qa`` in a row).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from distrust_hub.files import iter_jsonl
from distrust_hub.preparation.contamination import TRUTHFULQA, TRUTHFULQA_FILE, EvaluationSet, evaluation_set


def arrays_of(found: EvaluationSet) -> dict[str, Any]:
    """The index as the file stores it."""
    arrays: dict[str, Any] = {"items": np.array(found.items)}
    for length, (hashes, items) in found.sequences.items():
        arrays |= {f"h{length}": hashes, f"i{length}": items.astype(np.uint16)}
    return arrays


if __name__ == "__main__":
    index = evaluation_set(TRUTHFULQA, (row for _, row in iter_jsonl(sys.argv[1])))
    np.savez_compressed(TRUTHFULQA_FILE, **arrays_of(index))
    print(f"{TRUTHFULQA_FILE}: {index.items} questions, {sum(len(h) for h, _ in index.sequences.values())} sequences")
