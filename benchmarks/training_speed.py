"""Training speed beside mlx-lm and PyTorch + PEFT, in one run on the same tokens.

    python benchmarks/training_speed.py [--torch-python PATH] [--threads N] [--steps 3] [--rounds 1] [--json FILE]

Work: SmolLM2-135M in float32, LoRA of rank 8 on all linear layers of the last 8 blocks, AdamW, batches of 4 x 256
tokens. Every side runs in a process of its own; its first step is left out. Stock mlx-lm takes a minute for 256
tokens, so it gets batches of 1 x 128: its time is that of the matrix products, which is the same per token.
PyTorch and PEFT are timed if ``--torch-python`` names a Python that has them (torch, transformers, peft).

Tokens a second are the median over the steps; seconds of CPU count all threads, and vary less where other programs
keep the cores busy. ``OPENBLAS_CORETYPE`` in the environment decides on the kernels of OpenBLAS, which PyTorch does not
use; the result names it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BATCH, LENGTH, LAYERS, RANK = 4, 256, 8, 8
STOCK_BATCH, STOCK_LENGTH, STOCK_STEPS = 1, 128, 3
MLX_LM_STOCK, MLX_LM, OURS, OURS_CACHED, TORCH = (
    "mlx-lm, stock wheel",
    "mlx-lm, same BLAS as ours",
    "distrust-hub, first epoch",
    "distrust-hub, epochs after it",
    "PyTorch + PEFT",
)
GOALS = {  # of a side, over another: goal and floor
    (OURS, MLX_LM_STOCK): (40, 20),
    (OURS, MLX_LM): (2.2, 1.5),
    (OURS, TORCH): (1.0, 0.8),
    (OURS_CACHED, TORCH): (2.0, None),
}


class Clock:
    """Wall and CPU time between ticks."""

    def __init__(self) -> None:
        self.ticks: list[tuple[float, float]] = []

    def tick(self) -> None:
        """Note the time."""
        self.ticks.append((time.perf_counter(), time.process_time()))

    def steps(self, skip: int = 1) -> list[tuple[float, float]]:
        """Wall and CPU seconds between ticks, without the first ones."""
        pairs = list(zip(self.ticks, self.ticks[1:]))[skip:]
        return [(b[0] - a[0], b[1] - a[1]) for a, b in pairs]


def run_mlx_lm(work: dict[str, Any]) -> dict[str, Any]:
    """mlx-lm's own loop, compiled step and batches."""
    if work["our_blas"]:
        import distrust_hub.models.runtime as _  # puts the fast BLAS in place
    import mlx.core as mx
    import mlx.optimizers as optim
    from mlx.utils import tree_map
    from mlx_lm.tuner.trainer import TrainingArgs, TrainingCallback, train
    from mlx_lm.tuner.utils import linear_to_lora_layers
    from mlx_lm.utils import load_model

    clock = Clock()

    class Ticks(TrainingCallback):
        def on_train_loss_report(self, train_info: dict) -> None:
            clock.tick()

    model, _ = load_model(Path(work["model"]))
    model.update(tree_map(lambda p: p.astype(mx.float32), model.parameters()))
    model.freeze()
    linear_to_lora_layers(model, LAYERS, {"rank": RANK, "scale": 2.0, "dropout": 0.0})
    batch, length = work["shape"]
    data = [(ids[:length], 0) for ids in json.loads(Path(work["ids"]).read_text())]
    args = TrainingArgs(
        batch_size=batch,
        iters=work["steps"] + 1,
        steps_per_report=1,
        max_seq_length=length + 1,
        adapter_file=str(Path(work["folder"]) / "mlx-lm.safetensors"),
    )
    clock.tick()
    train(model, optim.AdamW(learning_rate=1e-4), data, None, args, training_callback=Ticks())
    return {MLX_LM if work["our_blas"] else MLX_LM_STOCK: clock.steps()}


