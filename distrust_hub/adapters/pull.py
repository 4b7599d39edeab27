"""Fetch a published adapter, verified before anything reads it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

from distrust_hub.adapters.peft_format import convert_peft_to_mlx, write_peft
from distrust_hub.adapters.verify import MAX_ADAPTER_BYTES, verify_adapter
from distrust_hub.artifacts import (
    ADAPTER_CONFIG_FILE,
    ADAPTER_FILE,
    CARD_FILE,
    METRICS_FILE,
    PEFT_ADAPTER_FILE,
    EvalReport,
    Manifest,
    TrainingRun,
)
from distrust_hub.errors import AdapterError, OutputExistsError
from distrust_hub.hub.client import hub_api, hub_errors, is_repo_id, reach, snapshot
from distrust_hub.hub.refusals import bad_repo_id
from distrust_hub.hub.retries import retrying
from distrust_hub.models.cache import build_folder

ADAPTER_FILES = (
    ADAPTER_FILE,
    PEFT_ADAPTER_FILE,
    ADAPTER_CONFIG_FILE,
    TrainingRun.FILE_NAME,
    METRICS_FILE,
    EvalReport.FILE_NAME,
    Manifest.FILE_NAME,
)
"""All that is ever read from a repo, beside the card: no pickle, no code."""


MAX_TEXT_BYTES = 1 << 28
"""Largest card or JSON file fetched: the metrics of a million steps, the largest of them, are about this."""

_PICKLE = "adapter_model.bin"
"""How PEFT saved weights before safetensors."""


def pull_adapter(
    repo_id: str,
    *,
    revision: str | None = None,
    local_dir: str | Path | None = None,
    api: HfApi | None = None,
) -> Path:
    """Download an adapter and verify it; one that only PEFT can read is converted.

    Only safetensors, JSON and the card are fetched, and only under the names an adapter folder has.

    Args:
        repo_id: ``owner/name``.
        revision: Branch, tag or commit; main when None.
        local_dir: Folder to put it in, which must be empty or absent; the cache when None.
        api: Client to use.

    Returns:
        Folder that ``load_adapter`` and ``mlx_lm.load(adapter_path=...)`` take.

    Raises:
        HubError: The download failed.
        AdapterError: What came is not a working adapter, or the repo holds unsafe file names.
        OutputExistsError: ``local_dir`` holds files.
    """
    if not is_repo_id(repo_id):
        raise bad_repo_id(repo_id, "model")
    target = None if local_dir is None else Path(local_dir)
    if target is not None and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputExistsError(f"{target}: holds files already; give an empty folder or another --local-dir")
    api = api or hub_api()
    _refuse_unsafe_files(api, repo_id, revision)
    folder, sha = snapshot(repo_id, revision=revision, allow_patterns=[*ADAPTER_FILES, CARD_FILE], api=api)
    verify_adapter(folder)
    if (folder / ADAPTER_FILE).is_file():
        return folder if target is None else _fill(target, folder)
    target = target or _converted_folder(repo_id, sha)
    if (target / ADAPTER_FILE).is_file():
        verify_adapter(target)
        return target
    return _fill(target, folder, convert=True)


def _refuse_unsafe_files(api: HfApi, repo_id: str, revision: str | None) -> None:
    """Refuse a repo with a file name that leaves its folder, or too large an adapter, before anything is fetched."""
    with hub_errors(repo_id, "model", revision):
        try:
            reach(api)
            entries = retrying(lambda: list(api.list_repo_tree(repo_id, revision=revision, recursive=True)))
        except HfHubHTTPError:
            raise
        except (HTTPError, OfflineModeIsEnabled):
            return  # offline: the download answers from the cache, or says why it cannot
    for entry in entries:
        name, size = entry.path, getattr(entry, "size", 0)
        most = MAX_ADAPTER_BYTES if name.endswith(".safetensors") else MAX_TEXT_BYTES
        if name in (*ADAPTER_FILES, CARD_FILE) and size > most:
            problem = f"{repo_id}: {name} has {size} bytes, more than the {most} of any adapter"
            raise AdapterError(f"{problem}; nothing was downloaded")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or ":" in name or not name.isprintable():
            raise AdapterError(f"{repo_id}: holds a file with the unsafe name {name!r}; nothing was downloaded")
    names = {entry.path for entry in entries}
    if _PICKLE in names and not names & {ADAPTER_FILE, PEFT_ADAPTER_FILE}:
        problem = f"{repo_id}: its weights are in {_PICKLE} alone, a pickle, which is never read"
        raise AdapterError(f"{problem}; ask its author for {PEFT_ADAPTER_FILE}")


def _converted_folder(repo_id: str, sha: str) -> Path:
    return Path(constants.HF_HOME) / "distrust-hub" / "adapters" / repo_id.replace("/", "--") / sha


def _fill(target: Path, source: Path, convert: bool = False) -> Path:
    """Copy an adapter into an empty folder, or one that is whole or not there; optionally add the MLX form of PEFT's.

    An empty folder is not replaced: it may be a mount, a link or the current one.
    """
    there = target.is_dir()
    with tempfile.TemporaryDirectory(dir=target) if there else build_folder(target) as temporary:
        draft = Path(temporary)
        for name in (*ADAPTER_FILES, CARD_FILE):
            if (source / name).is_file():
                shutil.copyfile(source / name, draft / name)
        if convert:
            convert_peft_to_mlx(source, draft)
            write_peft(draft)  # with the ranks of the MLX form, which adapter_config.json now names
            verify_adapter(draft)
        for file in draft.iterdir() if there else ():
            file.replace(target / file.name)
    return target
