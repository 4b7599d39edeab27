"""Whatever goes wrong on the way, a push leaves the old commit or the new one, and says which sentence applies."""

from __future__ import annotations

import email.utils
import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from distrust_hub.adapters.pull import pull_adapter
from distrust_hub.errors import HubAuthError, HubError, HubNotFoundError
from distrust_hub.files import write_jsonl
from distrust_hub.hub.adapters import push_adapter
from distrust_hub.hub.client import check_can_write, snapshot
from distrust_hub.hub.rows import iter_rows
from distrust_hub.hub.scored_datasets import push_scored
from tests.cards.folders import write_weights
from tests.hub.test_scored_datasets import TRAIN
from tests.hub_server.faults import Fault
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.hub


@pytest.fixture
def published(hub: HubServer, token: str, folder: Path) -> str:
    """An adapter on the Hub; the folder then holds other weights and no results, so that a push adds and deletes."""
    push_adapter(folder, "ada/adapter")
    write_weights(folder, seed=5)
    (folder / "eval_results.json").unlink()
    return hub.repo("ada/adapter").commits()[0].oid


def go_back(hub: HubServer, published: str, folder: Path, number: int) -> None:
    """Main as it was, and weights in the folder that the Hub has never seen."""
    hub.repo("ada/adapter").refs["refs/heads/main"] = hub.repo("ada/adapter").by_oid[published]
    write_weights(folder, seed=100 + number)


def is_new(hub: HubServer, folder: Path) -> bool:
    """Whether main holds all of the folder; if not, it must be untouched."""
    repo = hub.repo("ada/adapter")
    new = repo.read("adapters.safetensors") == (folder / "adapters.safetensors").read_bytes()
    assert new == (repo.read("adapter_model.safetensors") == (folder / "adapter_model.safetensors").read_bytes())
    assert new == ("eval_results.json" not in repo.files())
    assert len(repo.commits()) == (3 if new else 2)
    return new


@pytest.mark.parametrize("kind", ["status", "drop", "lose"])
def test_push_survives_a_fault_at_any_request(
    hub: HubServer, published: str, folder: Path, no_waiting: list[float], kind: str
) -> None:
    for number in range(99):
        go_back(hub, published, folder, number)
        hub.faults[:] = [Fault(kind, after=number)]
        result = push_adapter(folder, "ada/adapter")
        assert is_new(hub, folder), number
        assert result.sha == hub.repo("ada/adapter").commits()[0].oid
        if hub.faults[0].seen <= number:
            break
    assert number > 10


def test_push_interrupted_at_any_request_leaves_the_old_commit_or_the_new_one(
    hub: HubServer, published: str, folder: Path, no_waiting: list[float]
) -> None:
    seen = []
    for number in range(99):
        go_back(hub, published, folder, number)
        hub.faults[:] = [Fault("drop", after=number, times=None)]
        try:
            push_adapter(folder, "ada/adapter")
        except HubError as error:
            seen.append((str(error).startswith("cannot reach http"), is_new(hub, folder)))
        else:
            break
    assert seen == [(True, False)] * number  # the commit is the last request
    assert number > 10
    assert is_new(hub, folder)


def test_first_push_interrupted_at_any_request_can_be_repeated(
    hub: HubServer, token: str, folder: Path, no_waiting: list[float]
) -> None:
    for number in range(99):
        hub.store.repos.clear()
        write_weights(folder, seed=100 + number)
        hub.faults[:] = [Fault("drop", after=number, times=None)]
        try:
            push_adapter(folder, "ada/adapter")
        except HubError:
            assert not hub.has_repo("ada/adapter") or hub.repo("ada/adapter").files() == [".gitattributes"]
        else:
            break
        hub.faults.clear()
        push_adapter(folder, "ada/adapter")
        assert [commit.title for commit in hub.repo("ada/adapter").commits()][1:] == ["initial commit"]
    assert number > 10


