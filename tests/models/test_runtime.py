from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.mlx
HAS_MLX = pytest.mark.skipif(importlib.util.find_spec("mlx") is None, reason="MLX is not installed")


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, timeout=120
    )


@HAS_MLX
@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux CPU backend calls g++")
def test_without_a_compiler_fused_kernels_are_off_and_it_is_said_once(tmp_path):
    code = (
        "import mlx_lm\n"  # may come first: nothing depends on the order
        "from distrust_hub.models.runtime import mx, nn\n"
        "x = mx.arange(4096, dtype=mx.float32)\n"
        "print(mx.compile(lambda x: nn.gelu(x) * mx.sigmoid(x) + 1)(x).shape)"
    )
    done = run(code, PATH=str(tmp_path))
    assert done.stdout.strip() == "(4096,)"
    assert done.stderr.count("no g++ found") == 1


def test_missing_mlx_says_what_to_install(tmp_path):
    (tmp_path / "mlx").mkdir()
    (tmp_path / "mlx" / "__init__.py").write_text("")
    done = run("import distrust_hub.models.runtime", PYTHONPATH=str(tmp_path))
    assert "MissingDependencyError" in done.stderr
    assert 'pip install "distrust-hub[train]"' in done.stderr
