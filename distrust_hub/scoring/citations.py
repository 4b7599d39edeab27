"""Citations by style. Every pattern is anchored on a rare character and bounded, so time is linear in the text."""

from __future__ import annotations

import calendar
import re

import ahocorasick_rs

from distrust_hub.scoring.normalise import NormalText

_NUMBERS = r"\^?\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,19}\]"
_BRACKETS = re.compile(rf"\[(?<![\w=(\[{{\]]\[){_NUMBERS}(?:\[{_NUMBERS}){{0,8}}(?![\w\[\]]|\s?[=(])")
_BRACKET = re.compile(r"\[(?![^\]]*\b0[,;\]\s–-])[^\]]+\]")
_NO_CITATION_BEFORE = re.compile(r"(?:=|\b(?:interval|range|list|array|vector|tuple)) $", re.IGNORECASE)
_PAREN = re.compile(r"\(([^()]{3,200})\)")
_YEAR_TOKEN = re.compile(r"(?:1[5-9]|20)\d\d[a-z]?$")
_JOINING = frozenset(
    {"and", "&", "et", "al", "al.", "see", "cf.", "cf", "e.g.", "also", "de", "van", "von", "der", "in", "p.", "pp."}
)
_MONTHS = frozenset(map(str, calendar.month_name))
_NAME = r"(?:(?:Ma?c|De|Di|Du|La|Le|Van|Fitz|O['’])(?=[A-Z]))?[A-Z][a-zà-ÿ'’-]{1,30}"
_NARRATIVE = re.compile(rf"\b{_NAME}(?P<more> (?:and|&) {_NAME}| et al\.?,?)? \((?:1[5-9]|20)\d\d[a-z]?\)")
_LONGEST_NAMES = 80
"""Characters that ``_NARRATIVE`` takes before its parenthesis at most: two names and ``and``."""