def run_ours(work: dict[str, Any]) -> dict[str, Any]:
    """``train`` as the command line calls it; a line of metrics.jsonl ends each step."""
    from distrust_hub.training import trainer

    clock = Clock()

    class TimedMetrics(trainer.Metrics):
        def write(self, row: dict[str, Any]) -> None:
            clock.tick()
            super().write(row)

    trainer.Metrics = TimedMetrics  # type: ignore[misc]
    trainer.train(
        model=work["model"],
        data=work["folder"],
        adapter_path=str(Path(work["folder"]) / "ours"),
        objective="none",
        valid_share=0.0,
        epochs=2,
        batch_size=BATCH,
        max_seq_length=LENGTH,
        num_layers=LAYERS,
        rank=RANK,
        save_every=1000,
    )
    spent = clock.steps(skip=0)  # the first step has no tick before it
    if len(spent) != 2 * work["steps"] + 1:
        raise SystemExit(f"{len(spent) + 1} lines of metrics for 2 epochs of {work['steps'] + 1} batches")
    return {OURS: spent[: work["steps"]], OURS_CACHED: spent[work["steps"] :]}


def run_torch(work: dict[str, Any]) -> dict[str, Any]:
    """A plain PyTorch loop over a PEFT model."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(work["threads"])
    model = AutoModelForCausalLM.from_pretrained(work["model"], dtype=torch.float32)
    layers = model.config.num_hidden_layers
    chosen = list(range(layers - LAYERS, layers))
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    lora = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=targets, layers_to_transform=chosen)
    model = get_peft_model(model, lora)
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    ids = torch.tensor(json.loads(Path(work["ids"]).read_text()))
    clock = Clock()
    clock.tick()
    for step in range(work["steps"] + 1):
        batch = ids[step * BATCH : (step + 1) * BATCH]
        model(input_ids=batch, labels=batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        clock.tick()
    return {TORCH: clock.steps()}


RUNNERS = {"mlx-lm": run_mlx_lm, "ours": run_ours, "torch": run_torch}


def write_data(folder: Path, steps: int, model: str) -> str:
    """Texts that make exactly the batches wanted, as rows and as token ids; returns the base model's folder."""
    from mlx_lm.utils import load_tokenizer

    from distrust_hub.models.resolve import resolve_base

    base = resolve_base(model)
    tokenizer = load_tokenizer(base.path)
    draw = random.Random(0)
    words = [
        word
        for word in (tokenizer.decode([i]) for i in range(1000, 20_000))
        if word.startswith(" ") and word[1:].isalpha() and len(tokenizer.encode(word)) == 1
    ]
    texts = ["".join(draw.choices(words, k=LENGTH - 1)) for _ in range((steps + 1) * BATCH)]
    ids = [[*tokenizer.encode(text), tokenizer.eos_token_id] for text in texts]
    if {len(row) for row in ids} != {LENGTH}:
        raise SystemExit("the words do not tokenise to one token each; choose other words")
    with (folder / "train.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    (folder / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    return str(base.path)


def sides(model: str, folder: Path, args: argparse.Namespace) -> Iterator[tuple[str, str, dict[str, Any], int]]:
    """Interpreter, runner, its work, and tokens a step of each process to start."""
    work = {"model": model, "folder": str(folder), "ids": str(folder / "ids.json"), "threads": args.threads}
    full, stock = (BATCH, LENGTH), (STOCK_BATCH, STOCK_LENGTH)
    tokens = BATCH * LENGTH
    if not args.skip_stock:
        more = {"our_blas": False, "shape": stock, "steps": STOCK_STEPS}
        yield sys.executable, "mlx-lm", {**work, **more}, STOCK_BATCH * STOCK_LENGTH
    for _ in range(args.rounds):
        yield sys.executable, "mlx-lm", {**work, "our_blas": True, "shape": full, "steps": args.steps}, tokens
        yield sys.executable, "ours", {**work, "steps": args.steps}, tokens
        if args.torch_python:
            yield args.torch_python, "torch", {**work, "steps": args.steps}, tokens


def run_child(python: str, runner: str, work: dict[str, Any]) -> dict[str, Any]:
    """Time one side in a process of its own."""
    threads = str(work["threads"])
    settings = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1"}
    command = [python, str(Path(__file__).resolve()), "--child", runner, json.dumps(work)]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{runner} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All sides, with the machine and versions they belong to."""
    from distrust_hub.hardware.detect import detect_machine, package_versions
    from distrust_hub.models.registry import default_model
    from distrust_hub.models.runtime import blas_name

    found: dict[str, dict[str, list[float]]] = {}
    loads = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder:
        model = write_data(Path(folder), args.steps, args.model or default_model())
        for python, runner, work, tokens in sides(model, Path(folder), args):
            for name, steps in run_child(python, runner, work).items():
                entry = found.setdefault(name, {"tokens_per_second": [], "tokens_per_cpu_second": []})
                entry["tokens_per_second"] += [tokens / wall for wall, _ in steps]
                entry["tokens_per_cpu_second"] += [tokens / cpu for _, cpu in steps]
            loads.append(os.getloadavg()[0])
    return {
        "machine": detect_machine().to_json(),
        "versions": package_versions(("mlx", "mlx-cpu", "mlx-lm", "scipy-openblas32", "numpy")),
        "blas": blas_name(),
        "forced_kernels": os.environ.get("OPENBLAS_CORETYPE"),
        "threads": args.threads,
        "load_average": loads,
        "work": {"batch": BATCH, "length": LENGTH, "layers": LAYERS, "rank": RANK, "steps": args.steps},
        "sides": {name: {key: summary(values) for key, values in entry.items()} for name, entry in found.items()},
        "ratios": list(ratios(found)),
    }


def summary(values: list[float]) -> dict[str, Any]:
    """Median and range of the steps."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "n": len(values)}


def ratios(found: dict[str, dict[str, list[float]]]) -> Iterable[dict[str, Any]]:
    """The medians over each other, where both sides ran, beside goal and floor."""
    for (one, other), (goal, floor) in GOALS.items():
        if one in found and other in found:
            wall, cpu = (
                statistics.median(found[one][key]) / statistics.median(found[other][key])
                for key in ("tokens_per_second", "tokens_per_cpu_second")
            )
            yield {"of": one, "over": other, "wall": wall, "cpu": cpu, "goal": goal, "floor": floor}


def main() -> None:
    """Measure, print tables, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-python", metavar="PATH", help="a Python with torch, transformers and peft")
    parser.add_argument("--model", metavar="MODEL", help="base model (default: SmolLM2-135M)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="BLAS threads of every side")
    parser.add_argument("--steps", type=int, default=3, help="timed steps an epoch")
    parser.add_argument("--rounds", type=int, default=1, help="times to go through the sides")
    parser.add_argument("--skip-stock", action="store_true", help="leave out mlx-lm with its own BLAS")
    parser.add_argument("--json", metavar="FILE", help="write everything here")
    args = parser.parse_args()
    result = measure(args)

    from distrust_hub.cli.output import format_table

    forced = f", kernels forced to {result['forced_kernels']}" if result["forced_kernels"] else ""
    loads = ", ".join(f"{load:.1f}" for load in result["load_average"])
    print(f"{result['machine']['chip']}, {args.threads} threads, {result['blas']}{forced}, load {loads}")
    columns = ("tokens_per_second", "tokens_per_cpu_second")
    rows = [[name, *(f"{entry[c]['median']:.1f}" for c in columns)] for name, entry in result["sides"].items()]
    print(format_table(["side", "tokens/s", "tokens/CPU-second"], rows))
    shown = [[r["of"], r["over"], f"{r['wall']:.2f}", f"{r['cpu']:.2f}", r["goal"]] for r in result["ratios"]]
    print()
    print(format_table(["ratio of", "over", "wall", "CPU", "goal"], shown))
    if not args.torch_python:
        print("PyTorch + PEFT was not timed; name a Python that has them with --torch-python")
    if args.json:
        Path(args.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(RUNNERS[sys.argv[2]](json.loads(sys.argv[3]))))
    else:
        main()
