"""Peak memory of training beside what ``distrust-hub train --estimate`` says, each configuration in its own process.

    python benchmarks/memory_estimate.py [--set held-out|fit|all] [--json FILE]

Models are SmolLM2-135M's shape and two larger llamas with random weights, in float32 on a CPU. The formula's constants
(``hardware/memory.py``) were fitted to the set ``fit``; the set ``held-out`` has other models, lengths and settings.
The peak is the larger of MLX's own and the process's resident size, over two steps with a checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

SHAPES = {  # hidden size, inner size, blocks, heads, key-value heads
    "135M": (576, 1536, 30, 9, 3),
    "0.4B": (1024, 2816, 24, 16, 8),
    "1B": (2048, 5632, 18, 32, 8),
}
VOCABULARY = 49_152
CONFIGURATIONS: dict[str, list[dict[str, Any]]] = {
    "fit": [
        {"shape": "135M", "batch_size": 1, "max_seq_length": 128, "num_layers": 4},
        {"shape": "135M", "batch_size": 4, "max_seq_length": 256, "num_layers": 8},
        {"shape": "135M", "batch_size": 2, "max_seq_length": 256, "num_layers": 30},
        {"shape": "135M", "batch_size": 2, "max_seq_length": 512, "num_layers": 8},
        {"shape": "135M", "batch_size": 2, "max_seq_length": 512, "num_layers": 16, "grad_checkpoint": True},
        {"shape": "0.4B", "batch_size": 1, "max_seq_length": 128, "num_layers": 24},
    ],
    "held-out": [
        {"shape": "135M", "batch_size": 2, "max_seq_length": 384, "num_layers": 16},
        {"shape": "0.4B", "batch_size": 2, "max_seq_length": 256, "num_layers": 16, "grad_checkpoint": True},
        {"shape": "1B", "batch_size": 2, "max_seq_length": 192, "num_layers": 8},
    ],
}


def write_model(folder: Path, shape: str) -> None:
    """A random llama of a shape, with the vocabulary and tokenizer of SmolLM2."""
    from safetensors.numpy import save_file

    from distrust_hub.models.gguf import expected_shapes
    from distrust_hub.models.registry import default_model
    from distrust_hub.models.resolve import resolve_base

    small = resolve_base(default_model()).path
    hidden, inner, blocks, heads, kv_heads = SHAPES[shape]
    config = json.loads((small / "config.json").read_text())
    config |= {"hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": blocks}
    config |= {"num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": VOCABULARY}
    rng = np.random.default_rng(0)
    weights = {
        name: np.ones(size, np.float32) if len(size) == 1 else _random(rng, size)
        for name, size in expected_shapes(config).items()
    }
    folder.mkdir()
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(small / name, folder / name)


def _random(rng: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    values = rng.standard_normal(size, dtype=np.float32)
    values *= 0.02
    return values


def write_data(path: Path, tokens: int) -> None:
    """Texts of numbers, at least ``tokens`` tokens each, so that every batch is full."""
    draw = random.Random(0)
    rows = [" ".join(str(draw.randrange(1000)) for _ in range(tokens)) for _ in range(4)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in rows), encoding="utf-8")


def run_child(work: dict[str, Any]) -> dict[str, Any]:
    """Estimate, train two steps, and return both peaks."""
    from distrust_hub.config import TrainConfig
    from distrust_hub.models.runtime import mx
    from distrust_hub.training.estimate import estimate_peak
    from distrust_hub.training.trainer import train

    config = TrainConfig(**work, objective="none", iters=2, overwrite=True)
    estimated = estimate_peak(config).peak_bytes
    measured = train(config).performance["peak_memory_bytes"]
    return {"estimated_bytes": estimated, "measured_bytes": measured, "mlx_bytes": int(mx.get_peak_memory())}


def measure(names: list[str]) -> dict[str, Any]:
    """All configurations of some sets, with the machine they belong to."""
    from distrust_hub.hardware.detect import detect_machine, package_versions

    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in names:
            for settings in CONFIGURATIONS[kind]:
                more = {key: value for key, value in settings.items() if key != "shape"}
                model, data = folder / settings["shape"], folder / "train.jsonl"
                if not model.is_dir():
                    write_model(model, settings["shape"])
                write_data(data, more["max_seq_length"])
                work = {**more, "model": str(model), "data": str(data), "adapter_path": str(folder / "adapter")}
                command = [sys.executable, str(Path(__file__).resolve()), "--child", json.dumps(work)]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    raise SystemExit(f"{settings} failed:\n{done.stderr[-2000:]}")
                results.append({"set": kind, **settings, **json.loads(done.stdout.splitlines()[-1])})
                print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    versions = package_versions(("mlx", "mlx-lm", "numpy"))
    return {"machine": detect_machine().to_json(), "versions": versions, "results": results}


def main() -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("held-out", "fit", "all"), default="held-out", help="what to measure")
    parser.add_argument("--json", metavar="FILE", help="write everything here")
    args = parser.parse_args()
    result = measure(list(CONFIGURATIONS) if args.set == "all" else [args.set])

    from distrust_hub.cli.output import format_table

    columns = ("shape", "batch_size", "max_seq_length", "num_layers")
    rows = [
        [
            *(entry[name] for name in columns),
            "yes" if entry.get("grad_checkpoint") else "no",
            f"{entry['measured_bytes'] / 1e9:.2f}",
            f"{entry['estimated_bytes'] / 1e9:.2f}",
            f"{entry['estimated_bytes'] / entry['measured_bytes'] - 1:+.0%}",
        ]
        for entry in result["results"]
    ]
    print(format_table(["model", "batch", "length", "blocks", "checkpointing", "GB", "estimated", "off by"], rows))
    if args.json:
        Path(args.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        print(json.dumps(run_child(json.loads(sys.argv[2]))))
    else:
        main()