_PLACED_BEFORE = re.compile(
    r"(?:\b(?:born|died|lived|built|made|held|founded|opened|published) (?:in|at|near)"
    r"|\b(?:film|movie|album|novel|painting|opera|song|game|city|town)) $",
    re.IGNORECASE,
)
_LISTED_BEFORE, _LISTED_AFTER = re.compile(r"(?:^|[.:;,] )$"), re.compile(r"[.,;]|$")
_TITLED_AFTER = re.compile(r",? (?:is|was|were|are|won|starring|directed|starred)\b")
_YEAR_OPENS = re.compile(r"\((?:1[5-9]|20)\d\d")
_REFERENCE_YEAR = re.compile(r"\((?:1[5-9]|20)\d\d[a-z]?\)[.,:]")
_REFERENCE_AUTHOR = re.compile(r"[A-Z][\w'’-]{1,30},? (?:[A-Z]\.[ -]?){1,4}$")
_REFERENCE_PLACE = re.compile(
    r"\b(?:1[6-9]|20)\d\d ?; ?\d{1,4}(?: ?\(\d{1,4}(?:[-–]\d{1,4})?\))? ?: ?[eE]?\d{1,6}"
    r"|\b[Vv]ol\. ?\d{1,4},? (?:[Nn]o\. ?\d{1,4},? )?pp?\. ?\d"
    r"|\b\d{1,4} ?\(\d{1,4}\), \d{1,6}[–-]\d{1,6}(?![\d-]| [a-z])"
)
_PLACE_SHAPES = (b"0000;", b"0000 ;", b"ol.0", b"ol. 0", b"0(0", b"0 (0")
"""One of them is in every text that ``_REFERENCE_PLACE`` matches, and found in a tenth of its time."""

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]{1,120}")
_LEGAL = re.compile(
    r"[\d§](?:(?<=§)§? ?\d"
    r"|(?<=\b\d)\d{0,3} (?:U\. ?S\. ?C?\.?|F\. ?(?:2d|3d|Supp\.?)|S\. ?Ct\.|C\. ?F\. ?R\.|Stat\.) (?:§ ?)?\d{1,6})"
)
_PATENT = re.compile(
    r"\bPat(?:ent|\.) (?:Nos?\.? ?|[Nn]umber )\d[\d,]{3,10}|\bPatent (?:\d{1,3},\d{3}(?:,\d{3})?(?![\d,])|\d{5,8}\b)"
    r"|\b(?:US|EP|WO|DE|GB|FR) ?(?:\d{7,11}(?: ?[ABCU]\d?)?|\d{5,6} ?[ABCU]\d?)(?!\w)"
)
_ARCHIVE = re.compile(
    r"\b(?:MSS?\.? (?:[A-Z][\w.]{0,12} ){0,3}\d{1,6}\b(?! (?:year|month|week|day|patient|people|case))|Add\. MS"
    r"|Record Group \d|RG \d{1,3}|fol(?:io|s?\.) \d|f{1,2}\. \d{1,4}[rv]\b|[Bb]ox \d{1,4},? [Ff]older \d)"
)
_FOOTNOTE = re.compile(
    r"(?:[Ii]bid\b\.?|[Oo]p\. ?[Cc]it\b|[Ll]oc\. ?[Cc]it\b|[Vv]ide [A-Z])"
    r"|(?:(?<=[a-z]{3})|(?<=[.,;:\"”]))[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]{1,3}(?=[\s.,;]|$)"
)
_SUPERSCRIPTS = "\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
_CODES = ("US", "EP", "WO", "DE", "GB", "FR")
_NOTE_SIGNS = ("bid.", "bid,", "p. cit", "p. Cit", "oc. cit", "Vide ", " vide ")
_ARCHIVE_SIGNS = (
    "MS. ",
    "MSS",
    "Add. MS",
    "RG ",
    "Record Group",
    "fol. ",
    "fols. ",
    "folio ",
    "ff. ",
    "Folder ",
    "folder ",
)
_LEGAL_SIGNS = ("§", " U.S", " U. S", " F.", " C. F", "C.F.R")
_SIGNS = {
    "legal": _LEGAL_SIGNS,
    "patent": ("Patent N", "Patent n", "Pat. N", *(f"Patent {digit}" for digit in range(1, 10))),
    "code": _CODES,
    "archive": _ARCHIVE_SIGNS,
    "footnote": (*_NOTE_SIGNS, *_SUPERSCRIPTS),
    "reference": ("(1", "(2", "ol. ", *(mark + digit for mark in (";", "; ", "), ") for digit in "0123456789")),
}
"""What a citation of a style cannot do without: found in one pass, so that most texts skip the patterns."""

_SIGN_STYLES = [style for style, signs in _SIGNS.items() for _ in signs]
_SIGN_MATCHER = ahocorasick_rs.BytesAhoCorasick(
    [sign.encode() for signs in _SIGNS.values() for sign in signs], implementation=ahocorasick_rs.Implementation.DFA
)
_NO_NAME = _MONTHS | frozenset(
    (
        "Then",
        "In",
        "The",
        "On",
        "Since",
        "By",
        "Figure",
        "Fig",
        "Table",
        "Chapter",
        "Section",
        "Version",
        "Until",
        "From",
    )
)

Found = list[tuple[int, int]]


def find_citations(text: NormalText) -> dict[str, Found]:
    """Spans of citations in ``text.flat`` by style; styles with none are left out.

    Styles: numbered, author_year, bibliography, doi, legal, patent, archive, footnote. Array indices,
    numbered steps and years in plain parentheses are not citations.
    """
    found: dict[str, Found] = {}
    flat, marks = text.flat, text.marks
    if b"[" in marks:
        found["numbered"] = _numbered(flat)
    if b"(" in marks and b"00" in marks:
        found["author_year"] = [span for m in _PAREN.finditer(flat) for span in _author_years(m)]
        if b"(00" in marks:
            found["author_year"] += _narratives(flat)
    if b"/" in marks and b"00." in marks:
        found["doi"] = _spans(_DOI, flat)
    matches = _SIGN_MATCHER.find_matches_as_indexes(text.data, overlapping=True)
    if matches:
        signs = {_SIGN_STYLES[match[0]] for match in matches}
        if "reference" in signs:
            found["bibliography"] = _references(text)
        if "legal" in signs:
            found["legal"] = _spans(_LEGAL, flat)
        if "patent" in signs or ("code" in signs and b"00000" in text.figures):
            found["patent"] = _spans(_PATENT, flat)
        if "archive" in signs:
            found["archive"] = _spans(_ARCHIVE, flat)
        if "footnote" in signs:
            found["footnote"] = _spans(_FOOTNOTE, flat)
    return {style: spans for style, spans in found.items() if spans}


