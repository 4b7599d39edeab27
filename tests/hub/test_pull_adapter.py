"""What comes from the Hub is verified before it is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from distrust_hub.adapters.pull import pull_adapter
from distrust_hub.adapters.verify import verify_adapter
from distrust_hub.errors import AdapterError, HubAuthError, HubError, HubNotFoundError, OutputExistsError
from distrust_hub.hub.adapters import list_published, push_adapter
from tests.cards.folders import BASE_ID, write_peft_only, write_weights
from tests.hub_server.fixtures import reread_environment
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.hub


def test_pull_adapter_returns_what_was_pushed(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    pulled = pull_adapter("ada/adapter")
    assert pulled != folder
    for name in ("adapters.safetensors", "adapter_config.json", "training_run.json", "metrics.jsonl"):
        assert (pulled / name).read_bytes() == (folder / name).read_bytes()
    assert verify_adapter(pulled).config.base_model == BASE_ID


def test_pull_adapter_by_revision_gets_the_older_weights(
    hub: HubServer, token: str, folder: Path, tmp_path: Path
) -> None:
    before = (folder / "adapters.safetensors").read_bytes()
    first = push_adapter(folder, "ada/adapter")
    write_weights(folder, seed=9)
    push_adapter(folder, "ada/adapter")
    assert (pull_adapter("ada/adapter", revision=first.sha) / "adapters.safetensors").read_bytes() == before
    assert (pull_adapter("ada/adapter") / "adapters.safetensors").read_bytes() != before


def test_pull_adapter_of_a_private_repo_needs_its_token(
    hub: HubServer, token: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_adapter(folder, "ada/adapter", private=True)
    assert pull_adapter("ada/adapter").is_dir()
    monkeypatch.setenv("HF_TOKEN", hub.add_user("eve"))
    with pytest.raises(HubNotFoundError, match="is not on the Hub, or is private and this token does not see it"):
        pull_adapter("ada/adapter", revision="main")


def test_pull_adapter_into_a_folder(hub: HubServer, token: str, folder: Path, tmp_path: Path) -> None:
    push_adapter(folder, "ada/adapter")
    target = tmp_path / "here" / "adapter"
    assert pull_adapter("ada/adapter", local_dir=target) == target
    assert not (target / "adapters.safetensors").is_symlink()
    assert verify_adapter(target).parameters == verify_adapter(folder).parameters
    with pytest.raises(OutputExistsError, match="holds files already; give an empty folder"):
        pull_adapter("ada/adapter", local_dir=target)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("place", ["here", "link", "mount"])
def test_pull_adapter_into_an_empty_folder_that_cannot_be_replaced(
    hub: HubServer, token: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The current folder, a link to one, and what the system keeps, as it does a mount."""
    push_adapter(folder, "ada/adapter")
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    monkeypatch.chdir(target)
    if place == "mount":
        monkeypatch.setattr(Path, "rmdir", lambda self: pytest.fail("a mount cannot be removed"))
    pull_adapter("ada/adapter", local_dir={"here": ".", "link": tmp_path / "link", "mount": target}[place])
    assert verify_adapter(target).parameters == verify_adapter(folder).parameters
    assert all(path.is_file() for path in target.iterdir())


def test_pull_adapter_reads_only_artifacts(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    api = HfApi(token=token)
    for name in ("evil.pkl", "modeling.py", "training_args.bin", "other.json", "sub/adapters.safetensors"):
        api.upload_file(path_or_fileobj=b"x", path_in_repo=name, repo_id="ada/adapter")
    pulled = pull_adapter("ada/adapter")
    assert {path.name for path in pulled.rglob("*")} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "adapters.safetensors",
        "eval_results.json",
        "manifest.json",
        "metrics.jsonl",
        "training_run.json",
    }
    assert not any("evil.pkl" in request.path for request in hub.requests if "/resolve/" in request.path)


def test_pull_adapter_refuses_a_tampered_file(hub: HubServer, token: str, folder: Path, tmp_path: Path) -> None:
    push_adapter(folder, "ada/adapter")
    broken = (folder / "adapters.safetensors").read_bytes()[:-64]
    HfApi(token=token).upload_file(path_or_fileobj=broken, path_in_repo="adapters.safetensors", repo_id="ada/adapter")
    with pytest.raises(AdapterError):
        pull_adapter("ada/adapter", local_dir=tmp_path / "here")
    assert not (tmp_path / "here").exists()


def test_pull_adapter_refuses_weights_swapped_in_one_format(
    hub: HubServer, token: str, folder: Path, tmp_path: Path
) -> None:
    push_adapter(folder, "ada/adapter")
    write_weights(folder, seed=5)
    HfApi(token=token).upload_file(
        path_or_fileobj=folder / "adapters.safetensors", path_in_repo="adapters.safetensors", repo_id="ada/adapter"
    )
    with pytest.raises(AdapterError):
        pull_adapter("ada/adapter")


