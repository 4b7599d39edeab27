"""Everything read from one document, before any weight is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distrust_hub.scoring.citations import Found, find_citations
from distrust_hub.scoring.era import Year, year_of
from distrust_hub.scoring.features import Features, features_of
from distrust_hub.scoring.language import Language, language_of
from distrust_hub.scoring.metadata import SourceHint, source_hint, stated_source_type
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules import RuleHits, find_rules
from distrust_hub.scoring.source_type import TypeReading, read_types
from distrust_hub.scoring.style import Array, Style, standardised, style_of


@dataclass(frozen=True)
class Analysis:
    """Readings of one document.

    Attributes:
        text: The normalised text.
        unique: Its different words, lower case.
        language: Its language.
        features: Style features and the matches of every word group.
        z: The features standardised, shape (K,).
        style: The learned component.
        types: Source types it reads like, by the text alone.
        rules: What the rule components found.
        citations: Spans in ``text.flat`` by style.
        year: Year of the document, None where nothing states it.
        stated: Source type stated by the row.
        hint: Source type suggested by address or publisher.
    """

    text: NormalText
    unique: set[str]
    language: Language
    features: Features
    z: Array
    style: Style
    types: TypeReading
    rules: RuleHits
    citations: dict[str, Found]
    year: Year | None
    stated: SourceHint | None
    hint: SourceHint | None


def analyse(raw: str, metadata: Mapping[str, Any]) -> Analysis:
    """Read a document once."""
    text = NormalText(raw)
    unique = set(text.words)
    language = language_of(unique, len(text.words))
    features = features_of(text)
    share = language.english if unique else 0.0
    z = standardised(features.values, len(text.words))
    return Analysis(
        text=text,
        unique=unique,
        language=language,
        features=features,
        z=z,
        style=style_of(z, unique, share),
        types=read_types(z, share),
        rules=find_rules(text, features.matches),
        citations=find_citations(text.flat),
        year=year_of(metadata, text),
        stated=stated_source_type(metadata) if metadata else None,
        hint=source_hint(metadata) if metadata else None,
    )