def test_commit_whose_answer_is_lost_for_good_is_there_and_repeating_changes_nothing(
    hub: HubServer, published: str, folder: Path, no_waiting: list[float]
) -> None:
    hub.faults += [Fault("lose", "POST .*/commit/"), Fault("drop", "POST .*/preupload/", after=1, times=None)]
    with pytest.raises(HubError, match="cannot reach"):
        push_adapter(folder, "ada/adapter")
    assert is_new(hub, folder)
    hub.faults.clear()
    assert push_adapter(folder, "ada/adapter").sha == hub.repo("ada/adapter").commits()[0].oid
    assert is_new(hub, folder)


@pytest.mark.parametrize("kind", ["status", "drop", "lose"])
def test_pull_request_is_opened_once_whatever_happens_to_the_answer(
    hub: HubServer, published: str, folder: Path, no_waiting: list[float], kind: str
) -> None:
    hub.faults.append(Fault(kind, "POST .*/commit/"))
    result = push_adapter(folder, "ada/adapter", create_pr=True)
    (opened,) = hub.repo("ada/adapter").discussions.values()
    assert result.url == f"{hub.url}/ada/adapter/discussions/1"
    assert result.sha == hub.repo("ada/adapter").commits(opened.ref)[0].oid
    assert not is_new(hub, folder)
    pulled = pull_adapter("ada/adapter", revision="refs/pr/1")
    assert (pulled / "adapters.safetensors").read_bytes() == (folder / "adapters.safetensors").read_bytes()


@pytest.mark.parametrize("kind", ["status", "drop", "lose"])
def test_dataset_push_survives_a_fault_at_every_kind_of_request(
    hub: HubServer, token: str, tmp_path: Path, no_waiting: list[float], kind: str
) -> None:
    write_jsonl(tmp_path / "t" / "train.jsonl", TRAIN)
    places = ("whoami", "repos/create", "GET .*/ada/notes", "validate-yaml", "preupload", "lfs", "PUT ", "/commit/")
    hub.faults += [Fault(kind, on) for on in places]  # type: ignore[arg-type]
    result = push_scored(tmp_path / "t", "ada/notes")
    assert all(fault.seen for fault in hub.faults)
    repo = hub.repo("ada/notes", "dataset")
    assert [commit.oid for commit in repo.commits()[:-1]] == [result.sha]
    hub.faults += [Fault(kind, on) for on in ("GET .*/revision/", "GET .*/resolve/")]
    assert list(iter_rows("ada/notes", streaming=False)) == TRAIN
    assert push_scored(tmp_path / "t", "ada/notes").sha == result.sha


def test_rate_limit_is_waited_for_as_long_as_the_hub_says(
    hub: HubServer, published: str, folder: Path, no_waiting: list[float]
) -> None:
    hub.faults += [
        Fault("status", "POST .*/commit/", status=429, headers={"Retry-After": "37"}),
        Fault("status", "GET /api/whoami", status=429, headers={"ratelimit": '"api";r=0;t=41'}),
        Fault("status", "POST .*/preupload/", status=429, headers={"Retry-After": "29"}),
    ]
    push_adapter(folder, "ada/adapter")
    assert is_new(hub, folder)
    assert [wait for wait in no_waiting if wait > 20] == [41, 30, 37]  # huggingface_hub adds a second to its own


def test_rate_limit_until_a_date_is_waited_for(hub: HubServer, token: str, no_waiting: list[float]) -> None:
    dates = [email.utils.formatdate(time.time() + 50, usegmt=True), "Wed, 21 Oct 2015 07:28:00 -0000", "soon"]
    hub.faults += [Fault("status", "GET /api/whoami", status=429, headers={"Retry-After": date}) for date in dates]
    check_can_write("ada/x")
    first, *others = no_waiting
    assert 20 < first <= 50
    assert others == [2, 4]


def test_a_card_that_cannot_be_read_is_not_taken_for_none(
    hub: HubServer, published: str, folder: Path, no_waiting: list[float]
) -> None:
    hub.faults.append(Fault("status", "HEAD .*/README.md", times=None))
    with pytest.raises(HubError, match="the Hub answered 503"):
        push_adapter(folder, "ada/adapter")
    assert not is_new(hub, folder)


