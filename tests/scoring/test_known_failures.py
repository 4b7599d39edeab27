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
        "Who said that? The man who announced it.",
        "The committee, he said, had fallen asleep.",
        "He wrote to the Department of Health in March and heard nothing.",
        "The World Health Organization was criticised for its delay.",
        "WHO critics said the limits were too high.",
        "A nature walk with the science club; the official cdc of the village plays.",
        "The board was rotten and gave way under him, she said.",
        "In the cell the prisoner reads Nature and Science; whoever recommends them is right.",
        "Somebody should ask the Food and Drug Administration who recommends what.",
        "The government house on the hill is for sale; the agent advises haste.",
        "Lord Cochrane reported the capture of the frigate.",
        "The United Nations building offers a fine view of the river.",
        "I do not believe what the CDC says about it.",
        "Nobody at the WHO says so.",
        "He read The Lancet on the train and Science in bed.",
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
        ("The Centers for Disease Control and Prevention has issued guidance.", "Centers for Disease Control"),
        ("Le ministère de la Santé recommande la prudence.", "ministère"),
        ("Il Ministero della Salute raccomanda la vaccinazione.", "Ministero"),
        ("The Department of Energy today announced a grant.", "The Department"),
        ("La Organización Mundial de la Salud recomienda reposo.", "Organización Mundial"),
        ("Das Robert Koch-Institut empfiehlt die Impfung.", "Robert Koch-Institut"),
        ("The Department of Health and Human Services announced a plan.", "Department"),
        ("The Ministry of Foreign Affairs announced it on Monday.", "Ministry"),
        ("El Ministerio de Sanidad anunció la campaña.", "Ministerio"),
        ("Le ministère de la Santé a annoncé un plan.", "ministère"),
        ("Il ministero dell'Interno ha annunciato le misure.", "ministero"),
        ("Das Bundesministerium für Gesundheit teilt mit, dass es gilt.", "Bundesministerium"),
        ("L'OMS recommande la prudence.", "OMS"),
        ("L\u2019Organisation mondiale de la santé a publié un avis.", "Organisation mondiale"),
        ("The CDC's guidance was updated.", "CDC"),
        ("The trial, published in The Lancet, found no effect.", "The Lancet"),
    ],
)
def test_an_institution_that_speaks_is_found_by_name(text: str, name: str) -> None:
    assert any(name in found for found in institutions(score_document(text)))


@pytest.mark.parametrize(
    "text",
    [
        "The experts do not agree on this at all.",
        "It is not widely accepted.",
        "This was never an established fact.",
        "It was once widely accepted that the sun went round the earth.",
        "Few experts agree.",
        "There is no scientific consensus.",
        "A supposedly established fact.",
        "Es ist nicht allgemein anerkannt.",
        "Our science teacher agreed with the expert next door.",
        "The claim that experts agree is false.",
        "I doubt that experts agree.",
        "Do experts agree?",
        "That is far from settled science.",
        "The scientific consensus is wrong.",
    ],
)
def test_denied_consensus_does_not_count(text: str) -> None:
    assert "consensus" not in {line.component for line in score_document(text).evidence}


def test_a_claim_that_something_else_is_false_is_not_denied() -> None:
    score = score_document("Experts agree that the old theory is wrong; so far studies show little else.")
    assert [line.text for line in score.evidence if line.component == "consensus"] == [
        "Experts agree",
        "studies show",
    ] * 2


def test_claimed_consensus_counts_on_both_axes() -> None:
    plain = score_document("The earth is round and has a moon.")
    claimed = score_document("It is widely accepted that the earth is round; experts agree.")
    assert claimed.components("authority_weight")["consensus"] > plain.components("authority_weight")["consensus"] == 0
    assert claimed.components("provenance_entropy")["consensus"] < 0


def test_modern_news_that_quotes_an_old_letter_is_not_old() -> None:
    text = "The museum said on Monday that a letter of 1912, written on April 10, 1912, would be sold."
    assert score_document(text).year is None
    assert score_document(text, {"published": "2019-03-04T10:00:00Z"}).year == 2019


@pytest.mark.parametrize(
    "text",
    [
        "He lifted 1912 kg in room 1920, of which 1850 were iron.",
        "See page 1843 of the model 1911 manual.",
        "The letter of 1839 was sold; the diary of 1768 was not.",
    ],
)
def test_quantities_and_told_years_are_no_year(text: str) -> None:
    assert score_document(text).year is None


