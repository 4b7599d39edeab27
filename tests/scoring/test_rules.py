"""Marks of a kind of source, in several languages, each with its place."""

from __future__ import annotations

import pytest

from distrust_hub.scoring.document import DocumentScore, score_document


def reasons(score: DocumentScore, component: str) -> str:
    return " ".join(line.reason for line in score.evidence if line.component == component)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I examined the water and tasted it.", "first_person_observation"),
        ("I remember when my father came home.", "personal_memory"),
        ("The barometer fell; fifteen fathoms.", "instrument_measurement"),
        ("Fresh gale, at anchor. This day we watered.", "dated_entry"),
        ("My dear sister, your letter of the 4th came.", "letter_form"),
        ("What I claim as my invention is the lever, substantially as described.", "patent_form"),
        ("The deponent, being duly sworn, said so.", "sworn_testimony"),
        ("He shewed me what he hath.", "period_spelling"),
        ("INTERVIEWER: And then? (inaudible)", "spoken_record"),
        ("Transcribed from the original; postmarked Graz.", "archive_mark"),
        ("Todo: note to self, rerun.", "dated_entry"),
    ],
)
def test_primary_markers_are_found_by_kind(text: str, kind: str) -> None:
    score = score_document(text)
    assert kind in reasons(score, "primary_markers")
    assert (
        score.components("authority_weight")["primary_markers"]
        < 0
        < score.components("provenance_entropy")["primary_markers"]
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Talk to your doctor about side effects.", "advice_to_the_public"),
        ("A spokeswoman told reporters that the road was shut.", "reporting_voice"),
        ("Our stakeholders and federal agencies follow best practices.", "programme_language"),
        ("The town is located in the north and is best known for its fair.", "encyclopaedic_voice"),
        ("Die Stadt befindet sich im Norden und wurde gegründet, als niemand da war.", "encyclopaedic_voice"),
        ("Selon la police, deux personnes ont été blessées.", "reporting_voice"),
        ("Se recomienda consultar a su médico.", "advice_to_the_public"),
        ("Ai sensi della legge, i richiedenti devono attendere.", "programme_language"),
    ],
)
def test_coordinated_markers_are_found_by_kind(text: str, kind: str) -> None:
    score = score_document(text)
    assert kind in reasons(score, "coordinated_markers")
    assert score.components("provenance_entropy")["coordinated_markers"] < 0
    assert score.components("authority_weight")["coordinated_markers"] > 0


FOREIGN = [
    (
        "primary",
        "Heute morgen habe ich das Thermometer abgelesen. Ich sah, daß der Wind sich gedreht hatte, und ich "
        "fand den Teich mit Eis bedeckt. Mein Vater ging auf das Feld. Lieber Freund, ich schreibe dir bald "
        "mehr davon.",
    ),
    (
        "primary",
        "Ce matin j'ai vu le navire dans la rade. Mon cher ami, j'ai trouvé la lettre que vous m'avez "
        "envoyée, et mon père l'a lue avec moi. Je me souviens de notre promenade.",
    ),
    (
        "primary",
        "Esta mañana he visto el barco en la bahía. Querido amigo, he observado lo que usted me decía en su "
        "carta, y mi padre está contento. Su seguro servidor.",
    ),
    (
        "primary",
        "Questa mattina ho visto la nave nella baia. Caro amico, ho osservato quello che mi hai scritto nella"
        " lettera, e mio padre era contento. Mi ricordo della sera.",
    ),
    (
        "coordinated",
        "Das Bundesministerium für Gesundheit empfiehlt allen Bürgerinnen und Bürgern die Impfung. Die "
        "Maßnahmen werden gemäß der Verordnung umgesetzt. Nebenwirkungen sind selten.",
    ),
    (
        "coordinated",
        "La ciudad se encuentra en el norte de la provincia y es conocida como la perla del mar. Fue fundada "
        "por los reyes y tiene muchos habitantes. La catedral está ubicada en la plaza mayor.",
    ),
    (
        "primary",
        "Liebe Eltern! Euren Brief habe ich gestern erhalten. Gegen Abend marschierten wir in das nächste Dorf und "
        "lagen dort im Schützengraben. Der Feldwebel ist krank. Viele Grüße an den Knecht. Euer Sohn Anton",
    ),
    (
        "coordinated",
        "Pour renouveler la carte, les usagers peuvent faire la démarche auprès de la mairie ou de la préfecture. "
        "Le formulaire et les justificatifs sont à déposer dans un délai de deux mois.",
    ),
    (
        "coordinated",
        "La giunta ha approvato il bando per i comuni della regione. L'assessore sottolinea che i cittadini possono "
        "chiedere il finanziamento fino a giugno; sono previsti due milioni di euro.",
    ),
    ("medium", "Heute zeige ich euch mein liebstes Rezept. Ich habe es im Urlaub gefunden und es ist wirklich lecker."),
]


