"""Two processes as one run, through ``mlx.launch`` and MLX's ring on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from distrust_hub.training.checkpoints import TrainingState
from distrust_hub.training.ranks import Ranks
from tests.training.conftest import scored_row, write_rows

pytestmark = pytest.mark.mlx

ROOT = Path(__file__).parents[2]
LAUNCH = Path(sys.executable).with_name("mlx.launch")
SECONDS = 500


def launch(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python command in two ranks."""
    port = free_pair_of_ports()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = (str(LAUNCH), "-n", "2", "--starting-port", str(port), "--python", sys.executable, *command)
    return subprocess.run(
        command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
    )


def free_pair_of_ports() -> int:
    """The first of two that MLX's ring can take, below those the system gives to whoever asks in the meantime."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000, 2)
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port


def train_command(model, data, out, *more) -> list[str]:
    """``distrust-hub train`` of the tiny model, learning fast enough that steps differ."""
    settings = (
        "--batch-size 4 --max-seq-length 64 --rank 2 --num-layers 1 --learning-rate 1e-2 --grad-accumulation-steps 2"
    )
    places = ["--model", str(model), "--data", str(data), "--adapter-path", str(out)]
    return ["-m", "distrust_hub", "train", *places, *settings.split(), *more]


def test_a_single_process_is_all_ranks():
    ranks, state = Ranks(), TrainingState(1, {}, {})
    assert (ranks.first, ranks.size, ranks.share("abc")) == (True, 1, ["a", "b", "c"])
    assert ranks.json_from_first({"a": 1}) == {"a": 1}
    assert (ranks.gather(b"x"), ranks.any(True), ranks.any(False), ranks.largest(7)) == ([b"x"], True, False, 7)
    assert ranks.state_from_first(state) is state


EXCHANGES = """
import json, sys
import numpy as np
from distrust_hub.models.runtime import mx
from distrust_hub.training.checkpoints import TrainingState
from distrust_hub.training.ranks import find_ranks

ranks = find_ranks()
total = ranks.total([{"a": mx.full((2, 3), ranks.rank + 1.0)}, {}, {"b": mx.array(10 * ranks.rank)}])
state = TrainingState(7, {"x": np.arange(3.0)}, {"y": np.ones((2, 2), np.uint64)}, {"skipped": 2})
got = ranks.state_from_first(state if ranks.first else None)
print(json.dumps([ranks.rank, ranks.size, ranks.share("abc"), total[0]["a"].tolist(), total[2]["b"].item(),
                  ranks.json_from_first({"from": ranks.rank}), got.step, got.progress, got.adapter["x"].tolist(),
                  str(got.optimizer["y"].dtype), ranks.state_from_first(None) is None,
                  [part.decode() for part in ranks.gather(b"ab" * ranks.rank)], ranks.gather(b""),
                  ranks.any(ranks.rank == 1), ranks.any(False), ranks.largest(9 + 3 * ranks.rank)],
                 default=bytes.decode), flush=True)
"""


def test_ranks_add_up_and_follow_the_first(tmp_path):
    script = tmp_path / "exchanges.py"
    script.write_text(EXCHANGES)
    done = launch(str(script))
    lines = sorted(json.loads(line) for line in done.stdout.splitlines())
    common = [[[3.0] * 3] * 2, 10, {"from": 0}, 7, {"skipped": 2}, [0.0, 1.0, 2.0], "uint64", True]
    common += [["", "ab"], ["", ""], True, False, 12]
    assert lines == [[0, 2, ["a", "c"], *common], [1, 2, ["b"], *common]], done.stderr


@pytest.fixture
def data(tmp_path):
    write_rows(tmp_path / "data" / "train.jsonl", [scored_row(i, words=3 + 2 * i) for i in range(23)])
    write_rows(tmp_path / "data" / "valid.jsonl", [scored_row(i) for i in range(30, 35)])
    return tmp_path / "data"


def losses(folder) -> list[float]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [value for row in rows for value in (row.get("loss"), row.get("valid_loss")) if value is not None]


ENCODE = """
import hashlib, json, sys
from distrust_hub.config import TrainConfig
from distrust_hub.training.examples import Example, Pair, Scores
from distrust_hub.training.ranks import find_ranks
from distrust_hub.training.rows import Row
from distrust_hub.training.stream import Position, Stream
import numpy as np

