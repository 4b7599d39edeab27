"""README.md: its commands are run as they stand there, its code runs, and what it takes from elsewhere is current."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from huggingface_hub import HfApi

import distrust_hub
from distrust_hub.cli.main import COMMANDS as COMMANDS_OF_PROGRAM
from distrust_hub.cli.main import main
from tests.hub_server.server import HubServer
from tests.tiny import make_tiny_model
from tests.training.conftest import scored_row, write_rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

ELSEWHERE = {
    "python -m pip install nox && nox -s demo": "test_demo.py runs the command; the session once per piece of work",
    "python -m pip install nox && nox -s tests": "the first thing .ci/run does",
    'pip install "distrust-hub[train,eval,app]"': "the session wheel installs the wheel, the session demo the extras",
    "distrust-hub demo": "test_demo.py runs the command, on a smaller model",
    "distrust-hub app": "app/test_server.py starts it",
}
"""Command: why it is not run here. Every other one is a ``distrust-hub`` command and runs here."""


def test_what_is_run_elsewhere_can_be_run():
    sessions = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    extras = set(re.findall(r"^([\w-]+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE))
    for command in ELSEWHERE:
        assert set(re.findall(r"nox -s (\w+)", command)) <= set(sessions), command
        named = [name for found in re.findall(r"distrust-hub\[(.+?)\]", command) for name in found.split(",")]
        assert set(named) <= extras, command
        if command.startswith("distrust-hub "):
            assert command.split()[1] in COMMANDS_OF_PROGRAM
    if (ROOT / ".ci" / "run").is_file():  # not in the sdist
        first = re.search(r"for session in (\w+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
        assert first[1] == "tests"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line.split("  #")[0].rstrip() for block in blocks("sh") for line in block.splitlines()]


def test_every_code_block_says_what_it_is():
    opened = re.findall(r"^```(\w*)$", README, re.MULTILINE)[::2]
    assert set(opened) == {"sh", "text", "python"}
    assert not re.search(r"^ {4}\S", re.sub(r"```.*?```", "", README, flags=re.DOTALL), re.MULTILINE)


def test_every_command_is_run_here_or_said_to_be_run_elsewhere():
    assert [
        command for command in COMMANDS if command not in ELSEWHERE and not command.startswith("distrust-hub ")
    ] == []
    assert [command for command in ELSEWHERE if command not in COMMANDS] == []


@pytest.fixture
def account(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The account ``you`` with scored notes, the base model that README names (here a tiny one), an empty folder."""
    token = hub.add_user("you")
    monkeypatch.setenv("HF_TOKEN", token)
    make_tiny_model(tmp_path / "model")
    write_rows(tmp_path / "notes" / "train.jsonl", [scored_row(i) for i in range(12)])
    owner = HfApi(token=hub.add_user("mlx-community"))
    owner.create_repo("mlx-community/SmolLM2-135M-Instruct")
    owner.upload_folder(repo_id="mlx-community/SmolLM2-135M-Instruct", folder_path=tmp_path / "model")
    api = HfApi(token=token)
    api.create_repo("you/scored-notes", repo_type="dataset")
    api.upload_folder(repo_id="you/scored-notes", repo_type="dataset", folder_path=tmp_path / "notes")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return hub


@pytest.mark.mlx
@pytest.mark.hub
@pytest.mark.slow
def test_commands_run_in_their_order(account: HubServer, capsys: pytest.CaptureFixture[str]):
    for command in COMMANDS:
        if command in ELSEWHERE:
            continue
        assert main(shlex.split(command)[1:]) == 0, f"{command}\n{capsys.readouterr().err}"
        assert capsys.readouterr().out, command
    assert "adapters.safetensors" in account.repo("you/my-adapter").files()


def test_python_code_runs(capsys):
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
        assert capsys.readouterr().out


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("readme", ROOT / "docs" / "readme.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_parts_from_elsewhere_are_current(script):
    assert script.filled() == README, "run: python docs/readme.py --write"


def test_tour_says_that_its_lines_are_cut(script):
    assert f"cut at {script.TOUR_WIDTH} characters" in README


def test_evidence_is_the_arms_with_most_seeds_of_the_largest_protocol_after_their_last_epoch(script):
    rows = [
        "| none | 1 | 5 |",
        "| none | 2 | 5 |",
        "| reweight | 1 | 5 |",
        "| reweight | 2 | 5 |",
        "| literal | 2 | 1 |",
    ]
    table = "\n".join(["| arm | epoch | seeds |", "|---|---|---|", *rows])
    page = "\n### Protocol 10-c\n\n0 of 4 runs.\n"
    page += f"\n### Protocol 9-b\n\n11 of 14 runs. More.\n\n{table}\n"
    page += f"\n### Protocol 2-a\n\n3 of 4 runs.\n\n{table.replace('none', 'other')}"
    assert script.evidence_table(page).splitlines()[2:] == [rows[1], rows[3], "", "11 of 14 runs."]
    assert script.evidence_table("nothing yet") == script.NO_RESULTS


def test_figures_in_the_text_are_those_of_the_tables(script):
    prose = README.split("\n## Does it work?\n")[1].split("<!--")[0]
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    names = ("4-defaults", "8-default", "5-mixed", "7-milder")
    defaults, default, mixed, milder = (page.split(f"\n### Protocol {name}\n")[1].split("\n![")[0] for name in names)
    rows = [line for line in README.splitlines() if line.startswith("| reweight |")]
    rows += [line for line in defaults.splitlines() if line.startswith("| reweight | 3 |")]
    asked = ("| reweight | 2 |", "| reweight (question) | 2 |")
    rows += [line for line in default.splitlines() if line.startswith(asked)]
    rows += [line for page in (mixed, milder) for line in page.splitlines() if line.startswith(asked[0])]
    assert len(rows) == 6
    told = re.findall(r"([+-]\d\.\d\d)(?: nats)? \((?:95 % )?([+-]\d\.\d\d) to ([+-]\d\.\d\d)\)", prose)
    measured = [re.findall(r"[+-]\d\.\d{3}", row)[-3:] for row in rows]
    assert told == [tuple(f"{float(number):+.2f}" for number in row) for row in measured]
    [speed] = re.findall(r"about ([\d,]+) documents a second", README)
    [scored] = re.findall(r"\| scoring, documents a second of processor time \| ([\d,]+) ", README)
    assert 0.8 <= int(speed.replace(",", "")) / int(scored.replace(",", "")) <= 1


def test_links_and_pictures_are_there():
    places = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []
    assert "](#" not in README, "the project page on PyPI has no anchors"


def test_file_tree_names_what_there_is():
    [tree] = [block for block in blocks("text") if block.startswith("distrust_hub/")]
    package = Path(distrust_hub.__file__).parent  # not below ROOT where the wheel is tested
    folder = ROOT
    for line in tree.splitlines():
        folder = folder if line.startswith(" ") else ROOT
        names = re.split(r"\s{2,}", line.strip())[0].split()
        if names == ["distrust_hub/"]:
            folder = package
            continue
        assert [name for name in names if not (folder / name).exists()] == [], line


def test_readme_is_short():
    assert len(README.splitlines()) <= 256
