"""The year a text is from: metadata first, then what the text says about itself. Never a quantity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from distrust_hub.scoring.normalise import NormalText, figures

YEAR_MIN, YEAR_MAX = 1400, 2100
"""Years outside are not read as publication years."""

ORIGINAL_FIELDS = ("original_year", "first_published", "original_date")
EDITION_FROM, EDITION_GAP = 1950, 50
"""A row of this year or later whose text prints a date so many years older is a modern edition (our choice)."""

METADATA_FIELDS = (
    *ORIGINAL_FIELDS,
    "year",
    "date",
    "published",
    "publication_date",
    "publication_year",
    "created",
    "timestamp",
)

_MONTHS = (
    r"jan(?:uary|vier|uar)?|feb(?:ruary|ruar|braio|rero)?|mar(?:ch|s|zo)?|mär(?:z)?|apr(?:il|ile)?|avril|abril|may|mai|"
    r"mayo|maggio|june?|juin|juni|junio|giugno|july?|juillet|juli|julio|luglio|aug(?:ust|usti)?|août|agosto|"
    r"sept?(?:ember|embre|iembre|tembre)?|oct(?:ober|obre|obris)?|okt(?:ober)?|ottobre|octubre|nov(?:ember|embre|iembre)?|"
    r"dec(?:ember|embris)?|déc(?:embre)?|dez(?:ember)?|diciembre|dicembre"
)
_YEARISH = re.compile(
    r"(?:1[4-9][0-9OolI]{2}|[lI][4-9][0-9]{2}|1[4-9l][0-9][0-9lI]|l[0-9]l[0-9]|20[0-9]{2})(?!\w|[.,]\d|[/-]\d{3})"
)
_DIGITS = {"O": "0", "o": "0", "l": "1", "I": "1"}
_STATED_BEFORE = re.compile(
    r"(?:copyright|\(c\)|©|first published|originally published|printed|first edition|imprint|filed|patented|"
    r"entered according to|anno domini|anno|a\. ?d\.|gedruckt|imprimé|impreso|stampato|excudebat)[^.;\d]{0,60}$",
    re.IGNORECASE,
)
_PLACE_BEFORE = re.compile(r"(?:^|[.;:] ?)[A-Z][A-Za-z]{2,20}(?: [A-Z][A-Za-z]{2,20})?(?:[,:] [A-Z][\w .&]{0,40})?, ?$")
_DATE_BEFORE = re.compile(
    r"(?:\b(?:" + _MONTHS + r")\.?,? (?:the )?\d{1,2}(?:st|nd|rd|th|d)?[,.]{0,2} ?(?:in the year )?"
    r"|\b\d{1,2}(?:st|nd|rd|th|d)?\.?,? (?:of |de |di |of the month of )?(?:"
    + _MONTHS
    + r")[.,]{0,2} ?(?:de |del |of )?"
    r"|\b(?:" + _MONTHS + r")[.,]{0,2} )$",
    re.IGNORECASE,
)
_NARRATED = re.compile(
    r"(?:\b(?:on|in|of|born|since|until|by|from|before|after|died|between|and|to|am|le|el|il)|[(–-])\s?$", re.I
)
"""What stands before a date that is told, not put at the head of an entry or a report."""

_ISO_AFTER = re.compile(r"-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")
_ROMAN = re.compile(r"\bM{1,2}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})\b")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_DATELINE = 120
"""Characters at the start in which a date may be a dateline (our choice)."""

_HEAD = 400
"""Characters at the start that may hold a dateline or imprint (our choice)."""


class Year(NamedTuple):
    """A year and where it was read.

    Attributes:
        year: The year.
        origin: ``metadata:<field>``, ``stated`` (copyright, imprint, filing), ``stated, in an edition of <year>``, or
            ``dateline``.
        span: Place in ``NormalText.flat``, None for metadata.
        text: What was matched.
    """

    year: int
    origin: str
    span: tuple[int, int] | None
    text: str


def year_of(metadata: Mapping[str, Any], text: NormalText) -> Year | None:
    """The year a document is from, None when nothing says so."""
    given = metadata_year(metadata) if metadata else None
    if given is None:
        return stated_year(text.flat)
    if given.year >= EDITION_FROM and given.origin.partition(":")[2] not in ORIGINAL_FIELDS:
        printed = stated_year(text.flat)
        if printed and printed.origin == "stated" and printed.year <= given.year - EDITION_GAP:
            return printed._replace(origin=f"stated, in an edition of {given.year}")
    return given


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
    """The year the text gives for itself in its head: imprint, copyright or filing first, then a date, else none."""
    head = flat[:_HEAD]
    if b"0" not in figures(head.encode("utf-8", "surrogatepass")):
        return _roman_year_in(head)
    date: Year | None = None
    for found in _YEARISH.finditer(head):
        start, end = found.span()
        if start and (head[start - 1].isalnum() or head[start - 1] in ".,$£€#/-"):
            continue
        year = Year(int("".join(_DIGITS.get(c, c) for c in found.group())), "", found.span(), found.group())
        if not YEAR_MIN <= year.year <= YEAR_MAX:
            continue
        before = head[max(0, start - 72) : start]
        if _STATED_BEFORE.search(before):
            return year._replace(origin="stated")
        if date is None and start < _DATELINE:
            opening = _DATE_BEFORE.search(before[-36:])
            if opening and _NARRATED.search(before[: len(before) - len(opening.group())]):
                continue
            placed = head[end : end + 1] in ("", ".", " ") and _PLACE_BEFORE.search(before)
            if opening or placed or _ISO_AFTER.match(flat, end):
                date = year._replace(origin="dateline")
    return date or _roman_year_in(head)


def _roman_year_in(head: str) -> Year | None:
    if "MD" not in head and "MC" not in head and "MM" not in head:
        return None
    for found in _ROMAN.finditer(head):
        year = roman_year(found.group()) if len(found.group()) > 3 else None
        if year is not None:
            return Year(year, "stated", found.span(), found.group())
    return None


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
