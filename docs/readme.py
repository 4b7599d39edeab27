"""Fill the parts of README.md that are taken from elsewhere, so that they cannot drift.

python docs/readme.py            fail if README.md is not what it would be
python docs/readme.py --write    write it

- tour: a command, run, and the first lines it prints, cut at TOUR_WIDTH characters
- evidence: from the first table of the largest protocol in docs/evidence.md, the arms with most seeds, last epoch
- benchmarks: the table under "In short" in benchmarks/README.md
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
from pathlib import Path

from distrust_hub.cli.main import main as distrust_hub

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TOUR = (
    'distrust-hub score --text "March 3rd. Barometer 29.4 in. and falling; the needle dipped 2 degrees at noon."',
    'distrust-hub score --text "Experts agree that the new guidelines are effective, a spokesperson said."',
)
TOUR_LINES, TOUR_WIDTH = 10, 110
NO_RESULTS = "No results yet."
_RUNS = re.compile(r"^(\d+) of \d+ runs\.(?: \d+ entities a seed\.)?", re.MULTILINE)


def main() -> int:
    """Check or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write README.md")
    text, wanted = README.read_text(encoding="utf-8"), filled()
    if parser.parse_args().write:
        README.write_text(wanted, encoding="utf-8")
        return 0
    return 0 if text == wanted else 1


def filled() -> str:
    """README.md with its parts as they are now."""
    text = README.read_text(encoding="utf-8")
    evidence = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    benchmarks = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    text = _replaced(text, "tour", tour())
    text = _replaced(text, "evidence", evidence_table(evidence))
    return _replaced(text, "benchmarks", in_short(benchmarks))


def tour() -> str:
    """The commands, each as a block with what it prints, shortened."""
    return "\n\n".join(f"```sh\n{command}\n```\n\n```text\n{_shown(command)}\n```" for command in TOUR)


def evidence_table(page: str) -> str:
    """Of the protocol with most runs the arms with most seeds, each after its last epoch."""
    done = {text: int(runs[1]) for text in page.split("\n### Protocol ")[1:] if (runs := _RUNS.search(text))}
    for section in sorted(done, key=lambda text: -done[text]):
        if table := _first_table(section):
            head, rows = table[:2], table[2:]
            last = {row.split("|")[1]: row for row in rows}  # later epochs stand below earlier ones
            seeds = {arm: int(row.split("|")[3]) for arm, row in last.items()}
            shown = [row for arm, row in last.items() if seeds[arm] == max(seeds.values())]
            return "\n".join([*head, *shown, f"\n{_RUNS.search(section)[0]}"])
    return NO_RESULTS


def in_short(page: str) -> str:
    """The table under the heading "In short"."""
    return "\n".join(_first_table(page.split("\n## In short\n")[1].split("\n## ")[0]))


def _first_table(text: str) -> list[str]:
    found = re.search(r"(^\|.*\n?)+", text, re.MULTILINE)
    return found[0].splitlines() if found else []


def _shown(command: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        assert distrust_hub(shlex.split(command)[1:]) == 0
    lines = [line[:TOUR_WIDTH].rstrip() for line in printed.getvalue().splitlines()]
    return "\n".join(lines[:TOUR_LINES])


def _replaced(text: str, name: str, content: str) -> str:
    start, end = f"<!-- {name}: written by docs/readme.py -->", f"<!-- end of {name} -->"
    before, rest = text.split(start)
    return f"{before}{start}\n\n{content}\n\n{end}{rest.split(end)[1]}"


if __name__ == "__main__":
    raise SystemExit(main())