@pytest.mark.parametrize(("tier", "text"), FOREIGN)
def test_marks_alone_give_the_tier_of_other_languages_with_less_confidence(tier: str, text: str) -> None:
    score = score_document(text)
    assert score.tier == tier
    assert score.components("provenance_entropy")["style"] == pytest.approx(0.0, abs=1e-12)
    assert 0.2 < score.confidence < 0.8


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "Lieve moeder, ik schrijf u deze brief uit Rotterdam. Het weer is hier slecht en wij hebben de hele week "
            "in huis gezeten. Jan is ziek geweest, maar het gaat nu beter met hem.",
            "nl",
        ),
        (
            "O programa está disponível para todo o país e todo cidadão pode pedir o apoio. Não há custos para as "
            "famílias e o pedido é feito na internet.",
            "pt",
        ),
        (
            "Kochana Mamo, piszę do Ciebie z Krakowa. Pogoda jest tu zła i cały tydzień siedzieliśmy w domu. To nie "
            "jest łatwe, ale za tydzień wracamy.",
            "pl",
        ),
        (
            "Regeringen har i dag beslutat att ge myndigheten i uppdrag att se över reglerna för stöd till jordbruket. "
            "Ministern säger att det är viktigt.",
            "sv",
        ),
        ("Nousin tänään aikaisin ja menin rannalle. " * 8 + "The Times.", "unknown"),
        ("Это обычный русский текст. " * 40 + "He said that the man was in the house and at the door.", "unknown"),
    ],
)
def test_languages_without_weights_are_not_scored_as_english(text: str, name: str) -> None:
    score = score_document(text)
    assert score._analysis.language == (name, 0.0)
    assert score.tier == "medium"
    assert score.confidence < 0.3


@pytest.mark.parametrize("text", ["Hello there, Dave. The pump is fine.", "Rained.", "Got up at six."])
def test_short_english_texts_are_still_read(text: str) -> None:
    assert score_document(text)._analysis.language.english >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "El ministro dijo que todo el mundo podrá pedir la ayuda y que no tendrá coste para los hogares del país.",
        "Du hast bis Ende des Monats Zeit; der Zoll und die neuen Linien in Thun sind nicht betroffen.",
        "Les lignes A et B sont fermées, et Monsieur Dupont, qui est directeur, le regrette pour les voyageurs.",
        "Siccome la legge non è chiara, il bonus per i televisori da 55 pollici è sospeso e non si chiede.",
        "Le phénomène a été observé par des chercheurs, qui sont surpris par les images et les sons de la mer.",
    ],
)
def test_everyday_words_are_no_marks_of_another_language_or_time(text: str) -> None:
    assert score_document(text)._analysis.rules.markers == {}


def test_claims_of_a_modern_patent_are_marks() -> None:
    text = "1. A pump comprising a rotor. 2. The pump of claim 1, wherein the rotor has six blades of steel."
    assert "patent_form" in reasons(score_document(text), "primary_markers")
