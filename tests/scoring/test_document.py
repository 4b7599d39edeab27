from __future__ import annotations

import json
import math
from typing import Any

import pytest

from distrust_hub.errors import TextTypeError
from distrust_hub.objective import signed_core
from distrust_hub.schema import SOURCE_TYPES, TIERS
from distrust_hub.scoring.calibration import calibration, tier_of
from distrust_hub.scoring.document import SCORER_VERSION, score_document, score_documents
from distrust_hub.scoring.evidence import AXES

NOTEBOOK = (
    "March 3d, 1772. I filled a phial with the air which I had taken over the vat, and I observed that a candle went "
    "out in it at once. I put a mouse into the same air; it died in about two minutes. The thermometer stood at 52 "
    "degrees. I then tried the experiment with a larger bottle, and found the same to happen, though not so soon."
)
AGENCY = (
    "The agency today announced new guidance to help federal programs improve customer experience. The initiative "
    "provides resources and best practices so that agencies can ensure access to digital services. The Centers for "
    "Disease Control and Prevention recommends that all adults talk to their health care provider about screening. "
    "Experts agree that these standards are widely accepted, and the program supports communities across the nation."
)


def test_score_document_ranks_a_first_hand_text_above_an_institutional_one() -> None:
    notebook, agency = score_document(NOTEBOOK), score_document(AGENCY)
    assert notebook.authority_weight < agency.authority_weight
    assert notebook.provenance_entropy > agency.provenance_entropy
    assert (notebook.tier, agency.tier) == ("primary", "coordinated")


@pytest.mark.parametrize(
    "metadata", [{}, {"year": 1772}, {"source_type": "wiki", "year": 2015, "url": "https://en.wikipedia.org/wiki/X"}]
)
@pytest.mark.parametrize("text", [NOTEBOOK, AGENCY, "Hello.", "", "Ich sah (Smith, 2019) das [3]."])
def test_evidence_adds_up_to_the_value_before_clamping(text: str, metadata: dict[str, object]) -> None:
    score = score_document(text, metadata)
    for axis, low, high in ((AXES[0], 0.0, 0.99), (AXES[1], 0.0, math.inf)):
        total = math.fsum(line.contribution for line in score.evidence if line.axis == axis)
        assert min(high, max(low, total)) == pytest.approx(getattr(score, axis), abs=2e-6)
        assert total == pytest.approx(math.fsum(score.components(axis).values()), abs=1e-6)


def test_evidence_spans_give_the_matched_text() -> None:
    score = score_document("  " + AGENCY.replace(" ", "\n ") + " (Smith & Jones, 2020) ibid.")
    placed = [line for line in score.evidence if line.span is not None]
    assert len(placed) > 20
    raw = "  " + AGENCY.replace(" ", "\n ") + " (Smith & Jones, 2020) ibid."
    for line in placed:
        start, end = line.span or (0, 0)
        assert raw[start:end] == line.text
    institution = next(line for line in score.evidence if line.component == "institution")
    assert " ".join((institution.text or "").split()) == "Centers for Disease Control and Prevention"


def test_tier_is_a_function_of_the_signed_core_alone() -> None:
    for text in (NOTEBOOK, AGENCY, "A short note."):
        score = score_document(text)
        assert score.tier == tier_of(signed_core(score.authority_weight, score.provenance_entropy))


def test_tier_of_rises_with_the_core() -> None:
    tiers = [TIERS.index(tier_of(core)) for core in (-5.0, *calibration().cut_points, 9.0)]
    assert tiers == [2, 1, 0, 0]


def test_score_document_is_the_same_for_other_white_space() -> None:
    spread = "\n\n  " + NOTEBOOK.replace(" ", "  \n\t") + "  "
    assert score_document(spread).columns() == score_document(NOTEBOOK).columns()


def test_stated_source_type_is_a_prior_not_a_verdict() -> None:
    free, wiki = score_document(NOTEBOOK), score_document(NOTEBOOK, {"source_type": "wiki"})
    prior = calibration().priors["wiki"][0]
    raw = math.fsum(free.components("authority_weight").values())
    assert wiki.authority_weight == pytest.approx(max(0.0, 0.7 * prior + 0.3 * raw), abs=1e-5)
    assert wiki.source_type == "wiki"
    half = score_document(NOTEBOOK, {"source_type": "wiki"}, prior_share=0.5)
    assert half.authority_weight < wiki.authority_weight


