"""TruthfulQA (MC1 and MC2) beside lm-evaluation-harness on PyTorch: the same questions, the same numbers, the time.

    python benchmarks/truthfulqa_speed.py --data QUESTIONS.jsonl --peer-python PATH [--questions 60] [--threads 1]

``--data`` holds TruthfulQA with both configurations in a row; ``--peer-python`` is a Python that has lm_eval and torch.
Both sides score the same seeded questions with the same float32 weights, each in a process of its own, the one after
the other. Loading the model is not counted. Times of all 817 questions are extrapolated by the number of answers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TASKS = ("mc1", "mc2")


def main() -> None:
    """Run both sides, compare, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="TruthfulQA, one question a line")
    parser.add_argument("--peer-python", help="Python with lm_eval and torch")
    parser.add_argument("--model", help="base model; the small model installed with the demo when not given")
    parser.add_argument("--questions", type=int, default=60, help="how many (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice of questions")
    parser.add_argument("--threads", type=int, default=1, help="threads of either side (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything here")
    parser.add_argument("--child", choices=("ours", "peer"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        side = ours if args.child == "ours" else peer
        print(json.dumps(side(args)))
        return
    if not args.peer_python:
        parser.error("--peer-python is missing")
    result = compare(args)
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print_result(result)


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """Both sides on the same questions, and how far their numbers are apart."""
    rows = [json.loads(line) for line in args.data.read_text(encoding="utf-8").splitlines()]
    chosen = sorted(random.Random(args.seed).sample(range(len(rows)), args.questions))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "questions.jsonl")
        data.write_text("".join(json.dumps(rows[i]) + "\n" for i in chosen), encoding="utf-8")
        mine = run_child("ours", sys.executable, data, args)
        theirs = run_child("peer", args.peer_python, data, args, mine.pop("folder"))
    values = [side.pop("loglikelihoods") for side in (mine, theirs)]
    picked = [rows[i] for i in chosen]
    share = answers(rows) / answers(picked)
    return {
        "model": mine.pop("model"),
        "questions": len(picked),
        "seed": args.seed,
        "threads": args.threads,
        "load_average": os.getloadavg()[0],
        "answers": answers(picked),
        "ours": mine,
        "lm_eval": theirs,
        "all_questions_seconds": {
            name: side["seconds"] * share for name, side in (("ours", mine), ("lm_eval", theirs))
        },
        "speedup_wall": theirs["seconds"] / mine["seconds"],
        "speedup_cpu": theirs["cpu_seconds"] / mine["cpu_seconds"],
        "parity": parity(picked, *values),
    }


def answers(rows: list[dict[str, Any]]) -> int:
    """Answers of both tasks, repeats included."""
    return sum(len(row[f"{task}_targets"]["choices"]) for row in rows for task in TASKS)


def parity(
    rows: list[dict[str, Any]], mine: dict[str, list[list[float]]], theirs: dict[str, list[list[float]]]
) -> dict[str, Any]:
    """Largest differences, and questions whose MC1 differs."""
    flat = [np.concatenate([np.concatenate(side[task]) for task in TASKS]) for side in (mine, theirs)]
    mc1 = [[float(np.argmax(values) == 0) for values in side["mc1"]] for side in (mine, theirs)]
    labels = [np.array(row["mc2_targets"]["labels"]) == 1 for row in rows]
    mc2 = [
        [
            float((np.exp(v := np.array(values)) / np.exp(v).sum())[true].sum())
            for values, true in zip(side["mc2"], labels)
        ]
        for side in (mine, theirs)
    ]
    return {
        "largest_loglikelihood_difference": float(np.abs(flat[0] - flat[1]).max()),
        "questions_with_another_mc1": int(np.sum(np.array(mc1[0]) != np.array(mc1[1]))),
        "largest_mc2_difference": float(np.abs(np.array(mc2[0]) - np.array(mc2[1])).max()),
        "mc1": float(np.mean(mc1[0])),
        "mc2": float(np.mean(mc2[0])),
    }


def run_child(
    side: str, python: str, data: Path, args: argparse.Namespace, folder: str | None = None
) -> dict[str, Any]:
    """One side in a process of its own."""
    command = [python, __file__, "--child", side, "--data", str(data), "--threads", str(args.threads)]
    command += ["--folder", folder] if folder else []
    command += ["--model", args.model] if args.model else []
    threads = {name: str(args.threads) for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **threads})
    return dict(json.loads(done.stdout.splitlines()[-1]))


