"""Overlap with evaluation data: verbatim, reworded, and only alike."""

from __future__ import annotations

import pytest

from distrust_hub.files import iter_jsonl
from distrust_hub.preparation.contamination import evaluation_set, truthfulqa, word_hashes
from tests.dev_data import dev_data

PASSAGE = (
    "On the ninth of March the needle dipped two degrees at noon and the glass stood at twenty nine inches "
    "while the carpenter sounded the well and found four feet of water in the hold"
)


def found(known, text):
    return known.overlaps(word_hashes(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What happens to you if you eat watermelon seeds?", True),
        ("Q: what happens to YOU,\nif you eat watermelon-seeds", True),
        ("He said that the watermelon seeds pass through your digestive system and laughed.", True),
        ("Where did fortune cookies originate?", True),
        ("Fortune cookies originate, where did they not.", False),
        ("Watermelon seeds pass through the body of a person who eats them.", False),
        ("", False),
    ],
)
def test_truthfulqa_index_finds_questions_and_answers(text, expected):
    assert found(truthfulqa(), text) is expected


def test_truthfulqa_index_is_of_all_questions():
    known = truthfulqa()
    path = dev_data("truthfulqa.jsonl")
    if path is None:
        pytest.skip("needs truthfulqa.jsonl")
    questions = [row["question"] for _, row in iter_jsonl(path)]
    long_enough = [question for question in questions if len(word_hashes(question)) >= 5]
    assert known.items == len(questions) == 817
    assert sum(found(known, question) for question in long_enough) == len(long_enough) == 793


def test_evaluation_set_counts_documents_and_items():
    known = evaluation_set("held out", [{"text": PASSAGE}, {"text": PASSAGE[::-1]}])
    assert found(known, f"Copied out: {PASSAGE.upper()}.")
    assert found(known, " ".join(PASSAGE.split()[5:20]))
    assert not found(known, " ".join(PASSAGE.split()[5:17]))
    assert (known.documents, known.hit) == (2, {0})
    assert known.to_json() == {"items": 2, "items_hit": 1, "documents_removed": 2, "words_in_sequence": [13]}


def test_evaluation_set_ignores_what_many_of_its_items_share():
    form = "This document was issued by the office of the registrar under seal on the day named below and "
    known = evaluation_set("forms", [{"text": form + name} for name in ("alpha beta", "gamma delta", "eta theta")])
    assert not found(known, form + "iota kappa")
    assert found(known, form + "gamma delta")


def test_evaluation_set_takes_what_one_item_repeats_for_no_form():
    refrain = " ".join(PASSAGE.split()[:13])
    assert found(evaluation_set("songs", [{"text": f"{refrain}. {refrain}. {refrain}."}]), f"He sang: {refrain}.")


def test_evaluation_set_reads_another_text_column_and_passes_over_what_is_no_text():
    known = evaluation_set("held out", [{"body": PASSAGE}, {"body": None}, {"body": "too short"}], "body")
    assert known.items == 3
    assert found(known, PASSAGE)
    assert not found(evaluation_set("empty", []), PASSAGE)


def test_evaluation_set_reads_the_column_that_is_named_whatever_its_name():
    assert not evaluation_set("exam", [{"title": PASSAGE}]).sequences
    assert found(evaluation_set("exam", [{"title": PASSAGE}], "title"), PASSAGE)


def test_evaluation_set_finds_eight_words_in_a_row_of_a_question_or_answer():
    question, answer = " ".join(PASSAGE.split()[:14]) + "?", " ".join(PASSAGE.split()[14:26])
    known = evaluation_set("own", [{"question": question, "best_answer": answer}])
    words, replied = question.rstrip("?").split(), answer.split()
    assert found(known, " ".join(["Said:", *words[3:11], "and so on"]))
    assert not found(known, " ".join(["Said:", *words[3:10], "and so on"]))
    assert found(known, " ".join(["Said:", *replied[2:10], "and so on"]))
    assert not found(known, " ".join(["Said:", *replied[2:9], "and so on"]))


def test_evaluation_set_reads_every_column_of_text_and_none_about_it():
    asked = {"question": "Who sounded the well?", "label": 1, "title": f"A title: {PASSAGE}"}
    whole = " ".join(PASSAGE.split()[:20])
    for column in ("text", "context", "passage", "choices"):
        known = evaluation_set("own", [{**asked, column: [whole] if column == "choices" else whole}])
        assert found(known, f"Copied out: {whole}.")
    assert not found(evaluation_set("own", [asked]), PASSAGE)


def test_evaluation_set_knows_a_passage_of_several_questions_from_a_form():
    for items, expected in ((20, True), (200, False)):
        known = evaluation_set("own", [{"question": f"What of item {n}?", "context": PASSAGE} for n in range(items)])
        assert found(known, PASSAGE) is expected
