"""TruthfulQA from a Hub dataset with both of its configurations, by the real ``datasets`` client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.evaluation.benchmark import Request
from distrust_hub.evaluation.truthfulqa import TruthfulQA
from tests.evaluation.conftest import question_row

pytestmark = pytest.mark.hub

CARD = """---
configs:
- config_name: multiple_choice
  data_files: [{split: validation, path: multiple_choice.jsonl}]
- config_name: generation
  data_files: [{split: validation, path: generation.jsonl}]
---
"""
CHOICES = ("question", "mc1_targets", "mc2_targets")


def test_load_joins_both_configurations(hub: Any, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    from huggingface_hub import HfApi

    rows = [question_row(i, "Law") for i in range(3)]
    for name, keys in (("multiple_choice", CHOICES), ("generation", ("question", "category", "best_answer"))):
        lines = [json.dumps({key: row[key] for key in keys}) for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "README.md").write_text(CARD)
    api = HfApi(token=hub.add_user("truthfulqa"))
    api.create_repo("truthfulqa/truthful_qa", repo_type="dataset")
    api.upload_folder(repo_id="truthfulqa/truthful_qa", repo_type="dataset", folder_path=tmp_path)

    found = TruthfulQA().load(Request())
    file = tmp_path / "one.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert found == TruthfulQA().load(Request(data=file))
