"""Which of a few languages a text is in, by its commonest words; other scripts are named, not guessed at."""

from __future__ import annotations

from typing import NamedTuple

_COMMON = {
    "en": "the of and to in that was is for with as on by it his from at which be this had are not have but they i you",
    "de": "der die das und ist nicht von mit den dem ein eine des im auf für sich wird werden wurde ich wir sie zu",
    "fr": "le la les des et est dans une que qui pour sur pas avec ce par au du sont nous vous je il elle plus aux",
    "es": "el los las del y es en una que por con para se no su al como más este esta fue son lo yo nos",
    "it": "il gli della che di è per una con non del sono alla nel si dei delle da come ha più questo questa io noi lo",
    "la": "et in est non ad cum ut quod sed qui per ex quae esse ab hoc si atque enim sunt ac nec eius quam",
}
COMMON = {name: frozenset(words.split()) for name, words in _COMMON.items()}
_FOREIGN = frozenset().union(*(common for name, common in COMMON.items() if name != "en"))


class Language(NamedTuple):
    """The language of a text.

    Attributes:
        name: ``en``, ``de``, ``fr``, ``es``, ``it``, ``la``, or ``unknown``.
        english: Share in [0, 1] to which the weights made on English apply.
    """

    name: str
    english: float


def language_of(unique: set[str], words: int) -> Language:
    """Guess the language.

    Args:
        unique: The different words, lower case.
        words: Number of words.
    """
    english = len(COMMON["en"] & unique)
    if english >= 8 and english >= len(_FOREIGN & unique):  # no other language can have more
        return Language("en", 1.0)
    hits = {name: len(common & unique) for name, common in COMMON.items()}
    if english >= 8 and english == max(hits.values()):
        return Language("en", 1.0)
    best = max(hits, key=lambda name: hits[name])
    if hits[best] == 0:
        return Language("unknown", 0.5 if words < 12 and all(word.isascii() for word in unique) else 0.0)
    if best == "en" or hits["en"] == hits[best]:
        return Language("en", 1.0)
    return Language(best, hits["en"] / (hits["en"] + hits[best]) if hits["en"] > hits[best] / 2 else 0.0)
