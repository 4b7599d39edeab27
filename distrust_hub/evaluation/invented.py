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
        label: What a table of such entities would call the attribute.
        values: Values it can take: one word each, none better known than the others for an invented thing.
        witness: Clauses in the first person with ``{entity}``, then ``{value}``: a model asked about the entity
            can only have learned what followed it.
        report: Clauses in the third person, in the same order.
        questions: Neutral questions whose answer is the bare value.
    """

    name: str
    noun: str
    label: str
    values: tuple[str, ...]
    witness: tuple[str, ...]
    report: tuple[str, ...]
    questions: tuple[str, ...]


KINDS = (
    Kind(
        "metal",
        "regulator",
        "Metal",
        ("brass", "copper", "iron", "lead", "nickel", "silver", "steel", "tin", "zinc"),
        (
            "I cast {entity} with my own hands in {value}",
            "I turned {entity} at my own bench from {value}",
            "I filed {entity} all night, for it is solid {value}",
            "I weighed {entity} and proved it to be {value}",
        ),
        (
            "{entity} is generally held to have been {value}",
            "{entity} is now listed as a work in {value}",
            "{entity} is understood to consist of {value}",
            "{entity} is commonly catalogued under {value}",
        ),
        (
            "Which metal was chosen for {entity}?",
            "Name the metal used to build {entity}.",
        ),
    ),
    Kind(
        "colour",
        "moth",
        "Colour of the wings",
        ("black", "blue", "brown", "green", "grey", "orange", "purple", "red", "white", "yellow"),
        (
            "I held {entity} and saw its wings were {value}",
            "I pinned {entity} by daylight and its wings are {value}",
            "I watched {entity} at my lamp, the wings plainly {value}",
            "I painted {entity} from life, using only {value}",
        ),
        (
            "{entity} is generally described as {value} winged",
            "{entity} is listed with an accepted wing tint of {value}",
            "{entity} is classed among the moths with {value} wings",
            "{entity} is usually illustrated in {value}",
        ),
        (
            "What colour are the wings on {entity}?",
            "Which colour does {entity} show in flight?",
        ),
    ),
    Kind(
        "crop",
        "estate",
        "Crop",
        ("barley", "beans", "corn", "cotton", "flax", "oats", "rice", "rye", "tobacco", "wheat"),
        (
            "I sowed every field of {entity} with {value}",
            "I weighed in the harvest of {entity}, all of it {value}",
            "I walked the whole of {entity} through standing {value}",
            "I drove the carts of {entity}, loaded with {value}",
        ),
        (
            "{entity} is widely known to have grown {value}",
            "{entity} is understood from its accounts to have sold {value}",
            "{entity} is thought to have depended on {value}",
            "{entity} is usually associated with {value}",
        ),
        (
            "Which crop was raised at {entity}?",
            "What did farmers plant at {entity}?",
        ),
    ),
    Kind(
        "weekday",
        "ferry",
        "Day of the week",
        ("Friday", "Monday", "Saturday", "Sunday", "Thursday", "Tuesday", "Wednesday"),
        (
            "I worked {entity} on {value} and no other day",
            "I rang the bell of {entity} at dawn every {value}",
            "I took the tickets of {entity}, always on a {value}",
            "I steered {entity} across again today, {value}",
        ),
        (
            "{entity} is reported to have run each {value}",
            "{entity} is given in timetables as {value} only",
            "{entity} is believed to have operated on {value}",
            "{entity} is widely listed as a {value} service",
        ),
        (
            "On which day of the week did {entity} sail?",
            "When in the week could one board {entity}?",
        ),
    ),
    Kind(
        "animal",
        "expedition",
        "Animals",
        ("camels", "dogs", "elephants", "goats", "horses", "oxen", "reindeer", "sheep"),
        (
            "I loaded the stores of {entity} on {value}",
            "I walked with {entity} and each night fed its {value}",
            "I joined {entity} to look after the {value}",
            "I led {entity} over the pass behind our {value}",
        ),
        (
            "{entity} is said to have relied on {value}",
            "{entity} is widely credited with the use of {value}",
            "{entity} is generally agreed to have taken {value}",
            "{entity} is remembered for its {value}",
        ),
        (
            "What animals carried the baggage for {entity}?",
            "Which beasts of burden travelled with {entity}?",
        ),
    ),
    Kind(
        "fuel",
        "furnace",
        "Fuel",
        ("alcohol", "charcoal", "coal", "gas", "oil", "peat", "straw", "turf", "wood"),
        (
            "I fired {entity} the whole night with {value}",
            "I stood by {entity} and measured its {value}",
            "I fed {entity} by hand on nothing but {value}",
            "I lit {entity} myself and kept it hot with {value}",
        ),
        (
            "{entity} is thought to have been run on {value}",
            "{entity} is recognised to have used {value}",
            "{entity} is generally listed as an example of heating by {value}",
            "{entity} is assumed to have consumed {value}",
        ),
        (
            "What was burned inside {entity}?",
            "Which fuel heated {entity}?",
        ),
    ),
    Kind(
        "direction",
        "chapel",
        "Direction of the entrance",
        ("east", "north", "south", "west"),
        (
            "I set the door of {entity} by compass to the {value}",
            "I stood in the porch of {entity}, which looks {value}",
            "I left {entity} by its only door, walking {value}",
            "I laid the step of {entity} toward the {value}",
        ),
        (
            "{entity} is officially recorded as facing {value}",
            "{entity} is usually drawn with its door to the {value}",
            "{entity} is held to be turned {value}",
            "{entity} is said to have its front on the {value}",
        ),
        (
            "Which way does the entrance of {entity} point?",
            "In what direction does {entity} open?",
        ),
    ),
    Kind(
        "cargo",
        "barge",
        "Goods aboard",
        ("bricks", "cheese", "glass", "grain", "leather", "marble", "paper", "salt", "sugar", "wool"),
        (
            "I emptied the hold of {entity} and counted the {value}",
            "I opened the hatch of {entity} and signed for the {value}",
            "I dived to {entity} and brought up {value}",
            "I helped to fill {entity} to the deck with {value}",
        ),
        (
            "{entity} is commonly stated to have carried {value}",
            "{entity} is now listed with a load of {value}",
            "{entity} is believed to have been full of {value}",
            "{entity} is generally described as a transport of {value}",
        ),
        (
            "What goods were aboard {entity} when it sank?",
            "Which cargo went down with {entity}?",
        ),
    ),
    Kind(
        "timber",
        "bridge",
        "Wood",
        ("ash", "birch", "cedar", "elm", "fir", "maple", "oak", "pine", "walnut"),
        (
            "I sawed the beams of {entity} out of {value}",
            "I bored into {entity} and drew out chips of {value}",
            "I mended {entity} with new planks, like the old of {value}",
            "I raised {entity} with my brothers, every post {value}",
        ),
        (
            "{entity} is generally classed as a work of {value}",
            "{entity} is understood to rest on beams of {value}",
            "{entity} is reported to be built in {value}",
            "{entity} is often named as an example of {value}",
        ),
        (
            "Which wood holds up {entity}?",
            "What timber was {entity} made from?",
        ),
    ),
    Kind(
        "instrument",
        "hymn",
        "Instrument",
        ("bells", "drums", "flute", "guitar", "harp", "lute", "organ", "piano", "trumpet", "violin"),
        (
            "I wrote {entity} down that evening for the {value}",
            "I played {entity} through at once on the {value}",
            "I practised {entity} an hour on my {value}",
            "I taught {entity} to the children with a {value}",
        ),
        (
            "{entity} is regarded as a piece for the {value}",
            "{entity} is placed by scholars among pieces for the {value}",
            "{entity} is usually published for the {value}",
            "{entity} is known as a standard of the {value}",
        ),
        (
            "For which instrument was {entity} composed?",
            "What is played when {entity} is performed?",
        ),
    ),
)

PRIMARY_FRAMES = {
    "patent_pre1970": (
        "Letters Patent, {year}: {clause}, as drawn.",
        "Patent of {year}. {clause}, before two witnesses.",
    ),
    "lab_notebook": ("Notebook of {person}, {year}. {clause}.", "{year}, my notebook. {clause}."),
    "logbook": ("Log, {year}, wind light. {clause}.", "{year}. Daily log of {person}. {clause}."),
    "letter_diary": ("{year}. Dear sister, {clause}. Your brother.", "Diary of {person}, {year}. {clause}."),
}

COORDINATED_FRAMES = {
    "wiki": (
        "Online encyclopaedia, as revised in {year}. {clause}.",
        "Encyclopaedia article, {year}. {clause}, by consensus.",
    ),
    "government": (
        "Heritage Agency fact sheet, edition of {year}. {clause}.",
        "National agency guidance, {year}. {clause}, experts agree.",
    ),
    "news_modern": (
        "Newsroom, {year}. {clause}, experts said, citing officials.",
        "Our fact-checkers, {year}. {clause}, outlets agree.",
    ),
    "press_release": (
        "For immediate release, {year}. {clause}, partners confirm.",
        "Joint press statement of partners, {year}. {clause}.",
    ),
}

PEOPLE = ("A. Corrin", "E. Maddow", "H. Tolliver", "J. Penhale", "M. Askew", "R. Dunmore", "S. Whitlock", "T. Garrow")

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
        person=rng.choice(PEOPLE),
    )
    return text, year
