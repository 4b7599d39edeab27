"""The preflight creates nothing, and every refusal of the Hub is one line with its fix."""

from __future__ import annotations

import re
import traceback

import pytest
from huggingface_hub import HfApi

from distrust_hub.errors import HubAuthError, HubError, HubNotFoundError, TrainingError
from distrust_hub.hub.client import (
    check_can_write,
    hub_api,
    hub_errors,
    is_repo_id,
    snapshot,
    split_revision,
)
from tests.hub.conftest import writes
from tests.hub_server.fixtures import reread_environment
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.hub


def test_check_can_write_finds_a_new_repo_and_creates_nothing(hub: HubServer, token: str) -> None:
    access = check_can_write("ada/new")
    assert (access.repo_id, access.user, access.exists, access.sha) == ("ada/new", "ada", False, None)
    assert not hub.has_repo("ada/new")
    assert writes(hub) == []


def test_check_can_write_completes_a_bare_name(hub: HubServer, token: str) -> None:
    assert check_can_write("new").repo_id == "ada/new"


def test_check_can_write_reports_the_head_of_an_existing_repo(hub: HubServer, token: str) -> None:
    HfApi(token=token).create_repo("ada/old")
    access = check_can_write("ada/old")
    assert access.exists
    assert access.sha == hub.repo("ada/old").commits()[0].oid
    assert not access.new_branch
    branch = check_can_write("ada/old", revision="new-branch")
    assert branch.new_branch
    assert branch.sha == access.sha


def test_check_can_write_accepts_an_organisation(hub: HubServer, token: str) -> None:
    assert check_can_write("lab/new").repo_id == "lab/new"


def test_check_can_write_without_a_token_says_how_to_log_in(hub: HubServer) -> None:
    with pytest.raises(HubAuthError, match="no Hugging Face token; run: hf auth login, or set HF_TOKEN"):
        check_can_write("ada/new")
    assert hub.requests == []


