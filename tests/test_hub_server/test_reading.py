"""Metadata, lists, trees, downloads and ranges."""

from __future__ import annotations

import hashlib
import http.client
import io
import itertools
import subprocess
import sys
import tracemalloc
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from huggingface_hub import (
    _CACHED_NO_EXIST,
    HfApi,
    hf_hub_download,
    hf_hub_url,
    model_info,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.hub_server.fixtures import client_env
from tests.hub_server.server import HubServer

from .conftest import add

pytestmark = pytest.mark.hub


def test_tree_lists_folders_files_and_last_commits(model: str, api: HfApi) -> None:
    api.create_commit(model, [add("logs/more/x.txt", "x")], commit_message="More logs")
    top = {entry.path: entry for entry in api.list_repo_tree(model, expand=True)}
    assert set(top) == {".gitattributes", "README.md", "adapters.safetensors", "logs"}
    logs, readme = top["logs"], top["README.md"]
    assert isinstance(logs, RepoFolder)
    assert isinstance(readme, RepoFile)
    assert logs.last_commit is not None
    assert readme.last_commit is not None
    assert (logs.last_commit.title, readme.last_commit.title) == ("More logs", "Add the model")
    below = {entry.path for entry in api.list_repo_tree(model, "logs", recursive=True)}
    assert below == {"logs/run.json", "logs/more", "logs/more/x.txt"}
    infos = api.get_paths_info(model, ["logs", "README.md", "absent"])
    assert [info.path for info in infos] == ["logs", "README.md"]
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(model, "absent"))


def test_download_is_cached_by_etag(model: str, api: HfApi, hub: HubServer) -> None:
    def fetches() -> int:
        return sum(r.method == "GET" and "/resolve/" in r.path for r in hub.requests)

    first = hf_hub_download(model, "adapters.safetensors")
    assert hf_hub_download(model, "adapters.safetensors") == first
    assert fetches() == 1
    api.upload_file(path_or_fileobj=b"changed", path_in_repo="adapters.safetensors", repo_id=model)
    assert Path(hf_hub_download(model, "adapters.safetensors")).read_bytes() == b"changed"
    assert fetches() == 2


def test_snapshot_download_honours_patterns_and_revision(model: str, api: HfApi) -> None:
    before = api.model_info(model).sha
    api.create_commit(model, [add("late.json", "{}")], commit_message="Late")
    folder = Path(snapshot_download(model, revision=before, allow_patterns=["*.json"]))
    assert [str(path.relative_to(folder)) for path in folder.rglob("*.json")] == ["logs/run.json"]


