"""The registry of public Hub datasets by tier, as data (``sources.yaml``), and a check of it against the Hub.

An entry says what its page said on the date it was read; nothing here was tried against the live Hub
(``verified_live: false``), which is what ``distrust-hub prepare --check-sources`` is for.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from distrust_hub.errors import DataError, HubError
from distrust_hub.hub.rows import iter_rows, resolve_revision

_FILE = Path(__file__).with_name("sources.yaml")
_AT_ONCE = 4
_ROWS_LOOKED_AT = 5
"""A column may be empty in the first row."""


@dataclass(frozen=True)
class Source:
    """A public dataset.

    Attributes:
        name: Short name, unique.
        hub_id: ``owner/name``.
        tier: Tier most of it is expected in; what a document gets is what its own score says.
        source_type: One of ``schema.SOURCE_TYPES``.
        license: Licence its page states.
        size: Size its page states.
        why: What it is good for.
        pages: Where the facts were read.
        read_on: Date of that, ISO.
        verified_live: Whether the entry was tried against the live Hub.
        config: Configuration to read, None for the only one.
        split: Split to read.
        text: Column of the text.
        date: Column of the date or year, None where it has none.
        years: Years to keep, where only part of it is of the source type.
        columns: {column there: name to read it as}.
        values: What all its rows have in common besides licence and source type.
    """

    name: str
    hub_id: str
    tier: str
    source_type: str
    license: str
    size: str
    why: str
    pages: Sequence[str]
    read_on: str
    verified_live: bool
    config: str | None = None
    split: str = "train"
    text: str = "text"
    date: str | None = None
    years: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """The fields of an ``InputSpec`` that reads it."""
        columns = {**({self.date: "date"} if self.date and self.date not in ("date", "year") else {}), **self.columns}
        return {
            "source": self.hub_id,
            "text": self.text,
            "columns": columns,
            "values": {"source_type": self.source_type, "license": self.license, **self.values},
            "split": self.split,
            **{name: value for name in ("config", "years") if (value := getattr(self, name))},
        }


@cache
def registry() -> dict[str, Source]:
    """All sources by name, in the order of the file."""
    entries = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {entry["name"]: Source(**{**entry, "read_on": str(entry["read_on"])}) for entry in entries}


@dataclass(frozen=True)
class SourceCheck:
    """What the Hub has of a source.

    Attributes:
        source: The entry.
        problem: Why it cannot be used as described; None if it can.
        revision: Its commit, None where it was not found.
    """

    source: Source
    problem: str | None
    revision: str | None = None


def check_sources() -> list[SourceCheck]:
    """Look each source of the registry up on the Hub and read its first rows."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_check, registry().values()))


def _check(source: Source) -> SourceCheck:
    revision = None
    try:
        revision = resolve_revision(source.hub_id)
        rows = iter_rows(source.hub_id, split=source.split, config=source.config, revision=revision)
        found = {column: None for row in itertools.islice(rows, _ROWS_LOOKED_AT) for column in row}
    except (HubError, DataError) as error:
        return SourceCheck(source, " ".join(str(error).split()), revision)
    if not found:
        return SourceCheck(source, f"split {source.split!r} has no rows", revision)
    wanted = [source.text, *([source.date] if source.date else []), *source.columns]
    missing = [column for column in dict.fromkeys(wanted) if column not in found]
    problem = f"no column {', '.join(map(repr, missing))} (columns: {', '.join(sorted(found))})" if missing else None
    return SourceCheck(source, problem, revision)
