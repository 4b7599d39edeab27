"""One commit with everything, nothing before it, and nothing that must not be published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import HfApi, ModelCard

from distrust_hub.artifacts import EvalReport
from distrust_hub.cards.edits import NOTES_START
from distrust_hub.cards.render import write_card
from distrust_hub.errors import AdapterError, ArtifactError, HubAuthError, HubError, InputNotFoundError
from distrust_hub.files import read_json, write_json
from distrust_hub.hub.adapters import push_adapter
from distrust_hub.hub.client import WriteAccess
from distrust_hub.hub.publish import commit_files
from tests.cards.folders import training_run, write_weights
from tests.hub.conftest import writes
from tests.hub_server.server import HubServer

pytestmark = pytest.mark.hub

PUBLISHED = [
    ".gitattributes",
    "README.md",
    "adapter_config.json",
    "adapter_model.safetensors",
    "adapters.safetensors",
    "eval_results.json",
    "manifest.json",
    "metrics.jsonl",
    "radar.svg",
    "training_run.json",
]


def test_push_adapter_makes_one_commit_with_everything(hub: HubServer, token: str, folder: Path) -> None:
    result = push_adapter(folder, "ada/adapter", commit_message="First \udcff")
    repo = hub.repo("ada/adapter")
    assert [commit.title for commit in repo.commits()] == ["First ?", "initial commit"]
    assert repo.files() == PUBLISHED
    assert list(result.files) == PUBLISHED[1:]
    assert result.sha == repo.commits()[0].oid
    assert result.url == f"{hub.url}/ada/adapter"
    for name in PUBLISHED[2:]:
        assert repo.read(name) == (folder / name).read_bytes()
    assert sum("/commit/" in request for request in writes(hub)) == 1


def test_push_adapter_creates_the_repo_only_after_every_check(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    methods = [entry.method for entry in hub.requests]
    first_write = next(i for i, entry in enumerate(hub.requests) if entry.method == "POST")
    assert hub.requests[first_write].path == "/api/repos/create"
    assert set(methods[:first_write]) == {"GET"}


def test_pushed_card_shows_the_repo_in_its_first_code_block(hub: HubServer, token: str, folder: Path) -> None:
    write_card(folder)
    push_adapter(folder, "ada/adapter")
    card = hub.repo("ada/adapter").read("README.md").decode()
    block = card.split("```python\n")[1].split("```")[0]
    assert 'snapshot_download("ada/adapter")' in block
    assert "mlx_lm" in block
    data = ModelCard(card).data
    assert (data.base_model, data.library_name) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "peft")


def test_push_adapter_again_makes_no_commit(hub: HubServer, token: str, folder: Path) -> None:
    first = push_adapter(folder, "ada/adapter")
    again, offered = push_adapter(folder, "ada/adapter"), push_adapter(folder, "ada/adapter", create_pr=True)
    assert (first.sha, first.unchanged) == (again.sha, False) == (offered.sha, False)
    assert (again.unchanged, offered.unchanged) == (True, True)
    assert hub.repo("ada/adapter").discussions == {}
    assert len(hub.repo("ada/adapter").commits()) == 2


def test_push_adapter_removes_results_that_are_no_longer_in_the_folder(
    hub: HubServer, token: str, folder: Path
) -> None:
    push_adapter(folder, "ada/adapter")
    (folder / "eval_results.json").unlink()
    push_adapter(folder, "ada/adapter")
    assert "eval_results.json" not in hub.repo("ada/adapter").files()
    assert "TruthfulQA: not measured" in hub.repo("ada/adapter").read("README.md").decode()
    assert len(hub.repo("ada/adapter").commits()) == 3


def test_push_adapter_with_a_checkpoint_replaces_the_one_there_and_without_leaves_it(
    hub: HubServer, token: str, folder: Path
) -> None:
    def checkpoint(step: int, *names: str) -> None:
        place = folder / "checkpoints" / f"step-{step:06d}"
        place.mkdir()
        for name in names:
            (place / name).write_text(f"{step}")

    checkpoint(5, "state.json", "order.json")
    checkpoint(1_000_000, "state.json", "adapter.safetensors", "notes.txt")
    push_adapter(folder, "ada/adapter", checkpoint=True)
    published = [name for name in hub.repo("ada/adapter").files() if name.startswith("last-checkpoint/")]
    assert published == ["last-checkpoint/adapter.safetensors", "last-checkpoint/state.json"]
    assert hub.repo("ada/adapter").read("last-checkpoint/state.json") == b"1000000"
    checkpoint(1_000_005, "state.json", "order.json")
    push_adapter(folder, "ada/adapter", checkpoint=True)
    published = [name for name in hub.repo("ada/adapter").files() if name.startswith("last-checkpoint/")]
    assert published == ["last-checkpoint/order.json", "last-checkpoint/state.json"]
    push_adapter(folder, "ada/adapter")
    assert "last-checkpoint/state.json" in hub.repo("ada/adapter").files()


def test_dry_run_lists_the_files_and_writes_nothing(hub: HubServer, token: str, folder: Path) -> None:
    result = push_adapter(folder, "ada/adapter", dry_run=True)
    assert list(result.files) == PUBLISHED[1:]
    assert result.sha is None
    assert result.card.startswith("---\nbase_model:")
    assert writes(hub) == []
    assert not hub.has_repo("ada/adapter")


def test_push_adapter_names_a_card_that_is_not_utf8(hub: HubServer, token: str, folder: Path) -> None:
    (folder / "README.md").write_bytes("café".encode("cp1252"))
    with pytest.raises(ArtifactError, match=r"README\.md: not UTF-8"):
        push_adapter(folder, "ada/adapter", dry_run=True)


def test_push_adapter_to_a_branch_leaves_main_alone(hub: HubServer, token: str, folder: Path) -> None:
    HfApi(token=token).create_repo("ada/adapter")
    result = push_adapter(folder, "ada/adapter", revision="trial")
    repo = hub.repo("ada/adapter")
    assert repo.files("main") == [".gitattributes"]
    assert repo.files("trial") == PUBLISHED
    assert repo.commits("trial")[0].oid == result.sha
    assert push_adapter(folder, "ada/adapter", revision="trial").sha == result.sha


def test_push_adapter_to_a_new_branch_of_a_new_repo(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter", revision="trial")
    repo = hub.repo("ada/adapter")
    assert (repo.files("main"), repo.files("trial")) == ([".gitattributes"], PUBLISHED)


def test_push_adapter_to_a_new_branch_keeps_the_card_edited_on_main(hub: HubServer, token: str, folder: Path) -> None:
    api = HfApi(token=token)
    card = push_adapter(folder, "ada/adapter").card.replace("## Limits", "## Limits (my words)")
    api.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id="ada/adapter")
    write_weights(folder, seed=3)
    assert push_adapter(folder, "ada/adapter", revision="trial").kept_card
    assert hub.repo("ada/adapter").read("README.md", "trial").decode() == card


def test_push_adapter_private_makes_a_private_repo(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter", private=True)
    assert hub.repo("ada/adapter").private


def test_push_adapter_keeps_a_card_edited_on_the_hub(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    api = HfApi(token=token)
    card = hub.repo("ada/adapter").read("README.md").decode()
    edited = card.replace("## Limits", "## Limits (my words)")
    api.upload_file(path_or_fileobj=edited.encode(), path_in_repo="README.md", repo_id="ada/adapter")
    write_weights(folder, seed=7)
    result = push_adapter(folder, "ada/adapter")
    assert result.kept_card
    assert hub.repo("ada/adapter").read("README.md").decode() == edited
    assert hub.repo("ada/adapter").read("adapters.safetensors") == (folder / "adapters.safetensors").read_bytes()
    replaced = push_adapter(folder, "ada/adapter", replace_card=True)
    assert not replaced.kept_card
    assert hub.repo("ada/adapter").read("README.md").decode() == card


def test_push_adapter_into_a_repo_with_a_card_of_another_kind_says_how_to_replace_it(
    hub: HubServer, token: str, folder: Path
) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/old")
    for name, content in (("README.md", b"# Mine\n\nOld words.\n"), ("notes.txt", b"keep me")):
        api.upload_file(path_or_fileobj=content, path_in_repo=name, repo_id="ada/old")
    with pytest.raises(HubError, match=r"no metadata.*; mend it there, or replace it with --replace-card"):
        push_adapter(folder, "ada/old")
    push_adapter(folder, "ada/old", replace_card=True)
    assert hub.repo("ada/old").read("notes.txt") == b"keep me"


def test_push_adapter_carries_notes_from_the_card_on_the_hub(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    card = hub.repo("ada/adapter").read("README.md").decode()
    noted = card.replace(NOTES_START, f"{NOTES_START}\nMy **own** finding.")
    HfApi(token=token).upload_file(path_or_fileobj=noted.encode(), path_in_repo="README.md", repo_id="ada/adapter")
    training_run(steps={"total": 21, "skipped": 0}).save(folder)
    assert not push_adapter(folder, "ada/adapter").kept_card
    after = hub.repo("ada/adapter").read("README.md").decode()
    assert "My **own** finding." in after
    assert "| Steps | 21," in after


def test_push_adapter_publishes_a_local_card_edited_by_hand(hub: HubServer, token: str, folder: Path) -> None:
    path = write_card(folder)
    text = path.read_text().replace("## Limits", "## Known limits")
    path.write_text(text)
    push_adapter(folder, "ada/adapter")
    assert hub.repo("ada/adapter").read("README.md").decode() == text


def test_push_adapter_refuses_a_card_that_hides_synthetic_data(hub: HubServer, token: str, folder: Path) -> None:
    path = write_card(folder)
    lines = path.read_text().split("\n")
    path.write_text("\n".join(line for line in lines if not line.startswith("**This adapter was trained on synth")))
    with pytest.raises(HubError, match="108 rows are synthetic and the first paragraph does not say so"):
        push_adapter(folder, "ada/adapter")
    assert writes(hub) == []


@pytest.mark.parametrize("role", ["read", "fineGrained"])
def test_push_adapter_with_a_read_only_token_writes_nothing(
    hub: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada", role=role))
    with pytest.raises(HubAuthError, match="may only read"):
        push_adapter(folder, "ada/adapter")
    assert writes(hub) == []
    assert not hub.has_repo("ada/adapter")


def test_push_adapter_to_someone_else_or_without_token_writes_nothing(
    hub: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HubAuthError, match="no Hugging Face token"):
        push_adapter(folder, "ada/adapter")
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    with pytest.raises(HubAuthError, match="belongs to eve and you are ada"):
        push_adapter(folder, "eve/adapter")
    assert writes(hub) == []


def test_push_adapter_refuses_an_unknown_base_before_asking_the_hub(hub: HubServer, token: str, folder: Path) -> None:
    run = training_run()
    run.base_model["id"] = None
    run.save(folder)
    with pytest.raises(AdapterError, match="the base model has no known Hub id; train with --base-model-id"):
        push_adapter(folder, "ada/adapter")
    assert hub.requests == []


def test_push_adapter_refuses_a_folder_that_is_not_whole(hub: HubServer, token: str, folder: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no such folder"):
        push_adapter(folder / "absent", "ada/adapter")
    (folder / "training_run.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"training_run.json: not valid JSON"):
        push_adapter(folder, "ada/adapter")
    training_run().save(folder)
    (folder / "adapters.safetensors").write_bytes((folder / "adapters.safetensors").read_bytes()[:-8])
    with pytest.raises(AdapterError):
        push_adapter(folder, "ada/adapter")
    (folder / "adapters.safetensors").unlink()
    with pytest.raises(AdapterError, match=r"holds no adapters\.safetensors"):
        push_adapter(folder, "ada/adapter")
    assert hub.requests == []


@pytest.mark.parametrize(
    ("name", "secret", "problem"),
    [
        ("training_run.json", "hf_" + "a" * 34, "holds a Hugging Face token"),
        ("manifest.json", "AKIA" + "Q" * 16, "holds an AWS key"),
        ("eval_results.json", "/home/ada/models/base", "holds a path of this machine"),
        ("metrics.jsonl", "C:\\\\Users\\\\ada\\\\x", "holds a path of this machine"),
        ("training_run.json", "/opt/data/notes", "holds a path of this machine"),
        ("README.md", "hf_" + "b" * 34, "holds a Hugging Face token"),
    ],
)
def test_push_adapter_refuses_secrets_and_local_paths(
    hub: HubServer, token: str, folder: Path, name: str, secret: str, problem: str
) -> None:
    write_card(folder)
    path = folder / name
    if name == "README.md":
        path.write_text(path.read_text() + f"\nUse {secret}\n")
    elif name == "metrics.jsonl":
        path.write_text(path.read_text() + f'{{"step": 21, "note": "{secret}"}}\n')
    else:
        value = read_json(path)
        key = {"training_run.json": "versions", "manifest.json": "parameters", "eval_results.json": "suites"}[name]
        value[key]["note"] = {"x": secret}
        write_json(path, value)
    with pytest.raises(HubError, match=problem) as refused:
        push_adapter(folder, "ada/adapter")
    assert name in str(refused.value)
    assert secret[:20] not in str(refused.value) or secret.startswith(("/", "C:"))
    assert writes(hub) == []


def test_push_adapter_ignores_everything_that_is_no_artifact(hub: HubServer, token: str, folder: Path) -> None:
    (folder / "notes.txt").write_text("hf_" + "c" * 34)
    (folder / "optimizer.pkl").write_bytes(b"\x80")
    push_adapter(folder, "ada/adapter")
    assert hub.repo("ada/adapter").files() == PUBLISHED


def test_push_adapter_without_training_run_uses_the_base_of_its_config(
    hub: HubServer, token: str, folder: Path
) -> None:
    (folder / "training_run.json").unlink()
    push_adapter(folder, "ada/adapter")
    card = hub.repo("ada/adapter").read("README.md").decode()
    assert "base_model: HuggingFaceTB/SmolLM2-135M-Instruct" in card
    assert "| held out | not measured | not measured |" in card


def test_commit_on_a_head_that_moved_is_a_conflict(hub: HubServer, token: str) -> None:
    api = HfApi(token=token)
    api.create_repo("ada/adapter")
    stale = WriteAccess("ada/adapter", "ada", exists=True, sha=hub.repo("ada/adapter").commits()[0].oid)
    api.upload_file(path_or_fileobj=b"x", path_in_repo="other.txt", repo_id="ada/adapter")
    with pytest.raises(HubError, match="changed while this ran; look at the other commit, then run again"):
        commit_files(api, stale, "model", {"a.json": b"{}"}, message="Late")
    assert "a.json" not in hub.repo("ada/adapter").files()


def test_token_goes_to_the_hub_alone(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    uploads = [entry for entry in hub.requests if entry.path.startswith("/lfs-upload/")]
    assert len(uploads) == 2
    assert {entry.host.split(":")[0] for entry in uploads} == {"localhost"}
    assert not any(entry.has_auth for entry in hub.requests if not entry.host.startswith("127.0.0.1:"))


def test_push_adapter_opens_a_pull_request_in_a_repo_of_someone_else(
    hub: HubServer, token: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_adapter(folder, "ada/adapter")
    write_weights(folder, seed=8)
    monkeypatch.setenv("HF_TOKEN", hub.add_user("eve"))
    result = push_adapter(folder, "ada/adapter", create_pr=True, commit_message="Better weights")
    assert result.url == f"{hub.url}/ada/adapter/discussions/1"
    again = push_adapter(folder, "ada/adapter", revision="refs/pr/1", commit_message="Nothing new")
    assert again.sha == result.sha
    HfApi(token=token).merge_pull_request("ada/adapter", 1)
    repo = hub.repo("ada/adapter")
    assert repo.commits()[0].title == "Better weights (#1)"
    assert repo.read("adapters.safetensors") == (folder / "adapters.safetensors").read_bytes()


def test_pushed_files_never_hold_the_token(hub: HubServer, token: str, folder: Path) -> None:
    push_adapter(folder, "ada/adapter")
    repo = hub.repo("ada/adapter")
    assert not any(token.encode() in repo.read(name) for name in repo.files())
    shutil.rmtree(folder / "checkpoints")
    assert token not in json.dumps(EvalReport.load(folder).to_json())
