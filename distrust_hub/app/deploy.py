"""Create or update a Space that runs the app: the files of ``space/``, filled in, in one commit."""

from __future__ import annotations

import dataclasses

from huggingface_hub import HfApi

from distrust_hub.errors import ConfigError
from distrust_hub.files import shipped_text
from distrust_hub.hub.client import check_can_write, hub_api, hub_errors, is_repo_id, split_revision
from distrust_hub.hub.publish import commit_files, remote_files
from distrust_hub.hub.refusals import repo_page

_FILES = ("README.md", "app.py", "packages.txt", "requirements.txt")
_ZERO_GPU_REQUIREMENTS = "requirements-zerogpu.txt"
_SERVICE = "ChatService()"
"""Where ``space/app.py`` takes a model or an adapter."""


def push_space(
    repo_id: str,
    *,
    model: str | None = None,
    adapter: str | None = None,
    zero_gpu: bool = False,
    private: bool = False,
    dry_run: bool = False,
    api: HfApi | None = None,
) -> tuple[str, tuple[str, ...]]:
    """Publish the app as a Gradio Space; files of a Space that are not ours stay as they are.

    Args:
        repo_id: ``owner/name``, or a bare name in the user's own namespace.
        model: Hub id of the base model to offer; None for the default one.
        adapter: Hub id of an adapter to offer.
        zero_gpu: For ZeroGPU hardware (PyTorch) in place of CPU Basic (MLX).
        private: Make the Space private if it is created; one that is public is refused.
        dry_run: Everything but the writing; without a token the Hub is not asked.
        api: Client to use.

    Returns:
        Address of the Space, and the files in the commit.

    Raises:
        ConfigError: If model or adapter is not a Hub id: a Space has no other place to take it from.
        HubError: The Hub refused.
    """
    api = api or hub_api()
    files = space_files(model, adapter, zero_gpu)
    access = check_can_write(repo_id, "space", private=private, dry_run=dry_run, api=api)
    names = tuple(sorted(files))
    if dry_run:
        return repo_page(access.repo_id, "space", api.endpoint), names
    if not access.exists:
        with hub_errors(access.repo_id, "space"):
            api.create_repo(access.repo_id, repo_type="space", space_sdk="gradio", private=private)
        access = dataclasses.replace(access, exists=True)
    stale = remote_files(api, access, "space") & {"packages.txt"} - set(files)
    message = "Update distrust-hub" if access.sha else "Run distrust-hub"
    url, _ = commit_files(api, access, "space", files, delete=sorted(stale), message=message)
    return url, names


def space_files(model: str | None, adapter: str | None, zero_gpu: bool) -> dict[str, bytes]:
    """Path in the Space -> content."""
    files = {name: _template(name) for name in _FILES}
    if zero_gpu:
        files["requirements.txt"] = _template(_ZERO_GPU_REQUIREMENTS)
        del files["packages.txt"]  # a compiler, for MLX alone
    given = [(name, value) for name, value in (("model", model), ("adapter", adapter)) if value]
    arguments = ", ".join(f"{name}={_hub_id(name, value)!r}" for name, value in given)
    files["app.py"] = files["app.py"].replace(_SERVICE, f"ChatService({arguments})")
    return {name: text.encode() for name, text in files.items()}


def _hub_id(name: str, value: str) -> str:
    if not is_repo_id(split_revision(value)[0]):
        raise ConfigError(f"{name} is {value!r}; a Space can only load a Hub id such as owner/name")
    return value


def _template(name: str) -> str:
    """A file of ``space/``."""
    return shipped_text(f"app/space/{name}", f"space/{name}")
