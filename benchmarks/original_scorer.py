"""The original project's scorer, rebuilt from its published formulas, for the baseline column of the benchmarks only.

Formulas, constants and word lists are those of arosboro/your_ai at commit 7a5ace6a, ``python/src/citation_scorer.py``:

    MIT License, Copyright (c) 2025 Andrew Rosborough. Permission is hereby granted, free of charge, to any person
    obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software
    without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute,
    sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
    subject to the following conditions: The above copyright notice and this permission notice shall be included in all
    copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.

The code here is our own. It keeps the original's faults on purpose.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

_CITATIONS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\[\d+\]",
        r"\(\w+,?\s*\d{4}\)",
        r"\(\w+\s+et\s+al\.?,?\s*\d{4}\)",
        r"\[\w+\s*\d{4}\]",
        r"(?:ibid|op\.?\s*cit|loc\.?\s*cit)",
        r"\d+\.\s+\w+,.*?\d{4}",
    )
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
    re.compile(rf"\b{re.escape(word)}\b")
    for word in [
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
]
_STATED_YEAR = re.compile(r"(?:copyright|©|published|written)\s*(?:in\s*)?(\d{4})", re.IGNORECASE)
_ANY_YEAR = re.compile(r"\b(1[89]\d{2}|20[0-2]\d)\b")
_FIELD_YEAR = re.compile(r"\b(1[0-9]{3}|20[0-2][0-9])\b")
_LAB = ("lab notebook", "laboratory", "experiment", "measurement", "observation")
_TYPES = [
    ("patent", re.compile(r"\bpatent\b")),
    ("patent", re.compile(r"\b(us|ep|wo|de|gb|fr)\s*\d+")),
    ("measurement", re.compile(r"\b(measured|observed|recorded|sampled)\b")),
    ("archive", re.compile(r"\b(archive|archival|manuscript|historical)\b")),
    ("oral_history", re.compile(r"\b(interview|oral history|correspondence|letter|diary)\b")),
    ("academic_paper", re.compile(r"\b(abstract|introduction|methodology|results|conclusion|references)\b")),
    ("textbook", re.compile(r"\b(textbook|chapter|exercise|definition|theorem)\b")),
    ("news", re.compile(r"\b(reported|journalist|news|press release|announcement)\b")),
    ("wiki", re.compile(r"\b(wikipedia|wiki|encyclopedia)\b")),
    ("government", re.compile(r"\b(government|official|regulation|policy|agency)\b")),
    ("blog", re.compile(r"\b(blog|posted|comment|social media)\b")),
]


def original_year(text: str, metadata: Mapping[str, Any]) -> int | None:
    """The original's reading of the year."""
    for name in ("year", "date", "publication_date", "published"):
        value = metadata.get(name)
        if isinstance(value, int):
            return value
        if value and (found := _FIELD_YEAR.search(str(value))):
            return int(found.group(1))
    for pattern in (_STATED_YEAR, _ANY_YEAR):
        found = pattern.search(text[:2000])
        if found and 1500 <= int(found.group(1)) <= 2030:
            return int(found.group(1))
    return None


def original_score(text: str, metadata: Mapping[str, Any] | None = None) -> tuple[float, float]:
    """``(authority_weight, provenance_entropy)`` by the original's formulas."""
    metadata = metadata or {}
    lower = text.lower()
    citations = sum(len(pattern.findall(text)) for pattern in _CITATIONS)
    places = [lower, *(str(metadata.get(name) or "").lower() for name in ("source", "url", "publisher"))]
    rank = max((r for marker, r in _INSTITUTIONS.items() if any(marker in place for place in places)), default=0.0)
    consensus = sum(lower.count(phrase) for phrase in _CONSENSUS)
    year = original_year(text, metadata)
    age = 0.0 if year is None or 1970 <= year < 1995 else -0.15 if year < 1970 else 0.15
    markers = sum(len(pattern.findall(lower)) for pattern in _PRIMARY)
    weight = 0.3 + min(0.25, 0.05 * math.log10(citations + 1)) + min(0.35, rank) + min(0.20, 0.10 * consensus) + age
    weight -= min(0.45, 0.15 * markers)
    types: Counter[str] = Counter()
    for name, pattern in _TYPES:
        types[name] += pattern.search(lower) is not None
    types["lab_notebook"] += any(phrase in lower for phrase in _LAB)
    counts = [count for count in types.values() if count]
    total = sum(counts)
    shannon = -sum(c / total * math.log2(c / total) for c in counts) if total else 0.0
    base = 1.5 if year is None or year >= 1995 else 5.5 if year < 1970 else 3.5
    entropy = base + shannon + min(2.0, 0.5 * markers) + min(1.5, 0.3 * len(counts))
    entropy -= 1.5 * min(0.35, rank) + min(1.0, 0.4 * consensus)
    return max(0.0, min(0.99, weight)), max(0.0, entropy)
