from __future__ import annotations

import datetime

import pytest

from distrust_hub.scoring.era import metadata_year, roman_year, stated_year, year_of
from distrust_hub.scoring.normalise import NormalText


@pytest.mark.parametrize(
    ("head", "year"),
    [
        ("Printed at London in the year 1692. Of bodies.", 1692),
        ("March 3d, 1768. Wind at north.", 1768),
        ("MDCCCXLIV. Historia naturalis.", 1844),
        ("Tuesday, May 7, l9l2. The steamer came in.", 1912),
        ("Boston, 1839. I have the honour.", 1839),
        ("2014-05-06 ran the gel again.", 2014),
        ("Copyright © 1923 by the author.", 1923),
        ("12 juin 1789. Nous partîmes.", 1789),
        ("Application filed January 3, 1902. Serial No. 88,312.", 1902),
    ],
)
def test_stated_year_reads_datelines_and_imprints(head: str, year: int) -> None:
    found = stated_year(head)
    assert found is not None
    assert found.year == year
    assert found.span is not None
    assert head[slice(*found.span)] == found.text


@pytest.mark.parametrize(
    "head",
    [
        "The load was 1950 kg and the beam held.",
        "Meet me in room 1920 at noon.",
        "1984 rivets were driven that day.",
        "A Model 1911 pistol; see page 1843.",
        "It cost $1850 and 1,912 people came.",
        "The bridge was opened on June 5, 1932 by the mayor.",
        "He was born on 3 May 1841 in Graz.",
        "Dial 555-1912 for the exchange.",
        "MIX the DIM and the CIVIC. MM of rain.",
    ],
)
def test_stated_year_does_not_read_quantities_or_told_dates(head: str) -> None:
    assert stated_year(head) is None


@pytest.mark.parametrize(
    ("value", "year"),
    [
        (1839, 1839),
        (1839.0, 1839),
        ("c. 1839", 1839),
        ("1839-04-01", 1839),
        (datetime.date(1839, 4, 1), 1839),
        (12, None),
        ("18390", None),
        (True, None),
        (float("inf"), None),
        (None, None),
    ],
)
def test_metadata_year_reads_what_datasets_carry(value: object, year: int | None) -> None:
    found = metadata_year({"date": value})
    assert (found.year if found else None) == year


def test_year_of_prefers_metadata() -> None:
    found = year_of({"published": "1990"}, NormalText("March 3, 2001. Hello."))
    assert found is not None
    assert (found.year, found.origin) == (1990, "metadata:published")


@pytest.mark.parametrize(("numeral", "year"), [("MDCCCXLIV", 1844), ("MCMXII", 1912), ("MMXX", 2020), ("XII", None)])
def test_roman_year(numeral: str, year: int | None) -> None:
    assert roman_year(numeral) == year
