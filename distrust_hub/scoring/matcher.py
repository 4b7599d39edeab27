"""All word groups in one Aho-Corasick automaton: one pass over the text, whatever the number of entries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import ahocorasick_rs

from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules_lexicon import RULE_GROUPS

Hit = tuple[int, int]
"""Start and end of a match in ``NormalText.lower``, the spaces at both ends included."""


def entries_of(block: str) -> list[str]:
    """The entries of a lexicon block: comma-separated, white space squeezed."""
    return [entry for part in block.split(",") if (entry := " ".join(part.split()))]


class Matches:
    """What was found in one text.

    Attributes:
        counts: Hits of each group, in the order of ``Matcher.names``.
    """

    __slots__ = ("_groups", "_raw", "counts")

    def __init__(self, raw: list[tuple[int, int, int]], groups: list[tuple[int, ...]], size: int) -> None:
        self._raw, self._groups = raw, groups
        self.counts = counts = [0] * size
        for match in raw:
            for group in groups[match[0]]:
                counts[group] += 1

    def hits(self, group: int) -> list[Hit]:
        """Places of a group's matches, from left to right."""
        if not self.counts[group]:
            return []
        return [(start, end) for pattern, start, end in self._raw if group in self._groups[pattern]]


class Matcher:
    """Finds every entry of every group.

    Args:
        groups: Group name to comma-separated entries. ``~x`` matches at the end of a longer word; an entry with a
            capital letter matches in that case only, and not inside a line written in capitals.
    """

    def __init__(self, groups: Mapping[str, str]) -> None:
        self.names = list(groups)
        self.index = {name: number for number, name in enumerate(self.names)}
        owners: dict[str, set[int]] = {}
        exact: dict[str, str] = {}
        for number, block in enumerate(groups.values()):
            for entry in entries_of(block):
                pattern = f"{entry[1:]} " if entry.startswith("~") else f" {entry} "
                lower = pattern.lower()
                owners.setdefault(lower, set()).add(number)
                if lower != pattern:
                    exact[lower] = pattern
        self._groups = [tuple(sorted(numbers)) for numbers in owners.values()]
        self._exact = {i: exact[pattern] for i, pattern in enumerate(owners) if pattern in exact}
        self._automaton = ahocorasick_rs.AhoCorasick(list(owners), implementation=ahocorasick_rs.Implementation.DFA)

    def find(self, text: NormalText) -> Matches:
        """Everything found, in one pass."""
        raw = self._automaton.find_matches_as_indexes(text.lower, overlapping=True)
        exact = self._exact
        if not exact.keys().isdisjoint([match[0] for match in raw]):
            raw = [match for match in raw if match[0] not in exact or _in_case(text.cased, match, exact[match[0]])]
        return Matches(raw, self._groups, len(self.names))


def _in_case(cased: str, match: tuple[int, int, int], pattern: str) -> bool:
    """Whether a match has the capitals of its entry; an acronym must stand among words in small letters."""
    _, start, end = match
    if cased[start:end] != pattern:
        return False
    around = cased[max(0, start - 12) : start] + cased[end : end + 12]
    return not pattern.isupper() or not around.strip() or any(c.islower() for c in around)


@lru_cache(maxsize=1)
def lexicon_matcher() -> Matcher:
    """The matcher over both lexicons, the style groups first; built once a process in some milliseconds."""
    return Matcher({**STYLE_GROUPS, **RULE_GROUPS})
