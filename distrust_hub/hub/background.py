"""Publish a run while it goes on: one thread, always the newest checkpoint, training never waits."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

from distrust_hub.errors import DistrustHubError
from distrust_hub.hub.adapters import push_adapter
from distrust_hub.hub.client import hub_api

logger = logging.getLogger(__name__)


_DRAFT = ".publishing-"


class BackgroundPush:
    """Pushes a run at every save; to be used as a context, whose end waits for the last push.

    Every push is one commit of a verified adapter, so main always loads. A save that comes while another is being
    pushed replaces the one that waits. A push that fails is logged, and the run goes on.

    Args:
        folder: Adapter folder of the run; drafts are made in it.
        repo_id: ``owner/name``.
        checkpoint: Push the checkpoint too.
        **options: As for ``push_adapter``.
    """

    def __init__(self, folder: str | Path, repo_id: str, *, checkpoint: bool = False, **options: Any) -> None:
        self.folder, self.repo_id = Path(folder), repo_id
        self._options = {**options, "checkpoint": checkpoint}
        self._api = hub_api()
        self._lock = threading.Lock()
        self._waiting: tuple[Path, Callable[[Path, Path], None]] | None = None
        self._future: Future[None] | None = None

    def __enter__(self) -> BackgroundPush:
        for left in self.folder.glob(f"{_DRAFT}*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._future is not None:
            self._future.result()

    def __call__(self, checkpoint: Path, write: Callable[[Path, Path], None]) -> None:
        """Publish a new checkpoint as soon as the thread is free.

        Args:
            checkpoint: Its folder; linked or copied at once, since training may remove it.
            write: Writes (checkpoint, as the adapter folder).
        """
        draft = None
        try:
            draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder))
            held = draft / "checkpoints" / checkpoint.name
            shutil.copytree(checkpoint, held, copy_function=_link)
        except OSError as error:  # a full disk
            if draft:
                shutil.rmtree(draft, ignore_errors=True)
            logger.warning("%s was not published: %s; the run goes on", checkpoint.name, error)
            return
        with self._lock:
            replaced, self._waiting = self._waiting, (held, write)
        if replaced:
            shutil.rmtree(replaced[0].parents[1], ignore_errors=True)
        self._future = self._api.run_as_future(self._push_newest)

    def _push_newest(self) -> None:
        with self._lock:
            newest, self._waiting = self._waiting, None
        if newest is None:
            return
        checkpoint, write = newest
        draft = checkpoint.parents[1]
        step = int(checkpoint.name.removeprefix("step-"))
        message = self._options.get("commit_message") or f"Training in progress, step {step}"
        try:
            write(checkpoint, draft)
            push_adapter(draft, self.repo_id, **{**self._options, "commit_message": message}, api=self._api)
        except (DistrustHubError, OSError) as error:
            logger.warning("step %d was not published: %s; the run goes on", step, error)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
