"""Tokens a second when a model answers on the CPU: ours beside mlx-lm's, and what else was tried.

    python benchmarks/generation_speed.py [--tokens 48] [--rounds 3] [--model FILE] [--json FILE]

Every side runs in a process of its own, in turns, and answers the same question greedily:

    stock           mlx-lm's generation with the BLAS that MLX brings, float32
    stock, float16  the same with 16-bit weights
    openblas        float32 with the BLAS this package arranges
    ours            the chat backend of the app
    ours, 8 bit     the same with quantised weights: a quarter of the bytes to read, slower to compute with

Also: seconds to the first token, and seconds from one adapter to the next on the loaded base. Give the best of
the rounds; on a machine that others use, tokens per second of processor time say more than those of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

UNITS = ("tokens_per_second", "tokens_per_processor_second", "reply_tokens_per_second")
"""After the first token, the same by processor time, and with the time to the first token."""

QUESTION = [{"role": "user", "content": "What is a primary source in history?"}]


def time_pieces(pieces: Any) -> dict[str, Any]:
    """Pieces per second of the whole reply and after the first piece, by the clock and by processor time."""
    start, first, count = time.perf_counter(), 0.0, 0
    clock = processor = 0.0
    for _ in pieces:
        count += 1
        if count == 1:
            clock, processor = time.perf_counter(), time.process_time()
            first = clock - start
    per_second = (count - 1) / (time.perf_counter() - clock)
    return {
        "reply_tokens_per_second": count / (time.perf_counter() - start),
        "first_token_seconds": first,
        "tokens_per_second": per_second,
        "tokens_per_processor_second": (count - 1) / (time.process_time() - processor),
        "tokens": count,
    }


def mlx_lm(model: str, tokens: int, half: bool = False) -> dict[str, Any]:
    """mlx-lm's own loop; ``DISTRUST_HUB_BLAS`` says with which BLAS."""
    from mlx_lm.generate import stream_generate

    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import blas_name, mx

    loaded = load_base(model)
    if half:
        loaded.model.set_dtype(mx.float16)
    prompt = loaded.tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True)
    pieces = stream_generate(loaded.model, loaded.tokenizer, prompt, max_tokens=tokens)
    return {"blas": blas_name(), **time_pieces(pieces)}


def ours(model: str, tokens: int, bits: int | None = None) -> dict[str, Any]:
    """The chat backend."""
    from distrust_hub.chat.backends import MlxBackend
    from distrust_hub.chat.engine import ChatRequest
    from distrust_hub.models.runtime import blas_name, mx, nn

    backend = MlxBackend(model)
    backend.load()
    if bits:
        assert backend._loaded is not None
        nn.quantize(backend._loaded.model, bits=bits)
        mx.eval(backend._loaded.model.parameters())
    request = ChatRequest(tuple(QUESTION), max_tokens=tokens)
    return {"blas": blas_name(), **time_pieces(backend.generate(request, threading.Event()))}


def swap(model: str) -> dict[str, Any]:
    """Seconds to put on an adapter in place of another, the first use of it and a later one."""
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from distrust_hub.adapters.mlx_format import save_adapter
    from distrust_hub.chat.backends import MlxBackend
    from distrust_hub.models.load import load_base
    from distrust_hub.models.runtime import mx, tree_flatten, tree_unflatten

    lora = {"rank": 8, "scale": 2.0, "dropout": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        folders = []
        for seed in (1, 2):
            loaded = load_base(model)
            mx.random.seed(seed)
            linear_to_lora_layers(loaded.model, 16, dict(lora))
            changed = [
                (n, mx.random.normal(v.shape)) for n, v in tree_flatten(loaded.model.parameters()) if "lora_b" in n
            ]
            loaded.model.update(tree_unflatten(changed))
            save_adapter(loaded.model, Path(folder) / str(seed), lora=lora, base=loaded.base)
            folders.append(Path(folder) / str(seed))
        backend = MlxBackend(model)
        backend.load()
        assert backend._loaded is not None
        times = []
        for adapter in (*folders, *folders):
            start = time.perf_counter()
            backend._use_adapter(backend._loaded, adapter)
            times.append(time.perf_counter() - start)
    return {"seconds": times}


SIDES = {
    "stock": ("stock", mlx_lm),
    "stock, float16": ("stock", lambda model, tokens: mlx_lm(model, tokens, half=True)),
    "openblas": ("auto", mlx_lm),
    "ours": ("auto", ours),
    "ours, 8 bit": ("auto", lambda model, tokens: ours(model, tokens, bits=8)),
}
"""Name -> (``DISTRUST_HUB_BLAS``, what to run)."""


def run_side(name: str, model: str, tokens: int) -> dict[str, Any]:
    """One measurement in a fresh process."""
    mode = SIDES[name][0] if name in SIDES else "auto"
    command = [sys.executable, __file__, "--side", name, "--model", model, "--tokens", str(tokens)]
    done = subprocess.run(
        command, env={**os.environ, "DISTRUST_HUB_BLAS": mode}, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(model: str, tokens: int, rounds: int) -> dict[str, Any]:
    """All sides in turns; of each the round with most tokens per second."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
    for _ in range(rounds):
        for name in SIDES:
            found[name].append(run_side(name, model, tokens))
    best = {name: max(runs, key=lambda run: run["tokens_per_second"]) for name, runs in found.items()}
    for name, entry in best.items():
        for unit in UNITS[1:]:
            entry[unit] = max(run[unit] for run in found[name])
    for entry in best.values():
        for unit in UNITS:
            entry[f"{unit}_times_stock"] = entry[unit] / best["stock"][unit]
    return {"load_average": os.getloadavg()[0], "sides": best, "adapter_swap": run_side("swap", model, tokens)}


def main() -> None:
    """Measure, print a table, and write JSON if asked to."""
    from distrust_hub.hardware.detect import detect_machine, package_versions
    from distrust_hub.models.registry import default_model

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=default_model(), help="base model (default: the small one)")
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE", help="write everything here")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        side = swap(args.model) if args.side == "swap" else SIDES[args.side][1](args.model, args.tokens)
        print(json.dumps(side))
        return
    result = {
        "machine": detect_machine().to_json(),
        "versions": package_versions(("mlx", "mlx-cpu", "mlx-lm", "scipy-openblas32", "numpy")),
        "threads": os.environ.get("OPENBLAS_NUM_THREADS"),
        **measure(args.model, args.tokens, args.rounds),
    }
    print(f"{result['machine']['chip']}, load {result['load_average']:.1f}; {', '.join(UNITS)}")
    for name, entry in result["sides"].items():
        figures = "  ".join(f"{entry[unit]:6.1f} ({entry[f'{unit}_times_stock']:5.2f} x)" for unit in UNITS)
        print(f"{name:<16} {figures}  first token after {entry['first_token_seconds']:.2f} s")
    print("adapter swap", ", ".join(f"{seconds:.2f} s" for seconds in result["adapter_swap"]["seconds"]))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as stream:
            json.dump(result, stream, indent=2)


if __name__ == "__main__":
    main()