def example(n, scored):
    scores = Scores(0.1 + n / 1000, 3.3, "primary") if scored else None
    return Example(np.arange(2 + n % 7, dtype=np.int32), 1 + n % 2, f"row-{n}", scores)

def encode(number, row):
    seen.append(number)
    if row.values["kind"] == 0:
        return [Pair(example(number, True), example(number + 1, False))]
    return [example(number, number % 2), example(number + 3, True)][: number % 3]

seen, kind = [], int(sys.argv[1])
rows = [Row({"kind": kind}, "rows", n) for n in range(101)]
config = TrainConfig(model="-", data="-", batch_size=3, max_seq_length=32, packing=kind == 2)
stream, digest = Stream(rows, encode, config), hashlib.sha256()
for batch, after in [*stream.batches(), *stream.batches(Position(1, batch=4))]:
    told = [[[s.row_id, s.scores] for s in item.sequences] for item in batch.members]
    digest.update(repr((batch.tokens.tolist(), batch.positions.tolist(), batch.items.tolist(), told, after)).encode())
print(json.dumps([find_ranks().rank, len(seen), digest.hexdigest()]), flush=True)
"""


@pytest.mark.parametrize("kind", ["0", "1", "2"], ids=["pairs", "texts", "packed"])
def test_each_rank_encodes_its_share_of_the_rows_and_has_all_batches(tmp_path, kind):
    script = tmp_path / "encode.py"
    script.write_text(ENCODE)
    alone = subprocess.run(
        [sys.executable, str(script), kind],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=SECONDS,
        capture_output=True,
    )
    _, rows, digest = json.loads(alone.stdout)
    done = launch(str(script), kind)
    assert rows == 101
    lines = sorted(json.loads(line) for line in done.stdout.splitlines())
    assert lines == [[0, 51, digest], [1, 50, digest]], done.stderr


@pytest.mark.slow
def test_two_ranks_train_as_one_process_does(tiny_model, data, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    done = launch(*train_command(tiny_model, data, two, "--iters", "20"))
    assert done.stdout.count("held-out loss") == 1, done.stderr  # rank 0 alone speaks
    assert list(tmp_path.glob("two/*.safetensors"))
    subprocess.run(
        [sys.executable, *train_command(tiny_model, data, one, "--iters", "20")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=SECONDS,
        capture_output=True,
    )
    np.testing.assert_allclose(losses(two), losses(one), rtol=1e-4)
    assert len(losses(one)) == 22
    norms = [
        [json.loads(line).get("grad_norm") for line in (f / "metrics.jsonl").read_text().splitlines()]
        for f in (one, two)
    ]
    assert norms[1][1] == pytest.approx(norms[0][1], rel=1e-5)  # the first step: same weights
    first, second = (load_file(folder / "adapters.safetensors") for folder in (one, two))
    assert max(np.abs(first[name] - second[name]).max() for name in first) < 1e-3


@pytest.mark.slow
def test_two_ranks_go_on_from_a_checkpoint(tiny_model, data, tmp_path):
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    launch(*train_command(tiny_model, data, whole, "--epochs", "2", "--save-every", "2"))
    shutil.copytree(whole, halved)
    (halved / "adapters.safetensors").unlink()
    shutil.rmtree(max((halved / "checkpoints").iterdir()))  # as if killed before the last one
    done = launch(*train_command(tiny_model, data, halved, "--epochs", "2", "--save-every", "2", "--resume"))
    assert (halved / "adapters.safetensors").read_bytes() == (whole / "adapters.safetensors").read_bytes(), done.stderr


LOSE_ONE = """
import os, signal, sys
from distrust_hub.cli.main import main
from distrust_hub.training import gradients

if os.environ["MLX_RANK"] == "1":
    seen = []
    def dying(*args):
        seen.append(args)
        if len(seen) == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args)
    original = gradients.Differentiator.__call__
    gradients.Differentiator.__call__ = dying
    sys.exit(main(sys.argv[1:]))
