from __future__ import annotations

import ast

import pytest

from distrust_hub.app.deploy import push_space, space_files
from distrust_hub.cli.main import main
from distrust_hub.errors import ConfigError, HubAuthError

hub_test = pytest.mark.hub
FILES = ["README.md", "app.py", "packages.txt", "requirements.txt"]


def test_space_files_put_model_and_adapter_into_the_app():
    source = space_files("owner/base", "you/lean@v1", False)["app.py"].decode()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    service = next(call for call in calls if getattr(call.func, "id", "") == "ChatService")
    given = {keyword.arg: keyword.value.value for keyword in service.keywords}
    assert given == {"model": "owner/base", "adapter": "you/lean@v1"}
    assert not space_files(None, None, False)["app.py"].count(b"model=")


@pytest.mark.parametrize("name", ["/home/me/adapter", "adapter", "x'); import os; ('/y"])
def test_space_files_refuse_what_a_space_cannot_load(name):
    with pytest.raises(ConfigError, match="Hub id"):
        space_files(None, name, False)


def test_space_files_for_zero_gpu_take_pytorch():
    files = space_files(None, None, True)
    assert b"[zerogpu]" in files["requirements.txt"]
    assert "packages.txt" not in files


@hub_test
def test_push_space_creates_and_updates_in_one_commit_each(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    url, names = push_space("ada/demo", private=True)
    repo = hub.repo("ada/demo", "space")
    made = len(repo.commits())
    assert url == f"{hub.url}/spaces/ada/demo"
    assert set(repo.files()) - {".gitattributes"} == set(FILES)
    assert list(names) == FILES
    assert (repo.sdk, repo.private) == ("gradio", True)
    push_space("ada/demo", adapter="ada/lean", zero_gpu=True)
    assert len(repo.commits()) == made + 1
    assert b"ada/lean" in repo.read("app.py")
    assert set(repo.files()) - {".gitattributes"} == set(FILES) - {"packages.txt"}
    assert b"[zerogpu]" in repo.read("requirements.txt")


@hub_test
def test_push_space_dry_run_and_refusals_write_nothing(hub, monkeypatch, capsys):
    with pytest.raises(HubAuthError, match="no Hugging Face token"):
        push_space("ada/demo")
    assert main(["app", "--push-space", "ada/demo", "--dry-run"]) == 0  # needs no token, as dry runs of push
    assert capsys.readouterr().out.split() == FILES
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    assert main(["app", "--push-space", "ada/demo", "--dry-run"]) == 0
    assert capsys.readouterr().out.split() == FILES
    with pytest.raises(HubAuthError, match="belongs to bob"):
        push_space("bob/demo")
    assert not hub.has_repo("ada/demo", "space")
    assert not [request for request in hub.requests if request.method != "GET"]


def test_options_of_push_space_alone_are_refused(capsys):
    assert main(["app", "--zero-gpu"]) == 2
    assert "--push-space" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--auth-file", "people"], ["--share"], ["--text-chars", "10"]])
def test_options_that_a_space_would_not_keep_are_refused(options, capsys):
    assert main(["app", "--push-space", "ada/demo", *options]) == 2
    assert f"{options[0]} is for an app on this machine and would not hold in the Space" in capsys.readouterr().err
