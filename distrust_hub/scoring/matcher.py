"""The word groups in an Aho-Corasick automaton: one pass over the text, whatever the number of entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import ahocorasick_rs

from distrust_hub.scoring.language import FOREIGN_WORDS
from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules_lexicon import FOREIGN_GROUPS, RULE_GROUPS

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

    __slots__ = ("_members", "_raw", "counts")

    def __init__(self, raw: list[tuple[int, int, int]], counts: list[int], members: list[frozenset[int]]) -> None:
        self._raw, self.counts, self._members = raw, counts, members

    def hits(self, group: int) -> list[Hit]:
        """Places of a group's matches, from left to right."""
        if not self.counts[group]:
            return []
        members = self._members[group]
        return [match[1:] for match in self._raw if match[0] in members]


class Matcher:
    """Finds every entry of every group.

    Args:
        groups: Group name to comma-separated entries. ``~x`` matches at the end of a longer word; an entry with a
            capital letter, or ``=`` before it, matches in that case only, and not inside a line written in capitals.
    """

    def __init__(self, groups: Mapping[str, str]) -> None:
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
        self._members = [
            frozenset(number for number, owned in enumerate(self._groups) if group in owned)
            for group in range(len(self.names))
        ]
        self._automaton = ahocorasick_rs.AhoCorasick(
            patterns, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, text: NormalText) -> Matches:
        """Everything found, in one pass."""
        raw = self._automaton.find_matches_as_indexes(text.lower, overlapping=True)
        exact, first_of_any_case, groups = self._exact, len(self._exact), self._groups
        counts = [0] * len(self.names)
        for at, match in enumerate(raw):
            number = match[0]
            if number < first_of_any_case:
                raw[at] = _by_case(text.cased, match, exact)
                number = raw[at][0]
            for group in groups[number]:
                counts[group] += 1
        return Matches(raw, counts, self._members)


def _by_case(cased: str, match: tuple[int, int, int], exact: Sequence[tuple[set[str], int]]) -> tuple[int, int, int]:
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
    return Matcher({**STYLE_GROUPS, **RULE_GROUPS, "foreign_words": FOREIGN_WORDS})


@lru_cache(maxsize=1)
def foreign_matcher() -> Matcher:
    """The matcher over the marks of other languages: apart, so that English texts do not pay for them."""
    return Matcher(FOREIGN_GROUPS)