code = main(sys.argv[1:])
print("exit code", code, file=sys.stderr, flush=True)
"""


@pytest.mark.slow
def test_a_lost_rank_ends_the_other_with_an_error(tiny_model, data, tmp_path):
    script = tmp_path / "lose_one.py"
    script.write_text(LOSE_ONE)
    arguments = train_command(tiny_model, data, tmp_path / "out", "--iters", "500", "--save-every", "1")[2:]
    done = launch(str(script), *arguments)
    assert "rank 0 of 2 has lost another rank" in done.stderr or "exited with code -9" in done.stderr
    saved = [int(path.name[5:]) for path in (tmp_path / "out" / "checkpoints").glob("step-*")]
    assert saved  # the launcher may end rank 0 while it writes a later one
    assert max(saved) <= 3
    assert not (tmp_path / "out" / "adapters.safetensors").exists()


INTERRUPT_ONE = """
import os, signal, sys
from distrust_hub.cli.main import main
from distrust_hub.training.loop import Loop

if os.environ["MLX_RANK"] == "1":
    def step(self, *args):
        if self.step == 2:
            signal.raise_signal(signal.SIGTERM)
        return original(self, *args)
    original, Loop._train_step = Loop._train_step, step
sys.exit(main(sys.argv[1:]))
"""


def test_ranks_with_other_settings_are_refused(tiny_model, data, tmp_path):
    script = tmp_path / "other_seed.py"
    script.write_text(
        "import os, sys\nfrom distrust_hub.cli.main import main\n"
        'sys.exit(main([*sys.argv[1:], "--seed", os.environ["MLX_RANK"]]))\n'
    )
    done = launch(str(script), *train_command(tiny_model, data, tmp_path / "out", "--iters", "2")[2:])
    assert "rank 1 has another base, data or settings than rank 0" in done.stderr


@pytest.mark.hub
def test_a_push_is_checked_by_rank_0_and_a_refusal_ends_all_with_one_message(
    hub, tiny_model, data, tmp_path, monkeypatch
):
    hub.add_user("bob")
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    command = train_command(tiny_model, data, tmp_path / "out", "--iters", "2", "--push")
    done = launch(*command, "bob/x")
    assert done.stderr.count("belongs to bob") == 1, done.stderr
    assert done.stderr.count("error:") == 1
    assert not (tmp_path / "out").exists()
    alone = len(hub.requests)
    refused = launch(*command, "ada/x", "--private")
    assert refused.stderr.count("the Hub id of this base is unknown") == 1, refused.stderr
    assert [request.path for request in hub.requests[alone:]].count("/api/whoami-v2") == 1


FILL_ONE = """
import os, sys
from distrust_hub.cli.main import main
from distrust_hub.training import loop

if os.environ["MLX_RANK"] == "1":
    loop.memory_in_use = lambda: int(9e9)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_memory_that_runs_out_at_one_rank_ends_all_with_a_checkpoint(tiny_model, data, tmp_path):
    script = tmp_path / "fill_one.py"
    script.write_text(FILL_ONE)
    arguments = train_command(tiny_model, data, tmp_path / "out", "--iters", "20", "--max-memory-gb", "8")[2:]
    done = launch(str(script), *arguments)
    assert "9.00 GB are in use after step 1 and max_memory_gb is 8; saved step-000001" in done.stderr
    assert [path.name for path in (tmp_path / "out" / "checkpoints").iterdir()] == ["step-000001"]


@pytest.mark.slow
def test_ranks_that_are_interrupted_stop_after_the_same_step(tiny_model, data, tmp_path):
    script = tmp_path / "interrupt_one.py"
    script.write_text(INTERRUPT_ONE)
    done = launch(str(script), *train_command(tiny_model, data, tmp_path / "out", "--iters", "500")[2:])
    assert "interrupted after step 3; saved step-000003" in done.stderr
    assert [path.name for path in (tmp_path / "out" / "checkpoints").iterdir()] == ["step-000003"]
