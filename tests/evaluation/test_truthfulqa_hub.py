"""TruthfulQA from a Hub dataset with both of its configurations, by the real ``datasets`` client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.benchmark import Request
from distrust_hub.evaluation.truthfulqa import TruthfulQA
from tests.evaluation.conftest import question_row

pytestmark = pytest.mark.hub

CARD = """---
license: apache-2.0
dataset_info:
- config_name: multiple_choice
  features:
  - name: question
    dtype: string
  - name: mc1_targets
    struct:
    - name: choices
      sequence: string
    - name: labels
      sequence: int32
  - name: mc2_targets
    struct:
    - name: choices
      sequence: string
    - name: labels
      sequence: int32
configs:
- config_name: generation
  data_files:
  - split: validation
    path: generation/validation-*
- config_name: multiple_choice
  data_files:
  - split: validation
    path: multiple_choice/validation-*
---
"""
CHOICES = ("question", "mc1_targets", "mc2_targets")
ABOUT = ("question", "category", "best_answer")

LOAD = """
from distrust_hub.evaluation.benchmark import Request
from distrust_hub.evaluation.truthfulqa import TruthfulQA
print(repr(TruthfulQA().load(Request())))
"""


@pytest.fixture
def rows(hub: Any, tmp_path: Path) -> list[dict[str, Any]]:
    """Questions that are on the Hub as truthfulqa/truthful_qa has them: a parquet file for each configuration."""
    pytest.importorskip("datasets")
    from huggingface_hub import HfApi
    from pyarrow import Table, parquet

    rows = [question_row(i, "Law") for i in range(3)]
    for name, keys in (("multiple_choice", CHOICES), ("generation", ABOUT)):
        (tmp_path / "data" / name).mkdir(parents=True)
        table = Table.from_pylist([{key: row[key] for key in keys} for row in rows])
        parquet.write_table(table, tmp_path / "data" / name / "validation-00000-of-00001.parquet")
    (tmp_path / "data" / "README.md").write_text(CARD)
    api = HfApi(token=hub.add_user("truthfulqa"))
    api.create_repo("truthfulqa/truthful_qa", repo_type="dataset")
    api.upload_folder(repo_id="truthfulqa/truthful_qa", repo_type="dataset", folder_path=tmp_path / "data")
    return rows


def test_load_joins_both_configurations(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    found = TruthfulQA().load(Request())
    file = tmp_path / "one.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert found == TruthfulQA().load(Request(data=file))
    assert found[0].category == "Law"


def load_elsewhere(**settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings}
    return subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, env=environment)


def test_a_dataset_that_datasets_refuses_is_named_in_a_line(rows: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets.exceptions import DatasetsError

    def refuse(*arguments: Any, **named: Any) -> None:
        raise DatasetsError("splits do not match\nat all")

    monkeypatch.setattr("datasets.load_dataset", refuse)
    with pytest.raises(EvaluationError, match=r"cannot be read \(splits do not match at all\); give a local copy"):
        TruthfulQA().load(Request())


@pytest.mark.slow
def test_load_reads_the_cache_when_offline(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    online = load_elsewhere()
    assert all(repr(row["question"]) in online.stdout for row in rows), online.stderr
    for settings in ({"HF_HUB_OFFLINE": "1"}, {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}):
        assert load_elsewhere(**settings).stdout == online.stdout
    empty = load_elsewhere(HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "empty"))
    assert empty.returncode != 0
    assert "not in the cache; give a local copy with --data FILE" in empty.stderr
