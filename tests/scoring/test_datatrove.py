"""The datatrove block gives the rows of the single-process run, whatever the number of tasks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.errors import ConfigError, DataError
from distrust_hub.scoring.bulk import iter_scored

pytest.importorskip("datatrove", reason="needs the extra 'cluster'")
pytest.importorskip("orjson", reason="datatrove reads and writes JSON Lines with orjson")

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

from distrust_hub.scoring.datatrove import Score

ROWS: list[dict[str, Any]] = [
    {"id": f"n{i}", "text": f"May {i}, 1861. I saw {i} wagons\nand the WHO recommends [1].", "url": "https://who.int/x"}
    for i in range(1, 25)
]


def write_shards(folder: Path, shards: int) -> None:
    folder.mkdir()
    for shard in range(shards):
        part = ROWS[shard * len(ROWS) // shards : (shard + 1) * len(ROWS) // shards]
        (folder / f"{shard}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")


@pytest.mark.parametrize("evidence", [False, True])
def test_tasks_of_the_local_executor_give_the_rows_of_one_process(tmp_path: Path, evidence: bool) -> None:
    write_shards(tmp_path / "in", 3)
    pipeline = [
        JsonlReader(str(tmp_path / "in"), add_file_path=False),
        Score(evidence=evidence),
        JsonlWriter(str(tmp_path / "out"), expand_metadata=True, compression=None),
    ]
    LocalPipelineExecutor(pipeline, tasks=3, workers=2, logging_dir=str(tmp_path / "log")).run()
    files = sorted((tmp_path / "out").glob("*.jsonl"))
    assert len(files) == 3
    found = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    want = [json.loads(line) for line in iter_scored(tmp_path / "in", evidence=evidence)]
    assert found == want
    stats = json.loads((tmp_path / "log" / "stats.json").read_text(encoding="utf-8"))
    counts = next(step["stats"] for step in stats if "distrust-hub" in step["name"])
    tiers = {tier: sum(row["tier"] == tier for row in want) for tier in {row["tier"] for row in want}}
    assert {tier: counts[tier] for tier in tiers} == tiers


def test_prior_share_changes_the_numbers() -> None:
    def weight(share: float) -> float:
        documents = [Document(text="I saw it.", id="a", metadata={"source_type": "wiki"})]
        return next(iter(Score(prior_share=share).run(documents))).metadata["authority_weight"]

    assert weight(1.0) > weight(0.0)


def test_a_document_without_text_stops_or_is_counted() -> None:
    documents = [Document(text=" ", id="blank"), Document(text="I saw it.", id="good")]
    with pytest.raises(DataError, match="blank: column 'text' is empty"):
        list(Score().run(documents))
    block = Score(on_error="skip")
    assert [document.id for document in block.run(documents)] == ["good"]
    assert block.stats["rejected"].total == 1


@pytest.mark.parametrize("options", [{"prior_share": 2.0}, {"on_error": "panic"}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Score(**options)


def test_the_documented_example_runs(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text(encoding="utf-8")
    example = tmp_path / "example.py"
    example.write_text(text.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    write_shards(tmp_path / "corpus", 2)
    subprocess.run([sys.executable, str(example)], cwd=tmp_path, check=True, capture_output=True)
    found = [file.read_text(encoding="utf-8") for file in sorted((tmp_path / "scored").glob("*.jsonl"))]
    assert len("".join(found).splitlines()) == len(ROWS)
