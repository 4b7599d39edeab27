"""The shipped sample: fiction, marked as such, varied enough to be worth training on."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from distrust_hub.files import iter_jsonl
from distrust_hub.sample import sample_corpus_path
from distrust_hub.schema import SOURCE_TYPES


@pytest.fixture(scope="module")
def rows():
    return [row for _, row in iter_jsonl(sample_corpus_path())]


def test_sample_corpus_is_large_and_varied(rows):
    types = Counter(row["source_type"] for row in rows)
    assert len(rows) >= 120
    assert len({row["id"] for row in rows}) == len(rows)
    assert set(types) <= set(SOURCE_TYPES)
    assert len(types) >= 10
    assert max(types.values()) <= 12
    assert sum(row["year"] < 1970 for row in rows) >= 40
    assert sum(row["year"] >= 1985 for row in rows) >= 40


def test_sample_corpus_is_marked_as_fiction(rows):
    assert all(row["synthetic"] is True and row["fiction"] is True for row in rows)
    assert {row["license"] for row in rows} == {"CC0-1.0"}


def test_sample_corpus_is_no_template_loop(rows):
    documents_with = defaultdict(set)
    for row in rows:
        words = re.findall(r"\w+", row["text"].lower())
        assert len(words) >= 80, row["id"]
        for start in range(len(words) - 7):
            documents_with[tuple(words[start : start + 8])].add(row["id"])
    assert max(map(len, documents_with.values())) < 3
