"""What an input of a preparation is: where it is, and how its columns read."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distrust_hub.errors import ConfigError
from distrust_hub.files import plain
from distrust_hub.scoring.era import metadata_year
from distrust_hub.scoring.inputs import source_files


@dataclass(frozen=True)
class InputSpec:
    """One input.

    Attributes:
        source: File, folder, glob, or Hub dataset ``OWNER/NAME[@REVISION]``.
        text: Column that holds the text; the option ``text_column`` where None.
        columns: {column as it is there: name to read it as}.
        values: {column: value} for rows that do not say, such as a licence all rows share.
        split: Split of a Hub dataset; None for all of them.
        config: Configuration of a Hub dataset that has several.
        rows: Read this many rows and no more.
        cap: Keep at most so many documents, drawn by the seed.
        years: Keep rows whose year or date lies in ``FIRST-LAST`` only.
    """

    source: str
    text: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = "train"
    config: str | None = None
    rows: int | None = None
    cap: int | None = None
    years: str | None = None

    def covers(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is of the years asked for; one without a year is not."""
        if self.years is None:
            return True
        first, last = (int(year) for year in self.years.split("-"))
        found = metadata_year(row)
        return found is not None and first <= found.year <= last

    @property
    def name(self) -> str:
        """How reports call it: Hub id, or name of the file or folder without the path to it."""
        return self.source.partition("@")[0] if self.on_hub else Path(os.path.abspath(self.source)).name

    @property
    def on_hub(self) -> bool:
        """Whether it is a Hub dataset; raises InputNotFoundError if it is nothing."""
        return source_files(self.source) is None

    def describe(self) -> dict[str, Any]:
        """What the manifest repeats of it: everything that is set, but no local path."""
        set_to = {entry.name: plain(getattr(self, entry.name), other=str) for entry in dataclasses.fields(self)[1:]}
        return {name: value for name, value in set_to.items() if value and (name != "split" or self.on_hub)}


def read_spec(entry: object, where: str) -> InputSpec:
    """An input as a recipe lists it: a name, or a mapping of InputSpec's fields.

    Args:
        entry: As YAML gives it.
        where: Recipe, for messages.

    Raises:
        ConfigError: If it is neither, or has an unknown key or a wrong value.
    """
    if isinstance(entry, str):
        entry = {"source": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("source"), str) or not entry["source"].strip():
        raise ConfigError(f"{where}: input {entry!r} is neither a name nor a mapping with 'source'")
    known = {one.name: one for one in dataclasses.fields(InputSpec)}
    for key, value in entry.items():
        if key not in known:
            raise ConfigError(
                f"{where}: input {entry['source']!r} has an unknown key {key!r}; known: {', '.join(known)}"
            )
        _check(where, entry["source"], key, value)
    return InputSpec(**entry)


def evaluation_spec(entry: str | InputSpec) -> InputSpec:
    """Evaluation data named without more is read whole: every split of a Hub dataset."""
    return InputSpec(entry, split=None) if isinstance(entry, str) else entry


def _check(where: str, source: str, key: str, value: object) -> None:
    if key in ("rows", "cap"):
        good = isinstance(value, int) and not isinstance(value, bool) and value > 0
        wanted = "a whole number above 0"
    elif key == "columns":
        good = isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)
        wanted = "a mapping of column names to column names"
    elif key == "years":
        good = isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d{4}", value)) and value[:4] <= value[5:]
        wanted = "two years, the first one first, such as 1700-1969"
    elif key == "values":
        good = isinstance(value, dict) and all(isinstance(name, str) for name in value)
        wanted = "a mapping of column names to values"
    else:
        good, wanted = isinstance(value, str), "text"
    if not good:
        raise ConfigError(f"{where}: {key} of input {source!r} is {value!r}; expected {wanted}")
