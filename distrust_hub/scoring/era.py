"""The year a text is from: metadata first, then what the text says about itself. Never a quantity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from distrust_hub.scoring.normalise import NormalText

YEAR_MIN, YEAR_MAX = 1400, 2100
"""Years outside are not read as publication years."""

METADATA_FIELDS = ("year", "date", "published", "publication_date", "publication_year", "created", "timestamp")

_MONTHS = (
    r"jan(?:uary|vier|uar)?|feb(?:ruary|ruar|braio|rero)?|mar(?:ch|s|zo)?|mär(?:z)?|apr(?:il|ile)?|avril|abril|may|mai|"
    r"mayo|maggio|june?|juin|juni|junio|giugno|july?|juillet|juli|julio|luglio|aug(?:ust|usti)?|août|agosto|"
    r"sept?(?:ember|embre|iembre|tembre)?|oct(?:ober|obre|obris)?|okt(?:ober)?|ottobre|octubre|nov(?:ember|embre|iembre)?|"
    r"dec(?:ember|embris)?|déc(?:embre)?|dez(?:ember)?|diciembre|dicembre"
)
_YEAR = r"(?P<y>1[4-9][0-9OolI]{2}|[1lI][4-9][0-9]{2}|20[0-9]{2})"
_DIGITS = {"O": "0", "o": "0", "l": "1", "I": "1"}

_STATED = re.compile(
    r"(?:copyright|\(c\)|©|published|printed|first edition|imprint|filed|patented|dated|written|entered according to|"
    r"anno domini|anno|a\. ?d\.|gedruckt|imprimé|impreso|stampato|excudebat)[^.;\d]{0,60}?\b" + _YEAR + r"(?![\w])",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:(?:" + _MONTHS + r")\.?,? (?:the )?\d{1,2}(?:st|nd|rd|th|d)?[,.]{0,2} ?(?:in the year )?"
    r"|\d{1,2}(?:st|nd|rd|th|d)?\.?,? (?:of |de |di |of the month of )?(?:" + _MONTHS + r")[.,]{0,2} ?(?:de |del |of )?"
    r"|(?:" + _MONTHS + r")[.,]{0,2} )" + _YEAR + r"(?![\w])",
    re.IGNORECASE,
)
_ISO = re.compile(r"\b(?P<y>1[4-9]\d\d|20\d\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")
_BARE = re.compile(r"(?P<y>1[4-9]\d\d|20\d\d)(?!\w|[,.]\d|-\d)")
_ROMAN = re.compile(r"\bM(?:CM|D?C{0,4}|CD)(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})\b")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_BEFORE_YEAR = re.compile(r"(?:\b(?:in|since|until|by|during|of|from|year|early|late|about|around|circa|after|before)|\()\s?$", re.I)
_HEAD = 400
"""Characters at the start that may hold a dateline or imprint (our choice)."""


class Year(NamedTuple):
    """A year and where it was read.

    Attributes:
        year: The year.
        origin: ``metadata:<field>``, ``stated`` (copyright, imprint, filing), ``dateline``, or ``mentioned``.
        span: Place in ``NormalText.flat``, None for metadata.
        text: What was matched.
    """

    year: int
    origin: str
    span: tuple[int, int] | None
    text: str


def year_of(metadata: Mapping[str, Any], text: NormalText) -> Year | None:
    """The year a document is from, None when nothing says so."""
    return metadata_year(metadata) or stated_year(text.flat)


def metadata_year(metadata: Mapping[str, Any]) -> Year | None:
    """The year in the first metadata field that holds one."""
    for name in METADATA_FIELDS:
        value = metadata.get(name)
        if value is None or isinstance(value, bool):
            continue
        year = _as_year(value)
        if year is not None:
            return Year(year, f"metadata:{name}", None, str(value)[:80])
    return None


def stated_year(flat: str) -> Year | None:
    """The year the text gives for itself: imprint or filing, then a date in its head or alone, else none."""
    for pattern, origin in ((_STATED, "stated"), (_ISO, "dateline"), (_DATE, "dateline")):
        found = pattern.search(flat[:_HEAD])
        if found:
            return _from_match(found, origin)
    roman = _ROMAN.search(flat[:_HEAD]) if "M" in flat[:_HEAD] else None
    if roman and len(roman.group()) > 3:
        year = roman_year(roman.group())
        if year is not None:
            return Year(year, "stated", roman.span(), roman.group())
    return None


def mentioned_years(flat: str) -> list[tuple[int, int]]:
    """``(year, position)`` of every four-digit number written as a year is: after a word that takes one."""
    found = []
    for match in _BARE.finditer(flat):
        start = match.start()
        if start and (flat[start - 1].isalnum() or flat[start - 1] in ".,$£€#-"):
            continue
        if _BEFORE_YEAR.search(flat[max(0, start - 12) : start]):
            found.append((int(match["y"]), start))
    return found


def roman_year(numeral: str) -> int | None:
    """The year a Roman numeral stands for, None if it is none or out of range."""
    total = 0
    values = [_ROMAN_VALUES.get(letter, 0) for letter in numeral.upper()]
    for value, following in zip(values, [*values[1:], 0]):
        total += -value if value < following else value
    return total if all(values) and YEAR_MIN <= total <= YEAR_MAX else None


def _as_year(value: object) -> int | None:
    if hasattr(value, "year"):
        value = value.year
    if isinstance(value, float) and value == value and abs(value) < 1e15 and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return value if YEAR_MIN <= value <= YEAR_MAX else None
    if not isinstance(value, str):
        return None
    found = re.search(r"(?<!\d)(1[4-9]\d\d|20\d\d)(?!\d)", value[:200])
    return int(found.group()) if found else None


def _from_match(found: re.Match[str], origin: str) -> Year | None:
    digits = "".join(_DIGITS.get(c, c) for c in found["y"])
    year = int(digits)
    return Year(year, origin, found.span("y"), found["y"]) if YEAR_MIN <= year <= YEAR_MAX else None
