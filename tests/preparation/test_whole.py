"""Documents in differently shaped files, from disk and from the Hub, through one recipe to a folder that trains."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter

import pyarrow
import pyarrow.parquet
import pytest
from huggingface_hub import HfApi

from distrust_hub.artifacts import Manifest
from distrust_hub.cli.main import main
from distrust_hub.files import iter_jsonl, sha256_file
from distrust_hub.sample import sample_corpus_path
from tests.dev_data import dev_data

RECIPE = """
inputs:
  - source: books.jsonl.gz
  - source: notes.csv
    text: body
    columns: {{kind: source_type, issued: year, terms: license}}
    values: {{lang: en}}
  - source: ada/letters
    text: content
    columns: {{kind: source_type}}
    cap: {cap}
  - source: shards/*.parquet
against: [exam.jsonl]
seed: 7
max-words: 100
max-per-source: {most}
valid-share: 0.2
"""


@pytest.fixture(scope="module")
def documents():
    """Rows of the labelled and the training documents where they are, else the sample corpus."""
    files = [dev_data("provenance_dev.jsonl"), dev_data("train_mix.jsonl")]
    rows = [row for file in files if file for _, row in iter_jsonl(file)] or [
        row for _, row in iter_jsonl(sample_corpus_path())
    ]
    return [{k: v for k, v in row.items() if v is not None and k != "synthetic"} for row in rows]


@pytest.fixture
def recipe(hub, monkeypatch, tmp_path, documents):
    """Gzipped JSON Lines, CSV and a Hub dataset with other columns, parquet shards whose columns differ."""
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    parts = [documents[start::5] for start in range(5)]
    with gzip.open(tmp_path / "books.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in [*parts[0], {**parts[0][0], "id": "again"}])
    with (tmp_path / "notes.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "body", "kind", "issued", "terms"])
        for row in parts[1]:
            writer.writerow([row["id"], row["text"], row["source_type"], row.get("year"), row.get("license")])
    letters = [{"id": r["id"], "content": r["text"], "kind": r["source_type"]} for r in parts[2]]
    api = HfApi()
    api.create_repo("ada/letters", repo_type="dataset")
    data = io.BytesIO("".join(json.dumps(row) + "\n" for row in letters).encode())
    api.upload_file(path_or_fileobj=data, path_in_repo="train.jsonl", repo_id="ada/letters", repo_type="dataset")
    (tmp_path / "shards").mkdir()
    drifted = [{"id": r["id"], "text": r["text"], "license": [str(r.get("license")), "CC0-1.0"]} for r in parts[4]]
    for number, rows in enumerate(([{k: r[k] for k in ("id", "text")} for r in parts[3]], drifted)):
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "shards" / f"{number}.parquet")
    exam = [{"text": row["text"]} for row in parts[3][:5]]
    (tmp_path / "exam.jsonl").write_text("".join(json.dumps(row) + "\n" for row in exam), encoding="utf-8")
    most = max(map(len, parts)) * 2
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(cap=len(parts[2]) // 2, most=most), encoding="utf-8")
    return tmp_path / "recipe.yaml"


@pytest.mark.hub
@pytest.mark.slow
def test_recipe_over_differently_shaped_files_adds_up(recipe, tmp_path, documents, capsys):
    out = tmp_path / "out"
    assert main(["prepare", "--recipe", str(recipe), "-o", str(out)]) == 0
    manifest = Manifest.load(out)
    counts, removed = manifest.counts, manifest.counts["removed"]
    assert [entry["name"] for entry in manifest.inputs] == ["books.jsonl.gz", "notes.csv", "ada/letters", "*.parquet"]
    assert sum(entry["rows"] for entry in manifest.inputs) == len(documents) + 1
    assert counts["in"] == len(documents) + 1 + manifest.changed["added_by_splitting"]
    assert counts["in"] == counts["kept"] + sum(removed.values())
    assert counts["kept"] == sum(entry["kept"] for entry in manifest.inputs)
    assert removed["duplicate"] >= 1
    assert removed["contamination"] >= 5
    assert manifest.contamination["exam.jsonl"]["items_hit"] == 5
    assert manifest.inputs[2]["kept"] <= len(documents[2::5]) // 2
    assert manifest.parameters["seed"] == 7
    rows = {}
    for name in ("train", "valid"):
        file = out / f"{name}.jsonl"
        rows[name] = [row for _, row in iter_jsonl(file)]
        assert manifest.splits[name]["rows"] == len(rows[name])
        assert manifest.splits[name]["sha256"] == sha256_file(file)
        assert manifest.splits[name]["tiers"] == Counter(row["tier"] for row in rows[name])
    written = [*rows["train"], *rows["valid"]]
    assert len({row["id"] for row in written}) == len(written)
    assert all(len(row["text"].split()) <= 100 for row in written)
    assert manifest.licenses == Counter(str(row.get("license") or "unknown") for row in written)
    assert sum(manifest.publishing["classes"].values()) == len(written)
    assert "lang" in next(row for row in written if "kind" not in row and "body" not in row and row.get("lang"))
    again = tmp_path / "again"
    assert main(["prepare", "--recipe", str(recipe), "-o", str(again), "--format", "json"]) == 0
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {p.name: p.read_bytes() for p in again.iterdir()}
    assert str(tmp_path) not in (out / "manifest.json").read_text(encoding="utf-8")


@pytest.mark.hub
@pytest.mark.mlx
@pytest.mark.slow
def test_recipe_over_differently_shaped_files_trains(recipe, tmp_path, tiny_model):
    from distrust_hub.training.trainer import train

    out = tmp_path / "out"
    assert main(["prepare", "--recipe", str(recipe), "-o", str(out)]) == 0
    run = train(
        model=tiny_model,
        data=str(out),
        adapter_path=str(tmp_path / "adapter"),
        rank=2,
        max_seq_length=64,
        batch_size=2,
        iters=2,
        val_batches=1,
    )
    manifest = Manifest.load(out)
    assert run.data["rows"] == manifest.splits["train"]["rows"]
    assert run.data["inputs"] == manifest.inputs
