"""What a run has scored so far, on disk, so that an interrupted suite goes on where it stopped.

``partial_SUITE.jsonl`` (``partial_SUITE_ADAPTER.jsonl``) stands beside the results from the first scores of a suite
on. Its first line says what was scored with; each further line is one log-probability under the hash of its tokens and
of that first line, so that nobody reads what another run, of another model, writes to the same file at the same time.
The file is removed when its suite is written.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrust_hub.files import atomic_write

Tokens = tuple[int, ...]
Key = tuple[Tokens, Tokens]


class Journal:
    """Log-probabilities by the tokens they belong to.

    Args:
        path: The file; None keeps nothing.
        identity: JSON values that decide every number: model, adapter, version.
        resume: Read what an earlier run left. A file of another identity is replaced, and a last line that was cut
            off is passed over.
    """

    def __init__(self, path: Path | None, identity: Mapping[str, Any] | None = None, *, resume: bool = False) -> None:
        self.path = path
        self._known: dict[str, float] = {}
        self._first = json.dumps(identity or {}, sort_keys=True)
        if path is None:
            return
        lines = path.read_text(encoding="utf-8").splitlines() if resume and path.is_file() else []
        if lines[:1] == [self._first]:
            self._known = _read(lines[1:])
        if not self._known:
            self.remove()
            return
        rows = (json.dumps(row) for row in self._known.items())
        with atomic_write(path) as stream:
            stream.writelines(f"{line}\n" for line in (self._first, *rows))

    def get(self, key: Key) -> float | None:
        """The total of this context and continuation in nats, if it is known."""
        return self._known.get(self._name(key))

    def add(self, totals: Mapping[Key, float]) -> None:
        """Keep finite totals; they are on disk when this returns.

        Raises:
            OSError: If they cannot be written. What was kept before stays; a file that holds nothing yet goes.
        """
        fresh = {self._name(key): total for key, total in totals.items() if math.isfinite(total)}
        if self.path is None or not fresh:
            return
        begin = [] if self._known else [self._first]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.writelines(f"{line}\n" for line in (*begin, *map(json.dumps, fresh.items())))
        except OSError:
            if not self._known:
                self.remove()
            raise
        self._known.update(fresh)

    def remove(self) -> None:
        """The suite is done and written; nothing is left to resume."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _name(self, key: Key) -> str:
        return hashlib.sha256(f"{self._first}{key!r}".encode()).hexdigest()[:32]


def _read(lines: list[str]) -> dict[str, float]:
    known: dict[str, float] = {}
    for line in lines:
        try:
            name, total = json.loads(line)
        except ValueError:  # cut off when the process was killed
            continue
        known[str(name)] = float(total)
    return known
