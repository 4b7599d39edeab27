"""The original project's scorer, rebuilt from its published formulas, for the baseline column of the benchmarks only.

Formulas, constants and word lists are those of arosboro/your_ai at commit 7a5ace6a, ``python/src/citation_scorer.py``:

    MIT License, Copyright (c) 2025 Andrew Rosborough. Permission is hereby granted, free of charge, to any person
    obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software
    without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute,
    sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
    subject to the following conditions: The above copyright notice and this permission notice shall be included in all
    copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.

The code here is our own. It keeps the original's faults on purpose, and does the same work: each axis reads the text
for itself, and every marker and phrase is a search of its own by a pattern built when it is used.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

_CITATIONS = [
    r"\[\d+\]",
    r"\(\w+,?\s*\d{4}\)",
    r"\(\w+\s+et\s+al\.?,?\s*\d{4}\)",
    r"\[\w+\s*\d{4}\]",
    r"(?:ibid|op\.?\s*cit|loc\.?\s*cit)",
    r"\d+\.\s+\w+,.*?\d{4}",
]
_RANKS = {
    0.35: "nature|science|lancet|nejm|new england journal",
    0.30: "who|cdc|fda|nih",
    0.25: ".gov|government",
    0.20: "official|university",
    0.18: "institute|academy",
    0.15: "journal|peer-reviewed|proceedings",
    0.10: "wikipedia",
    0.08: "news|media",
    0.05: "blog|social media",
}
_INSTITUTIONS = {marker: rank for rank, markers in _RANKS.items() for marker in markers.split("|")}
_CONSENSUS = [
    "widely accepted",
    "experts agree",
    "scientific consensus",
    "established fact",
    "well-established",
    "mainstream view",
    "generally accepted",
    "overwhelming evidence",
    "settled science",
    "according to experts",
    "studies show",
    "research confirms",
]
_PRIMARY = [
    "patent",
    "lab notebook",
    "laboratory notebook",
    "experiment",
    "experimental",
    "measurement",
    "observation",
    "field notes",
    "original research",
    "firsthand",
    "first-hand",
    "primary source",
    "original document",
    "manuscript",
    "archive",
    "archival",
    "oral history",
    "interview",
    "correspondence",
    "letter",
    "diary",
    "journal entry",
    "logbook",
    "specimen",
    "sample",
    "photograph",
    "scan",
    "facsimile",
]
_STATED_YEAR = r"(?:copyright|©|published|written)\s*(?:in\s*)?(\d{4})"
_ANY_YEAR = r"\b(1[89]\d{2}|20[0-2]\d)\b"
_FIELD_YEAR = r"\b(1[0-9]{3}|20[0-2][0-9])\b"
_LAB = ("lab notebook", "laboratory", "experiment", "measurement", "observation")
_TYPES = [
    ("patent", r"\bpatent\b"),
    ("patent", r"\b(us|ep|wo|de|gb|fr)\s*\d+"),
    ("measurement", r"\b(measured|observed|recorded|sampled)\b"),
    ("archive", r"\b(archive|archival|manuscript|historical)\b"),
    ("oral_history", r"\b(interview|oral history|correspondence|letter|diary)\b"),
    ("academic_paper", r"\b(abstract|introduction|methodology|results|conclusion|references)\b"),
    ("textbook", r"\b(textbook|chapter|exercise|definition|theorem)\b"),
    ("news", r"\b(reported|journalist|news|press release|announcement)\b"),
    ("wiki", r"\b(wikipedia|wiki|encyclopedia)\b"),
    ("government", r"\b(government|official|regulation|policy|agency)\b"),
    ("blog", r"\b(blog|posted|comment|social media)\b"),
]


def original_score(text: str, metadata: Mapping[str, Any] | None = None) -> tuple[float, float]:
    """``(authority_weight, provenance_entropy)`` by the original's formulas."""
    return _authority_weight(text, metadata or {}), _provenance_entropy(text, metadata or {})


def _authority_weight(text: str, metadata: Mapping[str, Any]) -> float:
    citations = sum(len(re.findall(pattern, text, re.IGNORECASE)) for pattern in _CITATIONS)
    weight = 0.3 + min(0.25, 0.05 * math.log10(citations + 1)) + _rank(text, metadata)
    weight += min(0.20, 0.10 * _consensus(text)) - min(0.45, 0.15 * _markers(text))
    year = _year(text, metadata)
    weight += 0.0 if year is None or 1970 <= year < 1995 else -0.15 if year < 1970 else 0.15
    return max(0.0, min(0.99, weight))


def _provenance_entropy(text: str, metadata: Mapping[str, Any]) -> float:
    lower = text.lower()
    types: Counter[str] = Counter()
    for name, pattern in _TYPES:
        types[name] += re.search(pattern, lower) is not None
    types["lab_notebook"] += any(phrase in lower for phrase in _LAB)
    counts = [count for count in types.values() if count]
    total = sum(counts)
    shannon = -sum(c / total * math.log2(c / total) for c in counts) if total else 0.0
    year = _year(text, metadata)
    base = 1.5 if year is None or year >= 1995 else 5.5 if year < 1970 else 3.5
    entropy = base + shannon + min(2.0, 0.5 * _markers(text)) + min(1.5, 0.3 * len(counts))
    return max(0.0, entropy - 1.5 * _rank(text, metadata) - min(1.0, 0.4 * _consensus(text)))


def _rank(text: str, metadata: Mapping[str, Any]) -> float:
    places = [text.lower(), *(str(metadata.get(name) or "").lower() for name in ("source", "url", "publisher"))]
    found = (rank for place in places for marker, rank in _INSTITUTIONS.items() if marker in place)
    return min(0.35, max(found, default=0.0))


def _consensus(text: str) -> int:
    lower = text.lower()
    return sum(len(re.findall(re.escape(phrase), lower)) for phrase in _CONSENSUS)


def _markers(text: str) -> int:
    lower = text.lower()
    return sum(len(re.findall(rf"\b{re.escape(marker)}\b", lower)) for marker in _PRIMARY)


def _year(text: str, metadata: Mapping[str, Any]) -> int | None:
    for name in ("year", "date", "publication_date", "published"):
        value = metadata.get(name)
        if isinstance(value, int):
            return value
        if value and (found := re.search(_FIELD_YEAR, str(value))):
            return int(found.group(1))
    for pattern in (_STATED_YEAR, _ANY_YEAR):
        found = re.search(pattern, text[:2000], re.IGNORECASE)
        if found and 1500 <= int(found.group(1)) <= 2030:
            return int(found.group(1))
    return None
