"""Read datasets from the Hub: rows one by one, or a published training folder as files."""

from __future__ import annotations

import contextlib
import glob
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

from distrust_hub.artifacts import SPLIT_FILES, TRAIN_FILE, VALID_FILE, Manifest
from distrust_hub.errors import DataError, HubError, MissingDependencyError
from distrust_hub.files import sha256_file, write_jsonl
from distrust_hub.hub.client import hub_api, hub_errors, snapshot
from distrust_hub.hub.refusals import hub_address
from distrust_hub.hub.retries import retrying
from distrust_hub.pii import redact
from distrust_hub.schema import ScoredDocument

_PARQUET_MAGIC = b"PAR1"
"""A parquet file starts and ends with this."""

_GIVEN_UP = "Server Disconnected"
"""What ``datasets`` says after its own 20 tries of some half a minute each: no reason to begin anew."""

logger = logging.getLogger(__name__)


def resolve_revision(repo_id: str, revision: str | None = None, *, api: HfApi | None = None) -> str | None:
    """The commit of a dataset that a revision stands for, None where the Hub must not be asked (offline).

    Raises:
        HubError: The dataset, revision or Hub cannot be reached.
    """
    api = api or hub_api()
    with hub_errors(repo_id, "dataset", revision):
        try:
            sha: str | None = retrying(lambda: api.repo_info(repo_id, repo_type="dataset", revision=revision)).sha
        except OfflineModeIsEnabled:
            logger.info("offline: %s is read from the cache", repo_id)
            return None
    return sha


