"""Passages of kinds of source that are not in the labelled data, written for this test: is the tier a librarian's?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distrust_hub.scoring.document import score_document

PASSAGES = [
    json.loads(line)
    for line in Path(__file__).with_name("kinds_of_source.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("passage", PASSAGES, ids=[passage["kind"] for passage in PASSAGES])
def test_tier_of_an_unseen_kind_is_a_librarians(passage: dict[str, str]) -> None:
    assert score_document(passage["text"]).tier == passage["tier"]


@pytest.mark.parametrize(
    "text",
    [
        "A la hora de la verdad nadie quiere que el juez esté solo, dijo François Hollande en la rueda de prensa.",
        "Roy played for Inter that year, and the ward of the hospital was full of parents and children.",
        "Die Behörde teilt mit, dass der Antrag bis zum Ende der Woche gestellt werden muss und die Tür offen bleibt.",
        "Le collège et les habitants du siège ont des sentiments partagés, et les enfants sont restés à la maison.",
        "Aveva detto che la città doveva e poteva fare di più, e che i lavori sarebbero cominciati in autunno.",
    ],
)
def test_old_spellings_are_not_seen_in_modern_text(text: str) -> None:
    assert not any("archaic_foreign" in line.reason for line in score_document(text).evidence)


@pytest.mark.parametrize(
    "text",
    [
        "Der Thäter ward daselbst von den Bürgern ergriffen und vor Se. Majestät geführt.",
        "Les habitans de la ville ont soutenu un long siége, et les enfans en ont souffert.",
        "Llegó el correo de Madrid y dió noticia de lo que fué visto hácia la frontera.",
        "Il duca avea detto che i suoi dovea ritrarsi, laonde essi partirono.",
    ],
)
def test_old_spellings_of_other_languages_are_marks_of_a_period(text: str) -> None:
    assert any("archaic_foreign" in line.reason for line in score_document(text).evidence)