def test_waits_between_tries_grow(hub: HubServer, token: str, no_waiting: list[float]) -> None:
    hub.faults.append(Fault("status", "GET /api/whoami", times=None))
    with pytest.raises(HubError, match="the Hub answered 503 for model ada/x; run again in a few minutes"):
        check_can_write("ada/x")
    assert no_waiting == [1, 2, 4, 8, 8]


def test_pull_survives_faults(hub: HubServer, published: str, folder: Path, no_waiting: list[float]) -> None:
    push_adapter(folder, "ada/adapter")
    hub.faults += [
        Fault("status", "GET /api/models/ada/adapter/tree"),
        Fault("drop", "GET /api/models/ada/adapter/revision"),
        Fault("lose", "HEAD .*/resolve/"),
        Fault("cut", "GET .*/adapters.safetensors"),
        Fault("slow", "GET .*/adapter_model.safetensors"),
    ]
    pulled = pull_adapter("ada/adapter")
    assert (pulled / "adapters.safetensors").read_bytes() == (folder / "adapters.safetensors").read_bytes()
    assert all(fault.seen for fault in hub.faults)


REFUSALS = [
    (401, "Invalid credentials", HubAuthError, "token is not valid; make one at"),
    (402, "Payment required", HubError, "no storage left for model ada/adapter"),
    (403, "Private repository storage limit reached", HubError, "no storage left for model ada/adapter"),
    (403, "You have exceeded your quota", HubError, "no storage left for model ada/adapter"),
    (403, "Forbidden", HubAuthError, "belongs to someone else or this token may not write there"),
    (403, "Forbidden: you must use a write token", HubAuthError, "may not write to model ada/adapter; make one with"),
    (409, "Conflict", HubError, "changed while this ran; look at the other commit, then run again"),
    (412, "A commit has happened since", HubError, "changed while this ran; look at the other commit"),
    (413, "Payload too large", HubError, "refused the upload to model ada/adapter as too large"),
    (429, "Too many requests", HubError, "rate limit is reached; run again in 3600 seconds"),
    (503, "Down", HubError, "the Hub answered 503 for model ada/adapter; run again in a few minutes"),
    (418, "I'm a teapot", HubError, "with status 418"),
]


@pytest.mark.parametrize(("status", "said", "kind", "sentence"), REFUSALS)
def test_every_refusal_of_a_commit_has_its_own_sentence_and_changes_nothing(
    hub: HubServer,
    published: str,
    folder: Path,
    no_waiting: list[float],
    status: int,
    said: str,
    kind: type[HubError],
    sentence: str,
) -> None:
    headers = {"Retry-After": "3600"} if status == 429 else {}
    fault = Fault("status", "POST .*/commit/", times=None, status=status, message=said, headers=headers)
    hub.faults.append(fault)
    with pytest.raises(HubError) as refused:
        push_adapter(folder, "ada/adapter")
    assert type(refused.value) is kind
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not is_new(hub, folder)


def test_missing_private_and_gated_repos_are_told_apart_from_a_bad_token(
    hub: HubServer, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = HfApi()
    with pytest.raises(HubNotFoundError, match="ada/absent is not on the Hub, or is private and this token"):
        snapshot("ada/absent")
    api.update_repo_settings("ada/adapter", gated="manual")
    monkeypatch.setenv("HF_TOKEN", hub.add_user("eve"))
    with pytest.raises(HubAuthError, match="is gated; accept its terms at"):
        snapshot("ada/adapter")
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    with pytest.raises(HubAuthError, match="token is not valid"):
        check_can_write("ada/adapter")


def test_an_answer_that_is_not_the_hubs_is_tried_again_and_then_named(
    hub: HubServer, published: str, folder: Path, no_waiting: list[float]
) -> None:
    hub.faults.append(Fault("status", "POST /api/validate-yaml", status=200, message="Log in to the hotel's network"))
    push_adapter(folder, "ada/adapter")
    hub.faults[:] = [Fault("status", "POST /api/validate-yaml", status=200, times=None)]
    with pytest.raises(HubError, match=r"is not the Hub's \(a proxy's page\?\)"):
        push_adapter(folder, "ada/adapter")
