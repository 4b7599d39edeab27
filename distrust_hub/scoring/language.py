"""Which of a few languages a text is in, by its commonest words; other scripts are named, not guessed at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_COMMON = {
    "en": "the of and to in that was is for with as on by it his from at which be this had are not have but they i you "
    "we she my were there your what when",
    "de": "der die das und ist nicht von mit den dem ein eine des im auf für sich wird werden wurde ich wir sie zu",
    "fr": "le la les des et est dans une que qui pour sur pas avec ce par au du sont nous vous je il elle plus aux",
    "es": "el los las del y es en una que por con para se no su al como más este esta fue son lo yo nos",
    "it": "il gli della che di è per una con non del sono alla nel si dei delle da come ha più questo questa io noi lo",
    "la": "et in est non ad cum ut quod sed qui per ex quae esse ab hoc si atque enim sunt ac nec eius quam",
    # told apart only so that they are not taken for one of those above: nothing is known of their wording
    "nl": "de het een en van in is dat op te voor met zijn niet die aan er ook als maar om bij uit wordt werd door",
    "pt": "o os as do da dos das em um uma não que e com para por se no na ao mais como foi são ou seu sua pelo",
    "pl": "i w na z do nie się to że jest o jak ale po tak za od który przez są był dla oraz przy",
    "sv": "och att det i en på är som för av med den till inte har om ett var jag han de från vi mig",
    "da": "og at det i en på er som for af av med den til ikke har om et var jeg han de fra vi der blev",
}
COMMON = {name: frozenset(words.split()) for name, words in _COMMON.items()}
_OTHERS = {name: common for name, common in COMMON.items() if name != "en"}
_SHARED = max(len(common & COMMON["en"]) for common in _OTHERS.values())
FOREIGN_WORDS = ", ".join(sorted(frozenset().union(*_OTHERS.values()) - COMMON["en"]))
"""Common words of other languages as a word group: an English text has few, and a count of them tells it at once."""


SHORT_WORDS, LONG_WORDS = 12, 60
"""Words below which any word of a language will do, and from which it takes five different ones, not three."""

_SAMPLE, _LEAST_SHARE = 64, 0.06
"""Words looked at, and the share of them that must be common ones; in 1,500 English texts it is never below .1."""


class Language(NamedTuple):
    """The language of a text.

    Attributes:
        name: ``en``, ``de``, ``fr``, ``es``, ``it``, ``la``, ``nl``, ``pt``, ``pl``, ``sv``, ``da``, or ``unknown``.
        english: Share in [0, 1] to which the weights made on English apply.
    """

    name: str
    english: float


_ENGLISH = Language("en", 1.0)


def language_of(words: Sequence[str], foreign: int) -> Language:
    """Guess the language.

    Args:
        words: All words, lower case.
        foreign: How many of them are in ``FOREIGN_WORDS``.
    """
    sample = words[:: max(1, len(words) // _SAMPLE)]
    if len(COMMON["en"].intersection(sample)) >= max(8, foreign + _SHARED):
        return _ENGLISH  # no other language can have more, and 8 are enough for any sample
    unique = set(words)
    hits = {name: len(common & unique) for name, common in COMMON.items()}
    best = max(hits, key=lambda name: hits[name])  # English is first and wins a tie
    if not _is_written_in(COMMON[best], hits[best], len(words), sample):
        short = len(words) < (2 * SHORT_WORDS if hits["en"] else SHORT_WORDS)
        return Language("unknown", 0.5 if short and all(map(str.isascii, words)) else 0.0)
    if best == "en":
        return _ENGLISH
    only_english = len((COMMON["en"] - COMMON[best]) & unique)
    return Language(best, only_english / (only_english + hits[best]) if only_english > hits[best] / 2 else 0.0)


def _is_written_in(common: frozenset[str], different: int, words: int, sample: Sequence[str]) -> bool:
    """Whether a text has enough different common words of a language, and often enough: a quotation is not."""
    if different < (1 if words < SHORT_WORDS else 3 if words < LONG_WORDS else 5):
        return False
    return sum(map(common.__contains__, sample)) >= _LEAST_SHARE * len(sample)
