"""Plain words for the scorer's names of what it finds: the page shows these, files and programs get the names."""

from __future__ import annotations

import re

WORDING = {
    "archaic": "archaic words",
    "period_wording": "older turns of phrase",
    "formal_wording": "formal turns of phrase",
    "apostrophe_d": "old spellings with 'd",
    "period_things": "things of another age",
    "scan_errors": "errors of scanning",
    "digital": "words of the digital age",
    "modern_things": "things of the modern world",
    "modern_wording": "recent wording",
    "contraction": "contractions",
    "institution_speaks": "words of institutions",
    "health_advice": "health advice",
    "health_topic": "medical subjects",
    "reporter": "words of news reports",
    "recent_time": "days and weeks just past",
    "news_topics": "subjects of the news",
    "encyclopaedic": "words of reference works",
    "survey_wording": "words of an overview",
    "scholar": "words of scholarship",
    "teacher": "words of teaching",
    "blogger": "words of blogs",
    "i_observed": "I saw or did it",
    "we_did": "we saw or did it",
    "personal": "personal matters",
    "correspondence": "words of letters",
    "dialect": "dialect",
    "radio_log": "words of radio logs",
    "log_entry": "words of log entries",
    "oratory": "words of speeches",
    "apparatus": "instruments and apparatus",
    "patent_wording": "words of patents",
    "testimony": "words of testimony",
    "everyday": "everyday things",
    "narrative_past": "telling what happened",
    "present_state": "statements in the present",
    "abstract_nouns": "abstract nouns",
    "old_relative": "long, linked sentences",
    "you": "you, your",
    "quoted_said": "reported speech",
    "wet_lab": "words of the laboratory",
    "notebook_voice": "words of notebooks",
    "period_press": "words of old newspapers",
    "modern_oratory": "words of modern politics",
    "old_state": "words of old state papers",
    "first_singular": "I, me, my",
    "first_plural": "we, us, our",
    "advice": "advice to the reader",
    "entry_openings": "openings of notes",
    "paper_form": "parts of a paper",
    "lesson_form": "parts of a lesson",
    "press_form": "words of press releases",
    "forum_form": "words of forums",
    "address_form": "addressing an audience",
    "parliament": "words of parliament",
    "admin_form": "words of offices and forms",
}
"""Word groups of the scorer's style component."""

SHAPES = {
    "semicolons": "semicolons",
    "quotes": "quotation marks",
    "questions": "question marks",
    "brackets": "brackets",
    "speaker_labels": "names of speakers at line starts",
    "word_length": "length of the words",
    "recent_years": "recent years",
    "old_years": "early years",
    "line_breaks": "line breaks",
    "capitals": "capitalised words",
    "decimals": "decimal numbers",
    "percents": "percentages",
    "equals": "equals signs",
}
"""What the style component counts on the page beside words."""

COMPONENTS = {
    "base": "starting point",
    "era": "age",
    "style": "how it is written",
    "consensus": "claims of consensus",
    "institution": "who speaks",
    "internal_date": "what it names",
    "primary_markers": "first-hand marks",
    "coordinated_markers": "second-hand marks",
    "evidence_entropy": "variety of evidence",
    "source_type_prior": "kind of source",
    "source_hint": "kind of source",
    "citations": "citations",
    "citation_count": "citations",
}
"""Parts of the two scores."""

OBJECTIVES = {
    "reweight": "primary sources count more",
    "conditional": "most examples name their kind of source",
    "preference": "primary answers preferred to coordinated ones",
    "filter": "trusted sources alone",
    "literal": "the published term as it stands, which changes nothing",
    "none": "plain fine-tuning, to compare with",
}
"""What an objective of training does with the scores."""

MEASURES = {
    "delta_nats": "how much more the primary source's answer is expected than the other, in nats",
    "delta_nats_per_token": "the same for each token",
    "primary_rate": "share of questions answered as the primary source does",
    "mc1": "share of questions with the best answer ranked first",
    "mc2": "share of belief in true answers",
    "mc3": "share of true answers ranked above all false ones",
    "binary": "share of pairs with the true answer ahead",
    "perplexity": "surprise at unseen text; less is better",
    "accuracy": "share answered as expected",
}
"""What a measure of evaluation says; its name may stand behind ``in_context_`` or the like."""

_PHRASES = {
    "style of a text with no marks": "its style as a whole",
    "Shannon entropy over kinds of": "variety of",
    "prior of the stated source type": "where sources of the stated kind usually lie:",
}
_WORDING = re.compile(r"^wording: (\w+)(?:, (\d+) found \((.*)\)|, none found)$", re.DOTALL)
_SHAPE = re.compile(r"^shape of the page: (\w+)$")
_LONE_I = re.compile(r"\bi\b")


def component(name: str) -> str:
    """A part of a score, such as ``evidence_entropy``, in plain words."""
    return COMPONENTS.get(name, _spelt(name))


def measure(name: str) -> str:
    """What a measure of evaluation says, such as "share of belief in true answers"; "" for one not known here."""
    known = [end for end in MEASURES if f" {_spelt(name)}".endswith(f" {_spelt(end)}")]
    return MEASURES[max(known, key=len)] if known else ""


def objective(name: str) -> str:
    """An objective of training with its meaning."""
    return f"{name}: {OBJECTIVES[name]}" if name in OBJECTIVES else name


def reason(text: str) -> str:
    """The scorer's reason in plain words: "words of press releases: spokesperson"."""
    if found := _WORDING.match(text):
        name = WORDING.get(found[1], _spelt(found[1]))
        return f"{name}: {found[3]} ({found[2]} found)" if found[2] else f"{name}: none"
    if found := _SHAPE.match(text):
        return f"look of the page: {SHAPES.get(found[1], _spelt(found[1]))}"
    for theirs, plain in _PHRASES.items():
        text = text.replace(theirs, plain)
    return _spelt(text)


def short_reason(text: str) -> str:
    """The same for a label in the text itself, without what was found."""
    if found := _WORDING.match(text):
        return WORDING.get(found[1], _spelt(found[1]))
    return _spelt(text.split(",")[0].rpartition(": ")[2])


def _spelt(name: str) -> str:
    return _LONE_I.sub("I", name.replace("_", " "))
