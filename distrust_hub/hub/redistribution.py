"""What of a row may be published: its licence, the personal data in it, and the row without its text."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from distrust_hub.pii import Kind, mask_personal_data, mask_secrets
from distrust_hub.schema import SCORE_COLUMNS, SOURCE_TYPES, TIERS

# fmt: off
REDISTRIBUTABLE = frozenset((
    # No rights left, or given up.
    "public domain", "public domain mark", "public domain dedication", "pd", "pdm", "us government",
    "us government work", "cc0", "cc zero", "creative commons zero", "creative commons cc0", "pddl",
    "unlicense", "0bsd", "wtfpl",
    # Creative Commons, with and without share-alike.
    "cc by", "cc by sa", "creative commons attribution", "creative commons attribution sharealike",
    "creative commons attribution share alike",
    # Data and government licences.
    "odc by", "odbl", "cdla permissive", "cdla sharing", "etalab", "open government", "ogl", "ogl uk", "gfdl",
    # Software licences, which documentation is often under.
    "apache", "mit", "isc", "zlib", "bsd", "bsd 2 clause", "bsd 3 clause", "bsd 3 clause clear", "afl", "artistic",
    "bsl 1.0", "boost", "ecl", "epl", "eupl", "gpl", "lgpl", "agpl", "mpl", "ms pl", "ncsa", "ofl", "osl", "lppl",
    "postgresql",
))
# fmt: on
"""Licences under which anybody may pass on a text for any purpose, as their SPDX names without version (spaces for
hyphens) or the phrase people write. Non-commercial and no-derivatives licences are not here: what they allow depends
on who publishes and why. A bare ``cc`` or ``other`` says nothing."""

_RESTRICTION = re.compile(
    r"\b(?:nc|nd|no|not|non|noncommercial|noderivatives|noderivs|except|proprietary|reserved|restricted|"
    r"restrictions?|unknown|unclear|private|confidential|prohibited|forbidden|fair use|(?<![\d.]-)only)\b"
)
"""Words that turn a phrase around wherever they stand, also in a remark in brackets."""

_CC_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?creativecommons\.org/(licenses|publicdomain)/([a-z-]+)\S*")
_REMARK = re.compile(r"\([^()]*\)")
_LATER = re.compile(r"-(?:only|or-later)\b")
_CHOICES = re.compile(r"[/,;+&]|\b(?:or|and)\b")
_FILLER = re.compile(r"\b(?:the|in|under|licen[sc]ed?|version|international|unported|generic|universal|deed|work of)\b")
_VERSION = re.compile(r"\s+v?\d+(?:\.\d+)*[a-z]?(?: [a-z]{2})?$")


def allows_redistribution(license: object) -> bool:
    """Whether a licence, as a dataset spells it, is one of REDISTRIBUTABLE.

    Remarks in brackets, versions and separators do not matter (``"CC BY-SA 4.0 (LICENSE)"``, ``"Apache-2.0"``); of
    several licences (``"public domain / CC0"``) each must allow it. Anything not recognised counts as not allowed.
    """
    if isinstance(license, (list, tuple)):
        return bool(license) and all(map(allows_redistribution, license))
    if not isinstance(license, str) or _RESTRICTION.search(_plain(license).replace("_", " ")):
        return False
    named = license_names(license)
    return bool(named) and all(part in REDISTRIBUTABLE for part in named)


def license_names(license: str) -> list[str]:
    """The licences that a text names, as REDISTRIBUTABLE spells those it holds: no remark, version or address."""
    parts = [_bare(part) for part in _CHOICES.split(_REMARK.sub(" ", _LATER.sub("", _plain(license))))]
    return [part for part in parts if part]


def _plain(license: str) -> str:
    return _CC_ADDRESS.sub(_of_address, license.lower().replace("u.s.", "us"))


def _of_address(match: re.Match[str]) -> str:
    if match[1] == "publicdomain":
        return "cc0" if match[2].startswith("zero") else "public domain"
    return f"cc-{match[2]}"


def _bare(part: str) -> str:
    """A licence without filler words, separators and version."""
    words = " ".join(_FILLER.sub(" ", re.sub(r"[^a-z0-9.]+", " ", part)).split()).strip(".")
    words = words.removesuffix(" public domain dedication")  # of CC0's full title
    if words in REDISTRIBUTABLE:
        return words
    return re.sub(r"^v?[\d.]+$", "", _VERSION.sub("", words))


_ORIGIN = re.compile(r"(?:text, )?metadata:[a-z_]{1,24}|text|dateline|stated(?:, in an edition of \d{4})?")
"""What ``source_type_origin`` and ``year_origin`` say."""

PersonalData = Literal["mask", "drop", "keep"]
"""What happens to a row with e-mail addresses or telephone numbers."""

_NAMES = frozenset(("id", "text_sha256", "source_url"))
"""Columns that point somewhere: only keys are masked in them."""


@dataclass(frozen=True)
class Release:
    """How rows are published.

    Attributes:
        scores_only: Without the texts, see ``without_text``.
        personal_data: Rows with e-mail addresses or telephone numbers: ``mask`` these, ``drop`` the row, or ``keep``
            it as it is. Keys and tokens are masked whatever it says.
    """

    scores_only: bool = False
    personal_data: PersonalData = "mask"

    def apply(self, row: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Counter[Kind]]:
        """The row to publish, or None, and what was found in it.

        Where a text changed, the spans of its evidence no longer fit and are left out.
        """
        found: Counter[Kind] = Counter()
        kept = without_text(row) if self.scores_only else dict(row)
        masked = {name: _masked(value, name not in _NAMES, found) for name, value in kept.items()}
        personal = found["email"] + found["phone"]
        if personal and self.personal_data == "drop":
            return None, found
        if personal and self.personal_data == "keep":
            masked = {name: _masked(value, False, Counter()) for name, value in kept.items()}
        if masked.get("text") != kept.get("text") and isinstance(masked.get("evidence"), list):
            masked["evidence"] = [_without_span(line) for line in masked["evidence"]]
        return masked, found


def _masked(value: Any, everything: bool, found: Counter[Kind]) -> Any:
    """A JSON value with keys, and with ``everything`` personal data too, masked in its strings."""
    if isinstance(value, str):
        if not everything:
            return mask_secrets(value)
        text, counts = mask_personal_data(value)
        found.update(counts)
        return text
    if isinstance(value, list):
        return [_masked(entry, everything, found) for entry in value]
    if isinstance(value, dict):
        return {name: _masked(entry, everything, found) for name, entry in value.items()}
    return value


def _without_span(line: Any) -> Any:
    return {name: value for name, value in line.items() if name != "span"} if isinstance(line, dict) else line


def without_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """What ``--scores-only`` publishes of a scored row: nothing a reader could put the text together from.

    Args:
        row: A row as ``schema.ScoredDocument.to_row`` writes it.

    Returns:
        ``schema``, ``id``, ``text_sha256`` (64 hex digits of the UTF-8 text), the score columns, ``synthetic`` where
        the row says so, and ``evidence`` as axis, component, contribution and place, without matched text and reasons.
    """
    digest = hashlib.sha256(row["text"].encode("utf-8", "replace")).hexdigest()
    found = {"schema": row["schema"], "id": row["id"], "text_sha256": digest}
    for name in (*SCORE_COLUMNS, "synthetic"):
        value = row.get(name)
        said = isinstance(value, str) and (value in (*TIERS, *SOURCE_TYPES) or _ORIGIN.fullmatch(value))
        if said or isinstance(value, (int, float)):
            found[name] = value
    if isinstance(row.get("evidence"), list):
        found["evidence"] = [_place(line) for line in row["evidence"] if isinstance(line, Mapping)]
    return found


def _place(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("axis", "component", "contribution", "span", "field")
    return {name: line[name] for name in kept if line.get(name) is not None}
