"""Reference lists as people paste them: one citation a line, numbered, with hanging indents, BibTeX or RIS.

``bibtexparser`` and ``rispy`` drop entries that are not whole, as pasted ones often are (looked at: 2.1.0, 0.10.0).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from distrust_hub.app.limits import Limits
from distrust_hub.errors import DataError
from distrust_hub.files import well_formed

_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_YEAR_IN_BRACKETS = re.compile(r"\(((?:1[5-9]|20)\d\d)[a-z]?\)")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_NUMBER = re.compile(r"\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|\d{1,3}[.)])\s+|\s*[-*•–]\s+")
"""What numbers an entry, or stands before it. Four digits are a year."""

_BIBTEX = re.compile(r"^[ \t]*@(\w+)\s*[{(]", re.MULTILINE)
_BIBTEX_FIELD = re.compile(r"\b(\w{1,40})\s*=\s*")
_NOT_ENTRIES = ("comment", "preamble", "string")
_ACCENT = re.compile(r"\\([\"'`^~=.])\s*\{?(\w)\}?")
_ACCENTS = dict(zip("\"'`^~=.", "\u0308\u0301\u0300\u0302\u0303\u0304\u0307"))
_RIS = re.compile(r"^TY  ?- ?", re.MULTILINE)
_RIS_LINE = re.compile(r"([A-Z][A-Z0-9])  ?- ?(.*)")
_RIS_NAMES = {
    **dict.fromkeys(("AU", "A1", "A2"), "author"),
    **dict.fromkeys(("PY", "Y1", "DA"), "year"),
    **dict.fromkeys(("TI", "T1"), "title"),
    **dict.fromkeys(("JO", "JF", "T2", "PB"), "journal"),
    "UR": "url",
    "DO": "doi",
}
_PLACES = ("journal", "booktitle", "publisher", "school", "institution", "organization", "howpublished")


def citations(text: str, limits: Limits) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a reference list, each with the year and the address that stand in it.

    BibTeX and RIS are written out; in other lists a number before an entry is left out, and lines that are indented or
    go on with a numbered entry belong to the one above. Blank lines separate entries of several lines.

    Raises:
        DataError: If there are none, or more than the app takes.
    """
    limits.check_text(text)
    text = well_formed(text)
    if _RIS.search(text):
        entries = [_written_out(fields) for fields in _ris(text)]
    elif _BIBTEX.search(text):
        entries = [_written_out(fields) for fields in _bibtex(text)]
    else:
        entries = _plain(text)
    entries = [entry for entry in entries if entry]
    if not entries:
        raise DataError("the list is empty; paste one citation per line")
    limits.check_rows(len(entries))
    return [(entry, _cited(entry)) for entry in entries]


def _cited(entry: str) -> dict[str, Any]:
    """``year`` and ``url`` of a citation: the year in brackets, else the only one outside of an address."""
    address = _ADDRESS.search(entry)
    words = _ADDRESS.sub(" ", entry)
    years = _YEAR_IN_BRACKETS.findall(words)[:1] or list(dict.fromkeys(_YEAR.findall(words)))
    found = {"url": address[0].rstrip(".,;)")} if address else {}
    return {**found, "year": years[0]} if len(years) == 1 else found


def _plain(text: str) -> list[str]:
    blocks = [block.splitlines() for block in re.split(r"\n\s*\n", text.strip("\n\r")) if block.strip()]
    lines = [line for block in blocks for line in block]
    if sum(bool(_NUMBER.match(line)) for line in lines) > 1 and _NUMBER.match(lines[0]):
        return [_NUMBER.sub("", entry, count=1) for entry in _joined(lines, lambda line: bool(_NUMBER.match(line)))]
    if any(line[:1].isspace() for line in lines) and not lines[0][:1].isspace():
        return [entry for block in blocks for entry in _joined(block, lambda line: not line[:1].isspace())]
    if len(blocks) == 1:
        return [line.strip() for line in lines]
    return [entry for block in blocks for entry in _entries(block)]


def _joined(lines: list[str], starts: Any) -> list[str]:
    """Lines that start an entry, each with those after it that do not."""
    entries: list[str] = []
    for line in lines:
        if starts(line) or not entries:
            entries.append(line.strip())
        else:
            entries[-1] += f" {line.strip()}"
    return entries


def _entries(block: list[str]) -> list[str]:
    """One entry where at most one line names a year, else one a line."""
    lines = [line.strip() for line in block]
    return lines if sum(bool(_YEAR.search(line)) for line in lines) > 1 else [" ".join(lines)]


def _bibtex(text: str) -> Iterator[dict[str, str]]:
    place = 0
    while start := _BIBTEX.search(text, place):
        body = _braced(text, start.end() - 1)
        place = start.end() + len(body)
        if start[1].lower() not in _NOT_ENTRIES and (fields := dict(_bibtex_fields(body))):
            yield fields


def _bibtex_fields(body: str) -> Iterator[tuple[str, str]]:
    place = 0
    while found := _BIBTEX_FIELD.search(body, place):
        start = found.end()
        if body[start : start + 1] == "{":
            value = _braced(body, start)
            place = start + len(value) + 2
        else:
            quoted = body[start : start + 1] == '"'
            start += quoted
            end = body.find('"' if quoted else ",", start)
            value = body[start:] if end < 0 else body[start:end]
            place = start + len(value) + 1
        yield found[1].lower(), _plain_latex(value)


def _braced(text: str, start: int) -> str:
    """What stands between the brace at ``start`` and the one that closes it, or the rest of the text."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "{(" if place == start else text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start + 1 : place]
    return text[start + 1 :]


def _plain_latex(value: str) -> str:
    value = _ACCENT.sub(lambda found: unicodedata.normalize("NFC", found[2] + _ACCENTS[found[1]]), value)
    value = re.sub(r"\\([&%_$#])", r"\1", value).replace("---", "-").replace("--", "-").replace("~", " ")
    return " ".join(re.sub(r"[{}]|\\\w+\s*", "", value).split())


def _ris(text: str) -> Iterator[dict[str, str]]:
    for record in _RIS.split(text)[1:]:
        fields: dict[str, str] = {}
        for line in record.splitlines():
            found = _RIS_LINE.match(line.strip())
            name = _RIS_NAMES.get(found[1]) if found else None
            if not found or not name or not found[2].strip():
                continue
            value = found[2].strip()
            fields[name] = f"{fields[name]} and {value}" if name == "author" and name in fields else value
        if fields:
            yield fields


def _written_out(fields: dict[str, str]) -> str:
    """The entry as a line: authors (year). Title. Where it stands. Address."""
    author = fields.get("author") or fields.get("editor") or ""
    year = _YEAR.search(fields.get("year") or fields.get("date") or "")
    place = next((fields[name] for name in _PLACES if fields.get(name)), "")
    doi = re.sub(r"^https?://(?:dx\.)?doi\.org/", "", fields.get("doi") or "")
    address = fields.get("url") or (f"https://doi.org/{doi}" if doi else "")
    head = " ".join(filter(None, (author.replace(" and ", ", "), f"({year[0]})" if year else "")))
    parts = (head, fields.get("title", ""), place, address)
    return ". ".join(part.rstrip(".") for part in parts if part)
