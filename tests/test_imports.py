"""Start-up stays light: heavy libraries are imported only where they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cold_imports import HEAVY

HERE = Path(__file__).parent


def run_cold(code_or_file: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *code_or_file], capture_output=True, text=True, timeout=120, check=False)


def test_modules_outside_zones_import_without_heavy_libraries():
    done = run_cold([str(HERE / "cold_imports.py")])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["score", "--help"], ["app", "--help"]])
def test_help_imports_no_heavy_library(arguments):
    code = (
        "import sys\nfrom distrust_hub.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print(sorted(set(m.split('.')[0] for m in sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    )
    done = run_cold(["-c", code])
    assert done.stderr.strip() == "[]", done.stderr
    assert "usage" in done.stdout


@pytest.mark.mlx
def test_public_names_resolve():
    import distrust_hub

    for name in distrust_hub.__all__:
        assert getattr(distrust_hub, name) is not None


def test_public_unknown_name_is_an_attribute_error():
    import distrust_hub

    with pytest.raises(AttributeError, match="nonsense"):
        _ = distrust_hub.nonsense


def test_no_circle_of_imports():
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("distrust_hub", exclude_type_checking_imports=True)
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while leaves := {module for module, imported in left.items() if not imported & set(left)}:
        left = {module: imported for module, imported in left.items() if module not in leaves}
    assert sorted(left) == [], "these import each other, or what does, also inside functions"
