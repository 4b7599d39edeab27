"""Rows go to the Hub as parquet and come back equal."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard, HfApi

from distrust_hub.artifacts import Manifest
from distrust_hub.cards.check import first_paragraph
from distrust_hub.errors import DataError, HubAuthError, HubError, HubNotFoundError, InputNotFoundError
from distrust_hub.files import iter_jsonl, sha256_file, write_jsonl
from distrust_hub.hub import parquet
from distrust_hub.hub.rows import iter_rows, load_scored, parquet_rows, pull_training_folder
from distrust_hub.hub.scored_datasets import push_scored
from distrust_hub.preparation.export import prepare
from distrust_hub.sample import sample_corpus_path
from tests.cards.folders import manifest
from tests.hub.conftest import writes
from tests.hub_server.fixtures import reread_environment
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.hub


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "id": f"1887-01-{number:02d}",
        "text": f"Document {number}, found in /home/ada/archive, é.",
        "authority_weight": 0.05 * number,
        "provenance_entropy": 2,
        "tier": "primary" if number < 3 else "coordinated",
        "source_type": "lab_notebook",
        "scorer": 1,
        "license": "CC0-1.0",
        "lang": "en",
        **more,
    }


TRAIN = [
    row(1, year=1887, synthetic=True),
    row(2, evidence=[{"name": "dateline", "bits": 1.5}, {"name": "seal", "note": "x"}]),
    row(3, provenance_entropy=0.25, source_url="https://example.org/a"),
    row(4, mixed="text"),
    row(5, mixed={"a": [1, None]}),
]
VALID = [row(6, year=1999)]

MIXED = [3, "3", "null", "true", "[1, 2]", "vol. 3", '"quoted"', "", True, 0.1, {"a": "3"}, ["null", 2**63 - 1]]


@pytest.fixture
def training(tmp_path: Path) -> Path:
    folder = tmp_path / "training"
    write_jsonl(folder / "train.jsonl", TRAIN)
    write_jsonl(folder / "valid.jsonl", VALID)
    manifest().save(folder)
    return folder


@pytest.mark.parametrize("streaming", [True, False])
def test_rows_come_back_equal(hub: HubServer, token: str, training: Path, streaming: bool) -> None:
    push_scored(training, "ada/notes")
    assert list(iter_rows("ada/notes", streaming=streaming)) == TRAIN
    assert list(iter_rows("ada/notes", split="valid", streaming=streaming)) == VALID


def test_values_of_mixed_columns_come_back_with_their_types(hub: HubServer, token: str, tmp_path: Path) -> None:
    numbers = [2**53 + 1, 0.5, -(2**63)]
    rows = [row(1, mixed=value, count=numbers[index % 3]) for index, value in enumerate(MIXED)]
    write_jsonl(tmp_path / "s.jsonl", rows)
    push_scored(tmp_path / "s.jsonl", "ada/notes")
    found = list(iter_rows("ada/notes"))
    assert found == rows
    assert [type(entry["mixed"]) for entry in found] == [type(value) for value in MIXED]
    folder, _ = pull_training_folder("ada/notes")
    assert [line for _, line in iter_jsonl(folder / "train.jsonl")] == rows


@pytest.mark.parametrize(("place", "compression"), [(-6, "none"), (60, "snappy"), (60, "none")])
def test_a_damaged_parquet_file_is_named(tmp_path: Path, place: int, compression: str) -> None:
    """In the length of its footer, in packed values, and in the UTF-8 of a text."""
    path = tmp_path / "s.parquet"
    table = pa.table({"text": [f"Document {n}." for n in range(200)]})
    pq.write_table(table, path, compression=compression, use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[place : place + 2] = b"\xff\xff"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"s\.parquet: damaged parquet file \("):
        list(parquet_rows(path))


def test_values_that_parquet_cannot_hold_are_published_as_text(hub: HubServer, token: str, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(json.dumps(row(1, title="a\ud800", n=n, nested=[{"\udc00": n}])) for n in (1, 2**64)))
    push_scored(path, "ada/notes")
    expected = [row(1, title="a?", n=n, nested=[{"?": n}]) for n in (1, str(2**64))]
    assert list(iter_rows("ada/notes")) == expected
    table = {name: [value] for name, value in row(1, date=datetime.date(1842, 5, 3)).items()}
    pq.write_table(pa.table(table), tmp_path / "s.parquet")
    push_scored(tmp_path / "s.parquet", "ada/dated")
    assert next(iter_rows("ada/dated"))["date"] == "1842-05-03"


def test_push_scored_of_a_folder_whose_valid_rows_are_none(hub: HubServer, token: str, training: Path) -> None:
    (training / "valid.jsonl").write_text("")
    push_scored(training, "ada/notes")
    assert list(iter_rows("ada/notes")) == TRAIN
    assert not any("validation" in name for name in hub.repo("ada/notes", "dataset").files())


def test_push_scored_replaces_json_lines_that_pull_would_read(hub: HubServer, token: str, training: Path) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/notes", repo_type="dataset")
    for name in ("train.jsonl", "valid.jsonl", "own.txt"):
        api.upload_file(path_or_fileobj=b"{}\n", path_in_repo=name, repo_id="ada/notes", repo_type="dataset")
    push_scored(training, "ada/notes")
    assert "own.txt" in hub.repo("ada/notes", "dataset").files()
    folder, _ = pull_training_folder("ada/notes")
    assert [line for _, line in iter_jsonl(folder / "train.jsonl")] == TRAIN


def test_load_scored_returns_checked_documents(hub: HubServer, token: str, training: Path) -> None:
    push_scored(training, "ada/notes")
    documents = load_scored("ada/notes")
    assert [document.to_row() for document in documents] == TRAIN


def test_pull_training_folder_gives_back_the_files(hub: HubServer, token: str, training: Path) -> None:
    sha = push_scored(training, "ada/notes").sha
    folder, found = pull_training_folder("ada/notes")
    assert found == sha
    assert [line for _, line in iter_jsonl(folder / "train.jsonl")] == TRAIN
    assert [line for _, line in iter_jsonl(folder / "valid.jsonl")] == VALID
    pulled = Manifest.load(folder)
    assert pulled.changed_files(folder) == []
    assert pulled.splits["train"].pop("sha256") == sha256_file(folder / "train.jsonl") != "d3" * 32
    pulled.splits["train"]["sha256"], pulled.splits["valid"]["sha256"] = "d3" * 32, "d5" * 32
    assert pulled == manifest()
    assert pull_training_folder("ada/notes", revision=sha) == (folder, sha)


def test_pull_training_folder_takes_json_lines_as_they_are(hub: HubServer, token: str, training: Path) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/plain", repo_type="dataset")
    with pytest.raises(DataError, match=r"holds neither train\.jsonl nor"):
        pull_training_folder("ada/plain")
    api.upload_folder(repo_id="ada/plain", repo_type="dataset", folder_path=training)
    folder, _ = pull_training_folder("ada/plain")
    assert (folder / "train.jsonl").read_bytes() == (training / "train.jsonl").read_bytes()


def test_push_scored_makes_one_commit(hub: HubServer, token: str, training: Path) -> None:
    result = push_scored(training, "ada/notes", commit_message="Notes")
    repo = hub.repo("ada/notes", "dataset")
    assert [commit.title for commit in repo.commits()] == ["Notes", "initial commit"]
    assert repo.files() == [
        ".gitattributes",
        "README.md",
        "data/train-00000-of-00001.parquet",
        "data/validation-00000-of-00001.parquet",
        "manifest.json",
    ]
    assert result.url == f"{hub.url}/datasets/ada/notes"
    assert push_scored(training, "ada/notes").sha == result.sha
    assert len(repo.commits()) == 2


def test_push_scored_replaces_shards_that_are_gone(
    hub: HubServer, token: str, training: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "MAX_SHARD_BYTES", 400)
    push_scored(training, "ada/notes")
    shards = [name for name in hub.repo("ada/notes", "dataset").files() if name.startswith("data/train-")]
    assert len(shards) > 1
    assert list(iter_rows("ada/notes")) == TRAIN
    monkeypatch.undo()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", token)
    reread_environment()
    (training / "valid.jsonl").unlink()
    push_scored(training, "ada/notes")
    assert [name for name in hub.repo("ada/notes", "dataset").files() if name.startswith("data/")] == [
        "data/train-00000-of-00001.parquet"
    ]


def test_push_scored_takes_a_single_file(hub: HubServer, token: str, training: Path, tmp_path: Path) -> None:
    push_scored(training / "train.jsonl", "ada/single")
    assert list(iter_rows("ada/single")) == TRAIN
    copy = tmp_path / "scored [1].parquet"  # no pattern
    copy.write_bytes(hub.repo("ada/single", "dataset").read("data/train-00000-of-00001.parquet"))
    push_scored(copy, "ada/again")
    assert list(iter_rows("ada/again")) == TRAIN


def test_dataset_card_counts_what_is_there(hub: HubServer, token: str, training: Path) -> None:
    text = push_scored(training, "ada/notes").card
    data = DatasetCard(text).data
    assert (data.license, data.language, data.size_categories) == ("cc0-1.0", ["en"], ["n<1K"])
    assert {"distrust-hub", "synthetic"} <= set(data.tags)
    assert [entry["split"] for entry in data.configs[0]["data_files"]] == ["train", "validation"]
    assert "synthetic text:** 1 of its 6 rows" in first_paragraph(text)
    assert "| train | 5 | 2 | 0 | 3 |" in text
    assert "| `authority_weight` | 0.05 | 0.175 | 0.3 |" in text
    assert "`corpus.jsonl`" in text


def test_push_scored_masks_keys_and_leaves_paths_in_texts(
    hub: HubServer, token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "hf_" + "q" * 34
    write_jsonl(tmp_path / "s.jsonl", [row(1, text=f"Use {secret} in /home/ada/x.")])
    push_scored(tmp_path / "s.jsonl", "ada/notes")
    assert next(iter_rows("ada/notes"))["text"] == "Use [secret removed] in /home/ada/x."
    assert "1 keys or tokens are masked" in caplog.text
    assert secret not in caplog.text


PERSONAL = [
    row(
        1, text="Write to j.smith@example.org or call +44 20 7946 0958.", evidence=[{"component": "x", "span": [3, 9]}]
    ),
    row(2, text="Nothing of the kind; patent 4,123,456.", evidence=[{"component": "y", "span": [0, 7]}]),
    row(3, meta={"by": ["ann@example.com"]}),
]


@pytest.mark.parametrize("action", ["mask", "drop", "keep"])
def test_push_scored_scans_for_personal_data(
    hub: HubServer, token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, action: str
) -> None:
    write_jsonl(tmp_path / "s.jsonl", PERSONAL)
    card = push_scored(tmp_path / "s.jsonl", "ada/notes", personal_data=action).card  # type: ignore[arg-type]
    found = list(iter_rows("ada/notes"))
    masked = {
        **PERSONAL[0],
        "text": "Write to [email removed] or call [phone number removed].",
        "evidence": [{"component": "x"}],
    }
    expected = {
        "mask": [masked, PERSONAL[1], {**PERSONAL[2], "meta": {"by": ["[email removed]"]}}],
        "drop": [PERSONAL[1]],
        "keep": PERSONAL,
    }
    assert found == expected[action]
    assert "2 e-mail addresses and 1 telephone numbers are" in caplog.text
    assert "example.org" not in caplog.text + card
    assert "found 2 e-mail addresses, 1 telephone numbers and 0 keys or tokens" in card


def test_push_scored_refuses_rows_without_scores_before_asking_the_hub(
    hub: HubServer, token: str, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "raw.jsonl", [{"text": "Not scored."}])
    with pytest.raises(DataError, match=r"raw\.jsonl:1: authority_weight is missing"):
        push_scored(tmp_path / "raw.jsonl", "ada/notes")
    (tmp_path / "raw.jsonl").write_text("")
    with pytest.raises(DataError, match="no rows to publish"):
        push_scored(tmp_path / "raw.jsonl", "ada/notes")
    with pytest.raises(InputNotFoundError, match="absent: no such file or folder"):
        push_scored(tmp_path / "absent", "ada/notes")
    (tmp_path / "table.xlsx").touch()
    with pytest.raises(InputNotFoundError, match="neither a training folder nor"):
        push_scored(tmp_path / "table.xlsx", "ada/notes")
    assert hub.requests == []


def test_push_scored_says_where_rows_changed_since_they_were_prepared(
    hub: HubServer, token: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prepare([str(sample_corpus_path())], tmp_path / "data")
    push_scored(tmp_path / "data", "ada/notes", dry_run=True)
    assert "manifest.json" not in caplog.text
    with (tmp_path / "data" / "valid.jsonl").open("a") as stream:
        stream.write((tmp_path / "data" / "train.jsonl").read_text().splitlines()[0] + "\n")
    push_scored(tmp_path / "data", "ada/notes", dry_run=True)
    assert "valid.jsonl: is another file than the one that manifest.json describes" in caplog.text
    assert "train.jsonl: is another" not in caplog.text


def test_push_scored_dry_run_and_refusals_write_nothing(
    hub: HubServer, token: str, training: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = push_scored(training, "ada/notes", dry_run=True)
    assert "data/train-00000-of-00001.parquet" in result.files
    with pytest.raises(HubAuthError, match="belongs to eve"):
        push_scored(training, "eve/notes")
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada", role="read"))
    with pytest.raises(HubAuthError, match="may only read dataset ada/notes"):
        push_scored(training, "ada/notes")
    assert writes(hub) == []


def test_push_scored_keeps_a_card_edited_on_the_hub(hub: HubServer, token: str, training: Path) -> None:
    card = push_scored(training, "ada/notes").card
    edited = card.replace("## Limits", "## Known limits")
    HfApi(token=token).upload_file(
        path_or_fileobj=edited.encode(), path_in_repo="README.md", repo_id="ada/notes", repo_type="dataset"
    )
    assert push_scored(training, "ada/notes").kept_card
    assert hub.repo("ada/notes", "dataset").read("README.md").decode() == edited
    push_scored(training, "ada/notes", replace_card=True)
    assert hub.repo("ada/notes", "dataset").read("README.md").decode() == card


def test_iter_rows_names_missing_dataset_split_and_revision(hub: HubServer, token: str, training: Path) -> None:
    with pytest.raises(HubNotFoundError, match="dataset ada/absent is not on the Hub"):
        next(iter_rows("ada/absent"))
    push_scored(training, "ada/notes")
    with pytest.raises(DataError, match=r"ada/notes: .*test"):
        next(iter_rows("ada/notes", split="test"))
    with pytest.raises(DataError, match=r"ada/notes: .*other"):
        next(iter_rows("ada/notes", config="other"))
    with pytest.raises(HubNotFoundError, match="no revision 'v2'"):
        next(iter_rows("ada/notes", revision="v2"))
    HfApi(token=token).create_repo("ada/empty", repo_type="dataset")
    with pytest.raises(DataError, match="cannot be read as a dataset"):
        next(iter_rows("ada/empty"))


def test_iter_rows_of_a_private_dataset_needs_its_token(
    hub: HubServer, token: str, training: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_scored(training, "ada/notes", private=True)
    assert len(list(iter_rows("ada/notes"))) == 5
    monkeypatch.setenv("HF_TOKEN", hub.add_user("eve"))
    with pytest.raises(HubNotFoundError):
        next(iter_rows("ada/notes"))


def test_iter_rows_works_offline_from_the_cache(
    hub: HubServer, token: str, training: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_scored(training, "ada/notes")
    assert list(iter_rows("ada/notes", streaming=False)) == TRAIN
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reread_environment()
    assert list(iter_rows("ada/notes", streaming=False)) == TRAIN
    with pytest.raises(HubError, match="dataset ada/other is not in the cache and the Hub cannot be asked"):
        next(iter_rows("ada/other", streaming=False))


def test_an_error_of_the_connection_shows_no_token():
    import datasets
    from huggingface_hub.errors import HTTPError

    from distrust_hub.hub.rows import _dataset_errors

    token = "hf_" + "a1B2" * 9
    with pytest.raises(HubError, match="Illegal header") as caught, _dataset_errors(datasets, "a/b"):
        raise ConnectionError("Server Disconnected") from HTTPError(f"Illegal header value b'Bearer {token}'")
    assert token not in str(caught.value)
    with pytest.raises(DataError, match="cannot be read") as caught, _dataset_errors(datasets, "a/b"):
        raise ValueError(f"no file at https://ada:{token}@hub.example/x")
    assert token not in str(caught.value)
