"""Properties that hold for any text."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distrust_hub.scoring.analysis import analyse
from distrust_hub.scoring.authority import interpolate
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.document import score_document
from distrust_hub.scoring.evidence import AXES
from distrust_hub.scoring.language import COMMON
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.provenance import shannon_bits
from distrust_hub.scoring.rules import capped_log

WORDS = st.lists(
    st.sampled_from(
        [
            "I",
            "observed",
            "the",
            "WHO",
            "recommends",
            "[3]",
            "(Smith,",
            "2019)",
            "1912",
            "May",
            "7,",
            "it's",
            "dear",
            "sir",
            "hath",
            "widely",
            "accepted",
            "ß",
            "İ",
        ]
    ),
    max_size=60,
).map(" ".join)
TEXTS = st.one_of(st.text(max_size=300), WORDS, st.text(st.characters(), max_size=80))


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_score_is_bounded_additive_and_never_fails(text: str) -> None:
    score = score_document(text)
    assert 0.0 <= score.authority_weight <= 0.99
    assert score.provenance_entropy >= 0.0
    assert 0.0 <= score.confidence <= 1.0
    for axis, high in zip(AXES, (0.99, math.inf)):
        total = math.fsum(line.contribution for line in score.evidence if line.axis == axis)
        assert min(high, max(0.0, total)) == pytest.approx(getattr(score, axis), abs=2e-6)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_spans_are_inside_the_text_and_give_the_match(text: str) -> None:
    for line in score_document(text).evidence:
        if line.span is not None:
            start, end = line.span
            assert 0 <= start <= end <= len(text)
            assert text[start:end] == line.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\u0130stanbul, I\u0307zmir: a spokesperson said.", "spokesperson"),  # one letter in both its forms
        ("'I saw the needle,' 'twas all he would say.", "'twas"),
        ("It wasn't' 'twas all he would say.", "'twas"),
    ],
)
def test_a_word_keeps_its_place_after(text: str, found: str) -> None:
    normal = NormalText(text)
    start = normal.lower.index(f" {found} ")
    first, last = normal.span(start, start + len(found) + 2)
    assert text[first:last] == found


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.sampled_from([" ", "\n", "\t\n ", "\r\n"]))
def test_white_space_does_not_matter(text: str, space: str) -> None:
    words = text.split()
    assert score_document(space + space.join(words) + space).columns() == score_document(" ".join(words)).columns()


@given(TEXTS)
def test_normalised_forms_have_the_same_length(text: str) -> None:
    normal = NormalText(text)
    assert len(normal.lower) == len(normal.cased)
    assert normal.lower.split() == normal.words


@pytest.mark.parametrize("other", sorted(COMMON))
def test_language_is_the_one_with_most_of_its_common_words(other: str) -> None:
    draw = random.Random(other)
    ours, theirs = [*sorted(COMMON["en"]), "river"], sorted(COMMON[other])
    for _ in range(200):
        share, length = draw.random(), draw.randrange(300)
        words = [draw.choice(theirs if draw.random() < share else ours) for _ in range(length)]
        name = analyse(" ".join(words), {}).language.name
        found = {language: len(common.intersection(words)) for language, common in COMMON.items()}
        assert name == "unknown" or found[name] == max(found.values())


@given(st.lists(st.integers(0, 50), max_size=12))
def test_shannon_bits_are_between_zero_and_log2_of_the_kinds(counts: list[int]) -> None:
    kinds = sum(count > 0 for count in counts)
    assert -1e-9 <= shannon_bits(counts) <= (math.log2(kinds) if kinds else 0.0) + 1e-9


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_capped_log_rises_to_its_cap(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert capped_log(low, 0.1, 0.5) <= capped_log(high, 0.1, 0.5) <= 0.5


@given(st.integers(1400, 2100), st.integers(1400, 2100))
def test_era_is_monotone_on_both_axes(a: int, b: int) -> None:
    early, late = sorted((a, b))
    constants = calibration().constants
    assert interpolate(early, constants["authority"]["era"]) <= interpolate(late, constants["authority"]["era"])
    assert interpolate(early, constants["provenance"]["era"]) >= interpolate(late, constants["provenance"]["era"])


MARKS = {
    "primary_markers": " I observed it.",
    "coordinated_markers": " He told reporters.",
    "consensus": " It is widely accepted.",
    "institution": " The World Health Organization recommends it.",
    "citations": " [1]",
}
RISES = {"coordinated_markers": 1, "consensus": 1, "institution": 1, "citations": 1, "primary_markers": -1}


@pytest.mark.parametrize("component", MARKS)
@given(st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=20, deadline=None)
def test_more_of_a_mark_moves_its_component_one_way_only(component: str, a: int, b: int) -> None:
    few, many = (score_document("The weather was fine." + MARKS[component] * n) for n in sorted((a, b)))
    for axis, sign in zip(AXES, (RISES[component], -RISES[component])):
        first, second = (score.components(axis).get(component, 0.0) for score in (few, many))
        assert sign * first <= sign * second + 1e-12


@settings(max_examples=30, deadline=None)
@given(st.integers(1930, 2039), st.integers(1930, 2039))
def test_a_later_date_in_the_text_never_makes_it_older(a: int, b: int) -> None:
    early, late = (score_document(f"It was opened in {year}.") for year in sorted((a, b)))
    assert early.components("authority_weight")["internal_date"] <= late.components("authority_weight")["internal_date"]
    assert (
        early.components("provenance_entropy")["internal_date"]
        >= late.components("provenance_entropy")["internal_date"]
    )


@settings(max_examples=60, deadline=None)
@given(
    TEXTS,
    st.dictionaries(
        st.sampled_from(
            ["url", "doi", "publisher", "journal", "license", "patent_number", "citation_count", "year", "date"]
        ),
        st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.text())),
    ),
)
def test_any_metadata_is_scored_and_adds_up(text: str, metadata: dict[str, object]) -> None:
    score = score_document(text, metadata)
    for axis, high in zip(AXES, (0.99, math.inf)):
        total = math.fsum(line.contribution for line in score.evidence if line.axis == axis)
        assert min(high, max(0.0, total)) == pytest.approx(getattr(score, axis), abs=2e-6)


def test_places_of_many_citations_are_found_in_linear_time() -> None:
    score = score_document("as seen [1] by  me (Smith, 2019) and\n" * 3000)
    lines = [line for line in score.evidence if line.component == "citations"]
    assert len(lines) == 6000
    assert {line.text for line in lines} == {"[1]", "(Smith, 2019)"}


@pytest.mark.parametrize("extra", [" [1]", " (Smith, 2019)", " Ibid.,"])
def test_citations_raise_their_component_only_up(extra: str) -> None:
    amounts = [
        score_document("We looked." + extra * n).components("authority_weight")["citations"] for n in (0, 1, 4, 60)
    ]
    assert amounts == sorted(amounts)
    assert amounts[0] < amounts[1]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 300_000,
        "[" * 300_000,
        "1" * 1_000_000,
        " " * 1_000_000,
        "1. a, " * 12_000,
        "A" * 300_000,
        "(A, " * 100_000,
        "word- " * 100_000,
        "Patent No. " * 50_000,
        "'" * 300_000,
        "A: " * 100_000,
        "MDCCC" * 60_000,
        "The agency slowly said it. " * 30_000,
        "in 1998 " * 60_000,
        "né en 1998 " * 60_000,
        "A. (2019). " * 40_000,
        "2019;12:" * 60_000,
        "1998" * 200_000,
        "The WHO recommends it. " * 40_000,
    ],
    ids=lambda text: text[:12],
)
def test_adversarial_text_is_scored(text: str) -> None:
    assert 0.0 <= score_document(text).authority_weight <= 0.99
