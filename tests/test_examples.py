"""examples/: what the runner runs is what there is, and the one without this package does not import it.

They are executed by ``nox -s examples``.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_every_example_is_run():
    runner = (EXAMPLES.parent / "tests" / "run_examples.py").read_text(encoding="utf-8")
    files = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb"))
    assert len(files) == 4
    assert [name for name in files if f'"{name}"' not in runner] == []


def test_the_one_for_peft_needs_nothing_of_this_package():
    tree = ast.parse((EXAMPLES / "use_with_peft.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"__future__", "sys", "torch", "peft", "transformers"}


def test_notebook_holds_no_path_of_a_machine():
    text = (EXAMPLES / "compare_two_adapters.ipynb").read_text(encoding="utf-8")
    assert json.loads(text)["nbformat"] == 4
    assert [place for place in ("/tmp", "/home", "/root", "/opt", "/Users", "127.0.0.1") if place in text] == []