def iter_rows(
    repo_id: str,
    *,
    split: str = "train",
    config: str | None = None,
    revision: str | None = None,
    streaming: bool = True,
    api: HfApi | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of any dataset on the Hub, without the columns a row has no value for.

    Args:
        repo_id: ``owner/name``.
        split: Split to read; ``valid`` is read as ``validation``.
        config: Configuration, for a dataset with several.
        revision: Branch, tag or commit; main when None.
        streaming: Read over the network row by row; otherwise download into the cache first.
        api: Client whose token and endpoint are used.

    Raises:
        HubError: The dataset, revision or Hub cannot be reached.
        DataError: There is no such split or configuration, or the files cannot be read.
    """
    datasets = import_datasets("reading a dataset from the Hub")
    api = api or hub_api()
    revision = resolve_revision(repo_id, revision, api=api) or revision
    with hub_errors(repo_id, "dataset", revision):
        split = "validation" if split == "valid" else split
        with _dataset_errors(datasets, repo_id):
            rows = retrying(
                lambda: datasets.load_dataset(
                    repo_id, config, split=split, revision=revision, streaming=streaming, token=api.token
                )
            )
            for row in rows:
                yield {name: value for name, value in row.items() if value is not None}


def iter_rows_by_file(
    repo_id: str,
    *,
    split: str = "train",
    config: str | None = None,
    revision: str | None = None,
    api: HfApi | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of ``iter_rows``, each file read with the columns it has: for files that do not share one schema."""
    datasets = import_datasets("reading a dataset from the Hub")
    api = api or hub_api()
    with hub_errors(repo_id, "dataset", revision), _dataset_errors(datasets, repo_id):
        builder = datasets.load_dataset_builder(repo_id, config, revision=revision, token=api.token)
        for file in builder.config.data_files["validation" if split == "valid" else split]:
            rows = datasets.load_dataset(
                builder.name, data_files=[file], split="train", streaming=True, token=api.token
            )
            for row in rows:
                yield {name: value for name, value in row.items() if value is not None}


@contextlib.contextmanager
def _dataset_errors(datasets: Any, repo_id: str) -> Iterator[None]:
    """Turn what ``datasets`` raises about a repo into one line; errors of the Hub client pass."""
    try:
        yield
    except ConnectionError as error:
        lost = _lost_connection(error)
        if lost is None:
            message = "is not in the cache and the Hub cannot be asked; unset HF_HUB_OFFLINE or connect"
        else:
            said = redact(repr(lost))[:200]  # a client's error may hold the header that it could not send
            message = f"could not be read: no connection to {hub_address()} ({said}); check it, then run again"
        given_up = str(error) == _GIVEN_UP
        cause = error if given_up or lost is None else lost
        raise HubError(f"dataset {repo_id} {message}", repo_id=repo_id, repo_type="dataset") from cause
    except (ValueError, datasets.exceptions.DatasetsError, datasets.data_files.EmptyDatasetError) as error:
        if isinstance(error, HfHubHTTPError):
            raise
        said = redact(str(error))[:300]
        raise DataError(f"cannot be read as a dataset: {said}", path=repo_id) from error


def _lost_connection(error: BaseException | None) -> HTTPError | None:
    """What the HTTP client said, where ``datasets`` has given up trying again."""
    while error is not None and not isinstance(error, HTTPError):
        error = error.__cause__ or error.__context__
    return error


def load_scored(
    repo_id: str, *, split: str = "train", revision: str | None = None, api: HfApi | None = None
) -> list[ScoredDocument]:
    """All rows of a scored dataset on the Hub, checked; raises as ``iter_rows`` does, DataError for a row too."""
    rows = iter_rows(repo_id, split=split, revision=revision, streaming=False, api=api)
    return [ScoredDocument.from_row(row, path=repo_id, line=number) for number, row in enumerate(rows, start=1)]


def pull_training_folder(repo_id: str, *, revision: str | None = None, api: HfApi | None = None) -> tuple[Path, str]:
    """A published training folder as files: ``train.jsonl``, ``valid.jsonl`` and ``manifest.json`` where there are.

    Args:
        repo_id: ``owner/name`` of a dataset that ``push_scored`` published, or that holds the JSON Lines themselves.
        revision: Branch, tag or commit; main when None.
        api: Client to use.

    Returns:
        The folder, and the commit it holds (40 hex digits).
    """
    patterns = [TRAIN_FILE, VALID_FILE, Manifest.FILE_NAME, "data/*.parquet"]
    folder, sha = snapshot(repo_id, repo_type="dataset", revision=revision, allow_patterns=patterns, api=api)
    if (folder / TRAIN_FILE).is_file():
        return folder, sha
    target = Path(constants.HF_HOME) / "distrust-hub" / "datasets" / repo_id.replace("/", "--") / sha
    for split, name in SPLIT_FILES.items():
        shards = sorted((folder / "data").glob(f"{split}-*.parquet"))
        if shards and not (target / name).is_file():
            write_jsonl(target / name, (row for shard in shards for row in parquet_rows(shard)))
    if not (target / TRAIN_FILE).is_file():
        raise DataError(f"holds neither {TRAIN_FILE} nor data/train-*.parquet; it is not a training set", path=repo_id)
    if (folder / Manifest.FILE_NAME).is_file():
        manifest = Manifest.load(folder)
        for split in ("train", "valid"):  # the same rows, perhaps masked, in files of other bytes
            if split in manifest.splits and (file := target / f"{split}.jsonl").is_file():
                manifest.splits[split]["sha256"] = sha256_file(file)
        manifest.save(target)
    return target, sha


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a parquet file in constant memory, without the columns a row has no value for."""
    datasets = import_datasets("reading parquet")
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - len(_PARQUET_MAGIC)))
        if stream.read() != _PARQUET_MAGIC:
            raise DataError("not a whole parquet file; write or download it again", path=path)
    import pyarrow

    try:
        for row in datasets.load_dataset("parquet", data_files=glob.escape(str(path)), split="train", streaming=True):
            yield {name: value for name, value in row.items() if value is not None}
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # not of the file's content
            raise
        said = " ".join(str(error).split())[:200]
        raise DataError(f"damaged parquet file ({said}); write or download it again", path=path) from error


def import_datasets(step: str) -> Any:
    """The ``datasets`` library, or MissingDependencyError that names the step."""
    try:
        import datasets
    except ImportError as error:
        raise MissingDependencyError("datasets", "data", step) from error
    return datasets
