"""Rows of Hub datasets to files, several datasets at once: only what is asked for, pinned, and not twice.

The working folder holds, for each dataset, the commit that was resolved first (``KEY.json``) and then its rows
(``KEY.jsonl``, whole or not there). After a kill the same command reads on from there: at the same commits, whatever
the Hub has by then, so the result is the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HfHubHTTPError
from tqdm import tqdm

from distrust_hub.errors import DataError, HubError
from distrust_hub.files import plain, read_json, type_name, write_json, write_jsonl
from distrust_hub.hub import retries
from distrust_hub.hub.client import hub_api, hub_errors, split_revision
from distrust_hub.hub.rows import import_datasets, iter_rows, iter_rows_by_file, resolve_revision
from distrust_hub.preparation.specs import InputSpec

logger = logging.getLogger(__name__)

AT_ONCE = 4
"""Datasets read at the same time; each is read row by row, so this bounds the requests under way."""


_DRIFT = "column names don't match"
"""How ``datasets`` says that a file has other columns than the first."""


@dataclass(frozen=True)
class Fetched:
    """Rows of a Hub dataset on this machine.

    Attributes:
        path: JSON Lines file.
        revision: Commit they are from, None where the Hub could not be asked (offline).
    """

    path: Path
    revision: str | None


def fetch_inputs(
    specs: Sequence[InputSpec], folder: Path, *, strict: bool = False
) -> tuple[dict[int, Fetched], list[dict[str, str]]]:
    """Read every input that is on the Hub.

    Args:
        specs: All inputs; those on disk are passed over.
        folder: Working folder; may hold what an earlier run left.
        strict: Stop at the first dataset that cannot be read.

    Returns:
        {index of the input: its rows}, and ``name`` and ``problem`` of each dataset that is gated, gone, renamed or
        cannot be read.

    Raises:
        HubError: With ``strict``, or if no input at all could be read.
    """
    wanted = {index: spec for index, spec in enumerate(specs) if spec.on_hub}
    if not wanted:
        return {}, []
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[int, Fetched] = {}
    problems: dict[int, HubError | DataError] = {}
    total = sum(spec.rows or 0 for spec in wanted.values()) or None
    with (
        tqdm(total=total, desc="fetching", unit="row", disable=None, leave=False) as bar,
        ThreadPoolExecutor(AT_ONCE) as pool,
        _Fetcher(folder, bar) as fetcher,
    ):
        tasks = {index: pool.submit(fetcher.fetch, spec) for index, spec in wanted.items()}
        for index, task in tasks.items():
            try:
                found[index] = task.result()
            except (HubError, DataError) as error:
                problems[index] = error
                if strict:
                    raise
                logger.warning("left out: %s", error)
    if len(problems) == len(specs):
        with contextlib.suppress(OSError):  # where it holds something, that is for the next run
            folder.rmdir()
        raise next(iter(problems.values()))
    return found, [{"name": specs[i].source, "problem": " ".join(str(e).split())} for i, e in problems.items()]


class _Fetcher:
    """Fetches datasets in several threads; all of them stop when its block is left by an error or Ctrl-C."""

    def __init__(self, folder: Path, bar: Any) -> None:
        self._folder, self._bar, self._stop = folder, bar, threading.Event()

    def __enter__(self) -> _Fetcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stop.set()

    def fetch(self, spec: InputSpec) -> Fetched:
        """Rows of a dataset, from the working folder if they are there."""
        repo_id, revision = split_revision(spec.source)
        wanted = json.dumps([repo_id, revision, spec.config, spec.split, spec.rows])
        key = hashlib.sha256(wanted.encode()).hexdigest()[:16]
        pin, rows = self._folder / f"{key}.json", self._folder / f"{key}.jsonl"
        if pin.is_file():
            commit = read_json(pin)["revision"]
        else:
            commit = resolve_revision(repo_id, revision)
            write_json(pin, {"source": spec.source, "revision": commit})
        if not rows.is_file():
            self._patiently(lambda: write_jsonl(rows, self._rows(spec, repo_id, commit or revision)))
        return Fetched(rows, commit)

    def _rows(self, spec: InputSpec, repo_id: str, revision: str | None) -> Iterator[dict[str, Any]]:
        for row in itertools.islice(_every_split(spec, repo_id, revision), spec.rows):
            if self._stop.is_set():
                raise CancelledError
            self._bar.update()
            yield plain(row, other=type_name)

    def _patiently(self, work: Callable[[], object]) -> None:
        """Do the work, again after a pause where the Hub was busy or asked to wait."""
        for wait in retries.WAITS:
            try:
                work()
                return
            except HubError as error:
                if error.__cause__ is None or not retries.is_transient(error.__cause__):
                    raise
                asked = retries.seconds_to_wait(error.__cause__)
                if asked > retries.MAX_WAIT:
                    raise
                pause = max(wait, asked)
                logger.info("%s; trying again in %g s", error, pause)
                if self._stop.wait(pause):
                    raise CancelledError from error
        work()


def _every_split(spec: InputSpec, repo_id: str, revision: str | None) -> Iterator[dict[str, Any]]:
    """Rows of the split asked for, or of one after the other where none is."""
    splits = [spec.split] if spec.split else _split_names(repo_id, spec.config, revision)
    for split in splits:
        yield from _with_any_columns(spec, split, repo_id, revision)


def _split_names(repo_id: str, config: str | None, revision: str | None) -> list[str]:
    datasets = import_datasets("reading a dataset from the Hub")
    api = hub_api()
    with hub_errors(repo_id, "dataset", revision):
        try:
            names: list[str] = datasets.get_dataset_split_names(repo_id, config, revision=revision, token=api.token)
        except (ValueError, ConnectionError, datasets.exceptions.DatasetsError) as error:
            if isinstance(error, HfHubHTTPError):
                raise
            said = " ".join(str(error).split())[:300]
            raise DataError(f"its splits cannot be told; name one in a recipe: {said}", path=repo_id) from error
    return names


def _with_any_columns(spec: InputSpec, split: str, repo_id: str, revision: str | None) -> Iterator[dict[str, Any]]:
    """Rows of a split; where its files turn out to have different columns, the rest is read file by file."""
    count = 0
    try:
        for row in iter_rows(repo_id, split=split, config=spec.config, revision=revision):
            yield row
            count += 1
    except DataError as error:
        if _DRIFT not in str(error):
            raise
        logger.info("%s: its files have different columns; each is read with its own", repo_id)
        rows = iter_rows_by_file(repo_id, split=split, config=spec.config, revision=revision)
        yield from itertools.islice(rows, count, None)
