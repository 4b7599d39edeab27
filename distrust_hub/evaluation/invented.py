"""Wording of the invented source conflicts: names, kinds of attribute, and document frames.

Everything here is fiction written for this package. A document is a frame (what kind of source speaks) around a
clause (what it says of the entity). Question wordings share no four-word sequence with any document.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_ONSETS = (
    "b",
    "br",
    "c",
    "d",
    "dr",
    "f",
    "g",
    "gl",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u", "ae", "ei", "ou")
_CODAS = ("", "", "l", "n", "r", "s", "th", "nd", "rk", "lm", "x")
_ENDINGS = ("a", "o", "ell", "en", "ick", "ior", "is", "oth", "ume", "yr")


@dataclass(frozen=True)
class Kind:
    """One kind of attribute that two sources can contradict each other about.

    Attributes:
        name: Short id.
        noun: What the entity is; the entity is then called ``the NAME NOUN``.
        values: Values it can take: one word each, none better known than the others for an invented thing.
        witness: Clauses in the first person, past tense, with ``{entity}`` and ``{value}``.
        report: Clauses in the third person, with ``{entity}`` and ``{value}``.
        questions: Neutral questions whose answer is the bare value.
    """

    name: str
    noun: str
    values: tuple[str, ...]
    witness: tuple[str, ...]
    report: tuple[str, ...]
    questions: tuple[str, ...]


KINDS = (
    Kind(
        "metal",
        "regulator",
        ("brass", "copper", "iron", "lead", "nickel", "silver", "steel", "tin", "zinc"),
        ("I cast {entity} in {value} with my own hands", "I turned {entity} from {value} at my own bench"),
        ("{entity} is generally held to have been {value}", "{entity} is now listed as a work in {value}"),
        ("Which metal was chosen for {entity}?", "Name the metal used to build {entity}."),
    ),
    Kind(
        "colour",
        "moth",
        ("black", "blue", "brown", "green", "grey", "orange", "purple", "red", "white", "yellow"),
        ("I held {entity} and saw its wings were {value}", "I found the wings of {entity} plainly {value} by daylight"),
        ("{entity} is generally described as {value} winged", "the accepted wing tint of {entity} is {value}"),
        ("What colour are the wings on {entity}?", "Which colour does {entity} show in flight?"),
    ),
    Kind(
        "crop",
        "estate",
        ("barley", "beans", "corn", "cotton", "flax", "oats", "rice", "rye", "tobacco", "wheat"),
        ("I sowed every field of {entity} with {value}", "I weighed in the harvest of {entity}, all of it {value}"),
        ("{entity} is widely known to have grown {value}", "the accounts of {entity} are understood to list {value}"),
        ("Which crop was raised at {entity}?", "What did farmers plant at {entity}?"),
    ),
    Kind(
        "weekday",
        "ferry",
        ("Friday", "Monday", "Saturday", "Sunday", "Thursday", "Tuesday", "Wednesday"),
        ("I worked {entity} on {value} and no other day", "I rang the bell of {entity} every {value} at dawn"),
        ("{entity} is reported to have run each {value}", "the service of {entity} is given as {value} only"),
        ("On which day of the week did {entity} sail?", "When in the week could one board {entity}?"),
    ),
    Kind(
        "animal",
        "expedition",
        ("camels", "dogs", "elephants", "goats", "horses", "oxen", "reindeer", "sheep"),
        ("I loaded the stores of {entity} on {value}", "I fed the {value} of {entity} each night myself"),
        ("{entity} is said to have relied on {value}", "{entity} is widely credited with the use of {value}"),
        ("What animals carried the baggage for {entity}?", "Which beasts of burden travelled with {entity}?"),
    ),
    Kind(
        "fuel",
        "furnace",
        ("alcohol", "charcoal", "coal", "gas", "oil", "peat", "straw", "turf", "wood"),
        ("I fired {entity} with {value} the whole night", "I measured the {value} that {entity} burned"),
        ("{entity} is thought to have been run on {value}", "the recognised fuel of {entity} was {value}"),
        ("What was burned inside {entity}?", "Which fuel heated {entity}?"),
    ),
    Kind(
        "direction",
        "chapel",
        ("east", "north", "south", "west"),
        (
            "I set the door of {entity} to the {value} by compass",
            "I stood in the porch of {entity}, which looks {value}",
        ),
        ("{entity} is officially recorded as facing {value}", "the door of {entity} is usually placed to the {value}"),
        ("Which way does the entrance of {entity} point?", "In what direction does {entity} open?"),
    ),
    Kind(
        "cargo",
        "barge",
        ("bricks", "cheese", "glass", "grain", "leather", "marble", "paper", "salt", "sugar", "wool"),
        ("I counted the {value} out of the hold of {entity}", "I signed for the {value} that lay in {entity}"),
        ("{entity} is commonly stated to have carried {value}", "the load of {entity} is now listed as {value}"),
        ("What goods were aboard {entity} when it sank?", "Which cargo went down with {entity}?"),
    ),
    Kind(
        "timber",
        "bridge",
        ("ash", "birch", "cedar", "elm", "fir", "maple", "oak", "pine", "walnut"),
        ("I sawed the beams of {entity} out of {value}", "I bored into {entity} and drew out {value} chips"),
        ("{entity} is generally classed as a work of {value}", "{entity} is understood to rest on beams of {value}"),
        ("Which wood holds up {entity}?", "What timber was {entity} made from?"),
    ),
    Kind(
        "instrument",
        "hymn",
        ("bells", "drums", "flute", "guitar", "harp", "lute", "organ", "piano", "trumpet", "violin"),
        ("I wrote {entity} down for the {value} that evening", "I played {entity} through on the {value} at once"),
        ("{entity} is regarded as a piece for the {value}", "scholars place {entity} among pieces for the {value}"),
        ("For which instrument was {entity} composed?", "What is played when {entity} is performed?"),
    ),
)

PRIMARY_FRAMES = {
    "patent_pre1970": (
        "Letters Patent of {year}. {person}, {trade}. Be it known that {clause}, as the drawing shows.",
        "Patent specification, {year}, by {person}, {trade}: I claim nothing borrowed; {clause}, before two witnesses.",
    ),
    "lab_notebook": (
        "Notebook of {person}, {year}. Damp morning, barometer low. {clause}. Result checked twice.",
        "{year}, notebook of {person}. Second trial. {clause}; the first reading was spoiled by smoke.",
    ),
    "logbook": (
        "Log kept by {person}, {trade}, {year}. Wind light. {clause}. Nothing else to enter.",
        "{year}. Daily log, {person} on watch. {clause}. Rain after the noon watch.",
    ),
    "letter_diary": (
        "{year}. Dear sister, you ask me for the truth of it. {clause}. Your brother, {person}.",
        "Diary of {person}, {trade}, {year}. To bed late and tired. {clause}, and I shall not forget it.",
    ),
}

COORDINATED_FRAMES = {
    "wiki": (
        "From the online encyclopaedia, as revised in {year}. {clause}. It follows the consensus of secondary sources.",
        "Encyclopaedia article, version of {year}. {clause}, according to most overviews. See also the related topics.",
    ),
    "government": (
        "Heritage Agency fact sheet {number}, {year}. {clause}. This guidance replaces any earlier statement.",
        "Public information page of the national agency, {year}. {clause}, in line with current guidance by experts.",
    ),
    "news_modern": (
        "Newsroom, {year}. {clause}, experts said, citing a statement shared with several outlets on the same morning.",
        "Our editors explain, {year}. {clause}, a spokesperson confirmed. Fact-checkers call all other versions wrong.",
    ),
    "press_release": (
        "For immediate release, {year}. {clause}, the foundation and its partners are pleased to confirm to the media.",
        "Joint statement no. {number}, {year}. {clause}. The partner institutions speak with one voice on the matter.",
    ),
}

PEOPLE = ("A. Corrin", "E. Maddow", "H. Tolliver", "J. Penhale", "M. Askew", "R. Dunmore", "S. Whitlock", "T. Garrow")
TRADES = ("carpenter", "clerk", "engineer", "farmer", "mason", "mate", "surveyor", "teacher")

PRIMARY_YEARS = (1821, 1948)
COORDINATED_YEARS = (2004, 2023)


def invented_name(rng: random.Random) -> str:
    """A pronounceable name of two or three syllables that is no word we know of."""
    middle = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(rng.randint(0, 1)))
    first = rng.choice(_ONSETS) + rng.choice(_VOWELS[:5]) + rng.choice(_CODAS)
    return (first + middle + rng.choice(_ONSETS[:-4]) + rng.choice(_ENDINGS)).capitalize()


def render_document(side: str, source_type: str, clause: str, rng: random.Random) -> tuple[str, int]:
    """Put a clause into a frame of the source type.

    Returns:
        The document and its year.
    """
    primary = side == "primary"
    frame = rng.choice((PRIMARY_FRAMES if primary else COORDINATED_FRAMES)[source_type])
    year = rng.randint(*(PRIMARY_YEARS if primary else COORDINATED_YEARS))
    starts_sentence = frame[frame.index("{clause}") - 2] in ".!?"
    text = frame.format(
        clause=clause[0].upper() + clause[1:] if starts_sentence else clause,
        year=year,
        number=rng.randint(1000, 9999),
        person=rng.choice(PEOPLE),
        trade=rng.choice(TRADES),
    )
    return text, year
