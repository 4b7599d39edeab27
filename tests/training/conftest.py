"""A tiny model, scored rows, and a short way to train on them."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from distrust_hub.files import iter_jsonl, sha256_file
from tests.tiny import make_tiny_model

TIERS = (("primary", 0.05, 7.0), ("medium", 0.5, 3.0), ("coordinated", 0.95, 0.5))
WORDS = ("well", "water", "mill", "river", "summer", "stone", "dug", "by", "hand", "near", "our", "old", "the", "ran")


def sha256(tmp_path, name="adapter"):
    return sha256_file(tmp_path / name / "adapters.safetensors")


def metrics(tmp_path, name="adapter"):
    return [row for _, row in iter_jsonl(tmp_path / name / "metrics.jsonl")]


def scored_row(index: int, *, words: int = 8, **more) -> dict:
    tier, authority, entropy = TIERS[index % 3]
    rng = np.random.default_rng(index)
    row = {
        "id": f"row-{index}",
        "text": " ".join(rng.choice(WORDS, words)),
        "authority_weight": authority,
        "provenance_entropy": entropy,
        "tier": tier,
        "scorer": 1,
    }
    return {**row, **more}


def write_rows(path, rows) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="session", autouse=True)
def no_threads_left():
    """Tests below ``train`` leave threads that it would have ended."""
    yield
    if "distrust_hub.training.parallel" in sys.modules:
        sys.modules["distrust_hub.training.parallel"].end_threads()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    return str(make_tiny_model(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture
def tiny(tiny_model):
    """A freshly loaded tiny model."""
    from distrust_hub.models.load import load_base

    return load_base(tiny_model)


@pytest.fixture
def folder(tmp_path):
    """A training folder of nine rows, lengths mixed, with three held out."""
    write_rows(tmp_path / "data" / "train.jsonl", [scored_row(i, words=3 + i) for i in range(9)])
    write_rows(tmp_path / "data" / "valid.jsonl", [scored_row(i) for i in range(20, 23)])
    return tmp_path / "data"


@pytest.fixture
def no_plots(monkeypatch):
    """matplotlib counts as not installed: its two pictures take four times as long as a run of the tiny model."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture
def quick(tiny_model, folder, tmp_path, no_plots):
    """``quick(name, **options)`` trains three steps into ``tmp_path / name``."""
    from distrust_hub.training.trainer import train

    def run(name="adapter", **options):
        epochs = options.get("epochs")
        settings = {
            "rank": 2,
            "max_seq_length": 64,
            "batch_size": 3,
            "iters": None if epochs else 3,
            "learning_rate": 1e-2,
        }
        settings |= {"model": tiny_model, "data": str(folder), "adapter_path": str(tmp_path / name)}
        return train(**{**settings, **options})

    return run
