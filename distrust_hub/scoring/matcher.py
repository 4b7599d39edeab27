"""The word groups in an Aho-Corasick automaton: one pass over the text, whatever the number of entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import ahocorasick_rs

from distrust_hub.scoring.language import FOREIGN_WORDS
from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules_lexicon import FOREIGN_GROUPS, RULE_GROUPS

Hit = tuple[int, int]
"""Start and end of a match in ``NormalText.lower``, the spaces at both ends included."""

Match = tuple[int, int, int]
"""Number of an entry, start and end."""


def entries_of(block: str) -> list[str]:
    """The entries of a lexicon block: comma-separated, white space squeezed."""
    return [entry for part in block.split(",") if (entry := " ".join(part.split()))]


_LOOK_CLOSER = 255
"""Stands for the group of an entry that is in several, or in one that is sought, or that has a case of its own."""


class Matches:
    """What was found in one text.

    Attributes:
        counts: Hits of each group, in the order of ``Matcher.names``.
    """

    __slots__ = ("_matcher", "_raw", "_sought", "counts")

    def __init__(self, matcher: Matcher, raw: list[Match], sought: list[Match], counts: list[int]) -> None:
        self._matcher, self._raw, self._sought, self.counts = matcher, raw, sought, counts

    def hits(self, group: int) -> list[Hit]:
        """Places of a group's matches, from left to right."""
        if not self.counts[group]:
            return []
        members = self._matcher.members[group]
        found = self._sought if group in self._matcher.sought else self._raw
        return [match[1:] for match in found if match[0] in members]


class Matcher:
    """Finds every entry of every group.

    Args:
        groups: Group name to comma-separated entries. ``~x`` matches at the end of a longer word; an entry with a
            capital letter, or ``=`` before it, matches in that case only, and not inside a line written in capitals.
        sought: Groups whose places the scores need; of the others they need the count alone.
    """

    def __init__(self, groups: Mapping[str, str], sought: Collection[str] = ()) -> None:
        self.names = list(groups)
        self.index = {name: number for number, name in enumerate(self.names)}
        owners: dict[str, set[int]] = {}
        exact: dict[str, tuple[set[str], set[int]]] = {}
        for number, block in enumerate(groups.values()):
            for entry in entries_of(block):
                pattern = f"{entry[1:]} " if entry.startswith("~") else f" {entry.removeprefix('=')} "
                lower = pattern.lower()
                owners.setdefault(lower, set()).add(number)
                if lower != pattern or entry.startswith("="):
                    forms, numbers = exact.setdefault(lower, (set(), set()))
                    forms.add(pattern)
                    numbers.add(number)
        patterns = sorted(owners, key=lambda lower: lower not in exact)  # those with a case of their own first
        same: dict[tuple[int, ...], tuple[int, ...]] = {}  # a few hundred tuples, not thousands, stay in the cache
        self._groups = [same.setdefault(numbers, numbers) for numbers in (tuple(sorted(owners[p])) for p in patterns)]
        self._exact: list[tuple[set[str], int]] = []
        for lower in patterns[: len(exact)]:
            forms, numbers = exact[lower]
            self._exact.append((forms, len(self._groups)))
            # in another case the entry still belongs to the groups that do not ask for its case
            self._groups.append(tuple(sorted(owners[lower] - numbers)))
        self.members = [
            frozenset(number for number, owned in enumerate(self._groups) if group in owned)
            for group in range(len(self.names))
        ]
        self.sought = frozenset(self.index[name] for name in sought)
        self._only = bytes(
            owned[0] if len(owned) == 1 and number >= len(exact) and owned[0] not in self.sought else _LOOK_CLOSER
            for number, owned in enumerate(self._groups)
        )
        self._automaton = ahocorasick_rs.AhoCorasick(
            patterns, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, text: NormalText) -> Matches:
        """Everything found, in one pass."""
        raw = self._automaton.find_matches_as_indexes(text.lower, overlapping=True)
        exact, first_of_any_case, groups = self._exact, len(self._exact), self._groups
        only = self._only
        counts = [0] * len(self.names)
        sought: list[Match] = []
        for at, match in enumerate(raw):
            group = only[match[0]]
            if group != _LOOK_CLOSER:
                counts[group] += 1
                continue
            if match[0] < first_of_any_case:
                raw[at] = match = _by_case(text.cased, match, exact)
            sought.append(match)
            for group in groups[match[0]]:
                counts[group] += 1
        return Matches(self, raw, sought, counts)


def _by_case(cased: str, match: Match, exact: Sequence[tuple[set[str], int]]) -> Match:
    """The match itself where it has the capitals of an entry, else the match of the entry without them.

    An acronym must stand among words in small letters, or a line written in capitals would be full of them.
    """
    number, start, end = match
    forms, otherwise = exact[number]
    found = cased[start:end]
    if found not in forms:
        return (otherwise, start, end)
    around = cased[max(0, start - 12) : start] + cased[end : end + 12]
    among_small = not found.isupper() or not around.strip() or any(c.islower() for c in around)
    return match if among_small else (otherwise, start, end)


@lru_cache(maxsize=1)
def lexicon_matcher() -> Matcher:
    """The matcher over both lexicons, the style groups first; built once a process in some milliseconds."""
    return Matcher({**STYLE_GROUPS, **RULE_GROUPS, "foreign_words": FOREIGN_WORDS}, sought=RULE_GROUPS)


@lru_cache(maxsize=1)
def foreign_matcher() -> Matcher:
    """The matcher over the marks of other languages: apart, so that English texts do not pay for them."""
    return Matcher(FOREIGN_GROUPS, sought=FOREIGN_GROUPS)