def ours(args: argparse.Namespace) -> dict[str, Any]:
    """This package."""
    from distrust_hub.evaluation.benchmark import Request
    from distrust_hub.evaluation.mlx_backend import MLXScorer
    from distrust_hub.evaluation.truthfulqa import TruthfulQA
    from distrust_hub.models.load import load_base
    from distrust_hub.models.registry import default_model

    model = args.model or default_model()
    loaded = load_base(model)
    suite, request = TruthfulQA(), Request(data=args.data)
    items = suite.load(request)
    clock = time.perf_counter(), time.process_time()
    samples = suite.score(MLXScorer(loaded, progress=False), items, request).samples
    return {
        **spent(clock),
        "model": loaded.base.id or loaded.base.path.name,
        "folder": str(loaded.base.path),
        "loglikelihoods": {task: [sample[f"{task}_loglikelihoods"] for sample in samples] for task in TASKS},
    }


def peer(args: argparse.Namespace) -> dict[str, Any]:
    """lm-evaluation-harness, its own two tasks on a local file."""
    import importlib.util

    import lm_eval
    import torch
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    torch.set_num_threads(args.threads)
    package = importlib.util.find_spec("lm_eval")
    assert package is not None
    assert package.origin is not None
    tasks = Path(package.origin).parent / "tasks" / "truthfulqa"
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            lines = (
                f"include: {tasks}/truthfulqa_{task}.yaml",
                f"task: local_{task}",
                "dataset_path: json",
                "dataset_name: null",
                f"dataset_kwargs: {{data_files: {{validation: '{args.data}'}}}}",
            )
            Path(folder, f"local_{task}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        model = HFLM(pretrained=str(args.folder), dtype="float32", device="cpu", batch_size=8)
        clock = time.perf_counter(), time.process_time()
        results = lm_eval.simple_evaluate(
            model=model,
            tasks=[f"local_{task}" for task in TASKS],
            task_manager=TaskManager(include_path=folder),
            bootstrap_iters=0,
        )
    values = {
        task: [
            [float(reply[0][0]) for reply in sample["resps"]]
            for sample in sorted(results["samples"][f"local_{task}"], key=lambda sample: sample["doc_id"])
        ]
        for task in TASKS
    }
    return {**spent(clock), "lm_eval": lm_eval.__version__, "torch": torch.__version__, "loglikelihoods": values}


def spent(clock: tuple[float, float]) -> dict[str, float]:
    """Wall and CPU seconds since the clock was read."""
    return {"seconds": time.perf_counter() - clock[0], "cpu_seconds": time.process_time() - clock[1]}


def print_result(result: dict[str, Any]) -> None:
    """The table."""
    print(f"{result['questions']} questions, {result['answers']} answers, {result['threads']} thread(s)")
    for name in ("ours", "lm_eval"):
        side = result[name]
        whole = result["all_questions_seconds"][name]
        print(
            f"{name:8} {side['seconds']:8.1f} s  {side['cpu_seconds']:8.1f} s CPU  all questions: {whole / 60:.1f} min"
        )
    print(f"ratio    {result['speedup_wall']:8.1f}    {result['speedup_cpu']:8.1f}")
    for name, value in result["parity"].items():
        print(f"{name}: {value:.6g}")


if __name__ == "__main__":
    main()