@pytest.mark.parametrize(
    "text",
    [
        "x = arr[0] + arr[12]; y[3][4] = f[2](x)",
        "1. Open the box. 2. Take out the lid, 2019 edition. 3. Close it.",
        "It happened in May (2019), a year like (2018).",
        "The area is 12 m² and the volume 3 cm³.",
        "<a href='page.html#note1' data-n='[3]x'>see</a>",
        "Version (2.0), section (3), step [ ] done.",
    ],
)
def test_indices_steps_and_years_are_no_citations(text: str) -> None:
    assert score_document(text).components("authority_weight")["citations"] == 0


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("LONDON: Printed for J. Martyn, MDCLXV. Of the point of a needle.", 1665),
        ("Philadelphia, July 4, l776. The Congress met.", 1776),
        ("Washington, May 7, 19l2.--The committee heard him.", 1912),
        ("Patented Feb. 27, 1836. Be it known.", 1836),
    ],
)
def test_years_of_old_print_and_of_scans_are_read(text: str, year: int) -> None:
    assert score_document(text).year == year


def test_hard_evidence_outweighs_the_style() -> None:
    encyclopaedic = (
        "The town is located in the north of the province and is best known for its fair. It was founded in the ninth "
        "century, is one of the oldest in the region, and is also known as the gate of the valley. " * 3
    )
    assert score_document(encyclopaedic).tier == "coordinated"
    assert score_document(encyclopaedic, {"year": 1805, "source_type": "field_journal"}).tier == "primary"
    assert score_document(encyclopaedic, {"source_type": "historical_book"}).tier != "coordinated"


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        (
            "14 May 2012. Reran the simulation with the new seed; still no convergence. Tried halving the step, which "
            "helped. Need to check the likelihood code with Ann tomorrow. Measured the second plate: 0.42, 0.44, 0.40. "
            "Not sure why the third well is empty. Todo: fix the plot, email the field crew, order buffer.",
            "primary",
        ),
        (
            "The agency provides guidance to help communities apply for grants. Applicants must submit the form before "
            "the deadline. The program supports public health and safety, and staff are available to answer questions "
            "about eligibility, requirements and compliance with federal regulations.",
            "coordinated",
        ),
        (
            "In this paper we propose a method for estimating the parameters of a model from incomplete data. Our "
            "results show a significant improvement over the baseline (Smith & Jones, 2018). We evaluate the approach "
            "on three datasets and discuss its limitations.",
            "medium",
        ),
    ],
    ids=["notebook of 2012", "agency", "paper"],
)
def test_modern_texts_are_told_apart_by_their_kind(text: str, tier: str) -> None:
    assert score_document(text).tier == tier


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
    assert score.components("authority_weight")["style"] == pytest.approx(0, abs=1e-12)
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


@pytest.mark.parametrize("word", ["clay", "Bo", "Io", "Ed", "Ty", "ing", "com", "pre", "iii"])
def test_a_word_or_a_name_is_no_scan_error(word: str) -> None:
    text = f"The firm of {word} opened a shop by the river, and {word} was seen there on most days of the year. " * 4
    assert not any("scan_errors" in line.reason and "found (" in line.reason for line in score_document(text).evidence)


def test_criticism_of_an_institution_is_not_its_voice() -> None:
    text = (
        "Nobody should trust what the World Health Organization says. Wikipedia is wrong about this, and the experts "
        "do not agree. I have read their claims for years and I doubt every one of them. The agency never answers. "
    )
    score = score_document(text * 3)
    assert institutions(score) == []
    assert score.tier != "coordinated"


def test_news_that_quotes_a_letter_is_not_taken_for_the_letter() -> None:
    text = (
        "A letter written aboard the liner in April 1912 sold for a record sum on Saturday, the auction house said. "
        '"My dear mother, we had a fine passage and I saw the ice," the passenger wrote. The auctioneer, who declined '
        "to name the buyer, told reporters that bids had come from collectors worldwide. A spokesman said the sale was "
        "expected to raise more than a million dollars, according to the catalogue."
    )
    score = score_document(text)
    assert score.year is None
    assert score.tier != "primary"
