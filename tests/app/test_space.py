from __future__ import annotations

import argparse
import re
import runpy
import shlex
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import distrust_hub
from distrust_hub.app.limits import Limits
from distrust_hub.app.score_view import score_json
from distrust_hub.cli.app import add_arguments

ROOT = Path(__file__).parents[2]
SPACE = ROOT / "space"


def front_matter() -> dict:
    return yaml.safe_load((SPACE / "README.md").read_text(encoding="utf-8").split("---")[1])


def test_space_app_defines_demo_without_launching():
    gradio = pytest.importorskip("gradio")
    assert len((SPACE / "app.py").read_text(encoding="utf-8").splitlines()) <= 10
    names = runpy.run_path(str(SPACE / "app.py"), run_name="space_app")
    assert isinstance(names["demo"], gradio.Blocks)
    assert names["demo"].is_running is False


def test_space_pins_this_version_with_the_extras_it_needs():
    for name, extras in (("requirements.txt", {"app", "train"}), ("requirements-zerogpu.txt", {"zerogpu"})):
        lines = [line for line in (SPACE / name).read_text(encoding="utf-8").splitlines() if line.strip()]
        requirement = Requirement(lines[0])
        assert len(lines) == 1
        assert str(requirement.specifier) == f"=={distrust_hub.__version__}"
        assert requirement.extras == extras


def test_space_sdk_version_satisfies_our_gradio_bound():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    app = next(line for line in text.splitlines() if line.startswith("app = "))
    bound = Requirement(yaml.safe_load(app.split("=", 1)[1])[0])
    assert bound.name == "gradio"
    assert Version(front_matter()["sdk_version"]) in bound.specifier


def test_space_front_matter_is_complete():
    found = front_matter()
    needed = {"title", "emoji", "sdk", "sdk_version", "python_version", "app_file", "license", "short_description"}
    assert needed <= set(found)
    assert found["sdk"] == "gradio"
    assert (SPACE / found["app_file"]).is_file()
    assert len(found["short_description"]) <= 60
    assert str(found["python_version"]) in ("3.10", "3.11", "3.12", "3.13")


def test_space_page_shows_commands_that_parse():
    commands = re.findall(
        r"^ +distrust-hub (app .*?)(?: +#.*)?$", (ROOT / "docs" / "space.md").read_text(), re.MULTILINE
    )
    assert len(commands) >= 8
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    for command in commands:
        parser.parse_args(shlex.split(command)[1:])


def test_space_page_shows_the_public_function_as_it_is():
    text = (ROOT / "docs" / "space.md").read_text(encoding="utf-8")
    used = re.findall(r'score\["(\w+)"\]', text)
    assert used
    assert set(used) <= set(score_json("14 March 1931. I weighed the crucible.", {}, Limits()))
    assert 'api_name="/score"' in text
