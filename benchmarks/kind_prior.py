"""What each kind of source looks like, written by hand before any fit: the centre of the prior in ``fit_scoring.py``.

A number is the logit that one standard deviation of a feature (``scoring/features.py``) adds to a kind. A kind is a
source type, or a part of one where its forms differ too much for one row: laboratory writing before and after about
1900, spoken memories and radio transcripts, and speeches before 1970 (period records) and since (one speaker's view).
"""

from __future__ import annotations

from typing import NamedTuple

from distrust_hub.schema import Tier


class Kind(NamedTuple):
    """One kind of source.

    Attributes:
        source_type: One of ``schema.SOURCE_TYPES``.
        tier: Its tier.
        text: Feature and weight pairs between commas; what is not named is 0.
    """

    source_type: str
    tier: Tier
    text: str

    @property
    def weights(self) -> dict[str, float]:
        """Feature to the logit a standard deviation of it adds."""
        return {name: float(weight) for name, weight in (pair.split() for pair in self.text.split(","))}


KINDS: dict[str, Kind] = {
    "patent_pre1970": Kind(
        "patent_pre1970",
        "primary",
        """patent_wording +1.5, apparatus +0.3, period_things +0.3, period_wording +0.3, archaic +0.25,
        old_relative +0.2, scan_errors +0.2, semicolons +0.2, formal_wording +0.12, apostrophe_d +0.1,
        line_breaks +0.1, admin_form +0.05, old_state +0.05, word_length -0.05, recent_time -0.06, news_topics
        -0.08, abstract_nouns -0.1, capitals -0.1, contraction -0.1, i_observed -0.1, scholar -0.1, teacher
        -0.1, survey_wording -0.14, everyday -0.2, forum_form -0.2, personal -0.2, reporter -0.2, recent_years
        -0.25, blogger -0.3, encyclopaedic -0.3, oratory -0.3, modern_things -0.3, digital -0.35,
        modern_wording -0.35""",
    ),
    "lab_notebook": Kind(
        "lab_notebook",
        "primary",
        """notebook_voice +0.8, wet_lab +0.7, apparatus +0.5, entry_openings +0.5, i_observed +0.5,
        first_singular +0.3, log_entry +0.25, recent_time +0.2, decimals +0.15, forum_form +0.1, paper_form
        +0.1, abstract_nouns -0.1, lesson_form -0.1, present_state -0.1, news_topics -0.16, survey_wording
        -0.18, address_form -0.2, advice -0.2, press_form -0.2, you -0.2, parliament -0.2, admin_form -0.3,
        health_advice -0.3, modern_oratory -0.3, encyclopaedic -0.4, oratory -0.4, reporter -0.4,
        institution_speaks -0.5""",
    ),
    "old_laboratory": Kind(
        "lab_notebook",
        "primary",
        """apparatus +1, i_observed +0.5, period_wording +0.4, archaic +0.3, first_singular +0.3,
        period_things +0.25, scan_errors +0.25, old_relative +0.2, semicolons +0.2, formal_wording +0.16,
        apostrophe_d +0.15, line_breaks +0.15, old_state +0.1, personal +0.1, recent_time -0.09, word_length
        -0.1, news_topics -0.12, survey_wording -0.14, abstract_nouns -0.15, contraction -0.15, address_form
        -0.2, capitals -0.2, press_form -0.2, parliament -0.2, encyclopaedic -0.3, oratory -0.3, recent_years
        -0.3, reporter -0.3, modern_things -0.3, institution_speaks -0.4, digital -0.45, modern_wording -0.45""",
    ),
    "field_journal": Kind(
        "field_journal",
        "primary",
        """log_entry +0.8, we_did +0.7, period_things +0.5, entry_openings +0.4, i_observed +0.3,
        narrative_past +0.3, period_wording +0.3, archaic +0.25, everyday +0.2, first_plural +0.2,
        first_singular +0.2, old_relative +0.2, scan_errors +0.2, semicolons +0.2, formal_wording +0.12,
        apostrophe_d +0.1, line_breaks +0.1, old_state +0.05, word_length -0.05, recent_time -0.06,
        news_topics -0.08, survey_wording -0.09, abstract_nouns -0.1, contraction -0.1, percents -0.1,
        admin_form -0.2, encyclopaedic -0.2, lesson_form -0.2, oratory -0.2, paper_form -0.2, reporter -0.2,
        recent_years -0.25, scholar -0.3, teacher -0.3, modern_things -0.3, digital -0.35, modern_wording
        -0.35, institution_speaks -0.4""",
    ),
    "letter_diary": Kind(
        "letter_diary",
        "primary",
        """correspondence +0.9, personal +0.7, first_singular +0.5, i_observed +0.5, period_wording +0.25,
        archaic +0.2, everyday +0.2, period_things +0.2, scan_errors +0.2, old_relative +0.15, semicolons
        +0.15, apostrophe_d +0.1, entry_openings +0.1, forum_form +0.1, line_breaks +0.1, you +0.1,
        formal_wording +0.1, recent_time +0.1, old_state +0.05, word_length -0.05, news_topics -0.08,
        admin_form -0.1, contraction -0.1, percents -0.1, survey_wording -0.14, decimals -0.2, lesson_form
        -0.2, press_form -0.2, recent_years -0.2, reporter -0.2, parliament -0.2, abstract_nouns -0.3, digital
        -0.3, encyclopaedic -0.3, modern_wording -0.3, paper_form -0.3, scholar -0.3, modern_things -0.3,
        institution_speaks -0.4""",
    ),
    "oral_history": Kind(
        "oral_history",
        "primary",
        """dialect +1.1, speaker_labels +0.5, everyday +0.3, first_singular +0.3, i_observed +0.3,
        narrative_past +0.3, personal +0.3, we_did +0.3, period_wording +0.1, quoted_said +0.1, apostrophe_d
        +0.05, archaic +0.05, line_breaks +0.05, old_relative +0.05, period_things +0.05, scan_errors +0.05,
        semicolons +0.05, formal_wording +0.04, contraction -0.05, recent_years -0.05, survey_wording -0.09,
        digital -0.1, percents -0.1, modern_things -0.1, address_form -0.2, admin_form -0.2, advice -0.2,
        decimals -0.2, encyclopaedic -0.2, forum_form -0.2, lesson_form -0.2, press_form -0.2, parliament
        -0.2, health_advice -0.3, institution_speaks -0.3, paper_form -0.3, modern_wording -0.4, scholar -0.4,
        word_length -0.4, abstract_nouns -0.45""",
    ),
    "radio_transcript": Kind(
        "oral_history",
        "primary",
        """radio_log +1.1, speaker_labels +1, dialect +0.3, contraction +0.2, entry_openings +0.2,
        survey_wording -0.18, digital -0.2, health_advice -0.2, lesson_form -0.2, modern_wording -0.2,
        institution_speaks -0.3, scholar -0.3, word_length -0.3, abstract_nouns -0.4, encyclopaedic -0.4""",
    ),
    "logbook": Kind(
        "logbook",
        "primary",
        """log_entry +1.1, entry_openings +0.6, period_things +0.4, period_wording +0.2, we_did +0.2, archaic
        +0.15, old_relative +0.1, scan_errors +0.1, semicolons +0.1, formal_wording +0.08, apostrophe_d +0.05,
        line_breaks +0.05, old_state +0.05, contraction -0.05, word_length -0.05, survey_wording -0.09,
        modern_things -0.1, recent_years -0.15, digital -0.2, encyclopaedic -0.2, modern_wording -0.2,
        institution_speaks -0.3, scholar -0.3, teacher -0.3, abstract_nouns -0.35""",
    ),
    "court_record": Kind(
        "court_record",
        "primary",
        """testimony +1.8, speaker_labels +0.3, narrative_past +0.2, period_wording +0.2, personal +0.2,
        quoted_said +0.2, archaic +0.15, admin_form +0.1, old_relative +0.1, period_things +0.1, scan_errors
        +0.1, semicolons +0.1, formal_wording +0.08, apostrophe_d +0.05, line_breaks +0.05, old_state +0.05,
        abstract_nouns -0.05, contraction -0.05, word_length -0.05, survey_wording -0.09, modern_things -0.1,
        recent_years -0.15, digital -0.2, encyclopaedic -0.2, institution_speaks -0.2, modern_wording -0.2,
        scholar -0.3""",
    ),
    "historical_newspaper": Kind(
        "historical_newspaper",
        "primary",
        """period_press +0.9, scan_errors +0.5, line_breaks +0.3, period_wording +0.3, archaic +0.25, reporter
        +0.25, capitals +0.2, old_relative +0.2, period_things +0.2, semicolons +0.2, formal_wording +0.12,
        apostrophe_d +0.1, news_topics +0.1, recent_time +0.07, old_state +0.05, word_length -0.05,
        abstract_nouns -0.1, contraction -0.1, i_observed -0.1, decimals -0.2, health_advice -0.2,
        institution_speaks -0.2, paper_form -0.2, parliament -0.2, recent_years -0.25, scholar -0.3, teacher
        -0.3, modern_things -0.3, digital -0.35, modern_wording -0.35""",
    ),
    "historical_book": Kind(
        "historical_book",
        "primary",
        """period_things +0.5, period_wording +0.45, archaic +0.35, scan_errors +0.3, old_relative +0.25,
        semicolons +0.25, formal_wording +0.18, apostrophe_d +0.15, line_breaks +0.15, everyday +0.1,
        narrative_past +0.1, old_state +0.1, recent_time -0.06, news_topics -0.08, forum_form -0.1, percents
        -0.1, word_length -0.1, abstract_nouns -0.15, contraction -0.15, decimals -0.2, health_advice -0.2,
        paper_form -0.2, reporter -0.2, scholar -0.2, parliament -0.2, institution_speaks -0.3, modern_things
        -0.3, recent_years -0.35, digital -0.5, modern_wording -0.5""",
    ),
    "speech": Kind(
        "speech",
        "primary",
        """oratory +1.1, old_state +0.75, parliament +0.7, address_form +0.5, first_plural +0.3,
        period_wording +0.3, archaic +0.25, abstract_nouns +0.2, old_relative +0.2, semicolons +0.2,
        formal_wording +0.12, apostrophe_d +0.1, line_breaks +0.1, word_length -0.05, contraction -0.1,
        decimals -0.1, survey_wording -0.14, everyday -0.2, health_advice -0.2, log_entry -0.2, narrative_past
        -0.2, recent_years -0.25, apparatus -0.3, encyclopaedic -0.3, scholar -0.3, modern_things -0.3,
        digital -0.35, modern_wording -0.35""",
    ),
    "modern_speech": Kind(
        "speech",
        "medium",
        """modern_oratory +1.2, parliament +1.2, address_form +0.8, oratory +0.8, first_plural +0.5,
        contraction +0.2, modern_wording +0.2, modern_things +0.2, first_singular +0.1, personal +0.1,
        recent_years +0.1, you +0.1, recent_time -0.03, news_topics -0.04, digital -0.05, formal_wording
        -0.08, decimals -0.1, line_breaks -0.1, old_relative -0.1, reporter -0.1, semicolons -0.1,
        period_things -0.15, survey_wording -0.18, archaic -0.2, period_wording -0.2, scan_errors -0.2,
        apparatus -0.3, brackets -0.3, log_entry -0.3, paper_form -0.3, encyclopaedic -0.4, scholar -0.4""",
    ),
    "preprint": Kind(
        "preprint",
        "medium",
        """scholar +0.9, paper_form +0.8, brackets +0.5, decimals +0.3, equals +0.3, modern_wording +0.3,
        percents +0.3, abstract_nouns +0.2, digital +0.2, first_plural +0.2, recent_years +0.15, present_state
        +0.1, recent_time -0.06, news_topics -0.08, admin_form -0.1, quotes -0.1, formal_wording -0.12,
        line_breaks -0.15, old_relative -0.15, semicolons -0.15, address_form -0.2, advice -0.2, forum_form
        -0.2, period_things -0.2, reporter -0.2, you -0.2, parliament -0.2, archaic -0.25, first_singular
        -0.3, institution_speaks -0.3, narrative_past -0.3, oratory -0.3, period_wording -0.3, personal -0.3,
        scan_errors -0.3, everyday -0.4""",
    ),
    "academic_paper": Kind(
        "academic_paper",
        "medium",
        """scholar +1, paper_form +0.8, abstract_nouns +0.3, brackets +0.3, decimals +0.3, word_length +0.3,
        equals +0.2, first_plural +0.2, modern_wording +0.2, percents +0.2, health_topic +0.2, digital +0.15,
        apparatus +0.1, recent_years +0.1, lesson_form -0.05, formal_wording -0.08, recent_time -0.09,
        health_advice -0.1, line_breaks -0.1, old_relative -0.1, semicolons -0.1, news_topics -0.12,
        period_things -0.15, address_form -0.2, admin_form -0.2, archaic -0.2, contraction -0.2,
        narrative_past -0.2, period_wording -0.2, press_form -0.2, scan_errors -0.2, parliament -0.2, advice
        -0.3, first_singular -0.3, forum_form -0.3, institution_speaks -0.3, oratory -0.3, personal -0.3,
        reporter -0.3, you -0.3, everyday -0.4""",
    ),
    "textbook": Kind(
        "textbook",
        "medium",
        """teacher +1.1, lesson_form +0.9, first_plural +0.4, scholar +0.25, contraction +0.2, equals +0.2,
        modern_wording +0.2, present_state +0.2, questions +0.2, you +0.2, advice +0.1, decimals +0.1, digital
        +0.1, paper_form +0.1, recent_years +0.1, formal_wording -0.08, survey_wording -0.09, line_breaks
        -0.1, old_relative -0.1, period_things -0.1, semicolons -0.1, recent_time -0.12, archaic -0.15,
        news_topics -0.16, admin_form -0.2, capitals -0.2, encyclopaedic -0.2, health_advice -0.2, log_entry
        -0.2, narrative_past -0.2, oratory -0.2, period_wording -0.2, press_form -0.2, scan_errors -0.2,
        institution_speaks -0.4, reporter -0.4""",
    ),
    "blog_forum": Kind(
        "blog_forum",
        "medium",
        """blogger +1.1, forum_form +0.8, contraction +0.6, digital +0.5, first_singular +0.4, modern_wording
        +0.2, modern_things +0.2, i_observed +0.1, personal +0.1, recent_years +0.1, you +0.1, recent_time
        +0.1, formal_wording -0.08, survey_wording -0.09, apparatus -0.1, line_breaks -0.1, old_relative -0.1,
        semicolons -0.1, news_topics -0.12, period_things -0.15, admin_form -0.2, archaic -0.2, encyclopaedic
        -0.2, paper_form -0.2, period_wording -0.2, scan_errors -0.2, health_advice -0.3, institution_speaks
        -0.3, oratory -0.3, reporter -0.3""",
    ),
    "news_modern": Kind(
        "news_modern",
        "coordinated",
        """reporter +1.1, news_topics +0.44, press_form +0.4, recent_time +0.33, quotes +0.3, recent_years
        +0.3, capitals +0.25, modern_wording +0.2, percents +0.2, modern_things +0.2, digital +0.15,
        formal_wording -0.08, first_singular -0.1, line_breaks -0.1, log_entry -0.1, old_relative -0.1,
        personal -0.1, semicolons -0.1, period_things -0.15, advice -0.2, apparatus -0.2, archaic -0.2,
        first_plural -0.2, health_advice -0.2, lesson_form -0.2, paper_form -0.2, period_wording -0.2,
        scan_errors -0.2, parliament -0.2, blogger -0.3, scholar -0.4, teacher -0.4""",
    ),
    "medical_guidelines": Kind(
        "medical_guidelines",
        "coordinated",
        """health_advice +1.1, health_topic +0.8, advice +0.5, present_state +0.3, modern_wording +0.2, you
        +0.1, recent_time -0.06, news_topics -0.08, formal_wording -0.08, digital -0.1, line_breaks -0.1,
        period_things -0.1, recent_years -0.1, semicolons -0.1, archaic -0.15, capitals -0.15, i_observed
        -0.2, old_relative -0.2, oratory -0.2, period_wording -0.2, reporter -0.2, scan_errors -0.2,
        address_form -0.3, forum_form -0.3, narrative_past -0.3, parliament -0.3, first_plural -0.4,
        first_singular -0.4, personal -0.4""",
    ),
    "wiki": Kind(
        "wiki",
        "coordinated",
        """encyclopaedic +1.1, survey_wording +0.55, old_years +0.4, capitals +0.3, recent_years +0.3,
        modern_wording +0.2, modern_things +0.2, brackets +0.1, digital +0.1, present_state +0.1,
        formal_wording -0.08, institution_speaks -0.1, line_breaks -0.1, old_relative -0.1, period_things
        -0.1, personal -0.1, semicolons -0.1, archaic -0.15, address_form -0.2, advice -0.2, notebook_voice
        -0.2, paper_form -0.2, period_wording -0.2, scan_errors -0.2, scholar -0.2, you -0.2, parliament -0.2,
        forum_form -0.3, blogger -0.4, contraction -0.4, first_plural -0.4, first_singular -0.4, i_observed
        -0.4, teacher -0.4""",
    ),
    "government": Kind(
        "government",
        "coordinated",
        """institution_speaks +1.1, admin_form +0.7, digital +0.55, advice +0.4, abstract_nouns +0.3,
        modern_wording +0.25, modern_things +0.2, capitals +0.1, press_form +0.1, recent_years +0.1, you +0.1,
        percents +0.05, line_breaks -0.1, old_relative -0.1, semicolons -0.1, formal_wording -0.1,
        period_things -0.15, address_form -0.2, apparatus -0.2, archaic -0.2, forum_form -0.2, log_entry -0.2,
        paper_form -0.2, scholar -0.2, parliament -0.2, period_wording -0.25, scan_errors -0.25, i_observed
        -0.3, narrative_past -0.3, everyday -0.4, first_singular -0.4, personal -0.4""",
    ),
    "press_release": Kind(
        "press_release",
        "coordinated",
        """institution_speaks +1, press_form +0.7, reporter +0.35, capitals +0.25, abstract_nouns +0.2,
        admin_form +0.2, modern_wording +0.2, percents +0.2, modern_things +0.2, digital +0.15, quotes +0.15,
        news_topics +0.14, recent_years +0.1, recent_time +0.1, formal_wording -0.08, line_breaks -0.1,
        old_relative -0.1, semicolons -0.1, period_things -0.15, apparatus -0.2, archaic -0.2, blogger -0.2,
        forum_form -0.2, lesson_form -0.2, paper_form -0.2, period_wording -0.2, scan_errors -0.2, scholar
        -0.2, parliament -0.2, contraction -0.3, everyday -0.3, first_singular -0.3, i_observed -0.3, personal
        -0.3, teacher -0.3""",
    ),
}
