"""Pull requests and tags, through the real client."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

from tests.hub_server.server import HubServer
from tests.test_hub_server.conftest import add


def test_create_pr_commits_beside_main_and_merges(model: str, hub: HubServer, api: HfApi) -> None:
    files = [add("a.txt", "1"), add("b.safetensors", "big")]
    stranger = HfApi(token=hub.add_user("bob"))
    commit = stranger.create_commit(model, files, commit_message="Better", create_pr=True)
    assert commit.pr_url == f"{hub.url}/{model}/discussions/1"
    assert (commit.pr_num, commit.pr_revision) == (1, "refs/pr/1")
    assert "a.txt" not in hub.repo(model).files()
    assert Path(hf_hub_download(model, "a.txt", revision="refs/pr/1")).read_text() == "1"
    (listed,) = api.get_repo_discussions(model, discussion_type="pull_request")
    assert (listed.num, listed.title, listed.author, listed.status) == (1, "Better", "bob", "open")
    api.create_commit(model, [add("c.txt", "main")], commit_message="Meanwhile")
    api.merge_pull_request(model, 1)
    assert {"a.txt", "b.safetensors", "c.txt"} <= set(hub.repo(model).files())
    assert api.get_discussion_details(model, 1).status == "merged"


def test_more_commits_go_to_an_open_pull_request(model: str, hub: HubServer, api: HfApi) -> None:
    api.create_pull_request(model, title="Draft")
    commit = api.create_commit(model, [add("a.txt", "1")], commit_message="1", revision="refs/pr/1")
    assert hub.repo(model).commits("refs/pr/1")[0].oid == commit.oid
    api.change_discussion_status(model, 1, "closed")
    assert list(api.get_repo_discussions(model, discussion_status="open")) == []
    with pytest.raises(HfHubHTTPError, match="it is closed"):
        api.merge_pull_request(model, 1)


def test_a_read_token_opens_no_pull_request(model: str, hub: HubServer) -> None:
    reader = HfApi(token=hub.add_user("bob", role="read"))
    with pytest.raises(HfHubHTTPError, match="write token"):
        reader.create_commit(model, [add("a.txt", "1")], commit_message="1", create_pr=True)
    assert hub.repo(model).discussions == {}


def test_tags_stay_where_they_were_put(model: str, hub: HubServer, api: HfApi) -> None:
    first = hub.repo(model).commits()[0].oid
    api.create_tag(model, tag="v1")
    api.create_commit(model, [add("a.txt", "later")], commit_message="2")
    assert api.model_info(model, revision="v1").sha == first
    assert [(tag.name, tag.target_commit) for tag in api.list_repo_refs(model).tags] == [("v1", first)]
    with pytest.raises(HfHubHTTPError) as again:
        api.create_tag(model, tag="v1")
    assert again.value.response.status_code == 409
    api.create_tag(model, tag="v1", exist_ok=True)
    api.delete_tag(model, tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(model, revision="v1")
