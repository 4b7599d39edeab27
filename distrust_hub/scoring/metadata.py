"""Metadata as real datasets carry it: which fields are read, and what a publisher or address says."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from distrust_hub.schema import normalise_source_type
from distrust_hub.scoring.era import METADATA_FIELDS, metadata_year, plain

logger = logging.getLogger(__name__)

STATED_FIELDS = ("source_type", "type", "genre")
_ABSENT = frozenset(("", "-", "--", "?", "n/a", "na", "nan", "nil", "none", "null", "unknown", "not available"))
"""What tables write where they have no value."""

PUBLISHER_FIELDS = ("publisher", "source", "site_name")
URL_FIELDS = ("url", "source_url", "link")
PATENT_FIELDS, DOI_FIELDS, JOURNAL_FIELDS = ("patent_number", "patent"), ("doi",), ("journal",)
LICENSE_FIELDS = ("license", "licence")

_DOMAINS_OF = {
    "wiki": """wikipedia.org wikivoyage.org britannica.com""",
    "news_modern": """wikinews.org reuters.com apnews.com bbc.co.uk bbc.com cnn.com nytimes.com theguardian.com
        washingtonpost.com""",
    "medical_guidelines": """who.int cdc.gov nih.gov nhs.uk nice.org.uk mayoclinic.org cancer.gov""",
    "preprint": """arxiv.org biorxiv.org medrxiv.org ssrn.com""",
    "academic_paper": """nature.com science.org sciencedirect.com plos.org springer.com wiley.com doi.org mdpi.com
        iop.org frontiersin.org jstor.org acm.org ieee.org oup.com tandfonline.com sagepub.com pnas.org bmj.com
        thelancet.com nejm.org cell.com royalsocietypublishing.org""",
    "textbook": """openstax.org wikibooks.org""",
    "historical_book": """wikisource.org hathitrust.org gutenberg.org""",
    "letter_diary": """founders.archives.gov""",
    "court_record": """oldbaileyonline.org""",
    "blog_forum": """medium.com substack.com wordpress.com blogspot.com stackoverflow.com stackexchange.com
        reddit.com""",
    "historical_newspaper": """chroniclingamerica.loc.gov trove.nla.gov.au""",
    "press_release": """prnewswire.com businesswire.com""",
}
_DOMAINS: dict[str, str | None] = {domain: kind for kind, domains in _DOMAINS_OF.items() for domain in domains.split()}
_DOMAINS |= {"archives.gov": None, "loc.gov": None}  # keep records of others
_LABELS = {
    **dict.fromkeys(("blog", "blogs", "forum", "forums"), "blog_forum"),
    **dict.fromkeys(("newsroom", "press", "pressroom"), "press_release"),
}
"""Parts of a host name that say what is published there."""

_GOVERNMENT_ENDINGS = (".bund.de", ".europa.eu", ".gc.ca")
_GOVERNMENT_LABELS = frozenset(("gov", "gob", "gouv", "gub", "govt", "guv", "mil"))
_GO_COUNTRIES = frozenset(("cr", "id", "jp", "ke", "kr", "th", "tz", "ug"))
"""Countries that keep ``go`` for their government; elsewhere anybody can register it."""

_UNIVERSITY_LABELS = frozenset(("edu", "ac"))
_ACRONYMS = {
    **dict.fromkeys(("WHO", "CDC", "NIH", "NHS", "NICE"), "medical_guidelines"),
    **dict.fromkeys(("FDA", "EPA", "EMA", "OECD", "UNESCO", "UNICEF", "IMF", "FTC"), "government"),
    **dict.fromkeys(("BBC", "CNN", "NPR"), "news_modern"),
    **dict.fromkeys(("BMJ", "JAMA", "PNAS"), "academic_paper"),
}
"""Publishers known by their capitals; not the agencies of science, which publish records and data too."""

_JOURNALS = frozenset(("Nature", "Science", "Cell", "Lancet", "New England Journal of Medicine"))
_ADDRESS = re.compile(r"\s*(?:https?://\S+|[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}\.[a-z]{2,13}(?:[/:]\S*)?)\s*$")
_PUBLISHERS = {
    "world health organisation": "medical_guidelines",
    "old bailey": "court_record",
    "chronicling america": "historical_newspaper",
    "oral history": "oral_history",
    "letters of": "letter_diary",
    "correspondence of": "letter_diary",
    "diary of": "letter_diary",
    "newsroom": "press_release",
    "press office": "press_release",
    "wikipedia": "wiki",
    "encyclopaedia": "wiki",
    "encyclopedia": "wiki",
    "wikinews": "news_modern",
    "reuters": "news_modern",
    "associated press": "news_modern",
    "bbc news": "news_modern",
    "news agency": "news_modern",
    "times": "news_modern",
    "tribune": "news_modern",
    "herald": "news_modern",
    "gazette": "news_modern",
    "world health organization": "medical_guidelines",
    "centers for disease control": "medical_guidelines",
    "national institutes of health": "medical_guidelines",
    "medlineplus": "medical_guidelines",
    "clinic": "medical_guidelines",
    "nhs": "medical_guidelines",
    "arxiv": "preprint",
    "biorxiv": "preprint",
    "preprints": "preprint",
    "project gutenberg": "historical_book",
    "blog": "blog_forum",
    "substack": "blog_forum",
    "textbook": "textbook",
    "openstax": "textbook",
    "open lab notebook": "lab_notebook",
    "lab notebook": "lab_notebook",
    "journal of": "academic_paper",
    "proceedings of": "academic_paper",
    "plos": "academic_paper",
    "department of": "government",
    "ministry of": "government",
    "ministerio de": "government",
    "ministère de": "government",
    "bundesministerium": "government",
    "agency": "government",
    "administration": "government",
    "office of": "government",
    "central bank": "press_release",
    "federal reserve": "press_release",
}


_DOI_PREFIXES = {"10.48550": "preprint", "10.1101": "preprint", "10.31234": "preprint", "10.2139": "preprint"}
"""arXiv, bioRxiv and medRxiv, PsyArXiv, SSRN; other registrants of DOIs are taken for publishers of papers."""

_LAST_PATENT_BEFORE_1970 = 3_487_469
"""Of the United States; 3,487,470 was issued on 6 January 1970."""

MODERN_FROM = 1970
"""Year from which the tiers call news and speeches modern."""

CITATION_FIELDS = ("citation_count", "citationcount", "n_citations", "num_citations", "cited_by_count")


class CitationCount(NamedTuple):
    """How often a row says its document is cited."""

    number: int
    field: str


class SourceHint(NamedTuple):
    """A source type a metadata field speaks for."""

    source_type: str
    field: str
    value: str


def stated_source_type(metadata: Mapping[str, Any]) -> SourceHint | None:
    """The source type the row states itself, if it is a known one."""
    for name in STATED_FIELDS:
        known = normalise_source_type(metadata.get(name))
        if known is not None:
            return SourceHint(known, name, str(metadata[name]))
    return None


def citation_count(metadata: Mapping[str, Any]) -> CitationCount | None:
    """The citations the row counts; what is not a whole number of at least 1 is passed over."""
    for name in CITATION_FIELDS:
        value = plain(metadata.get(name))
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value.strip()[:18])
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return CitationCount(value, name)
    return None


def source_hint(metadata: Mapping[str, Any]) -> SourceHint | None:
    """The source type that address, patent number, DOI, publisher, journal or licence suggest.

    The first that speaks is taken: the address is harder to write loosely than a name, and a licence says least.
    """
    for names, reading in _READINGS:
        for name in names:
            value = metadata.get(name)
            value = None if value is None else plain(value)
            if isinstance(value, bool) or not isinstance(value, (str, int)) or str(value).strip().lower() in _ABSENT:
                continue
            kind = reading(str(value))
            if kind is not None:
                return SourceHint(_of_its_time(kind, metadata), name, str(value)[:200])
    return None


def _of_its_time(kind: str, metadata: Mapping[str, Any]) -> str:
    """A newspaper before 1970 is a record of its time."""
    year = metadata_year(metadata) if kind == "news_modern" else None
    return "historical_newspaper" if year is not None and year.year < MODERN_FROM else kind


def _from_patent_number(number: str) -> str | None:
    digits = "".join(filter(str.isdecimal, number[:40]))
    return "patent_pre1970" if digits and int(digits) <= _LAST_PATENT_BEFORE_1970 else None


def _from_doi(doi: str) -> str | None:
    start = doi.find("10.")
    prefix, slash, _ = doi[start : start + 40].partition("/")
    return _DOI_PREFIXES.get(prefix, "academic_paper") if start >= 0 and slash else None


def _from_publisher(publisher: str) -> str | None:
    if _ADDRESS.match(publisher):
        return _from_host(publisher)
    if publisher.strip().removeprefix("The ") in _JOURNALS:
        return "academic_paper"
    words = publisher[:1000].replace("(", " ").replace(")", " ").replace(",", " ").split()
    if len(words) == 1 or not publisher.isupper():
        known = next((_ACRONYMS[word] for word in words if word in _ACRONYMS), None)
        if known is not None:
            return known
    padded = f" {' '.join(publisher[:1000].lower().replace(',', ' ').split())} "
    return next((kind for name, kind in _PUBLISHERS.items() if f" {name} " in padded), None)


def _from_journal(journal: str) -> str | None:
    return _from_publisher(journal) or ("academic_paper" if journal.strip() else None)


def _from_license(terms: str) -> str | None:
    lower = terms[:1000].lower()
    return "government" if "government" in lower or "crown copyright" in lower else None


def _from_host(url: str) -> str | None:
    try:
        host = (urlsplit(url if "//" in url else f"//{url}").hostname or "").rstrip(".")
    except ValueError:
        return None
    labels = host.split(".")
    for first in range(len(labels) - 1):
        domain = ".".join(labels[first:])
        if domain in _DOMAINS:
            return _DOMAINS[domain]
    university = not _UNIVERSITY_LABELS.isdisjoint(labels[-2:])
    named = next((label for label in labels[:-1] if label in _LABELS), None)
    if named is not None:
        return None if university and named == "press" else _LABELS[named]  # a university's press prints books
    return "government" if _is_government(host, labels) else None


def _is_government(host: str, labels: list[str]) -> bool:
    """Whether the suffix of a host name is one that only a state's bodies can register."""
    if labels[-1] in ("gov", "mil"):
        return len(labels) > 1
    if len(labels) < 2 or len(labels[-1]) != 2:
        return False
    reserved = labels[-2] in _GOVERNMENT_LABELS or (labels[-2] == "go" and labels[-1] in _GO_COUNTRIES)
    return reserved or f".{host}".endswith(_GOVERNMENT_ENDINGS)


_READINGS: tuple[tuple[tuple[str, ...], Callable[[str], str | None]], ...] = (
    (URL_FIELDS, _from_host),
    (PATENT_FIELDS, _from_patent_number),
    (DOI_FIELDS, _from_doi),
    (PUBLISHER_FIELDS, _from_publisher),
    (JOURNAL_FIELDS, _from_journal),
    (LICENSE_FIELDS, _from_license),
)

FIELDS = (
    *STATED_FIELDS,
    *METADATA_FIELDS,
    *CITATION_FIELDS,
    *(name for names, _ in _READINGS for name in names),
)
"""Every field of a row that the scorer reads beside the text."""


def warn_of_spelling(names: Collection[str], source: str) -> None:
    """Name the columns of a source that are passed over for capitals or spaces in their names."""
    fields = {name: name.strip().lower().replace(" ", "_") for name in sorted(names)}
    unread = [f"{name!r} ({field})" for name, field in fields.items() if field in FIELDS and field not in fields]
    if unread:
        logger.warning(
            "%s: not read for their spelling: %s; rename them (a recipe of prepare can, with columns)",
            source,
            ", ".join(unread),
        )
