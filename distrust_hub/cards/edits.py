"""What a person wrote into a card: notes that survive regeneration, and a seal that shows other edits."""

from __future__ import annotations

import hashlib
import re

NOTES_START = "<!-- distrust-hub notes: what you write between these two lines is kept when the card is made again -->"
NOTES_END = "<!-- distrust-hub notes end -->"

_SEAL = re.compile(r"\n<!-- distrust-hub card sha256:([0-9a-f]{64}) -->\s*\Z")


def notes_section(notes: str = "") -> str:
    """The marked place for a person's notes, as Markdown."""
    return f"{NOTES_START}\n{notes}\n{NOTES_END}" if notes else f"{NOTES_START}\n{NOTES_END}"


def extract_notes(card: str) -> str:
    """What stands between the markers of a card; empty without markers."""
    return _parts(_unix(card))[1].strip("\n")


def seal(card: str) -> str:
    """The card with a last line that holds the hash of everything but the notes."""
    return f"{card.rstrip()}\n\n<!-- distrust-hub card sha256:{_digest(card)} -->\n"


def is_untouched(card: str) -> bool:
    """Whether this package made the card and nobody edited it outside the notes."""
    match = _SEAL.search(_unix(card))
    return match is not None and match[1] == _digest(card)


def _digest(card: str) -> str:
    before, _, after = _parts(_SEAL.sub("", _unix(card)))
    body = f"{before}{after}".rstrip()
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()


def _parts(card: str) -> tuple[str, str, str]:
    """What stands before, between and after the markers; without both all of it stands before."""
    before, start, rest = card.partition(f"{NOTES_START}\n")
    notes, end, after = rest.partition(NOTES_END)
    return (before, notes, after) if start and end else (card, "", "")


def _unix(card: str) -> str:
    return card.replace("\r\n", "\n")
