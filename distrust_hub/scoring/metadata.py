"""Metadata as real datasets carry it: which fields are read, and what a publisher or address says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from distrust_hub.schema import normalise_source_type

PUBLISHER_FIELDS = ("publisher", "source", "journal", "site_name")
URL_FIELDS = ("url", "source_url", "link")

_DOMAINS = {
    "wikipedia.org": "wiki",
    "wikivoyage.org": "wiki",
    "britannica.com": "wiki",
    "wikinews.org": "news_modern",
    "reuters.com": "news_modern",
    "apnews.com": "news_modern",
    "bbc.co.uk": "news_modern",
    "bbc.com": "news_modern",
    "cnn.com": "news_modern",
    "nytimes.com": "news_modern",
    "theguardian.com": "news_modern",
    "washingtonpost.com": "news_modern",
    "who.int": "medical_guidelines",
    "cdc.gov": "medical_guidelines",
    "nih.gov": "medical_guidelines",
    "nhs.uk": "medical_guidelines",
    "nice.org.uk": "medical_guidelines",
    "mayoclinic.org": "medical_guidelines",
    "cancer.gov": "medical_guidelines",
    "arxiv.org": "preprint",
    "biorxiv.org": "preprint",
    "medrxiv.org": "preprint",
    "ssrn.com": "preprint",
    "nature.com": "academic_paper",
    "science.org": "academic_paper",
    "sciencedirect.com": "academic_paper",
    "plos.org": "academic_paper",
    "springer.com": "academic_paper",
    "wiley.com": "academic_paper",
    "doi.org": "academic_paper",
    "openstax.org": "textbook",
    "medium.com": "blog_forum",
    "substack.com": "blog_forum",
    "wordpress.com": "blog_forum",
    "blogspot.com": "blog_forum",
    "stackoverflow.com": "blog_forum",
    "stackexchange.com": "blog_forum",
    "reddit.com": "blog_forum",
    "gutenberg.org": "historical_book",
    "chroniclingamerica.loc.gov": "historical_newspaper",
    "trove.nla.gov.au": "historical_newspaper",
    "prnewswire.com": "press_release",
    "businesswire.com": "press_release",
}
_GOVERNMENT_SUFFIXES = (".gov", ".mil", ".gov.uk", ".gouv.fr", ".gob.es", ".gob.mx", ".gc.ca", ".bund.de", ".europa.eu")
_PUBLISHERS = {
    "wikipedia": "wiki",
    "encyclopaedia britannica": "wiki",
    "encyclopedia britannica": "wiki",
    "wikinews": "news_modern",
    "reuters": "news_modern",
    "associated press": "news_modern",
    "bbc news": "news_modern",
    "world health organization": "medical_guidelines",
    "centers for disease control": "medical_guidelines",
    "national institutes of health": "medical_guidelines",
    "medlineplus": "medical_guidelines",
    "arxiv": "preprint",
    "biorxiv": "preprint",
    "preprints": "preprint",
    "project gutenberg": "historical_book",
    "blog": "blog_forum",
    "open lab notebook": "lab_notebook",
    "lab notebook": "lab_notebook",
    "journal of": "academic_paper",
    "proceedings of": "academic_paper",
    "plos": "academic_paper",
    "department of": "government",
    "ministry of": "government",
    "administration": "government",
    "office of": "government",
    "board of governors": "press_release",
    "oversight board": "government",
}


class SourceHint(NamedTuple):
    """A source type a metadata field speaks for."""

    source_type: str
    field: str
    value: str


def stated_source_type(metadata: Mapping[str, Any]) -> SourceHint | None:
    """The source type the row states itself, if it is a known one."""
    for name in ("source_type", "type", "genre"):
        known = normalise_source_type(metadata.get(name))
        if known is not None:
            return SourceHint(known, name, str(metadata[name]))
    return None


def source_hint(metadata: Mapping[str, Any]) -> SourceHint | None:
    """The source type that the address or the publisher suggests: the address first, it is harder to write loosely."""
    for name in URL_FIELDS:
        value = metadata.get(name)
        if isinstance(value, str) and value:
            kind = _from_host(value)
            if kind is not None:
                return SourceHint(kind, name, value[:200])
    for name in PUBLISHER_FIELDS:
        value = metadata.get(name)
        if isinstance(value, str) and value:
            padded = f" {' '.join(value.lower().replace(',', ' ').split())} "
            for publisher, kind in _PUBLISHERS.items():
                if f" {publisher} " in padded:
                    return SourceHint(kind, name, value[:200])
    return None


def _from_host(url: str) -> str | None:
    try:
        host = (urlsplit(url if "//" in url else f"//{url}").hostname or "").rstrip(".")
    except ValueError:
        return None
    labels = host.split(".")
    for first in range(len(labels) - 1):
        kind = _DOMAINS.get(".".join(labels[first:]))
        if kind is not None:
            return kind
    return "government" if host.endswith(_GOVERNMENT_SUFFIXES) else None
