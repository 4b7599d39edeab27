"""Everything read from one document, before any weight is applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from distrust_hub.scoring.citations import Found, find_citations
from distrust_hub.scoring.dating import Since, since
from distrust_hub.scoring.era import Year, year_of
from distrust_hub.scoring.features import Features, features_of
from distrust_hub.scoring.language import Language, language_of
from distrust_hub.scoring.matcher import lexicon_matcher
from distrust_hub.scoring.metadata import CitationCount, SourceHint, citation_count, source_hint, stated_source_type
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules import RuleHits, find_rules
from distrust_hub.scoring.style import Array, Style, standardised, style_of


class Analysis(NamedTuple):
    """Readings of one document.

    Attributes:
        text: The normalised text.
        language: Its language.
        features: Style features and the matches of every word group.
        z: The features standardised, shape (K,).
        style: The learned component.
        rules: What the rule components found.
        citations: Spans in ``text.flat`` by style.
        cited: Citations the row counts, None where it counts none.
        year: Year of the document, None where nothing states it.
        since: Why the text cannot be older than a year, None where nothing says so.
        stated: Source type stated by the row.
        hint: Source type suggested by address or publisher.
    """

    text: NormalText
    language: Language
    features: Features
    z: Array
    style: Style
    rules: RuleHits
    citations: dict[str, Found]
    cited: CitationCount | None
    year: Year | None
    since: Since | None
    stated: SourceHint | None
    hint: SourceHint | None


def analyse(raw: str, metadata: Mapping[str, Any]) -> Analysis:
    """Read a document once."""
    text = NormalText(raw)
    features = features_of(text)
    language = language_of(text.words, features.matches.counts[lexicon_matcher().index["foreign_words"]])
    share = language.english if text.words else 0.0
    z = standardised(features.values, len(text.words))
    return Analysis(
        text=text,
        language=language,
        features=features,
        z=z,
        style=style_of(z, share),
        rules=find_rules(text, features.matches, language),
        citations=find_citations(text),
        cited=citation_count(metadata) if metadata else None,
        year=year_of(metadata, text),
        since=since(text, features.matches),
        stated=stated_source_type(metadata) if metadata else None,
        hint=source_hint(metadata) if metadata else None,
    )
