"""A fast BLAS for MLX on Linux CPUs.

The CPU wheel of MLX brings the reference BLAS, whose float32 matrix product runs at 4 to 8 GFLOP/s on two cores.
The wheel ``scipy-openblas32`` brings OpenBLAS (about 50 times faster, kernels chosen for the CPU at run time)
under names with the prefix ``scipy_``. ``activate`` writes the addresses of its three products into the slots
through which MLX's library calls them. No compiler, no root and no order of imports is needed.

A library built for another CPU would end the process with an illegal instruction, so the change is first tried,
and its results compared with numpy's, in a child process; success is remembered per machine and versions.

``DISTRUST_HUB_BLAS=stock`` turns this off. A BLAS that the user or the distribution put in place is left alone.
Nothing is done on macOS (Accelerate) or with the CUDA backend.

Measured on x86-64 with the kernels Nehalem, Haswell and Zen. On arm64 only the tables were read: both wheels
(mlx-cpu 0.32.4, scipy-openblas32 0.3.31) have the three slots and the three symbols; nothing was run there.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from distrust_hub.errors import ConfigError
from distrust_hub.models.cache import recall, remember
from distrust_hub.models.cgroups import core_limit
from distrust_hub.models.elf import ElfError, redirect

log = logging.getLogger(__name__)

STOCK = "reference BLAS bundled with MLX"
_PRODUCTS = ("cblas_sgemm", "cblas_dgemm", "cblas_cgemm")
"""All that MLX's CPU backend takes from BLAS."""
_PREFIX = "scipy_"
_OURS = "OpenBLAS"
"""How the name of the BLAS that this module puts in place begins."""
_OPTIMISED_MARKS = (
    "openblas_get_config",
    "MKL_Get_Version",
    "bli_info_get_version_str",
    "ATL_buildinfo",
    "nvpl_blas_get_version",
)
"""Functions only an optimised BLAS exports, beside the standard ones."""
_PROBE_VERSION = 1
_PROBE_SECONDS = 120


@functools.cache
def activate() -> str:
    """Make MLX's matrix products fast in this process, if that is safe, and say which BLAS it now uses.

    MLX must have been imported. Called by ``runtime.py``; later calls only return the answer. When no fast BLAS
    can be used one warning is logged and the bundled one stays.

    Raises:
        ConfigError: If ``DISTRUST_HUB_BLAS`` is neither ``auto`` nor ``stock``.
    """
    mode = os.environ.get("DISTRUST_HUB_BLAS", "auto")
    if mode not in ("auto", "stock"):
        raise ConfigError(f"DISTRUST_HUB_BLAS is {mode!r}; expected auto or stock")
    try:
        if found := optimised_blas():
            return found
        if mode == "stock":
            return STOCK
        library = openblas_file()
        if problem := _probe_problem(library):
            raise ElfError(problem)
        return use(library)
    except (ElfError, OSError, AttributeError) as error:
        log.warning(
            "matrix products will run about 50 times slower than this CPU can: %s; "
            "to fix it: pip install -U scipy-openblas32, or apt install libopenblas0-pthread and start with "
            "LD_PRELOAD=libopenblas.so.0",
            error,
        )
        return STOCK


def optimised_blas() -> str | None:
    """File name of the optimised BLAS that MLX already calls (preloaded, or the distribution's), or None."""
    library = _library_called()
    handle = ctypes.CDLL(str(library))
    return library.name if any(hasattr(handle, mark) for mark in _OPTIMISED_MARKS) else None


def _library_called() -> Path:
    """The library whose products MLX's own symbol lookup finds."""
    try:
        function = ctypes.CDLL(None).cblas_sgemm
    except AttributeError:
        function = ctypes.CDLL(str(mlx_library())).cblas_sgemm
    return _file_of(function)


