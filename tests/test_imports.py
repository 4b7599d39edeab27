"""Start-up stays light: heavy libraries are imported only where they are used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import distrust_hub
from tests.cold_imports import HEAVY

HERE = Path(__file__).parent
FOR_DEVELOPERS = ("dev", "docs", "browser")
LOADED_OTHERWISE = {"orjson", "scipy-openblas32"}  # by datatrove; as a library of C


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


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    project = pytest.importorskip("tomllib").loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    extras = {name: extra for name, extra in project["optional-dependencies"].items() if name not in FOR_DEVELOPERS}
    lines = [*project["dependencies"], *(line for extra in extras.values() for line in extra)]
    declared = {_plain(re.split(r"[\[<>=]", line)[0]) for line in lines} - {"distrust-hub"}
    files = [*Path(distrust_hub.__file__).parent.rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    ours = {"distrust_hub", "formulas"}  # a metric imports the file beside it
    modules = {name.split(".")[0] for name in names} - ours - {"compression"} - set(sys.stdlib_module_names)
    known = packages_distributions()
    imported = {module: {_plain(name) for name in known.get(module, [module])} for module in modules}
    assert sorted(module for module, names in imported.items() if not names & declared) == []
    assert sorted(declared - LOADED_OTHERWISE - set().union(*imported.values())) == []


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
