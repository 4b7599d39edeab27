"""Run in a child process by ``blas.py``: try the fast BLAS, or time a matrix product. Prints one JSON line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SHAPES = ((1, 576, 49), (33, 64, 17), (128, 576, 1536), (300, 200, 100), (512, 512, 512))
"""Rows, inner size and columns: vectors, odd edges, typical layers, and enough work for every thread."""
TOLERANCE = {"float32": 1e-5, "float64": 1e-13, "complex64": 1e-5}
"""Largest error allowed, relative to the product of absolute values summed over the inner size."""
SPEED_SIZE = 1024
SPEED_SECONDS = 1.5


def check(library: str) -> dict[str, Any]:
    """Redirect the products of this process to an OpenBLAS and compare them with numpy's.

    Args:
        library: Its file.

    Raises:
        ArithmeticError: If a result is wrong.
    """
    import mlx.core as mx

    from distrust_hub.models import blas

    name = blas.use(Path(library))
    rng = np.random.default_rng(0)
    for rows, inner, columns in SHAPES:
        for dtype, tolerance in TOLERANCE.items():
            for transpose in (False, True):
                left, right = (_random(rng, shape, dtype) for shape in ((rows, inner), (inner, columns)))
                got = _product(mx, left, right, transpose)
                bound = tolerance * (np.abs(left).astype(np.float64) @ np.abs(right).astype(np.float64))
                wide = np.complex128 if dtype == "complex64" else np.float64
                if not np.all(np.abs(got - left.astype(wide) @ right.astype(wide)) <= bound):
                    raise ArithmeticError(f"{dtype} product of {rows}x{inner}x{columns} is wrong")
    return {"blas": name}


def _random(rng: np.random.Generator, shape: tuple[int, int], dtype: str) -> np.ndarray:
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape)).astype(dtype) if dtype == "complex64" else values.astype(dtype)


def _product(mx: Any, left: np.ndarray, right: np.ndarray, transpose: bool) -> np.ndarray:
    a, b = mx.array(left), mx.array(right)
    if left.dtype == np.float64:
        a, b = mx.array(left.tolist(), dtype=mx.float64), mx.array(right.tolist(), dtype=mx.float64)
    if transpose:  # a transposed view takes the other code path
        b = mx.contiguous(b.T, stream=mx.cpu).T
    return np.array(mx.matmul(a, b, stream=mx.cpu))


def speed() -> dict[str, Any]:
    """Best float32 product of 1024 x 1024 matrices through ``runtime`` in 1.5 seconds, of at least three.

    Returns:
        ``blas`` and ``gflops``: 2 n^3 operations over the best time, in 10^9 per second.
    """
    from distrust_hub.models.runtime import blas_name, mx

    a, b = (mx.random.normal((SPEED_SIZE, SPEED_SIZE), key=mx.random.key(i)) for i in range(2))
    mx.eval(a, b, a @ b)
    times: list[float] = []
    while len(times) < 3 or sum(times) < SPEED_SECONDS:
        start = time.perf_counter()
        mx.eval(a @ b)
        times.append(time.perf_counter() - start)
    return {"blas": blas_name(), "gflops": 2 * SPEED_SIZE**3 / min(times) / 1e9}


if __name__ == "__main__":
    result = check(sys.argv[2]) if sys.argv[1] == "check" else speed()
    sys.stdout.write(json.dumps(result) + "\n")
