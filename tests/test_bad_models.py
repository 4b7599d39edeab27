"""Bad models, adapters, tokens and missing packages as a user meets them: one line on stderr, exit code 1."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from distrust_hub.cli.main import main
from tests.hub_server.server import HubServer
from tests.test_bad_input import Fails, fails
from tests.tiny import make_tiny_model
from tests.training.conftest import scored_row, write_rows

__all__ = ["fails"]
pytestmark = pytest.mark.mlx
WEIGHTS = "adapters.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``model``, ``data`` and a trained ``adapter``."""
    place = tmp_path_factory.mktemp("made")
    make_tiny_model(place / "model")
    write_rows(place / "data" / "train.jsonl", [scored_row(i) for i in range(6)])
    write_rows(place / "data" / "valid.jsonl", [scored_row(i) for i in range(20, 22)])
    assert main(train(place, place / "model", place / "adapter")) == 0
    return place


def train(made: Path, model: Path, out: Path, *more: str) -> list[str]:
    options = ["--iters", "2", "--rank", "2", "--max-seq-length", "64", *more]
    return ["train", "--model", str(model), "--data", str(made / "data"), "--adapter-path", str(out), *options]


def with_model(verb: str, made: Path, model: Path, out: Path) -> list[str | Path]:
    evaluate = ["evaluate", "--model", model, "--suite", "perplexity", "--data", made / "data", "-o", out]
    return {
        "train": [*train(made, model, out)],
        "evaluate": evaluate,
        "chat": ["chat", "--model", model, "--prompt", "hi", "--max-tokens", "2"],
        "export": ["export", made / "adapter", "--to", "fused", "--model", model, "-o", out],
        "app": ["app", "--model", model],
    }[verb]


def with_adapter(verb: str, made: Path, model: Path, adapter: Path, out: Path) -> list[str | Path]:
    evaluate = with_model("evaluate", made, model, out)
    return {
        "evaluate": [*evaluate, "--adapter-path", adapter],
        "chat": ["chat", "--model", model, "--adapter-path", adapter, "--prompt", "hi", "--max-tokens", "2"],
        "peft": ["export", adapter, "--to", "peft", "--model", model, "-o", out],
        "fused": ["export", adapter, "--to", "fused", "--model", model, "-o", out],
        "push": ["push", adapter, "ada/adapter"],
        "app": ["app", "--adapter-path", adapter],
    }[verb]


def bad_gguf(folder: Path) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + (1).to_bytes(8, "little") + (9).to_bytes(8, "little"))
    return path


def cut_model(folder: Path) -> Path:
    model = make_tiny_model(folder / "cut")
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5000])
    return model


BAD_MODELS = {
    "absent": (lambda folder: folder / "absent", "no such file or folder, and not a Hub id like owner/name"),
    "empty": (lambda folder: folder, "no config.json; expected a Hugging Face style model folder"),
    "truncated_gguf": (bad_gguf, "model.gguf: truncated"),
    "truncated_safetensors": (cut_model, "does not fit the file; truncated or damaged"),
    "hub_down": (lambda folder: Path("org/model"), "cannot reach http://127.0.0.1:9"),
}


@pytest.mark.parametrize("case", BAD_MODELS)
@pytest.mark.parametrize("verb", ["train", "evaluate", "chat", "export", "app"])
def test_bad_model_is_named(fails: Fails, made: Path, tmp_path: Path, verb: str, case: str) -> None:
    if (verb, case) == ("app", "hub_down"):
        return  # fetched when the first visitor asks
    make, message = BAD_MODELS[case]
    model = make(tmp_path)
    assert message in fails(*with_model(verb, made, model, tmp_path / "out"))