@pytest.mark.parametrize("name", ["../outside.json", "a/../../adapters.safetensors", "/etc/x.json", "a\\b.json"])
def test_pull_adapter_refuses_path_tricks(hub: HubServer, token: str, folder: Path, name: str) -> None:
    push_adapter(folder, "ada/adapter")
    repo = hub.repo("ada/adapter")
    head = repo.commits()[0]
    repo.commit("refs/heads/main", {**head.tree, name: repo.blobs.add_regular(b"{}")}, "Trick", "", "ada")
    with pytest.raises(AdapterError, match="unsafe name"):
        pull_adapter("ada/adapter")
    assert not any("/resolve/" in request.path for request in hub.requests)


def test_pull_adapter_refuses_a_file_larger_than_any_adapter(
    hub: HubServer, token: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_adapter(folder, "ada/adapter")
    monkeypatch.setattr("distrust_hub.adapters.pull.MAX_ADAPTER_BYTES", 1000)
    with pytest.raises(AdapterError, match=r"safetensors has \d+ bytes, more than the 1000 of any adapter"):
        pull_adapter("ada/adapter")
    assert not any("/resolve/" in request.path and request.method == "GET" for request in hub.requests[-3:])
    monkeypatch.setattr("distrust_hub.adapters.pull.MAX_ADAPTER_BYTES", 10**6)
    monkeypatch.setattr("distrust_hub.adapters.pull.MAX_TEXT_BYTES", 5000)
    with pytest.raises(AdapterError, match=r"README.md has \d+ bytes, more than the 5000 of any adapter"):
        pull_adapter("ada/adapter")


def test_pull_adapter_of_two_at_once_converts_to_one_folder(hub: HubServer, token: str, tmp_path: Path) -> None:
    write_peft_only(tmp_path / "peft")
    api = HfApi(token=token)
    api.create_repo("ada/peft")
    api.upload_folder(repo_id="ada/peft", folder_path=tmp_path / "peft")
    with ThreadPoolExecutor(4) as pool:
        pulled = set(pool.map(lambda _: pull_adapter("ada/peft"), range(4)))
    assert len(pulled) == 1
    folder = pulled.pop()
    assert verify_adapter(folder).config.rank == 4
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_pull_adapter_converts_a_repo_that_only_peft_reads(hub: HubServer, token: str, tmp_path: Path) -> None:
    write_peft_only(tmp_path / "peft")
    api = HfApi(token=token)
    api.create_repo("ada/peft")
    api.upload_folder(repo_id="ada/peft", folder_path=tmp_path / "peft")
    pulled = pull_adapter("ada/peft")
    info = verify_adapter(pulled)
    assert (pulled / "adapters.safetensors").is_file()
    assert (info.config.rank, info.config.scale, info.config.base_model) == (4, 2.0, BASE_ID)
    assert pull_adapter("ada/peft") == pulled
    here = pull_adapter("ada/peft", local_dir=tmp_path / "here")
    assert (here / "adapters.safetensors").read_bytes() == (pulled / "adapters.safetensors").read_bytes()


def test_pull_adapter_works_offline_from_the_cache(
    hub: HubServer, token: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_adapter(folder, "ada/adapter")
    online = pull_adapter("ada/adapter")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reread_environment()
    assert pull_adapter("ada/adapter") == online
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        pull_adapter("ada/other")


def test_pull_adapter_names_what_is_missing(hub: HubServer, token: str, folder: Path) -> None:
    with pytest.raises(HubNotFoundError, match="model ada/absent is not on the Hub"):
        pull_adapter("ada/absent")
    HfApi(token=token).create_repo("ada/empty")
    with pytest.raises(AdapterError, match="not an adapter folder"):
        pull_adapter("ada/empty")
    HfApi(token=token).upload_file(repo_id="ada/empty", path_in_repo="adapter_model.bin", path_or_fileobj=b"PK")
    with pytest.raises(AdapterError, match=r"ada/empty: its weights are in adapter_model\.bin alone, a pickle"):
        pull_adapter("ada/empty")
    push_adapter(folder, "ada/adapter")
    with pytest.raises(HubNotFoundError, match="no revision 'v2'"):
        pull_adapter("ada/adapter", revision="v2")


def test_pull_adapter_with_an_invalid_token_says_so(
    hub: HubServer, token: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_adapter(folder, "ada/adapter")
    monkeypatch.setenv("HF_TOKEN", "hf_" + "z" * 34)
    with pytest.raises(HubAuthError, match="token is not valid"):
        pull_adapter("ada/adapter")


def test_list_published_finds_repos_by_tag_and_author(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    push_adapter(folder, "lab/adapter")
    HfApi(token=token).create_repo("ada/unrelated")
    found = list_published()
    assert {repo.repo_id for repo in found} == {"ada/adapter", "lab/adapter"}
    assert {repo.base_model for repo in found} == {BASE_ID}
    assert [repo.repo_id for repo in list_published("lab")] == ["lab/adapter"]
    assert list_published("nobody") == []
