from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
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
        ("Paris, le 12 janvier 1871. Cher ami,", 1871),
        ("Roma, il 3 maggio 1848.", 1848),
        ("Lyon, le 9 février 1834.", 1834),
        ("Milano, 2 settembre 1860.", 1860),
        ("Augt 3d 1787. Rain.", 1787),
        ("Feby. 4 1799, at sea.", 1799),
        ("Salem, May ye 3d 1692.", 1692),
        ("1768, May 4. Sowed the peas.", 1768),
        ("June 3, I9I2. Calm.", 1912),
        ("(c) 1999-2021 Acme", 2021),
        ("Copyright 1999–2021 by the authors", 2021),
        ("LONDON, printed by H. Hills, 1692.", 1692),
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
        "However, 1950 kg of coal were loaded.",
        "Altogether, 1984 rivets were used.",
        "Hoy, 1936 alumnos estudian aquí.",
        "Flour, 1500 g. Butter, 20 g.",
        "The library said a Bible printed in 1611 was returned.",
        "In 2019 the firm printed 1500 copies.",
        "The police filed 1984 reports, he profiled 1900 students, and Mr. Hanno 1750 more.",
        "First published in 1839, the novel was a success.",
        "The Copyright Act of 1909 was amended.",
        "They march 1500 miles.",
        "Ada Orley (31 October 1950 – 31 March 2016) was a painter.",
        "Dora Hent; 31 October 1950 – 31 March 2016.",
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
        (np.int64(1839), 1839),
        (np.float32(1839), 1839),
        (np.datetime64("1839-04-01"), 1839),
        (Decimal("1839"), 1839),
        (Decimal("NaN"), None),
        (18390401, 1839),
        ("18390401T101500Z", 1839),
        (1551693600, 2019),
        (1551693600000, 2019),
        (float("inf"), None),
        (None, None),
    ],
)
def test_metadata_year_reads_what_datasets_carry(value: object, year: int | None) -> None:
    found = metadata_year({"date": value})
    assert (found.year if found else None) == year


def test_a_number_of_seconds_is_no_year_of_a_book() -> None:
    assert metadata_year({"year": 1551693600}) is None


def test_a_told_date_of_print_does_not_override_metadata() -> None:
    found = year_of({"year": 2019}, NormalText("The library said a Bible printed in 1611 was returned on Monday."))
    assert found is not None
    assert found.year == 2019


def test_year_of_prefers_metadata() -> None:
    found = year_of({"published": "1990"}, NormalText("March 3, 2001. Hello."))
    assert found is not None
    assert (found.year, found.origin) == (1990, "metadata:published")


@pytest.mark.parametrize(("numeral", "year"), [("MDCCCXLIV", 1844), ("MCMXII", 1912), ("MMXX", 2020), ("XII", None)])
def test_roman_year(numeral: str, year: int | None) -> None:
    assert roman_year(numeral) == year