def use(library: Path) -> str:
    """Redirect MLX's matrix products to OpenBLAS in this process, unprobed.

    Returns:
        Name, version and kernel family of the OpenBLAS.

    Raises:
        ElfError: If MLX's library is not laid out as expected; nothing was changed then.
    """
    openblas = ctypes.CDLL(str(library))
    addresses = {name: ctypes.cast(getattr(openblas, _PREFIX + name), ctypes.c_void_p).value or 0 for name in _PRODUCTS}
    redirect(mlx_library(), addresses)
    threads = openblas.scipy_openblas_get_num_threads()
    openblas.scipy_openblas_set_num_threads(min(threads, core_limit() or threads))  # it knows of no CPU quota
    core = openblas.scipy_openblas_get_corename
    core.restype = ctypes.c_char_p
    return f"{_OURS} {_version('scipy-openblas32')} ({core().decode()} kernels)"


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Matrix products on one thread while the context is open, for callers that run several at once.

    Holds for OpenBLAS, whoever put it in place; another BLAS keeps its own setting.
    """
    setter, getter = _thread_functions()
    before = getter()
    setter(1)
    try:
        yield
    finally:
        setter(before)


@functools.cache
def _thread_functions() -> tuple[Callable[[int], Any], Callable[[], int]]:
    """Set and tell the number of threads of the OpenBLAS behind MLX; without one they do nothing."""
    name = activate()
    library, prefix = (openblas_file(), _PREFIX) if name.startswith(_OURS) else (_library_called(), "")
    handle = ctypes.CDLL(str(library))
    if name == STOCK or not hasattr(handle, f"{prefix}openblas_set_num_threads"):
        return (lambda number: None), (lambda: 1)
    return handle[f"{prefix}openblas_set_num_threads"], handle[f"{prefix}openblas_get_num_threads"]


def mlx_library() -> Path:
    """The shared library of the installed MLX.

    Raises:
        ElfError: If there is none.
    """
    spec = importlib.util.find_spec("mlx")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / "lib" / "libmlx.so").is_file():
            return path
    raise ElfError("libmlx.so is not where the wheel puts it")


def run_child(*arguments: str, mode: str = "stock") -> dict[str, Any]:
    """Run ``blas_probe`` in a child process that may die.

    Args:
        arguments: ``check`` and a library, or ``speed``.
        mode: Its ``DISTRUST_HUB_BLAS``.

    Returns:
        What it printed.

    Raises:
        ElfError: If it died, hung or failed, with the reason.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), root]))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "distrust_hub.models.blas_probe", *arguments],
            env={**os.environ, "DISTRUST_HUB_BLAS": mode, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise ElfError(f"the trial took over {_PROBE_SECONDS} seconds") from error
    if done.returncode < 0:
        raise ElfError(f"the trial ended with signal {-done.returncode}, so OpenBLAS does not suit this CPU")
    if done.returncode:
        raise ElfError(f"the trial failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_speed() -> dict[str, Any]:
    """Time a float32 product of 1024 x 1024 matrices with the bundled BLAS and with what this package arranges.

    Both run in child processes, one after the other.

    Returns:
        ``blas``, ``gflops``, ``stock_gflops`` and ``ratio``; the last two are None where nothing is replaced
        (macOS, CUDA).

    Raises:
        ElfError: If a child process failed, with the reason.
    """
    fast = run_child("speed", mode="auto")
    stock = run_child("speed")["gflops"] if fast["blas"] else None
    return {**fast, "stock_gflops": stock, "ratio": fast["gflops"] / stock if stock else None}


def _probe_problem(library: Path) -> str | None:
    """Why this OpenBLAS must not be used here, or None; a success is remembered."""
    key = _probe_key(library)
    if recall("blas.json", key) is True:
        return None
    try:
        run_child("check", str(library))
    except ElfError as error:
        return str(error)
    remember("blas.json", key, True)
    return None


def _probe_key(library: Path) -> str:
    """Changes whenever the outcome could: versions, file, processor, forced kernel."""
    processor = [
        line
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        if line.lower().startswith(("model name", "flags", "features", "cpu part"))
    ]
    parts = [
        _PROBE_VERSION,
        *(_version(name) for name in ("mlx", "mlx-cpu", "scipy-openblas32", "numpy")),
        library.stat().st_size,
        platform.machine(),
        sorted(set(processor)),
        os.environ.get("OPENBLAS_CORETYPE", ""),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def openblas_file() -> Path:
    """The OpenBLAS of the installed package scipy-openblas32, which is not imported.

    Raises:
        ElfError: If it is not installed.
    """
    spec = importlib.util.find_spec("scipy_openblas32")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted((Path(folder) / "lib").glob("libscipy_openblas*.so")):
            return path
    raise ElfError("the package scipy-openblas32 is not installed")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


class _DlInfo(ctypes.Structure):
    """``Dl_info`` of ``dlfcn.h``."""

    _fields_ = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    ]


def _file_of(function: Any) -> Path:
    info = _DlInfo()
    if not ctypes.CDLL(None).dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info)) or not info.file:
        raise ElfError("cblas_sgemm belongs to no library")
    return Path(info.file.decode())