def _spans(pattern: re.Pattern[str], flat: str) -> Found:
    return [match.span() for match in pattern.finditer(flat)]


def _numbered(flat: str) -> Found:
    """Numbers in square brackets, one after the other or alone."""
    found: Found = []
    for chain in _BRACKETS.finditer(flat):
        if not _NO_CITATION_BEFORE.search(flat[max(0, chain.start() - 10) : chain.start()]):
            found += [match.span() for match in _BRACKET.finditer(flat, *chain.span())]
    return found


def _references(text: NormalText) -> Found:
    """Entries of a reference list: ``Name, A. (2019).``, or where there is none, ``2019;12(3):45`` and the like."""
    found: Found = []
    flat = text.flat
    for match in _REFERENCE_YEAR.finditer(flat):
        start = max(0, match.start() - 44)
        author = _REFERENCE_AUTHOR.search(flat[start : match.start()])
        if author:
            found.append((start + author.start(), match.end()))
    if found or not any(shape in text.figures for shape in _PLACE_SHAPES):
        return found
    return [match.span() for match in _REFERENCE_PLACE.finditer(flat)]


def _author_years(group: re.Match[str]) -> Found:
    """Places of the citations in one pair of parentheses: ``(A & B, 2020; C, 2018)`` holds two."""
    inner = group[1]
    if "1" not in inner and "2" not in inner:
        return []
    found, at = [], group.start(1)
    for part in inner.split(";")[:12]:
        if _names_then_year(part):
            found.append((at + len(part) - len(part.lstrip()), at + len(part)))
        at += len(part) + 1
    return found if len(found) != 1 else [group.span()]


def _narratives(flat: str) -> Found:
    """``Name (2019)`` and the like: looked for before each year in parentheses, not wherever a name could start."""
    found: Found = []
    end = 0
    for opening in _YEAR_OPENS.finditer(flat):
        start = max(end, opening.start() - _LONGEST_NAMES)
        for match in _NARRATIVE.finditer(flat, start, opening.end() + len("a)")):
            end = match.end()
            if _names_author(flat, match):
                found.append(match.span())
    return found


def _names_author(flat: str, match: re.Match[str]) -> bool:
    """Whether a name before a year in parentheses is an author's, not that of a month, a place or a work."""
    if match[0].partition(" ")[0] in _NO_NAME:
        return False
    if match["more"]:
        return True
    start, end = match.span()
    before = flat[max(0, start - 16) : start]
    listed = _LISTED_BEFORE.search(before) and _LISTED_AFTER.match(flat, end)
    return not (listed or _PLACED_BEFORE.search(before) or _TITLED_AFTER.match(flat, end))


def _names_then_year(part: str) -> bool:
    """``A. Name & B. Other, 2020`` and the like: a capitalised name first, a year at the end, nothing else between."""
    tokens = part.replace(",", " ").replace(":", " ").split()
    if len(tokens) > 12:
        return False
    while tokens and len(tokens) > 2 and not _YEAR_TOKEN.match(tokens[-1]):
        if not tokens[-1].strip("-–").replace("-", "").replace("–", "").isdigit() and tokens[-1] not in ("p.", "pp."):
            return False
        tokens.pop()
    if len(tokens) < 2 or not _YEAR_TOKEN.match(tokens[-1]):
        return False
    names = [token for token in tokens[:-1] if token not in _JOINING and not _YEAR_TOKEN.match(token)]
    return bool(names) and all(name[:1].isupper() for name in names) and not _MONTHS.intersection(names)
