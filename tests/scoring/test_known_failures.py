"""What the substring scorer got wrong, and more like it."""

from __future__ import annotations

import pytest

from distrust_hub.scoring.document import DocumentScore, score_document


def institutions(score: DocumentScore) -> list[str]:
    return [
        line.text or ""
        for line in score.evidence
        if line.component == "institution" and line.axis == "authority_weight"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Who knows what the man who came yesterday wanted; he recommends the inn.",
        "Our science teacher said so, and by nature he announced everything loudly.",
        "WHO KNOWS WHAT THE MAN WANTS? HE RECOMMENDS NOTHING.",
        "Wikipedia is wrong about this, and its editors should be ashamed.",
        "He criticised the World Health Organization, which he thought too slow.",
        "The lancet was used to open the vein; a nice cell, he announced.",
    ],
)
def test_a_word_or_a_mention_is_not_an_institution_speaking(text: str) -> None:
    assert institutions(score_document(text)) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The World Health Organization recommends two doses.", "World Health Organization"),
        ("In a note the WHO announced new limits on Monday.", "WHO"),
        ("El Ministerio de Sanidad recomienda la vacuna a los mayores.", "Ministerio"),
        ("Das Robert Koch-Institut empfiehlt die Impfung.", "Robert Koch-Institut"),
    ],
)
def test_an_institution_that_speaks_is_found_by_name(text: str, name: str) -> None:
    assert any(name in found for found in institutions(score_document(text)))


@pytest.mark.parametrize(
    "text",
    ["The experts do not agree on this at all.", "It is not widely accepted.", "This was never an established fact."],
)
def test_denied_consensus_does_not_count(text: str) -> None:
    assert "consensus" not in {line.component for line in score_document(text).evidence}


def test_claimed_consensus_counts_on_both_axes() -> None:
    plain = score_document("The earth is round and has a moon.")
    claimed = score_document("It is widely accepted that the earth is round; experts agree.")
    assert claimed.components("authority_weight")["consensus"] > plain.components("authority_weight")["consensus"] == 0
    assert claimed.components("provenance_entropy")["consensus"] < 0


def test_modern_news_that_quotes_an_old_letter_is_not_old() -> None:
    text = "The museum said on Monday that a letter of 1912, written on April 10, 1912, would be sold."
    assert score_document(text).year is None
    assert score_document(text, {"published": "2019-03-04T10:00:00Z"}).year == 2019


def test_modern_edition_of_an_old_book_keeps_the_old_year_and_says_so() -> None:
    score = score_document("Printed for the Author in London, 1839. Chapter the First.", {"year": 2010})
    assert (score.year, score.year_origin) == (1839, "stated, in an edition of 2010")
    assert score_document("Any text.", {"year": 2010, "original_year": 1839}).year == 1839


def test_a_blog_that_quotes_a_patent_stays_a_blog() -> None:
    blog = (
        "I've been playing with this app for a bit and it's really cool. Here's what I found: you just install the "
        "package and run it, and that's it! The patent says 'what I claim as my invention', lol. I think it's fun, and "
        "I'm going to try the online version too. Thanks for the comments on my last blog post, they're awesome."
    )
    score = score_document(blog)
    assert score.source_type == "blog_forum"
    assert score.tier != "primary"


def test_keyword_spam_and_attributes_do_not_make_an_institution() -> None:
    spam = "government official cdc fda nih who science nature lancet " * 40
    assert institutions(score_document(spam)) == []
    assert institutions(score_document('<a class="who" data-cdc="1">The man recommends it</a>')) == []


def test_other_scripts_get_a_stated_low_confidence_not_a_style() -> None:
    score = score_document("Это обычный русский текст о природе и погоде. " * 12)
    assert score.components("authority_weight")["style"] == 0
    assert score.source_type is None
    assert score.confidence < 0.3


@pytest.mark.parametrize(
    "text",
    [
        "Heute Morgen habe ich das Thermometer abgelesen. Ich sah, daß der Wind sich gedreht hatte, und ich fand "
        "den Teich mit Eis bedeckt. Lieber Freund, ich habe beobachtet, was du mir geschrieben hast.",
        "Ce matin j'ai vu le navire dans la rade. Mon cher ami, j'ai trouvé la lettre que vous m'avez envoyée.",
        "Esta mañana he visto el barco en la bahía. Querido amigo, he observado lo que usted me decía en su carta.",
        "Questa mattina ho visto la nave nella baia. Caro amico, ho osservato quello che mi hai scritto nella lettera.",
    ],
)
def test_first_hand_marks_are_found_in_other_languages(text: str) -> None:
    score = score_document(text)
    assert score.components("provenance_entropy")["primary_markers"] > 0
    assert score.components("authority_weight")["primary_markers"] < 0
