"""Layout and events of the Score tab (gradio)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from distrust_hub.app import batch, markup, plots
from distrust_hub.app.examples import EXAMPLES
from distrust_hub.app.handlers import ScoreView, reference_points, score_view, tier_cuts
from distrust_hub.app.limits import Limits
from distrust_hub.app.uploads import UPLOAD_TYPES, read_upload
from distrust_hub.errors import DistrustHubError
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, SOURCE_TYPES

_PAUSE_BEFORE_SCORING = "(...values) => new Promise(done => setTimeout(() => done(values), 250))"
_UNKNOWN = "not known"


def score_tab(limits: Limits) -> gr.Textbox:
    """Build the tab; returns the text box, so that other tabs can fill it."""
    with gr.Tabs():
        with gr.Tab("One text"):
            text = _one_text(limits)
        with gr.Tab("Citations"):
            _citations(limits)
        with gr.Tab("File"):
            _file(limits)
    return text


def _one_text(limits: Limits) -> gr.Textbox:
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=320):
            text = gr.Textbox(
                label="Text",
                lines=14,
                max_lines=24,
                placeholder="Paste a text in any language with Latin script ...",
                elem_id="dh-text",
            )
            with gr.Row():
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
                clear = gr.Button("Clear", size="sm", min_width=90)
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
        with gr.Column(scale=5, min_width=320):
            verdict = gr.HTML(markup.verdict(None), elem_id="dh-verdict")
            plane = gr.HTML(plots.plane(None, reference_points(), tier_cuts()), elem_id="dh-plane")
    spans = gr.HTML("", elem_id="dh-highlight")
    table = gr.HTML("", elem_id="dh-contributions")
    term = gr.HTML("", elem_id="dh-term")
    outputs = [verdict, plane, spans, table, term]
    inputs = [text, kind, year, publisher, url]

    def score(text: str, kind: str, year: str, publisher: str, url: str) -> list[Any]:
        known = {"source_type": kind, "year": year.strip(), "publisher": publisher.strip(), "url": url.strip()}
        try:
            view = score_view(text, known, limits)
        except DistrustHubError as error:
            empty = _score_updates(None)
            return [markup.notice(str(error), "error"), *empty[1:]]
        return _score_updates(view)

    settings: dict[str, Any] = {
        "inputs": inputs,
        "outputs": outputs,
        "show_progress": "hidden",
        "trigger_mode": "always_last",
        "concurrency_id": "score",
        "concurrency_limit": 4,
    }
    text.change(score, api_name="score", js=_PAUSE_BEFORE_SCORING, **settings)
    for known in (kind, year, publisher, url):
        known.change(score, api_visibility="private", js=_PAUSE_BEFORE_SCORING, **settings)
    for button, sample in zip(examples, EXAMPLES.values()):
        button.click(lambda sample=sample: sample, outputs=text, api_visibility="private", queue=False)
    clear.click(
        lambda: ("", "", "", "", ""), outputs=[text, kind, year, publisher, url], api_visibility="private", queue=False
    )
    return text


def _score_updates(view: ScoreView | None) -> list[Any]:
    plane = plots.plane(view.point if view else None, reference_points(), tier_cuts())
    return [markup.verdict(view), plane, markup.marked(view), markup.contributions(view), markup.term(view)]


def _citations(limits: Limits) -> None:
    lines = gr.Textbox(
        label="Reference list, one citation per line",
        lines=8,
        placeholder="Faraday, M. (1839). Experimental Researches in Electricity. London: Taylor.\nDiary of ...",
    )
    go = gr.Button("Score the citations", variant="primary")
    outputs = _batch_outputs()

    def score(text: str, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        return _batch_updates(lambda: batch.citation_lines(text, limits), limits, progress)

    go.click(score, lines, outputs, api_visibility="private", concurrency_id="batch", concurrency_limit=1)


def _file(limits: Limits) -> None:
    upload = gr.File(
        label=f"A file of up to {limits.upload_bytes / 1e6:g} MB: {' '.join(UPLOAD_TYPES)}",
        file_types=list(UPLOAD_TYPES),
        height=150,
    )
    gr.Markdown(
        "Tables need a column `text`, one document per row; other columns (`source`, `year`, `publisher`, ...) help."
    )
    with gr.Row():
        go = gr.Button("Score the file", variant="primary")
        stop = gr.Button("Cancel")
    outputs = _batch_outputs()

    def score(path: str | None, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        if path is None:
            raise gr.Error("No file yet. Drop one above first.", duration=8, title="Nothing to score")
        return _batch_updates(lambda: read_upload(path, limits), limits, progress)

    event = go.click(score, upload, outputs, api_visibility="private", concurrency_id="batch", concurrency_limit=1)
    stop.click(None, cancels=[event], api_visibility="private")


def _batch_outputs() -> list[Any]:
    """The components every batch fills: notice, charts, table, downloads."""
    with gr.Column():
        notice = gr.HTML(
            '<div class="dh-empty" role="status"><strong>No table yet.</strong> Every row gets its own scores.</div>'
        )
        charts = gr.HTML("")
        table = gr.Dataframe(
            headers=list(batch.COLUMNS),
            datatype=["number", "str", "number", "number", "number", "str", "str", "number", "str"],
            label="Scores: authority weight, provenance entropy in bits, signed core; click a heading to sort",
            interactive=False,
            show_search="filter",
            visible=False,
            max_height=520,
            elem_classes="dh-table",
            column_widths=["60px", "115px", "100px", "90px", "80px", "150px", "75px", "125px", "380px"],
        )
        files = gr.File(label="Download", file_count="multiple", interactive=False, visible=False)
    return [notice, charts, table, files]


def _batch_updates(
    read: Callable[[], list[tuple[str, dict[str, Any]]]], limits: Limits, progress: gr.Progress
) -> list[Any]:
    """Read, score and show a batch; a known error becomes a notice and a toast."""
    try:
        documents = read()
        total = len(documents)
        view = batch.score_batch(documents, limits, lambda done: progress((done, total), unit="texts"))
    except DistrustHubError as error:
        gr.Warning(str(error), title="Not scored")
        return [markup.notice(str(error), "error"), "", gr.update(visible=False), gr.update(visible=False)]
    folder = Path(tempfile.mkdtemp(prefix="distrust-hub-"))
    downloads = [str(path) for path in batch.write_downloads(view, folder)]
    return [
        markup.batch_summary(view),
        _charts(view),
        gr.Dataframe(value=view.table, visible=True),
        gr.File(value=downloads, visible=True),
    ]


def _charts(view: batch.BatchView) -> str:
    weights = [record["authority_weight"] for record in view.records]
    entropies = [record["provenance_entropy"] for record in view.records]
    return markup.figures(
        {
            "Documents per tier": plots.tier_bars(view.tiers),
            "Authority weight": plots.histogram(weights, 0.0, AUTHORITY_WEIGHT_MAX, "Authority weight"),
            "Provenance entropy, bits": plots.histogram(entropies, 0.0, 8.0, "Provenance entropy"),
        }
    )
