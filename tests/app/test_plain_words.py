from __future__ import annotations

from typing import get_type_hints

import pytest

from distrust_hub.app import plain_words
from distrust_hub.app.examples import EXAMPLES
from distrust_hub.app.limits import Limits
from distrust_hub.app.score_view import OTHER_SCRIPT, contribution_rows, score_view
from distrust_hub.config import TrainConfig, option_type
from distrust_hub.scoring.document import score_document
from distrust_hub.scoring.features import SHAPES, STYLE_GROUPS


def test_every_word_group_and_shape_has_plain_words():
    assert set(plain_words.WORDING) == set(STYLE_GROUPS)
    assert set(plain_words.SHAPES) == set(SHAPES)
    assert all("_" not in words for words in (*plain_words.WORDING.values(), *plain_words.SHAPES.values()))


@pytest.mark.parametrize("text", EXAMPLES.values())
def test_page_shows_no_name_of_the_scorer(text):
    shown = str(contribution_rows(score_document(text, {"source_type": "wiki"}))) + str(
        score_view(text, {}, Limits()).spans
    )
    for name in ("wording:", "press form", "encyclopaedic", "log entry", "Shannon", "internal date", "with no marks"):
        assert name not in shown


def test_reason_keeps_what_was_found():
    told = plain_words.reason("wording: press_form, 2 found (spokesperson; launch)")
    assert told == "words of press releases: spokesperson; launch (2 found)"
    assert plain_words.reason("shape of the page: percents") == "look of the page: percentages"
    assert plain_words.reason("mark of a primary source: letter_form, 1 found") == (
        "mark of a primary source: letter form, 1 found"
    )
    assert plain_words.short_reason("wording: press_form, 1 found (launch: now)") == "words of press releases"


@pytest.mark.parametrize(
    "text", ["Дневник, 14 марта 1931 года. Я взвесил тигель.", "一九三一年三月十四日", "יומן מעבדה"]
)
def test_text_in_another_script_is_said_not_to_be_read(text):
    assert score_view(text, {}, Limits()).caution == OTHER_SCRIPT


@pytest.mark.parametrize(
    "text", ["Café, 1931: ich wog den Tiegel, Łódź", "12 + 3 = 15", EXAMPLES["Letter"] + " Дневник"]
)
def test_text_in_latin_script_is_read(text):
    assert score_view(text, {}, Limits()).caution != OTHER_SCRIPT


def test_every_measure_and_objective_in_use_has_plain_words():
    from distrust_hub.evaluation.preference_suite import _PARTS
    from distrust_hub.evaluation.truthfulqa import TruthfulQA

    names = [f"{kind}_{part}" for kind in ("in_context", "trained") for part in _PARTS] + list(TruthfulQA.metrics)
    assert [name for name in names if not plain_words.measure(name)] == []
    assert plain_words.measure("in context delta nats per token") == "the same for each token"
    assert plain_words.measure("unheard of") == ""
    assert set(plain_words.OBJECTIVES) == set(option_type(get_type_hints(TrainConfig)["objective"])[2])
