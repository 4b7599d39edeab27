"""Memory does not grow with the number of documents."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENTS = 20_000
PEAK_MEGABYTES = 300
SCRIPT = r"""
import re, sys
from distrust_hub.scoring.bulk import score_dataset
score_dataset(sys.argv[1], sys.argv[2])
status = open("/proc/self/status").read()  # ru_maxrss would start at the size of the process that started this one
print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_twenty_thousand_documents_stay_under_the_bound(tmp_path: Path) -> None:
    words = [f"word{i}" for i in range(12)] + ["I", "saw", "the", "ship", "and", "agency"]
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as stream:
        for i in range(DOCUMENTS):
            text = " ".join(f"{word}{i % 97}" if j % 9 == 0 else word for j, word in enumerate(words * 14))
            stream.write(json.dumps({"text": text, "id": i}) + "\n")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(peak) < PEAK_MEGABYTES
    with (tmp_path / "out.jsonl").open("rb") as stream:
        assert sum(1 for _ in stream) == DOCUMENTS
