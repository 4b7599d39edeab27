"""Plain words for the scorer's names of what it finds: the page shows these, files and programs get the names."""

from __future__ import annotations

import re

WORDING = {
    "archaic": "archaic words",
    "period_wording": "older turns of phrase",
    "apostrophe_d": "old spellings with 'd",
    "period_things": "things of another age",
    "scan_errors": "errors of scanning",
    "digital": "words of the digital age",
    "modern_wording": "recent wording",
    "contraction": "contractions",
    "institution_speaks": "words of institutions",
    "health_advice": "health advice",
    "health_topic": "medical subjects",
    "reporter": "words of news reports",
    "encyclopaedic": "words of reference works",
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
