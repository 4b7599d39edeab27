"""Memory does not grow with the data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.mlx, pytest.mark.slow]

SMALL_BYTES, LARGE_BYTES = 5_000_000, 45_000_000
WORDS = ("well", "water", "mill", "river", "summer", "stone", "dug", "by", "hand", "near", "our", "old", "the", "ran")


def write_corpus(path: Path, size: int) -> str:
    """Scored documents of about 4,000 characters, all different, until there are ``size`` bytes."""
    rng = np.random.default_rng(0)
    number = 0
    with path.open("w", encoding="utf-8") as stream:
        while stream.tell() < size:
            for _ in range(500):
                text = " ".join(WORDS[i] for i in rng.integers(0, len(WORDS), 800))
                authority, entropy = float(rng.uniform(0, 0.99)), float(rng.uniform(0, 8))
                row = {"id": f"row-{number}", "origin": f"book-{number // 7}", "text": text, "scorer": 1}
                row |= {"authority_weight": authority, "provenance_entropy": entropy}
                stream.write(json.dumps(row) + "\n")
                number += 1
    return str(path)


def peak_of_training(model: str, data: str, out: Path) -> int:
    """Peak memory in bytes of a process that trains three steps."""
    settings = {"model": model, "data": data, "adapter_path": str(out), "iters": 3, "val_batches": 1, "quiet": True}
    code = f"from distrust_hub.training.trainer import train\ntrain(rank=2, **{settings!r})"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=1500, env=dict(os.environ))
    run = json.loads((out / "training_run.json").read_text())
    assert run["steps"] == {"total": 3, "skipped": 0}
    assert run["data"]["tokens"] > 0.8 * os.path.getsize(data)
    return run["performance"]["peak_memory_bytes"]


@pytest.mark.timeout(3000)
def test_memory_of_a_run_does_not_grow_with_the_data(tiny_model, tmp_path):
    sizes = {"small": SMALL_BYTES, "large": LARGE_BYTES}
    data = {name: write_corpus(tmp_path / f"{name}.jsonl", size) for name, size in sizes.items()}
    peaks = {name: peak_of_training(tiny_model, path, tmp_path / name) for name, path in data.items()}
    assert peaks["large"] < peaks["small"] + 15_000_000, peaks
