"""Speed of a float32 1024 x 1024 product: MLX's own BLAS against the one this package arranges, and numpy's.

    python benchmarks/matmul.py [--json FILE]

Every figure is the best of repeated products in a process of its own, in 10^9 operations per second; run it on an
idle machine. On x86-64 the kernels of older processors are timed too, by ``OPENBLAS_CORETYPE``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from typing import Any

import numpy as np

from distrust_hub.hardware.detect import detect_machine, package_versions
from distrust_hub.models.blas import measure_speed, run_child
from distrust_hub.models.blas_probe import SPEED_SECONDS, SPEED_SIZE

KERNELS = ("Nehalem", "Haswell", "Zen")


def numpy_gflops() -> float:
    """The same product with numpy, which brings its own BLAS."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(SPEED_SIZE, SPEED_SIZE)).astype(np.float32) for _ in range(2))
    times: list[float] = []
    while len(times) < 3 or sum(times) < SPEED_SECONDS:
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * SPEED_SIZE**3 / min(times) / 1e9


def measure() -> dict[str, Any]:
    """All figures with the machine and versions they belong to."""
    result: dict[str, Any] = {
        "machine": detect_machine().to_json(),
        "versions": package_versions(("mlx", "mlx-cpu", "scipy-openblas32", "numpy")),
        "load_average": os.getloadavg()[0],
        "numpy_gflops": numpy_gflops(),
        **measure_speed(),
    }
    if platform.machine() == "x86_64" and result["blas"]:
        result["kernels"] = {}
        for name in KERNELS:
            os.environ["OPENBLAS_CORETYPE"] = name
            result["kernels"][name] = run_child("speed", mode="auto")
        del os.environ["OPENBLAS_CORETYPE"]
    return result


def main() -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write everything here")
    args = parser.parse_args()
    result = measure()
    print(f"{result['machine']['chip']}, {result['machine']['cpu_cores']} cores, load {result['load_average']:.1f}")
    if result["stock_gflops"]:
        print(f"MLX, own BLAS      {result['stock_gflops']:8.1f} GFLOP/s")
    print(f"MLX, this package  {result['gflops']:8.1f} GFLOP/s  {result['blas'] or ''}")
    if result["ratio"]:
        print(f"ratio              {result['ratio']:8.1f}")
    print(f"numpy              {result['numpy_gflops']:8.1f} GFLOP/s")
    for name, entry in result.get("kernels", {}).items():
        print(f"  as {name:<14} {entry['gflops']:8.1f} GFLOP/s  {entry['blas']}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as stream:
            json.dump(result, stream, indent=2)


if __name__ == "__main__":
    main()
