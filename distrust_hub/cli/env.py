"""Print versions, hardware and the speed of matrix products."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

from distrust_hub import __version__
from distrust_hub.cli.options import add_format_argument
from distrust_hub.cli.output import note, print_json, print_table
from distrust_hub.cli.recommend import memory_words
from distrust_hub.hardware.detect import detect_machine, package_versions
from distrust_hub.models.blas import measure_speed
from distrust_hub.models.cache import cache_dir
from distrust_hub.models.elf import ElfError
from distrust_hub.models.mlx_support import mlx_problem

PACKAGES = (
    "mlx", "mlx-cpu", "mlx-cuda-12", "mlx-cuda-13", "mlx-metal", "mlx-lm", "scipy-openblas32", "gguf", "numpy",
    "safetensors", "huggingface-hub", "transformers", "datasets", "evaluate", "gradio",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``env``."""
    add_format_argument(parser)


def run(args: argparse.Namespace) -> None:
    """Print what a bug report needs."""
    problem = mlx_problem()
    report: dict[str, Any] = {
        "versions": {"distrust-hub": __version__, "python": platform.python_version(), **package_versions(PACKAGES)},
        "machine": detect_machine().to_json(),
        "hub": _hub(),
        "cache": str(cache_dir()),
        "mlx": problem or "installed",
        "speed": None if problem else _speed(),
    }
    if args.format == "json":
        print_json(report)
        return
    rows = [(name, version) for name, version in report["versions"].items() if version]
    rows += [*_machine_rows(report["machine"]), *((f"Hub {name}", value) for name, value in report["hub"].items())]
    cache, home = cache_dir(), Path.home()
    shown = "~" / cache.relative_to(home) if cache.is_relative_to(home) else cache  # no user's name in a bug report
    rows += [("cache", shown), ("MLX", report["mlx"]), *_speed_rows(report["speed"])]
    print_table(("what", "value"), [(name, str(value)) for name, value in rows])


def _machine_rows(machine: dict[str, Any]) -> list[tuple[str, Any]]:
    shown = {**machine, "memory": memory_words(machine["memory_bytes"])}
    names = ("system", "chip", "architecture", "cpu_cores", "gpu_cores", "memory", "backend")
    return [(name.replace("_", " "), shown[name]) for name in names if shown[name] is not None]


def _hub() -> dict[str, str]:
    """Where the Hub is for this program, and whether, not which, a token was found."""
    from huggingface_hub import constants, get_token

    from distrust_hub.hub.refusals import hub_address

    return {
        "address": hub_address() + (" (offline)" if constants.HF_HUB_OFFLINE else ""),
        "token": "found" if get_token() else "none",
    }


def _speed() -> dict[str, Any] | None:
    try:
        return measure_speed()
    except ElfError as error:
        note(f"the speed could not be measured: {error}")
        return None


def _speed_rows(speed: dict[str, Any] | None) -> list[tuple[str, str]]:
    if speed is None:
        return []
    rows = [("float32 1024x1024 product", f"{speed['gflops']:.0f} GFLOP/s")]
    if speed["stock_gflops"]:
        rows = [("BLAS", speed["blas"]), *rows]
        rows.append(("  with MLX's own BLAS", f"{speed['stock_gflops']:.1f} GFLOP/s ({speed['ratio']:.0f}x slower)"))
    return rows
