"""Peak memory of scoring a large file: documents made by a seeded shuffle of sentences, so that no two are copies.

    python benchmarks/scoring_memory.py [--documents 1000000] [--folder DIR] [--workers N] [--json FILE]

The input is written as a stream, and both the writing and the scoring go on where a run in the same folder was
stopped. A million documents take about 2 GB of disk for the input and as much for the output.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scoring_speed import documents

from distrust_hub.cli.output import format_table

CHILD = r"""
import json, re, resource, sys, time
from distrust_hub.scoring.bulk import score_dataset
if __name__ == "__main__":
    start = time.perf_counter()
    summary = score_dataset(sys.argv[1], sys.argv[2], resume=True, workers=int(sys.argv[3]))
    seconds = time.perf_counter() - start
    status = open("/proc/self/status").read()  # ru_maxrss would start at the size of the process that started this one
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
    found = {"documents": summary.rows_scored, "resumed": summary.resumed_rows, "seconds": seconds, "peak MB": peak}
    if sys.argv[3] != "1":
        found["peak MB of the largest worker"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps(found))
"""


def write_documents(path: Path, count: int) -> None:
    """Bring a JSON Lines file to ``count`` documents, after the whole lines it has."""
    there = 0
    if path.exists():
        with path.open("r+b") as stream:
            end = 0
            for line in stream:
                if not line.endswith(b"\n") or there == count:
                    break
                there, end = there + 1, end + len(line)
            stream.truncate(end)
    with path.open("a", encoding="utf-8") as stream:
        for number, text in enumerate(documents(there, count), start=there):
            stream.write(json.dumps({"id": number, "text": text}, ensure_ascii=False) + "\n")


def score_in_child(source: Path, output: Path, workers: int = 1) -> dict[str, Any]:
    """Score in a process of its own: documents, seconds, and its largest resident memory in MB, a worker's apart."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "child.py"
        script.write_text(CHILD, encoding="utf-8")
        command = [sys.executable, str(script), str(source), str(output), str(workers)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Write, score, print."""
    parser = argparse.ArgumentParser(description="Peak memory of scoring a large file.")
    parser.add_argument("--documents", type=int, default=1_000_000, help="how many (default: 1000000)")
    parser.add_argument("--folder", help="keep the files here and go on with what is there")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        source, output = folder / "in.jsonl", folder / "out.jsonl"
        write_documents(source, arguments.documents)
        found = score_in_child(source, output, arguments.workers)
        found |= {"input MB": source.stat().st_size / 1e6, "output MB": output.stat().st_size / 1e6}
    print(format_table(list(found), [list(found.values())]))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
