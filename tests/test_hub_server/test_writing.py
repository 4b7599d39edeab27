"""Repositories, commits, branches and uploads."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from huggingface_hub import CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from tests.hub_server.server import HubServer
from tests.hub_server.store import RepoType

from .conftest import CARD, add

pytestmark = pytest.mark.hub


def test_create_repo_conflict_is_409_unless_exist_ok(api: HfApi, hub: HubServer) -> None:
    url = api.create_repo("ada/model", private=True)
    assert (url.repo_id, url.repo_type) == ("ada/model", "model")
    assert api.create_repo("ada/model", exist_ok=True) == url
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_repo("ada/model")
    assert refused.value.response.status_code == 409
    assert hub.repo("ada/model").private


@pytest.mark.parametrize("repo_type", ["model", "dataset", "space"])
def test_repos_of_each_type_are_created_filled_and_deleted(api: HfApi, hub: HubServer, repo_type: RepoType) -> None:
    sdk = "gradio" if repo_type == "space" else None
    url = api.create_repo("ada/thing", repo_type=repo_type, space_sdk=sdk)
    assert url.repo_type == repo_type
    api.upload_file(path_or_fileobj=b"hello", path_in_repo="a.txt", repo_id="ada/thing", repo_type=repo_type)
    assert api.list_repo_files("ada/thing", repo_type=repo_type) == [".gitattributes", "a.txt"]
    assert Path(hf_hub_download("ada/thing", "a.txt", repo_type=repo_type)).read_text() == "hello"
    assert api.repo_info("ada/thing", repo_type=repo_type).sha == hub.repo("ada/thing", repo_type).commits()[0].oid
    api.delete_repo("ada/thing", repo_type=repo_type)
    assert not hub.store.repos
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("ada/thing", repo_type=repo_type)


def test_upload_folder_makes_one_commit_with_lfs_and_small_files(model: str, api: HfApi, hub: HubServer) -> None:
    repo = hub.repo(model)
    assert [commit.title for commit in repo.commits()] == ["Add the model", "initial commit"]
    assert repo.read("adapters.safetensors") == bytes(range(256)) * 400
    siblings = {s.rfilename: s for s in api.model_info(model, files_metadata=True).siblings or []}
    assert siblings["adapters.safetensors"].lfs is not None
    assert siblings["README.md"].lfs is None
    assert siblings["logs/run.json"].size == 13
    assert [commit.title for commit in api.list_repo_commits(model)] == ["Add the model", "initial commit"]


def test_upload_of_unchanged_files_makes_no_commit(model: str, api: HfApi, hub: HubServer, tmp_path: Path) -> None:
    head = hub.repo(model).commits()[0].oid
    info = api.upload_folder(repo_id=model, folder_path=tmp_path / "model")
    assert info.oid == head
    assert len(hub.repo(model).commits()) == 2


def test_commit_deletes_files_and_folders(model: str, api: HfApi, hub: HubServer) -> None:
    gone = [CommitOperationDelete("logs/"), CommitOperationDelete("README.md")]
    api.create_commit(model, [*gone, add("b.txt", "b")], commit_message="Tidy")
    assert hub.repo(model).files() == [".gitattributes", "adapters.safetensors", "b.txt"]
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        api.delete_file("absent.txt", model)


def test_commit_on_a_stale_parent_is_refused_and_changes_nothing(model: str, api: HfApi, hub: HubServer) -> None:
    first = api.create_commit(model, [add("a.txt", "1")], commit_message="1")
    api.create_commit(model, [add("a.txt", "2")], commit_message="2", parent_commit=first.oid)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as refused:
        api.create_commit(model, [add("a.txt", "3")], commit_message="3", parent_commit=first.oid)
    assert refused.value.response.status_code == 412
    assert hub.repo(model).read("a.txt") == b"2"


def test_branches_resolve_by_name_and_by_sha(model: str, api: HfApi, hub: HubServer) -> None:
    api.create_branch(model, branch="exp/one")
    api.create_branch(model, branch="exp/one", exist_ok=True)
    commit = api.create_commit(model, [add("a.txt", "branch")], commit_message="On a branch", revision="exp/one")
    assert Path(hf_hub_download(model, "a.txt", revision="exp/one")).read_text() == "branch"
    assert Path(hf_hub_download(model, "a.txt", revision=commit.oid)).read_text() == "branch"
    assert "a.txt" not in hub.repo(model).files("main")
    refs = {ref.name: ref.target_commit for ref in api.list_repo_refs(model).branches}
    assert refs == {"main": hub.repo(model).commits("main")[0].oid, "exp/one": commit.oid}
    api.delete_branch(model, branch="exp/one")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(model, revision="exp/one")
    assert api.model_info(model, revision=commit.oid).sha == commit.oid


def test_broken_card_is_refused_before_upload(model: str, api: HfApi, hub: HubServer) -> None:
    with pytest.raises(ValueError, match="Invalid metadata"):
        api.upload_file(path_or_fileobj=b"---\na: [\n---\n", path_in_repo="README.md", repo_id=model)
    assert hub.repo(model).read("README.md") == CARD.encode()


def test_lfs_upload_of_other_bytes_than_announced_is_refused(model: str, api: HfApi, hub: HubServer) -> None:
    hub.pending_uploads["address"] = ("0" * 64, 3)
    request = urllib.request.Request(f"{hub.url}/lfs-upload/address", data=b"abc", method="PUT")
    with pytest.raises(HTTPError, match="400"):
        urllib.request.urlopen(request)
    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(f"{hub.url}/lfs-upload/other", data=b"abc", method="PUT"))
    assert not hub.store.blobs.has_lfs("0" * 64)
