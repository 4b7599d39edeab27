"""What a text mentions says how old it can be at most."""

from __future__ import annotations

import pytest

from distrust_hub.scoring.dating import Since, is_quantity, since
from distrust_hub.scoring.document import score_document
from distrust_hub.scoring.features import NAMES, features_of
from distrust_hub.scoring.matcher import lexicon_matcher
from distrust_hub.scoring.normalise import NormalText


def since_of(text: str) -> Since | None:
    normal = NormalText(text)
    return since(normal, lexicon_matcher().find(normal))


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("The bridge was opened in 1998 and closed since.", 1998),
        ("He died (1941–2007) in Graz.", 2007),
        ("On 5 March 2011, the river rose.", 2011),
        ("Between 1950 and 1963, and again in 1987.", 1987),
        ("Seit 1994 wohnt er dort.", 1994),
        ("Depuis 2003, la commune a changé.", 2003),
        ("The database is available online.", 1985),
        ("He watched television all night.", 1930),
        ("The DNA was extracted.", 1950),
        ("They met online in March 2014.", 2014),
    ],
)
def test_since_is_the_newest_thing_mentioned(text: str, year: int) -> None:
    found = since_of(text)
    assert found is not None
    assert found.year == year


@pytest.mark.parametrize(
    "text",
    [
        "The load was 1950 kg and the beam held.",
        "Meet me in room 1984 at noon.",
        "They drove 1984 rivets that day.",
        "A load of 1950 kg; of 1998 men, by 1955 feet.",
        "It was opened in 1850 and burnt in 1871.",
        "A Model 1994 pistol, part 1987-22, $1950.",
        "He aids the dna of the nation.",
        "",
    ],
)
def test_since_passes_over_quantities_numbers_and_old_dates(text: str) -> None:
    assert since_of(text) is None


def test_internal_date_moves_both_axes_and_shows_the_place() -> None:
    text = "The hall was rebuilt in 1998 by the town."
    old, new = score_document(text.replace("1998", "1898")), score_document(text)
    amounts = [score.components("authority_weight")["internal_date"] for score in (old, new)]
    assert amounts[1] > amounts[0] == 0
    assert new.components("provenance_entropy")["internal_date"] < 0
    line = next(line for line in new.evidence if line.component == "internal_date")
    assert line.text == "1998"
    assert "no earlier" in line.reason


def test_internal_date_is_not_used_where_the_year_is_known() -> None:
    score = score_document("The hall was rebuilt in 1998 by the town.", {"year": 2001})
    assert score.components("provenance_entropy")["internal_date"] == 0
    assert score.year == 2001


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("They drove 1984 rivets that day.", False),
        ("Meet me in room 1920 at noon.", False),
        ("The load was 1850 kg and the beam held.", False),
        ("About 1900 men came, on page 1875.", False),
        ("It was opened in 1920 and burnt.", True),
        ("The 1918 epidemic closed the school.", True),
        ("On 5 March 2011 the river rose.", True),
        ("See Smith (1998) and the report of 1871.", True),
    ],
)
def test_style_counts_years_and_no_quantities(text: str, counted: bool) -> None:
    values = dict(zip(NAMES, features_of(NormalText(text)).values))
    assert (values["old_years"] + values["recent_years"] > 0) is counted


def test_quantity_is_told_by_what_stands_beside_it() -> None:
    text = "In 1850 the 1850 men drove 1850 rivets."
    assert [is_quantity(text, start) for start, _ in NormalText(text).years] == [False, False, True]
