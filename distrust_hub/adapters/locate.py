"""The folder of an adapter that is named by a path or a Hub id."""

from __future__ import annotations

from pathlib import Path

from distrust_hub.adapters.pull import pull_adapter
from distrust_hub.errors import AdapterError
from distrust_hub.hub.client import is_repo_id, split_revision


def locate_adapter(adapter: str | Path) -> Path:
    """The local folder of an adapter.

    Args:
        adapter: A folder, or a Hub id with an optional ``@revision``, which is downloaded and verified.

    Raises:
        AdapterError: If it is neither.
        HubError: If the download fails.
    """
    folder = Path(adapter).expanduser()
    if folder.is_dir():
        return folder
    repo_id, revision = split_revision(str(adapter))
    if not is_repo_id(repo_id):
        raise AdapterError(f"{adapter}: no such adapter folder; give a folder or a Hub id like name/adapter")
    return pull_adapter(repo_id, revision=revision)
