from __future__ import annotations

import json
import math

import pytest

from distrust_hub.app.examples import EXAMPLES
from distrust_hub.app.limits import Limits
from distrust_hub.app.score_view import (
    LOWERS,
    RAISES,
    ROWS_LISTED,
    TIER_WORDS,
    check_year,
    contribution_rows,
    reference_points,
    score_json,
    score_view,
    tier_cuts,
)
from distrust_hub.errors import DataError
from distrust_hub.objective import distrust_term, signed_core
from distrust_hub.scoring.document import score_document

NOTE = EXAMPLES["Lab notebook"]


@pytest.mark.parametrize(
    ("name", "tier"), [("Lab notebook", "primary"), ("Letter", "primary"), ("Press release", "coordinated")]
)
def test_score_view_puts_each_example_in_the_tier_it_was_written_for(name, tier):
    view = score_view(EXAMPLES[name], {}, Limits())
    assert view.tier == tier
    assert view.tier_words == TIER_WORDS[tier]


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_score_view_of_blank_text_is_none(text):
    assert score_view(text, None, Limits()) is None


def test_score_view_shows_the_scorers_numbers():
    score, view = score_document(NOTE, {}), score_view(NOTE, {}, Limits())
    weight, entropy = view.gauges
    assert (weight.value, entropy.value) == (score.authority_weight, score.provenance_entropy)
    assert view.term == distrust_term(score.authority_weight, score.provenance_entropy)
    assert (
        dict(view.facts)["Both in one: signed core s"] == f"{signed_core(weight.value, entropy.value):+.2f} (-4.6 to 8)"
    )
    assert dict(view.facts)["Confidence"] == f"high, {score.confidence:.2f} of 1"
    assert (view.point.authority_weight, view.point.provenance_entropy) == (weight.value, entropy.value)


def test_half_of_an_emoji_that_a_box_cut_is_a_question_mark():
    cut = NOTE + " \ud83d"
    view = score_view(cut, {"publisher": "Holmsey \ud83d"}, Limits())
    assert "".join(piece for piece, _ in view.spans) == NOTE + " ?"
    assert json.dumps(score_json(cut, {}, Limits()), ensure_ascii=False).encode()


def test_score_view_ignores_empty_metadata_and_uses_the_rest():
    plain = score_view(NOTE, {"source_type": "", "year": None}, Limits())
    told = score_view(NOTE, {"source_type": "wiki"}, Limits())
    assert plain == score_view(NOTE, {}, Limits())
    assert told.gauges[0].value > plain.gauges[0].value


def test_score_view_says_what_the_visitor_told():
    facts = dict(score_view(NOTE, {"source_type": "letter_diary", "year": "1887"}, Limits()).facts)
    assert (facts["Kind of source"], facts["Year"]) == ("letter diary, as you say", "1887, as you say")
    assert "as you say" not in str(score_view(NOTE, {}, Limits()).facts)


@pytest.mark.parametrize("year", ["", "1", "19", "1931"])
def test_check_year_lets_a_year_be_typed(year):
    assert check_year(year) is None  # it raises otherwise


@pytest.mark.parametrize("year", ["19x1", "c 19", "-500"])
def test_check_year_refuses_what_is_none(year):
    with pytest.raises(DataError, match="give four digits"):
        check_year(year)


def test_score_view_refuses_a_text_that_is_too_long():
    with pytest.raises(DataError, match="shorten it"):
        score_view("a" * 11, {}, Limits(text_chars=10))


@pytest.mark.parametrize(
    "text", [*EXAMPLES.values(), "<b>I saw</b> it & weighed 3.2 g 😀 in 1931.\r\n\r\n“Yes”", "a\x00b \ufffd"]
)
def test_highlighted_pieces_join_to_the_text(text):
    view = score_view(text, {}, Limits())
    assert "".join(piece for piece, _ in view.spans) == text


def test_highlighted_labels_say_the_direction():
    labels = [label for _, label in score_view(NOTE, {}, Limits()).spans if label]
    assert labels
    assert all(label[0] in (RAISES, LOWERS) and label[1] == " " and len(label) > 3 for label in labels)


@pytest.mark.parametrize("text", EXAMPLES.values())
def test_contribution_rows_add_up_to_the_scores(text):
    score = score_document(text, {})
    rows = contribution_rows(score)
    for axis, name in (("authority_weight", "authority weight"), ("provenance_entropy", "provenance entropy, bits")):
        *parts, value = [row for row in rows if row[0] == name]
        total = math.fsum(item.contribution for item in score.evidence if item.axis == axis)
        assert math.fsum(float(row[2]) for row in parts) == pytest.approx(total, abs=5e-4 * len(parts))
        assert float(value[2]) == pytest.approx(getattr(score, axis), abs=5e-4)
        assert ("held within" in value[4]) == (abs(total - getattr(score, axis)) >= 5e-4)


def test_contribution_rows_list_the_largest_and_sum_the_rest():
    rows = contribution_rows(score_document(NOTE, {}))
    parts = [row for row in rows if row[0] == "authority weight"][:-1]
    assert len(parts) == ROWS_LISTED + 1
    sizes = [abs(float(row[2])) for row in parts[:-1]]
    assert sizes == sorted(sizes, reverse=True)
    assert parts[-1][1] == "all others"


def test_contribution_rows_quote_a_match_once():
    for text in EXAMPLES.values():
        for _, _, _, found, reason in contribution_rows(score_document(text, {})):
            assert not any(match and match.lower() in reason.lower() for match in found.split(" · "))


def test_contribution_rows_name_the_metadata_field():
    rows = contribution_rows(score_document(NOTE, {"source_type": "wiki"}))
    assert any("source_type: wiki" in row[3] for row in rows)


def test_reference_points_and_cuts_are_the_scorers():
    low, high = tier_cuts()
    assert low < high
    assert {"lab notebook", "wiki"} <= {point.label for point in reference_points()}