def test_interrupted_download_resumes_with_range(model: str, hub: HubServer) -> None:
    content = hub.repo(model).read("adapters.safetensors")
    kept = io.BytesIO()
    kept.write(content[:100_000])
    http_get(
        hf_hub_url(model, "adapters.safetensors"), kept, resume_size=100_000, expected_size=len(content), headers={}
    )
    assert kept.getvalue() == content


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=2-4", 206, slice(2, 5)),
        ("bytes=102390-", 206, slice(102390, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=102399-999999", 206, slice(102399, None)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_resolve_answers_ranges(model: str, hub: HubServer, asked: str, status: int, expected: slice) -> None:
    request = urllib.request.Request(hf_hub_url(model, "adapters.safetensors"), headers={"Range": asked})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == status
        assert answer.read() == hub.repo(model).read("adapters.safetensors")[expected]


def test_resolve_refuses_a_range_beyond_the_end(model: str) -> None:
    url = hf_hub_url(model, "adapters.safetensors")
    with pytest.raises(HTTPError, match="416") as refused:
        urllib.request.urlopen(urllib.request.Request(url, headers={"Range": "bytes=102400-"}))
    assert refused.value.headers["Content-Range"] == "bytes */102400"


def test_missing_revision_and_file_have_their_own_errors(model: str, api: HfApi) -> None:
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download(model, "README.md", revision="absent")
    with pytest.raises(RevisionNotFoundError):
        api.create_commit(model, [add("a.txt", "1")], commit_message="1", revision="absent")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(model, "absent.json")
    assert try_to_load_from_cache(model, "absent.json") is _CACHED_NO_EXIST
    with pytest.raises(RepositoryNotFoundError):
        hf_hub_download("gpt2", "config.json")


def test_model_info_derives_tags_from_the_card(model: str) -> None:
    info = model_info(model)
    assert set(info.tags or []) == {
        "distrust",
        "mlx",
        "peft",
        "en",
        "safetensors",
        "license:mit",
        "dataset:ada/notes",
        "base_model:meta/tiny",
        "base_model:adapter:meta/tiny",
        "region:us",
    }
    assert info.card_data is not None
    assert (info.library_name, info.card_data.base_model) == ("peft", "meta/tiny")
    narrow = model_info(model, expand=["sha", "tags"])
    assert (narrow.sha, narrow.siblings, narrow.card_data) == (info.sha, None, None)


def test_lists_filter_by_author_tag_and_search(model: str, api: HfApi, hub: HubServer) -> None:
    eve = HfApi(token=hub.add_user("eve"))
    eve.create_repo("eve/model")
    eve.upload_file(path_or_fileobj=b"---\ntags: [mlx]\n---\n", path_in_repo="README.md", repo_id="eve/model")
    api.create_repo("ada/notes", repo_type="dataset")

    def ids(**wanted: Any) -> list[str]:
        return [info.id for info in api.list_models(**wanted)]

    assert ids() == ["eve/model", "ada/model"]
    assert ids(author="ada") == ["ada/model"]
    assert ids(filter="mlx") == ["eve/model", "ada/model"]
    assert ids(filter=["mlx", "base_model:adapter:meta/tiny"]) == ["ada/model"]
    assert ids(search="EVE") == ["eve/model"]
    assert ids(limit=1) == ["eve/model"]
    assert [info.id for info in api.list_datasets(author="ada")] == ["ada/notes"]
    assert next(iter(api.list_models(author="ada", cardData=True))).card_data is not None
    assert next(iter(api.list_models(author="ada"))).card_data is None


def test_large_files_stream_both_ways_in_constant_memory(model: str, hub: HubServer) -> None:
    mebibyte, count = bytes(1 << 20), 48
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(mebibyte)
    sha256 = digest.hexdigest()
    hub.pending_uploads["big"] = (sha256, count << 20)

    tracemalloc.start()
    connection = http.client.HTTPConnection(urlsplit(hub.url).netloc)
    connection.request("PUT", "/lfs-upload/big", body=itertools.repeat(mebibyte, count), encode_chunked=True)
    assert connection.getresponse().read() == b""
    with hub.store.lock:
        repo = hub.repo(model)
        blob = hub.store.blobs.lfs_blob(sha256)
        repo.commit("refs/heads/main", {"big.bin": blob}, "Big", "", "ada")
    connection.request("GET", f"/{model}/resolve/main/big.bin")
    answer = connection.getresponse()
    received = 0
    while piece := answer.read(1 << 16):
        received += len(piece)
    connection.close()
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert received == count << 20
    assert peak_bytes < 12 << 20


def test_child_process_talks_to_the_hub_through_its_environment(
    model: str, token: str, hub: HubServer, tmp_path: Path
) -> None:
    code = (
        "from huggingface_hub import _CACHED_NO_EXIST, try_to_load_from_cache, HfApi, hf_hub_download, whoami\n"
        "HfApi().upload_file(path_or_fileobj=b'x', path_in_repo='x.bin', repo_id='ada/model')\n"
        "print(whoami()['name'], hf_hub_download('ada/model', 'x.bin'))"
    )
    env = client_env(hub, tmp_path / "child-home", token)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    name, path = done.stdout.split()
    assert name == "ada"
    assert Path(path).is_relative_to(tmp_path / "child-home")
    assert hub.repo(model).read("x.bin") == b"x"