def test_check_can_write_refuses_an_invalid_token(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "hf_" + "x" * 34
    monkeypatch.setenv("HF_TOKEN", bad)
    with pytest.raises(HubAuthError, match="token is not valid") as refused:
        check_can_write("ada/new")
    assert bad not in str(refused.value)


@pytest.mark.parametrize("sign", ["\u201d", "\u0430"])
def test_a_token_with_a_letter_that_no_header_holds_is_named_and_not_shown(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    """As it comes from a text with typographic quotes, or from another keyboard."""
    monkeypatch.setenv("HF_TOKEN", f"hf_{'x' * 20}{sign}{'y' * 5}")
    for ask in (lambda: check_can_write("ada/new"), lambda: snapshot("ada/new")):
        with pytest.raises(HubAuthError, match=r"that no token has \(character 24\)") as caught:
            ask()
        assert "xxxx" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("role", "permissions"), [("read", []), ("fineGrained", ["repo.content.read"])])
def test_check_can_write_refuses_a_read_only_token(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, role: str, permissions: list[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada", role=role, permissions=permissions))
    with pytest.raises(HubAuthError, match="may only read model ada/new; make one with write permission"):
        check_can_write("ada/new")
    assert writes(hub) == []


def test_check_can_write_accepts_a_fine_grained_token_that_may_write(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = hub.add_user("ada", role="fineGrained", permissions=["repo.write"], orgs=["lab"])
    monkeypatch.setenv("HF_TOKEN", fine)
    assert check_can_write("ada/new").user == "ada"
    with pytest.raises(HubAuthError, match="may only read model lab/new"):  # its permission is for ada's repos
        check_can_write("lab/new")


def test_check_can_write_of_a_fine_grained_token_that_may_only_open_pull_requests(
    hub: HubServer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    HfApi(token=token).create_repo("ada/model")
    monkeypatch.setenv("HF_TOKEN", hub.add_user("bob", role="fineGrained", permissions=["discussion.write"]))
    assert check_can_write("ada/model", create_pr=True).user == "bob"
    with pytest.raises(HubAuthError, match="may only read model bob/model"):
        check_can_write("bob/model")


def test_check_can_write_refuses_a_namespace_of_someone_else(hub: HubServer, token: str) -> None:
    with pytest.raises(HubAuthError, match="eve/model belongs to eve and you are ada; push to ada/model"):
        check_can_write("eve/model")


def test_check_can_write_refuses_a_public_repo_that_should_be_private(hub: HubServer, token: str) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/old", private=True)
    assert check_can_write("ada/old", private=True).private
    api.update_repo_settings("ada/old", private=False)
    for options in ({}, {"revision": "trial"}, {"create_pr": True}):
        with pytest.raises(HubError, match="model ada/old is there and public, and --private was asked for"):
            check_can_write("ada/old", private=True, **options)
    assert not check_can_write("ada/new", private=True).exists


def test_check_can_write_lets_a_pull_request_target_someone_elses_repo(hub: HubServer, token: str) -> None:
    HfApi(token=hub.add_user("eve")).create_repo("eve/model")
    assert check_can_write("eve/model", create_pr=True).exists
    with pytest.raises(HubNotFoundError, match="model eve/absent is not on the Hub"):
        check_can_write("eve/absent", create_pr=True)


def test_check_can_write_of_pull_requests_names_what_is_wrong(hub: HubServer, token: str) -> None:
    HfApi(token=token).create_repo("ada/model")
    with pytest.raises(HubError, match=r"a pull request goes to main and not to trial; leave out --revision"):
        check_can_write("ada/model", revision="trial", create_pr=True)
    with pytest.raises(HubNotFoundError, match="no revision 'refs/pr/7'"):
        check_can_write("ada/model", revision="refs/pr/7")
    assert writes(hub) == ["POST /api/repos/create"]


@pytest.mark.parametrize("bad", ["", "a/b/c", "../x", "a b/c", "a/..b", "-/x"])
def test_check_can_write_refuses_a_malformed_repo_id(hub: HubServer, token: str, bad: str) -> None:
    with pytest.raises(HubError, match="is not a repo id; write it as owner/name"):
        check_can_write(bad)
    assert hub.requests == []


def test_snapshot_returns_folder_and_commit(hub: HubServer, token: str) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/model", private=True)
    old = api.upload_file(path_or_fileobj=b"{}", path_in_repo="a.json", repo_id="ada/model").oid
    api.upload_file(path_or_fileobj=b"[]", path_in_repo="a.json", repo_id="ada/model")
    api.upload_file(path_or_fileobj=b"x", path_in_repo="b.txt", repo_id="ada/model")
    folder, sha = snapshot("ada/model", revision=old, allow_patterns=["*.json"])
    assert (sha, (folder / "a.json").read_bytes(), (folder / "b.txt").exists()) == (old, b"{}", False)
    assert snapshot("ada/model")[1] == hub.repo("ada/model").commits()[0].oid


@pytest.mark.parametrize("name", ["data/../../evil.parquet", "../evil.json", "/etc/evil.json"])
def test_snapshot_refuses_a_file_name_that_leads_elsewhere(hub: HubServer, token: str, name: str) -> None:
    HfApi(token=token).create_repo("ada/notes", repo_type="dataset")
    repo = hub.repo("ada/notes", "dataset")
    repo.commit("refs/heads/main", {name: repo.blobs.add_regular(b"{}")}, "Trick", "", "ada")
    with pytest.raises(HubError, match=rf"dataset ada/notes holds a file with the unsafe name '{re.escape(name)}'"):
        snapshot("ada/notes", repo_type="dataset")


def test_snapshot_answers_from_the_cache_when_offline(
    hub: HubServer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/model")
    online = snapshot("ada/model")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reread_environment()
    seen = len(hub.requests)
    assert snapshot("ada/model") == online
    with pytest.raises(HubError, match="model ada/other is not in the cache and HF_HUB_OFFLINE is set; unset it"):
        snapshot("ada/other")
    assert len(hub.requests) == seen


def test_errors_tell_missing_repo_revision_and_file_apart(hub: HubServer, token: str) -> None:
    HfApi(token=token).create_repo("ada/model")
    with pytest.raises(HubNotFoundError, match="model ada/absent is not on the Hub, or is private"):
        snapshot("ada/absent")
    with pytest.raises(HubNotFoundError, match="model ada/model has no revision 'v9'"):
        snapshot("ada/model", revision="v9")
    with (
        pytest.raises(HubNotFoundError, match=r"model ada/model has no file 'absent.json'"),
        hub_errors("ada/model"),
    ):
        hub_api().hf_hub_download("ada/model", "absent.json")


def test_errors_of_a_gated_repo_say_where_to_accept_the_terms(
    hub: HubServer, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/model")
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="a.json", repo_id="ada/model")
    api.update_repo_settings("ada/model", gated="manual")
    monkeypatch.setenv("HF_TOKEN", hub.add_user("eve"))
    with pytest.raises(HubAuthError, match=r"model ada/model is gated; accept its terms at http"):
        snapshot("ada/model")


def test_errors_of_an_unreachable_hub_name_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "a" * 34)
    with pytest.raises(HubError, match=r"cannot reach http://127.0.0.1:9 \(ConnectError\); check the connection"):
        check_can_write("ada/model")


def test_errors_of_the_transfer_library_are_one_line_and_ours_pass() -> None:
    broken_off = r"the transfer of model ada/x broke off \(reset by peer hf_\*\*\*\); run again"
    with pytest.raises(HubError, match=broken_off), hub_errors("ada/x"):
        raise RuntimeError("reset by\npeer hf_" + "a" * 34)
    with pytest.raises(TrainingError, match="mine"), hub_errors("ada/x"):
        raise TrainingError("mine")


def test_errors_are_one_line(hub: HubServer, token: str) -> None:
    with pytest.raises(HubError) as refused:
        snapshot("ada/absent")
    assert "\n" not in str(refused.value)
    assert (refused.value.repo_id, refused.value.repo_type) == ("ada/absent", "model")


def test_split_revision_and_is_repo_id() -> None:
    assert split_revision("ada/model@v1") == ("ada/model", "v1")
    assert split_revision("ada/model") == ("ada/model", None)
    assert is_repo_id("ada/my-model_1.0")
    assert not any(map(is_repo_id, ["model", "a/b/c", "a/..", "a b/c", "", None, "x/y\n"]))
