from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from distrust_hub.models import blas
from distrust_hub.models.cache import recall
from distrust_hub.models.elf import ElfError, import_slots

pytestmark = [
    pytest.mark.mlx,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a BLAS to replace"),
    pytest.mark.skipif(importlib.util.find_spec("mlx") is None, reason="MLX is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("scipy_openblas32") is None, reason="no scipy-openblas32 here"),
]
ON_X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 kernels")
NAME = """
from distrust_hub.models.runtime import blas_name, mx
print(blas_name())
print((mx.ones((64, 64)) @ mx.ones((64, 64))).sum().item())
"""


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, timeout=120
    )


def test_mlx_imports_the_three_products_that_are_replaced():
    slots = import_slots(blas.mlx_library(), set(blas._PRODUCTS), platform.machine())
    assert set(slots) == set(blas._PRODUCTS)


@ON_X86
@pytest.mark.parametrize("kernels", ["Nehalem", "Haswell", "Zen"])
def test_products_are_right_with_the_kernels_of(kernels, monkeypatch):
    flags = Path("/proc/cpuinfo").read_text()
    if kernels != "Nehalem" and "avx2" not in flags:
        pytest.skip("this CPU has no AVX2")
    monkeypatch.setenv("OPENBLAS_CORETYPE", kernels)
    used = blas.run_child("check", str(blas.openblas_file()))["blas"]
    assert kernels in used or (kernels == "Zen" and "Haswell" in used)  # its Zen kernels are Haswell's


def test_activation_is_probed_once_and_names_the_library(cache):
    done = run(NAME)
    assert done.stdout.splitlines() == [done.stdout.splitlines()[0], str(64.0**3)]
    assert "OpenBLAS" in done.stdout
    assert "warning" not in done.stderr.lower()
    assert recall("blas.json", blas._probe_key(blas.openblas_file())) is True
    # a second process must not need a child: with the answer known, none is started
    code = f"import subprocess; subprocess.run = None\n{NAME}"
    assert "OpenBLAS" in run(code).stdout


def test_a_cpu_quota_bounds_the_threads(monkeypatch):
    setter, getter = blas._thread_functions()
    before = getter()
    monkeypatch.setattr(blas, "core_limit", lambda: 1)
    try:
        setter(2)
        blas.use(blas.openblas_file())
        assert getter() == 1
    finally:
        setter(before)


def test_stock_leaves_mlx_alone():
    done = run(NAME, DISTRUST_HUB_BLAS="stock")
    assert done.stdout.splitlines()[0] == blas.STOCK
    assert done.stderr == ""


def test_other_values_of_the_variable_are_refused():
    done = run(NAME, DISTRUST_HUB_BLAS="fast")
    assert "DISTRUST_HUB_BLAS is 'fast'; expected auto or stock" in done.stderr


def test_missing_package_is_one_warning_that_says_what_to_install(tmp_path):
    (tmp_path / "scipy_openblas32").mkdir()
    (tmp_path / "scipy_openblas32" / "__init__.py").write_text("")
    done = run(NAME, PYTHONPATH=str(tmp_path))
    assert done.stdout.splitlines()[0] == blas.STOCK
    assert len(done.stderr.strip().splitlines()) == 1
    assert "pip install -U scipy-openblas32" in done.stderr
    assert "50 times slower" in done.stderr


@ON_X86
def test_library_with_an_illegal_instruction_ends_only_the_child(tmp_path):
    package = tmp_path / "scipy_openblas32"
    (package / "lib").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    library = package / "lib" / "libscipy_openblas.so"
    shutil.copy(blas.openblas_file(), library)
    with library.open("r+b") as stream:
        stream.seek(_file_offset(library, "scipy_cblas_sgemm"))
        stream.write(b"\x0f\x0b")  # ud2
    done = run(NAME, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [blas.STOCK, str(64.0**3)]
    assert "signal 4" in done.stderr


def _file_offset(library: Path, symbol: str) -> int:
    """Where a function's code is in the file, from the dynamic symbol table found by its section header."""
    data = library.read_bytes()
    table, size, count = (struct.unpack_from(form, data, at)[0] for form, at in (("<Q", 40), ("<H", 58), ("<H", 60)))
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    symbols = next(s for s in sections if s[1] == 11)  # SHT_DYNSYM
    strings = sections[symbols[6]]
    for at in range(symbols[4], symbols[4] + symbols[5], 24):
        name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, at)
        start = strings[4] + name
        if data[start : data.index(b"\0", start)] == symbol.encode():
            return value - sections[section][3] + sections[section][4]
    raise AssertionError(symbol)


def test_child_that_fails_gives_its_last_line():
    with pytest.raises(ElfError, match=r"no-such-library\.so: cannot open"):
        blas.run_child("check", "no-such-library.so")


@pytest.mark.slow
def test_speed_is_measured_for_both():
    speed = blas.measure_speed()
    assert speed["gflops"] > 0
    assert "OpenBLAS" in speed["blas"]
    assert speed["ratio"] == pytest.approx(speed["gflops"] / speed["stock_gflops"])
