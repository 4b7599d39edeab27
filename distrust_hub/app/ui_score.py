"""Layout and events of the Score tab (gradio)."""

from __future__ import annotations

from typing import Any

import gradio as gr

from distrust_hub.app import markup, plots
from distrust_hub.app.examples import EXAMPLES
from distrust_hub.app.limits import Limits
from distrust_hub.app.score_view import ScoreView, check_year, reference_points, score_view, tier_cuts
from distrust_hub.app.ui_batch import citations, file_of_texts
from distrust_hub.app.ui_toast import warn
from distrust_hub.app.uploads import TEXT_TYPES, read_upload
from distrust_hub.errors import DistrustHubError
from distrust_hub.schema import SOURCE_TYPES

_PAUSE_BEFORE_SCORING = "(...values) => new Promise(done => setTimeout(() => done(values), 250))"
_UNKNOWN = "not known"


def score_tab(limits: Limits) -> gr.Textbox:
    """Build the tab; returns the text box, so that other tabs can fill it."""
    with gr.Tabs():
        with gr.Tab("One text"):
            text = _one_text(limits)
        with gr.Tab("Citations"):
            citations(limits)
        with gr.Tab("File"):
            file_of_texts(limits)
    return text


def _one_text(limits: Limits) -> gr.Textbox:
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=320):
            text = gr.Textbox(
                label="Text",
                lines=8,
                max_lines=24,
                placeholder="Paste a text: a letter, an article, a web page, a report ...",
                elem_id="dh-text",
            )
            with gr.Row(elem_classes="dh-buttons"):
                gr.HTML("Examples:", elem_classes="dh-muted dh-lead")
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
            with gr.Row(elem_classes="dh-buttons"):
                opened = gr.UploadButton("Open a file", size="sm", min_width=90, file_types=list(TEXT_TYPES))
                clear = gr.Button("Clear", size="sm", min_width=90)
            known = _known_facts()
        with gr.Column(scale=5, min_width=320):
            verdict = gr.HTML(markup.verdict(None), elem_id="dh-verdict")
            plane = gr.HTML(_plane(None), elem_id="dh-plane")
    spans = gr.HTML("", elem_id="dh-highlight")
    table = gr.HTML("", elem_id="dh-contributions")
    term = gr.HTML("", elem_id="dh-term")

    def score(text: str, kind: str, year: str, publisher: str, url: str) -> list[Any]:
        facts = {"source_type": kind, "year": year.strip(), "publisher": publisher.strip(), "url": url.strip()}
        try:
            check_year(facts["year"])
            return _shown(score_view(text, facts, limits))
        except DistrustHubError as error:
            return [markup.notice(str(error), "error"), *_shown(None)[1:]]

    def opened_text(path: str) -> Any:
        try:
            return read_upload(path, limits)[0][0]
        except DistrustHubError as error:
            warn(error)
            return gr.skip()

    settings: dict[str, Any] = {
        "inputs": [text, *known],
        "outputs": [verdict, plane, spans, table, term],
        "show_progress": "hidden",
        "trigger_mode": "always_last",
        "concurrency_id": "score",
        "concurrency_limit": 4,
        "api_visibility": "private",
        "js": _PAUSE_BEFORE_SCORING,
    }
    gr.on([part.change for part in (text, *known)], score, **settings)
    quick: dict[str, Any] = {"api_visibility": "private", "queue": False}
    for button, sample in zip(examples, EXAMPLES.values()):
        button.click(lambda sample=sample: sample, outputs=text, **quick)
    opened.upload(opened_text, opened, text, api_visibility="private", concurrency_id="batch", concurrency_limit=2)
    clear.click(lambda: ("", "", "", "", ""), outputs=[text, *known], **quick)
    return text


def _known_facts() -> list[Any]:
    """Controls for what a visitor knows: kind of source, year, publisher, address."""
    with gr.Accordion("What you know about the source (optional)", open=False):
        kind = gr.Dropdown(
            [(_UNKNOWN, ""), *((name.replace("_", " "), name) for name in SOURCE_TYPES)],
            value="",
            label="Kind of source",
        )
        with gr.Row():
            year = gr.Textbox(value="", label="Year of publication", max_length=4, placeholder="1931")
            publisher = gr.Textbox(value="", label="Publisher", max_length=200, placeholder="Royal Society")
        url = gr.Textbox(
            value="",
            label="Web address",
            max_length=500,
            placeholder="https://...",
            info="Read as a hint; never opened.",
        )
    return [kind, year, publisher, url]


def _shown(view: ScoreView | None) -> list[Any]:
    plane = _plane(view.point if view else None)
    return [markup.verdict(view), plane, markup.marked(view), markup.contributions(view), markup.term(view)]


def _plane(point: plots.Point | None) -> str:
    return markup.plane(plots.plane(point, reference_points(), tier_cuts()))
