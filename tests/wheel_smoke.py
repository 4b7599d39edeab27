"""Use the installed wheel away from the source tree: version, scoring, sample, a card from the packaged template.

Run by ``nox -s wheel`` with the path of the source's ``model_card_template.md``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib.metadata import metadata
from pathlib import Path

import distrust_hub
from distrust_hub.cards.template import load_template
from distrust_hub.files import iter_jsonl
from distrust_hub.sample import sample_corpus_path


def main(template: str) -> int:
    package = Path(distrust_hub.__file__).parent
    assert "site-packages" in package.parts, f"the source tree was imported, not the wheel: {package}"
    packaged = (package / "cards" / "model_card_template.md").read_bytes()
    assert packaged == Path(template).read_bytes(), "the wheel's card template differs from the top-level one"
    assert packaged.decode("utf-8") == load_template("model_card_template.md")
    shown = str(metadata("distrust-hub").get_payload())  # type: ignore[attr-defined]
    links = re.findall(r"\]\(([^)]+)\)", shown)
    assert len(links) > 10
    assert all(link.startswith("https://") for link in links), f"links that PyPI cannot follow: {links}"
    rows = [row for _, row in iter_jsonl(sample_corpus_path())]
    score = distrust_hub.score_document(rows[0]["text"], rows[0])
    assert score.tier == "primary", score
    with tempfile.TemporaryDirectory() as folder:
        scored = str(Path(folder) / "scored.jsonl")
        run = [sys.executable, "-m", "distrust_hub"]
        subprocess.run([*run, "score", str(sample_corpus_path()), "-o", scored], check=True)
        subprocess.run([*run, "prepare", scored, "-o", str(Path(folder) / "data")], check=True)
    print(f"wheel {distrust_hub.__version__}: {len(rows)} sample rows, template and commands work")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
