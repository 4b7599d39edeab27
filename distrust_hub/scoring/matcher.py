"""All word groups in one Aho-Corasick automaton: one pass over the text, whatever the number of entries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import ahocorasick_rs

from distrust_hub.scoring.normalise import NormalText

Hit = tuple[int, int]
"""Start and end of a match in ``NormalText.lower``, the spaces at both ends included."""


def entries_of(block: str) -> list[str]:
    """The entries of a lexicon block: comma-separated, white space squeezed."""
    return [entry for part in block.split(",") if (entry := " ".join(part.split()))]


class Matcher:
    """Finds every entry of every group.

    Args:
        groups: Group name to comma-separated entries. ``~x`` matches at the end of a longer word; an entry with a
            capital letter matches in that case only.
    """

    def __init__(self, groups: Mapping[str, str]) -> None:
        self.names = list(groups)
        owners: dict[str, list[tuple[int, str | None]]] = {}
        for number, block in enumerate(groups.values()):
            for entry in dict.fromkeys(entries_of(block)):
                pattern = f"{entry[1:]} " if entry.startswith("~") else f" {entry} "
                lower = pattern.lower()
                owners.setdefault(lower, []).append((number, None if lower == pattern else pattern))
        self._owners = list(owners.values())
        self._automaton = ahocorasick_rs.AhoCorasick(
            list(owners), implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, text: NormalText) -> list[list[Hit]]:
        """Hits of each group, in the order of ``names``."""
        hits: list[list[Hit]] = [[] for _ in self.names]
        owners, cased = self._owners, text.cased
        for pattern, start, end in self._automaton.find_matches_as_indexes(text.lower, overlapping=True):
            for group, exact in owners[pattern]:
                if exact is None or cased[start:end] == exact:
                    hits[group].append((start, end))
        return hits


@lru_cache(maxsize=1)
def lexicon_matcher() -> Matcher:
    """The matcher over the whole lexicon, built once a process (a few milliseconds)."""
    from distrust_hub.scoring.lexicon import STYLE_GROUPS

    return Matcher(STYLE_GROUPS)
