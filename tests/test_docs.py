"""docs/: the commands on its pages are commands, and each page is in the navigation."""

from __future__ import annotations

import argparse
import importlib
import ipaddress
import re
import shlex
from pathlib import Path

import pytest
import yaml

from distrust_hub.schema import SOURCE_TYPES

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
SHOWN = [
    (page.name, line.strip())
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]
    for line in page.read_text(encoding="utf-8").splitlines()
    if re.match(r" {4}(mlx\.launch .* -m )?distrust[-_]hub [a-z]", line)
]


@pytest.mark.parametrize(("page", "line"), SHOWN, ids=[f"{page}: {line[:60]}" for page, line in SHOWN])
def test_shown_command_parses(page, line):
    words = [word for word in shlex.split(line, comments=True) if word not in ("...", "IN...")]
    words = words[words.index("distrust_hub") if "distrust_hub" in words else 0 :]
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    importlib.import_module(f"distrust_hub.cli.{words[1]}").add_arguments(parser)
    assert parser.parse_args(words[2:])


def test_hosts_of_a_ring_are_addresses():
    """``mlx.launch`` refuses names there."""
    hosts = [host for _, line in SHOWN for found in re.findall(r"--hosts (\S+)", line) for host in found.split(",")]
    assert len(hosts) >= 2
    assert all(map(ipaddress.ip_address, hosts))


def test_source_types_are_told():
    text = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
    assert [kind for kind in SOURCE_TYPES if f"`{kind}`" not in text] == []


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if page.name not in str(yaml.safe_load(text)["nav"])] == []


def test_what_examples_and_pages_import_is_in_the_reference():
    reference = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    files = [*PAGES, ROOT / "README.md", *(ROOT / "examples").glob("*.py"), *(ROOT / "examples").glob("*.ipynb")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    imports = re.findall(r"from (distrust_hub[\w.]*) import ([\w, ]+)", text)
    names = {f"{module}.{name}" for module, names in imports for name in names.split(", ")}
    public = importlib.import_module("distrust_hub")._EXPORTS
    named = {
        f"{public[name]}.{name}" if (name := full.removeprefix("distrust_hub.")) in public else full for full in names
    }
    assert len(named) > 10
    assert sorted(full for full in named if f"::: {full}\n" not in reference) == []


def test_options_named_in_text_exist():
    known = {"--help", "--version", "--print-completion"}
    for verb in importlib.import_module("distrust_hub.cli.main").COMMANDS:
        parser = argparse.ArgumentParser()
        importlib.import_module(f"distrust_hub.cli.{verb}").add_arguments(parser)
        known |= {option for action in parser._actions for option in action.option_strings}
    others = {"--hosts", "--backend", "--python"}  # of mlx.launch
    for page in PAGES:
        text = re.sub(r"python \w+/\w+\.py[^`\n]*", "", page.read_text(encoding="utf-8"))  # other programs
        if page.name == "migrating.md":  # the left column is another project's
            text = re.sub(r"^\|[^|]*\|", "", text, flags=re.MULTILINE)
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+(?!\w)", text))
        assert sorted(named - known - others) == [], page.name


def test_variables_that_are_read_are_told():
    package = Path(importlib.import_module("distrust_hub").__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    read = set(re.findall(r"\bDISTRUST_HUB_[A-Z_]+", source))
    assert len(read) >= 4
    assert sorted(name for name in read if f"`{name}" not in page) == []


def test_messages_explained_are_printed():
    package = Path(importlib.import_module("distrust_hub").__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    source = re.sub(r'"\s+f?"', "", source)  # messages that stand on several lines
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ") and "what it means" not in line]
    messages = [part for row in rows for part in re.findall(r"`([^`]+)`", row) if part != "notes.jsonl:12:"]
    assert len(messages) > 30
    assert [message for message in messages if message not in source] == []


def test_models_for_macs_are_those_of_recommend():
    from distrust_hub.hardware.detect import named_machine
    from distrust_hub.hardware.recommend import recommend

    page = (ROOT / "docs" / "quickstart-mac.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (M\d[\w ]*), (\d+) GB \| `(.+?)` \|$", page, re.MULTILINE)
    assert len(rows) >= 4
    for chip, memory, model in rows:
        assert recommend(named_machine(f"Apple {chip}", int(memory) << 30))[0].model.id == model, chip


def test_places_that_answer_questions_are_there():
    page = (ROOT / "docs" / "where.md").read_text(encoding="utf-8")
    rows = [line.split(" | ", 1)[1] for line in page.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) >= 10
    package = Path(importlib.import_module("distrust_hub").__file__).parent
    for row in rows:
        text = ""
        for word in re.findall(r"`([^`]+)`", row):
            if word.endswith((".py", ".md")):
                path = package.parent / word if word.startswith("distrust_hub/") else ROOT / word
                text = path.read_text(encoding="utf-8")
            elif not word.startswith("distrust-hub "):
                assert word in text, row
