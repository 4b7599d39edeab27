"""The year a text is from: metadata first, then what the text says about itself. Never a quantity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from distrust_hub.scoring.normalise import NormalText

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
DATED_FIELDS = ("date", "published", "publication_date", "created", "timestamp")
"""Fields that may hold a time as a number."""

_EPOCH_END = 4_102_444_800  # the first second of 2100
_YEAR_IN_FIELD = re.compile(
    r"(?<!\d)(?:1[4-9]\d\d|20\d\d)(?!\d)"
    r"|^(?:1[4-9]\d\d|20\d\d)(?=(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:$|[T\D]))"
)
_MONTHS = (
    r"jan(?:uary|vier|uar|[yr])?|jän(?:ner)?|gennaio|enero|fév(?:rier)?|feb(?:ruary|ruar|braio|rero|r?y|r)?|mar(?:ch|s|zo)?|mär(?:z)?|apr(?:il|ile|l)?|avril|"
    r"abril|may|mai|mayo|maggio|june?|juin|juni|junio|giugno|july?|juillet|juli|julio|luglio|aug(?:ust|usti|t)?|août|"
    r"agosto|sept?(?:ember|embre|iembre|tembre|r)?|oct(?:ober|obre|obris|r)?|okt(?:ober)?|settembre|ottobre|octubre|"
    r"nov(?:ember|embre|iembre|r)?|dec(?:ember|embris|r)?|déc(?:embre)?|dez(?:ember)?|diciembre|dicembre"
)
_YEARISH = re.compile(
    r"[12lI](?:(?<!2)[4-9][0-9OolI]{2}|(?<=1)l[0-9]{2}|(?<=l)[0-9]l[0-9]|(?<=2)0[0-9]{2})(?!\w|[.,]\d|[/–-]\d{3})"
)
_DIGITS = {"O": "0", "o": "0", "l": "1", "I": "1"}
_FIGURES = bytes(48 if chr(code) in "123456789OolI" else code for code in range(256))
"""A 0 for every digit and every letter that ``_YEARISH`` takes for one."""

_MARK = r"(?:copyright(?! (?:act|law))|\(c\)|©)"
_STATED_BEFORE = re.compile(
    rf"(?:(?i:{_MARK}|\b(?:imprint|entered according to|anno domini|anno|a\. ?d\.|application filed|excudebat))"
    r"|(?<!was )(?<!were )(?<!been )\b(?i:(?:first|originally) published|first edition)"
    r"|\b(?:Printed|PRINTED|Filed|FILED|Patented|PATENTED|Gedruckt|GEDRUCKT|Imprimé|Impreso|Stampato)\b"
    r"|[,:] (?:printed|gedruckt|imprimé|impreso|stampato) (?:by|for|bei|von|par|chez|por|da|per) )[^.;\d]{0,60}$"
    rf"|(?i:{_MARK})[^.;\d]{{0,20}}(?:\d{{4}}(?:[-–]|, ?))+$"
)
"""An imprint, a copyright, an edition or a filing; ``a Bible printed in 1611`` is a story about one."""

_RANGE_BEFORE = re.compile(rf"{_MARK}[^.;\d]{{0,20}}\d{{4}}-$", re.IGNORECASE)
_COUNTED_AFTER = re.compile(
    r",? (?!(?:by|at|in|for|and|with|under|all|bei|von|durch|par|chez|por|en|da|per|den|le|el|il)\b)[a-zà-ÿ]"
)
"""What follows makes the number a quantity or the sentence a story: ``printed 1500 copies``, ``in 1839, the novel``."""

_PLACE_BEFORE = re.compile(r"(?:^|\. ?)[A-Z][A-Za-z]{2,20}(?: [A-Z][A-Za-z]{2,20})?(?:[,:] [A-Z][\w .&]{0,40})?, ?$")
_PLACE_AFTER = re.compile(r" ?(?:$|[.:–—]|--| - )")
_DATE_BEFORE = re.compile(
    r"(?:\b(?:" + _MONTHS + r")\.?,? (?:the |ye )?\d{1,2}(?:st|nd|rd|th|d)?[,.]{0,2} ?(?:in the year )?"
    r"|\b\d{1,2}(?:st|nd|rd|th|d|er)?\.?,? (?:of |de |di |of the month of )?(?:"
    + _MONTHS
    + r")[.,]{0,2} ?(?:de |del |of )?"
    r"|\b(?-i:(?!march |may |mar ))(?:" + _MONTHS + r")[.,]{0,2} )$",
    re.IGNORECASE,
)
_DATE_AFTER = re.compile(r"[,.:] (?:" + _MONTHS + r")\.? (?:the |ye )?\d{1,2}", re.IGNORECASE)
_LIVED_AFTER = re.compile(r" ?[–-] ?(?:\d{1,2} )?(?:\d{4}|" + _MONTHS + r")\b", re.IGNORECASE)
_NARRATED = re.compile(
    r"(?:\b(?:on|in|of|born|since|until|by|from|before|after|died|between|and|to|am|le|el|il)|[(–-])\s?$", re.I
)
"""What stands before a date that is told, not put at the head of an entry or a report."""

_HEADED = re.compile(r"(?:^|[.:] )[A-Z][\w'’-]{2,20}(?: [\w'’-]{2,20}){0,2}, (?:le|el|il|am) ?$")
"""``Paris, le 12 janvier``: the same words after the name of a place."""

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
        value = plain(value)
        year = _as_year(value, dated=name in DATED_FIELDS)
        if year is not None:
            return Year(year, f"metadata:{name}", None, str(value)[:80])
    return None


def stated_year(flat: str) -> Year | None:
    """The year the text gives for itself in its head: imprint, copyright or filing first, then a date, else none."""
    head = flat[:_HEAD]
    if b"0000" not in head.encode("utf-8", "surrogatepass").translate(_FIGURES):
        return _roman_year_in(head)
    date: Year | None = None
    for found in _YEARISH.finditer(head):
        start, end = found.span()
        before = head[max(0, start - 72) : start]
        if start and (before[-1].isalnum() or before[-1] in ".,$£€#/-") and not _RANGE_BEFORE.search(before):
            continue
        year = Year(int("".join(_DIGITS.get(c, c) for c in found.group())), "", found.span(), found.group())
        if not YEAR_MIN <= year.year <= YEAR_MAX:
            continue
        if _STATED_BEFORE.search(before) and not _COUNTED_AFTER.match(head, end):
            return year._replace(origin="stated")
        if date is None and start < _DATELINE and _opens(head, start, end, before):
            date = year._replace(origin="dateline")
    return date or _roman_year_in(head)


def _opens(head: str, start: int, end: int, before: str) -> bool:
    """Whether the year belongs to a date that opens an entry or a report, not to one that is told."""
    opening = _DATE_BEFORE.search(before[-36:])
    if opening:
        ahead = before[: len(before) - len(opening.group())]
        return (not _NARRATED.search(ahead) or bool(_HEADED.search(ahead))) and not _LIVED_AFTER.match(head, end)
    if _ISO_AFTER.match(head, end) or (_PLACE_BEFORE.search(before) and _PLACE_AFTER.match(head, end)):
        return True
    return (not before or before.endswith(". ")) and bool(_DATE_AFTER.match(head, end))


def _roman_year_in(head: str) -> Year | None:
    if "M" not in head or not ("MD" in head or "MC" in head or "MM" in head):
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


def plain(value: object) -> object:
    """A metadata value as a plain Python one: NumPy's scalars and decimals as libraries for tables hand them over."""
    if isinstance(value, np.generic):
        return str(value) if isinstance(value, np.datetime64) else value.item()
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    return value


def _as_year(value: object, dated: bool) -> int | None:
    """The year in a value; ``dated`` fields may also count seconds or milliseconds since 1970."""
    if hasattr(value, "year"):
        value = value.year
    if isinstance(value, float) and value == value and abs(value) < 1e15 and (dated or value.is_integer()):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if YEAR_MIN <= value <= YEAR_MAX:
            return value
        if not dated or not 10**7 <= value < 10**14:
            return None
        return _as_year(str(value), dated=False) or _year_of_epoch(value)
    if not isinstance(value, str):
        return None
    found = _YEAR_IN_FIELD.search(value[:200])
    return int(found.group()) if found else None


def _year_of_epoch(value: int) -> int | None:
    seconds = value // 1000 if value >= 10**11 else value
    return datetime.fromtimestamp(seconds, timezone.utc).year if 10**8 <= seconds < _EPOCH_END else None
