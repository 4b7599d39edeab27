"""A tiny random model, its numbers computed a second way, and a few TruthfulQA-like questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import make_tiny_model


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("evaluation") / "tiny", scale=0.3)


@pytest.fixture(scope="session")
def loaded(tiny_base: Path) -> Any:
    from distrust_hub.models.load import load_base

    return load_base(str(tiny_base))


def question_row(number: int, category: str = "Health") -> dict[str, Any]:
    """A row in the shape of TruthfulQA, about nothing in particular."""
    right, wrong = [f"It is {number}", f"Just {number}"], ["It is a dream", f"Nobody counts to {number}", "Never"]
    return {
        "category": category,
        "question": f"How many are {number} plus nothing?",
        "best_answer": right[0],
        "mc1_targets": {"choices": [right[0], *wrong], "labels": [1, 0, 0, 0]},
        "mc2_targets": {"choices": [*right, *wrong], "labels": [1, 1, 0, 0, 0]},
    }


@pytest.fixture
def questions_file(tmp_path: Path) -> Path:
    rows = [question_row(i, "Law" if i % 2 else "Health") for i in range(6)]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
