"""Memory does not grow with the number of documents."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FEW, MANY = 2_000, 20_000
MEGABYTES_A_MILLION = 600
"""Bound on the peak for a million documents (``benchmarks/scoring_memory.py``); here the same for each document."""

SCRIPT = r"""
import re, sys
from distrust_hub.scoring.bulk import score_dataset
score_dataset(sys.argv[1], sys.argv[2])
status = open("/proc/self/status").read()  # ru_maxrss would start at the size of the process that started this one
print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)
"""


def peak_megabytes(source: Path, documents: int) -> int:
    words = [f"word{i}" for i in range(12)] + ["I", "saw", "the", "ship", "and", "agency"]
    with source.open("w", encoding="utf-8") as stream:
        for i in range(documents):
            text = " ".join(f"{word}{i}" if j % 9 == 0 else word for j, word in enumerate(words * 14))
            stream.write(json.dumps({"text": text, "id": i}) + "\n")
    output = source.with_suffix(".scored.jsonl")
    command = [sys.executable, "-c", SCRIPT, str(source), str(output)]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    with output.open("rb") as stream:
        assert sum(1 for _ in stream) == documents
    return int(peak)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_documents(tmp_path: Path) -> None:
    few, many = peak_megabytes(tmp_path / "few.jsonl", FEW), peak_megabytes(tmp_path / "many.jsonl", MANY)
    assert many < MEGABYTES_A_MILLION / 4
    assert many - few <= MEGABYTES_A_MILLION * (MANY - FEW) / 1_000_000