@pytest.mark.parametrize(
    "metadata",
    [
        {"source_type": None},
        {"source_type": 7, "year": "unknown", "url": 3, "publisher": ["x"]},
        {"year": float("nan")},
        {"year": True},
        {"url": "http://[broken"},
        {"year": {}, "date": b"1912"},
    ],
)
def test_score_document_passes_over_metadata_it_cannot_read(metadata: dict[str, object]) -> None:
    assert score_document(NOTEBOOK, metadata).columns() == score_document(NOTEBOOK).columns()


def test_metadata_year_moves_both_axes_and_is_named() -> None:
    old, new = score_document("A short note.", {"year": 1850}), score_document("A short note.", {"year": 2019})
    assert old.authority_weight < new.authority_weight
    assert old.provenance_entropy > new.provenance_entropy
    assert (old.year, old.year_origin) == (1850, "metadata:year")


def test_year_is_not_the_whole_score() -> None:
    modern_notebook = score_document(NOTEBOOK.replace("1772", "2012"), {"year": 2012})
    encyclopaedia = score_document(
        "The kidneys are a pair of organs located in the abdomen. They are known for their role in the body, and are "
        "considered one of the most important. The term is derived from Latin, and the organ was first described in "
        "antiquity. It is also known as the renal organ, and it consists of several parts.",
        {"year": 1937},
    )
    assert modern_notebook.tier == "primary"
    assert encyclopaedia.authority_weight > modern_notebook.authority_weight


@pytest.mark.parametrize("year", [1937, 1960])
def test_an_old_encyclopaedia_is_not_a_primary_source(year: int) -> None:
    text = (
        "GRAZ, a city of Austria, capital of the province of Styria, situated on the river Mur, 140 miles "
        "south-west of Vienna. Population (1931) 152,841. The town, which is mentioned as early as 881, lies "
        "in a fertile basin surrounded by hills. Among its notable buildings are the cathedral, a late Gothic"
        " structure completed in 1462, and the university, founded in 1586. The city is an important "
        "industrial and commercial centre, and possesses iron and steel works, breweries, and manufactures of"
        " paper and chemicals. It is also the seat of a bishop."
    )
    assert score_document(text, {"year": year}).tier != "primary"
    assert score_document(text, {"year": year, "source_type": "wiki"}).tier == "coordinated"


def test_columns_and_to_dict_are_json() -> None:
    score = score_document(AGENCY, {"year": 2020})
    shown = json.loads(json.dumps(score.to_dict(), allow_nan=False))
    assert shown["scorer"] == SCORER_VERSION == calibration().version
    assert {"evidence", "citations", "year_origin", "source_type_probability"} <= shown.keys()


def test_source_type_is_a_known_one_or_none() -> None:
    assert score_document("").source_type is None
    assert score_document(NOTEBOOK).source_type in SOURCE_TYPES
    assert score_document("x", {"publisher": "Wikipedia"}).source_type == "wiki"


def test_score_documents_takes_texts_and_pairs() -> None:
    first, second = score_documents([NOTEBOOK, (NOTEBOOK, {"year": 1990})])
    assert first.year == 1772
    assert second.year == 1990


def test_confidence_is_low_where_there_is_little_to_go_by() -> None:
    assert score_document("").confidence == 0.0
    assert score_document("Hello there.").confidence < 0.2 < score_document(NOTEBOOK).confidence
    assert score_document("これは日本語の文章です。" * 20).confidence < 0.3


@pytest.mark.parametrize("text", [None, b"I saw it.", 7])
def test_what_is_no_text_is_refused_in_one_line(text: object) -> None:
    with pytest.raises(TextTypeError, match=f"text is {type(text).__name__}; expected a string"):
        score_document(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("document", [{"text": "I saw it.", "year": 1890}, None, ("I saw it.", "1890"), ("a",)])
def test_score_documents_names_what_is_no_document(document: Any) -> None:
    with pytest.raises(TextTypeError, match=r"document 2 is .*; expected a text, or a text and its metadata"):
        list(score_documents(["I saw it.", document]))
