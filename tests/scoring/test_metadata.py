"""Metadata as datasets carry it."""

from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.scoring.document import score_document
from distrust_hub.scoring.metadata import citation_count, source_hint


@pytest.mark.parametrize(
    ("metadata", "kind", "field"),
    [
        ({"url": "https://en.wikipedia.org/wiki/Who"}, "wiki", "url"),
        ({"url": "https://www.energy.gov/notes"}, "government", "url"),
        ({"url": "https://sub.example.gov.uk:8080/x"}, "government", "url"),
        ({"url": "https://blog.example.org/post"}, "blog_forum", "url"),
        ({"url": "press.example.com/2020"}, "press_release", "url"),
        ({"url": "https://founders.archives.gov/documents/1"}, "letter_diary", "url"),
        ({"doi": "10.1371/journal.pone.0000001"}, "academic_paper", "doi"),
        ({"doi": "https://doi.org/10.48550/arXiv.2101.00001"}, "preprint", "doi"),
        ({"patent_number": "US 1,234,567"}, "patent_pre1970", "patent_number"),
        ({"patent_number": 821393}, "patent_pre1970", "patent_number"),
        ({"journal": "Annals of Something"}, "academic_paper", "journal"),
        ({"license": "Open Government Licence v3.0"}, "government", "license"),
        ({"publisher": "The Evening Herald"}, "news_modern", "publisher"),
        ({"publisher": "The Evening Herald", "year": 1888}, "historical_newspaper", "publisher"),
        ({"source": "Ministerio de Sanidad"}, "government", "source"),
        ({"url": "https://example.org", "publisher": "Wikipedia"}, "wiki", "publisher"),
        ({"url": "health.gov.au/x"}, "government", "url"),
        ({"url": "https://www.mhlw.go.jp"}, "government", "url"),
        ({"url": "https://www.argentina.gob.ar"}, "government", "url"),
        ({"url": "https://gov.uk/guidance"}, "government", "url"),
        ({"source": "https://www.who.int/news"}, "medical_guidelines", "source"),
        ({"source": "en.wikipedia.org"}, "wiki", "source"),
        ({"publisher": "WHO"}, "medical_guidelines", "publisher"),
        ({"publisher": "Food Safety Unit (FDA)"}, "government", "publisher"),
        ({"publisher": "The Lancet"}, "academic_paper", "publisher"),
        ({"patent_number": np.int64(821393)}, "patent_pre1970", "patent_number"),
    ],
)
def test_source_hint_reads_each_field(metadata: dict[str, object], kind: str, field: str) -> None:
    hint = source_hint(metadata)
    assert hint is not None
    assert (hint.source_type, hint.field) == (kind, field)
    lines = [line for line in score_document("A short note.", metadata).evidence if line.component == "source_hint"]
    assert {line.field for line in lines} == {field}


@pytest.mark.parametrize(
    "metadata",
    [
        {"url": "https://whogovernment.example/nih.gov"},
        {"url": "http://[broken"},
        {"url": "https://www.loc.gov/item/1"},
        {"publisher": "Science teachers who know"},
        {"publisher": "Sometimes"},
        {"patent_number": "US 10,234,567 B2"},
        {"patent_number": ""},
        {"doi": "none"},
        {"journal": " "},
        {"license": "cc-by-4.0"},
        {"license": True, "doi": None, "publisher": ["x"]},
        {"url": "https://press.uchicago.edu/books"},
        {"url": "https://www.go.de"},
        {"url": "https://gov.example.com"},
        {"publisher": "WHO KNOWS"},
        {"source": "J. Smith"},
        {"journal": "N/A"},
        {"journal": "nan"},
    ],
)
def test_source_hint_is_silent_where_nothing_speaks(metadata: dict[str, object]) -> None:
    assert source_hint(metadata) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (12, 12),
        (12.0, 12),
        (" 12 ", 12),
        (" " * 20 + "12", 12),
        (np.int64(12), 12),
        (0, None),
        (-3, None),
        (True, None),
        ("many", None),
        (1.5, None),
    ],
)
def test_citation_count_reads_whole_numbers(value: object, number: int | None) -> None:
    found = citation_count({"citation_count": value})
    assert (found.number if found else None) == number


def test_citation_count_adds_authority_logarithmically_and_names_its_field() -> None:
    amounts = [
        score_document("A note.", {"citation_count": n}).components("authority_weight")["citation_count"]
        for n in (0, 1, 10, 100, 10**9)
    ]
    assert amounts == sorted(amounts)
    assert amounts[0] == 0 < amounts[1]
    assert amounts[-1] <= 0.1
    line = next(x for x in score_document("A note.", {"citation_count": 7}).evidence if x.component == "citation_count")
    assert (line.field, line.text, line.span) == ("citation_count", "7", None)
