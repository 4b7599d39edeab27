"""``distrust-hub --print-completion``: what bash completes, and what it costs to ask."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from distrust_hub.cli.completion import SHELLS, completion_script
from distrust_hub.cli.main import COMMANDS
from tests.cold_imports import HEAVY

ASK = """
source "$1"; shift
function=$(complete -p distrust-hub | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
$function distrust-hub "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
echo "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "distrust-hub.bash"
    path.write_text(completion_script("bash", COMMANDS), encoding="utf-8")
    return path


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("tr", "train"),
        ("train --objective rew", "reweight"),
        ("score --rejec", ""),
        ("evaluate --against al", "almost-there"),
        ("push alm", "almost-there"),
    ],
)
def test_bash_completes_commands_options_choices_and_files(script, tmp_path, typed, completed):
    (tmp_path / "almost-there").mkdir()
    command = ["bash", "-c", ASK, "bash", str(script), "distrust-hub", *typed.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout.strip() == completed, done.stderr


def test_completion_names_every_command_in_every_shell():
    for shell in SHELLS:
        text = completion_script(shell, COMMANDS)
        assert [verb for verb in COMMANDS if verb not in text] == []


def test_print_completion_imports_no_heavy_library():
    code = (
        "import sys\nfrom distrust_hub.cli.main import main\n"
        "try:\n    main(['--print-completion', 'bash'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"print(sorted(set(m.split('.')[0] for m in sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.strip() == "[]", done.stderr
    assert "complete" in done.stdout