def edit_weights(change: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    def edit(adapter: Path) -> None:
        (adapter / "adapter_model.safetensors").unlink()
        weights = load_file(adapter / WEIGHTS)
        for value in weights.values():
            change(value)
        save_file(weights, adapter / WEIGHTS, metadata={"format": "mlx"})

    return edit


def cut_weights(adapter: Path) -> None:
    (adapter / WEIGHTS).write_bytes((adapter / WEIGHTS).read_bytes()[:-100])


def newer_schema(adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    config["distrust_hub"]["schema"] = 99
    (adapter / "adapter_config.json").write_text(json.dumps(config))


BAD_ADAPTERS = {
    "nan": (edit_weights(lambda value: value.fill(np.nan)), "NaN or infinity in model.layers.0"),
    "zero": (edit_weights(lambda value: value.fill(0)), "the adapter changes nothing"),
    "truncated": (cut_weights, WEIGHTS),
    "no_config": (lambda adapter: (adapter / "adapter_config.json").unlink(), "adapter_config.json: no such file"),
    "newer_schema": (newer_schema, "upgrade with: pip install -U distrust-hub"),
    "empty": (lambda adapter: [path.unlink() for path in adapter.iterdir() if path.is_file()], "holds "),
}


@pytest.mark.parametrize("case", BAD_ADAPTERS)
@pytest.mark.parametrize("verb", ["evaluate", "chat", "peft", "fused", "push", "app"])
def test_bad_adapter_is_named(fails: Fails, made: Path, tmp_path: Path, verb: str, case: str) -> None:
    adapter = Path(shutil.copytree(made / "adapter", tmp_path / "adapter"))
    shutil.rmtree(adapter / "checkpoints")
    change, message = BAD_ADAPTERS[case]
    change(adapter)
    assert message in fails(*with_adapter(verb, made, made / "model", adapter, tmp_path / "out"))


@pytest.mark.parametrize("verb", ["evaluate", "chat", "peft", "fused", "app"])
def test_absent_adapter_is_named(fails: Fails, made: Path, tmp_path: Path, verb: str) -> None:
    command = with_adapter(verb, made, made / "model", tmp_path / "absent", tmp_path / "out")
    assert f"{tmp_path / 'absent'}: no such adapter folder" in fails(*command)


@pytest.mark.parametrize("verb", ["evaluate", "chat", "peft", "fused"])
def test_adapter_of_another_base_is_refused(fails: Fails, made: Path, tmp_path: Path, verb: str) -> None:
    other = make_tiny_model(tmp_path / "other", hidden=32)
    error = fails(*with_adapter(verb, made, other, made / "adapter", tmp_path / "out"))
    assert "made for another base" in error
    assert "give that one as --model" in error


@pytest.mark.parametrize("name", ["training_run.json", "eval_results.json", "manifest.json"])
@pytest.mark.parametrize("verb", ["card", "push"])
def test_newer_artifact_says_upgrade(fails: Fails, made: Path, tmp_path: Path, verb: str, name: str) -> None:
    adapter = Path(shutil.copytree(made / "adapter", tmp_path / "adapter"))
    (adapter / name).write_text('{"schema": 99}')
    error = fails(verb, adapter, *(["ada/adapter"] if verb == "push" else []))
    assert f"{adapter / name}: schema 99 is newer than 1" in error
    assert "upgrade with: pip install -U distrust-hub" in error


def test_card_refuses_a_folder_that_holds_nothing(fails: Fails, tmp_path: Path) -> None:
    assert "holds neither adapter_config.json nor train.jsonl" in fails("card", tmp_path)


def test_card_that_is_not_utf8_is_named(fails: Fails, made: Path, tmp_path: Path) -> None:
    adapter = Path(shutil.copytree(made / "adapter", tmp_path / "adapter"))
    (adapter / "README.md").write_bytes(b"\xff")
    assert f"{adapter / 'README.md'}: not UTF-8" in fails("card", adapter)


def test_train_on_a_broken_base_leaves_no_adapter(made: Path, tmp_path: Path, capsys) -> None:
    model = make_tiny_model(tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    weights["model.norm.weight"].fill(np.nan)
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    assert main(train(made, model, tmp_path / "out")) == 1
    assert "all 2 steps were skipped" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["metrics.jsonl"]


@pytest.mark.hub
@pytest.mark.parametrize(
    ("role", "repo", "message"),
    [
        (None, "ada/adapter", "no Hugging Face token; run: hf auth login, or set HF_TOKEN"),
        ("read", "ada/adapter", "may only read model ada/adapter; make one with write permission at"),
        ("write", "bob/adapter", "bob/adapter belongs to bob and you are ada; push to ada/adapter"),
    ],
)
def test_train_push_refuses_before_training(
    fails: Fails, hub: HubServer, made: Path, tmp_path: Path, monkeypatch, role, repo: str, message: str
) -> None:
    token = hub.add_user("ada", role=role or "write")
    if role:
        monkeypatch.setenv("HF_TOKEN", token)
    error = fails(*train(made, made / "model", tmp_path / "out", "--push", repo, "--base-model-id", "org/tiny"))
    assert message in error
    assert token not in error
    assert all(entry.method == "GET" for entry in hub.requests)


MISSING = [
    ("mlx", "train", "train"),
    ("mlx", "evaluate", "train"),
    ("mlx", "chat", "train"),
    ("mlx", "export", "train"),
    ("mlx_lm", "train", "train"),
    ("transformers", "chat", "train"),
    ("gradio", "app", "app"),
]


@pytest.mark.parametrize(("package", "verb", "extra"), MISSING)
def test_missing_package_says_what_to_install(made: Path, tmp_path: Path, package: str, verb: str, extra: str) -> None:
    command = [str(part) for part in with_model(verb, made, made / "model", tmp_path / "out")]
    code = f"import sys; sys.modules[{package!r}] = None\nfrom distrust_hub.cli.main import main\nsys.exit(main())"
    run = [sys.executable, "-c", code, *command]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ))
    assert done.returncode == 1
    assert f'needs {package}; run: pip install "distrust-hub[{extra}]"' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_ctrl_c_saves_and_resume_goes_on(made: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    from distrust_hub.training.loop import Loop

    original = Loop._train_step

    def interrupted(self, *args):
        signal.raise_signal(signal.SIGINT)
        return original(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "_train_step", interrupted)
        assert main(train(made, made / "model", tmp_path / "out")) == 130
    error = capsys.readouterr().err.strip()
    assert error == "distrust-hub: interrupted after step 1; saved step-000001, go on with --resume"
    assert not (tmp_path / "out" / WEIGHTS).exists()
    assert main(train(made, made / "model", tmp_path / "out", "--resume")) == 0
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == (made / "adapter" / WEIGHTS).read_bytes()
