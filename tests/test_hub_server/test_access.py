"""Who may see and change what: tokens, roles, private and gated repositories."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from huggingface_hub import HfApi, auth_check, hf_hub_download, model_info, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from tests.hub_server.server import HubServer
from tests.hub_server.store import Role

from .conftest import CARD

pytestmark = pytest.mark.hub


def test_whoami_gives_name_role_and_orgs(hub: HubServer) -> None:
    assert HfApi(token=hub.add_user("eve", role="read")).whoami()["auth"]["accessToken"]["role"] == "read"
    info = HfApi(token=hub.add_user("ada", role="fineGrained", permissions=["repo.write"], orgs=["lab"])).whoami()
    assert (info["name"], info["orgs"][0]["name"]) == ("ada", "lab")
    assert info["auth"]["accessToken"]["fineGrained"]["scoped"][0]["permissions"] == ["repo.write"]


def test_whoami_refuses_missing_and_unknown_tokens(hub: HubServer) -> None:
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi().whoami(token="hf_unknown")
    with pytest.raises(HTTPError, match="401"):
        urllib.request.urlopen(f"{hub.url}/api/whoami-v2")


def test_private_repos_look_missing_to_strangers(model: str, api: HfApi, hub: HubServer) -> None:
    api.update_repo_settings(model, private=True)
    other = hub.add_user("eve")
    for stranger, status in ((False, 401), (other, 404)):
        for repo_id in (model, "ada/absent"):
            with pytest.raises(RepositoryNotFoundError) as refused:
                model_info(repo_id, token=stranger)
            assert refused.value.response.status_code == status
            with pytest.raises(RepositoryNotFoundError):
                hf_hub_download(repo_id, "README.md", token=stranger)
            with pytest.raises(RepositoryNotFoundError):
                snapshot_download(repo_id, token=stranger)
        assert model not in {info.id for info in HfApi().list_models(token=stranger)}
    assert Path(hf_hub_download(model, "README.md", token=api.token)).read_text() == CARD


def test_gated_repo_shows_its_info_but_not_its_files(model: str, api: HfApi, hub: HubServer) -> None:
    api.update_repo_settings(model, gated="manual")
    other = hub.add_user("eve")
    assert model_info(model, token=other).gated == "manual"
    with pytest.raises(GatedRepoError):
        hf_hub_download(model, "README.md", token=other)
    with pytest.raises(GatedRepoError):
        auth_check(model, token=other)
    assert Path(hf_hub_download(model, "README.md", token=api.token)).is_file()


@pytest.mark.parametrize("role", ["read", "fineGrained"])
def test_token_without_write_permission_gets_403(model: str, hub: HubServer, role: Role) -> None:
    reader = HfApi(token=hub.add_user("ada", role=role, permissions=["repo.content.read"]))
    with pytest.raises(HfHubHTTPError, match="you must use a write token") as refused:
        reader.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=model)
    assert refused.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError, match="You don't have the rights to create a model"):
        reader.create_repo("ada/new")
    assert not hub.has_repo("ada/new")
    assert len(hub.repo(model).commits()) == 2


def test_writing_to_somebody_elses_repo_gets_403(model: str, hub: HubServer) -> None:
    other = HfApi(token=hub.add_user("eve"))
    with pytest.raises(HfHubHTTPError, match="create_pr=1") as refused:
        other.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=model)
    assert refused.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError, match='under the namespace "ada"'):
        other.create_repo("ada/new")
    with pytest.raises(HfHubHTTPError, match="403"):
        auth_check(model, write=True, token=other.token)
    auth_check(model, token=other.token)
    with pytest.raises(HfHubHTTPError, match="403"):
        other.delete_repo(model)


def test_org_member_writes_to_the_org(hub: HubServer) -> None:
    member = HfApi(token=hub.add_user("eve", orgs=["lab"]))
    member.create_repo("lab/model", private=True)
    member.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id="lab/model")
    assert hub.repo("lab/model").commits()[0].author == "eve"


def test_invalid_token_is_not_reported_as_a_missing_repo(model: str) -> None:
    with pytest.raises(HfHubHTTPError, match="Invalid credentials") as refused:
        model_info(model, token="hf_unknown")
    assert not isinstance(refused.value, RepositoryNotFoundError)


def test_request_log_shows_who_asked_for_what_without_the_token(model: str, token: str, hub: HubServer) -> None:
    assert not any(token in str(entry) for entry in hub.requests)
    commits = [entry for entry in hub.requests if entry.method == "POST" and "/commit/" in entry.path]
    assert [(entry.path, entry.has_auth) for entry in commits] == [(f"/api/models/{model}/commit/main", True)]
    assert "hf_hub/" in commits[0].user_agent
    uploads = [entry for entry in hub.requests if entry.path.startswith("/lfs-upload/")]
    assert [entry.has_auth for entry in uploads] == [False]
