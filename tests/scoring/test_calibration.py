"""The files of the scorer agree with its code, and their scores do not change without a new version."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from distrust_hub.objective import signed_core
from distrust_hub.schema import SOURCE_TYPES, TIERS
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.document import SCORER_VERSION, score_document
from distrust_hub.scoring.features import NAMES
from distrust_hub.scoring.lexicon import STYLE_GROUPS
from distrust_hub.scoring.matcher import Matcher, entries_of, foreign_matcher, lexicon_matcher
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.rules_lexicon import FOREIGN_GROUPS, RULE_GROUPS
from distrust_hub.scoring.style import style_of, style_terms, table

GOLDEN = Path(__file__).parent / "golden_scores.json"


def golden_cases() -> list[dict[str, object]]:
    found = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert found["scorer"] == SCORER_VERSION, "a new scorer version needs new golden scores and a line in CHANGELOG.md"
    return list(found["cases"])


def test_there_are_sixty_golden_scores() -> None:
    assert len(golden_cases()) == 60


def test_the_fit_without_its_data_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(__file__).parents[2] / "benchmarks" / "fit_scoring.py"
    spec = importlib.util.spec_from_file_location("fit_scoring", file)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    monkeypatch.syspath_prepend(str(file.parent))
    spec.loader.exec_module(script)
    monkeypatch.setenv("DISTRUST_HUB_DEV_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"provenance_dev\.jsonl: no such file; .*set DISTRUST_HUB_DEV_DATA"):
        script.load()


def test_golden_scores_have_not_changed() -> None:
    for case in golden_cases():
        score = score_document(str(case["text"]), case["metadata"])  # type: ignore[arg-type]
        got = [score.authority_weight, score.provenance_entropy]
        assert got == pytest.approx(case["scores"], abs=2e-6), case["text"]
        assert score.tier == case["tier"]


def test_calibration_covers_features_and_types() -> None:
    found = calibration()
    kinds = found.style["kinds"].values()
    assert found.version == SCORER_VERSION
    assert set(found.style["features"]) == set(NAMES)
    assert set(found.priors) == {kind["source_type"] for kind in kinds} == set(SOURCE_TYPES)
    assert {kind["tier"] for kind in kinds} == set(TIERS)
    assert found.cut_points[0] < found.cut_points[1]
    assert all(set(kind["weights"]) <= set(NAMES) for kind in kinds)


def test_priors_keep_the_order_of_trust() -> None:
    core = {kind: signed_core(*prior) for kind, prior in calibration().priors.items()}
    assert core["patent_pre1970"] > core["preprint"] > core["academic_paper"] > core["news_modern"] > core["government"]


def test_no_feature_is_without_weight() -> None:
    assert (abs(table().weights).max(1) > 0.02).all()


@pytest.mark.parametrize("text", ["", "I saw it.", "The agency announced online services for users. " * 20])
def test_style_terms_add_up_to_the_component(text: str) -> None:
    score = score_document(text)
    analysis = score._analysis
    terms = list(style_terms(analysis.style, analysis.z))
    assert sum(term[1] for term in terms) == pytest.approx(analysis.style.authority, abs=1e-9)
    assert sum(term[2] for term in terms) == pytest.approx(analysis.style.entropy, abs=1e-9)


def test_style_is_capped() -> None:
    caps = calibration().style
    for kind in range(table().weights.shape[1]):
        style = style_of(100.0 * table().weights[:, kind], 1.0)
        assert abs(style.authority) <= caps["cap_authority"]
        assert abs(style.entropy) <= caps["cap_entropy_bits"]


def test_style_of_another_language_is_nothing() -> None:
    style = style_of(table().weights[:, 0], 0.0)
    assert style.authority == pytest.approx(0.0, abs=1e-12)
    assert style.entropy == pytest.approx(0.0, abs=1e-12)
    assert style.tiers == pytest.approx([1 / 3] * 3)


def test_every_entry_is_found_as_a_whole_word_and_only_so() -> None:
    for matcher, groups in (
        (lexicon_matcher(), {**STYLE_GROUPS, **RULE_GROUPS}),
        (foreign_matcher(), FOREIGN_GROUPS),
    ):
        for name, block in groups.items():
            for entry in entries_of(block):
                if not entry.startswith("~"):
                    text = NormalText(f"xx {entry.removeprefix('=')} yy")
                    assert matcher.find(text).counts[matcher.index[name]] >= 1, (name, entry)


def test_an_entry_with_a_sign_of_its_own_case_is_no_acronym() -> None:
    matcher = Matcher({"pronoun": "=us, ours", "any": "us"})
    assert matcher.find(NormalText("The US said it gave us ours; Us, said he.")).counts == [2, 3]


def test_matcher_does_not_match_inside_words() -> None:
    matcher = Matcher({"org": "WHO", "word": "cat, old friend", "end": "~ss'd"})
    counts = matcher.find(
        NormalText("The whole cats scatter; who? Old, friends; WHO said; old friend pass'd, ss'd'x")
    ).counts
    assert counts == [1, 1, 1]


@pytest.mark.parametrize(
    ("raw", "lower"),
    [
        ("'I observed' it, he said; 'Tis so", " i observed it he said 'tis so "),
        ("I ob\u00adserved the ther\u200bmometer", " i observed the thermometer "),
        ("obser\u00ad\nvation", " observation "),
        ("the e\ufb00ect was su\ufb03cient", " the effect was sufficient "),
        ("ministe\u0300re d'e\u0301te\u0301", " ministère d'été "),
        ("\xfc\u0301 i", " \xfc i "),  # an accent on an accented letter is passed over
    ],
)
def test_quotes_unseen_characters_ligatures_and_loose_accents_do_not_hide_a_word(raw: str, lower: str) -> None:
    text = NormalText(raw)
    assert text.lower == lower
    last = lower.rindex(" ", 0, -1)
    assert NormalText(raw[slice(*text.span(last, len(lower)))]).lower == lower[last:]


def test_a_lone_surrogate_scores_as_it_is_written_to_a_file() -> None:
    text = "What did he say\ud800 I saw the thermometer."
    assert score_document(text).columns() == score_document(text.replace("\ud800", "?")).columns()


def test_long_s_and_hyphens_at_line_ends_are_read() -> None:
    text = NormalText("I ob\u017ferved the obser-\nvation")
    assert text.words == ["i", "observed", "the", "observation"]
    assert text.line_breaks == 1
    assert text.span(text.lower.index(" observed "), text.lower.index(" observed ") + 10) == (2, 10)
