"""Layout and events of the Score tab's citation list and file (gradio)."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distrust_hub.app import batch, markup, plots
from distrust_hub.app.limits import Limits
from distrust_hub.app.ui_toast import warn
from distrust_hub.app.uploads import UPLOAD_TYPES, read_upload
from distrust_hub.errors import DataError, DistrustHubError
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, TIERS

_EMPTY = '<div class="dh-empty" role="status"><strong>No table yet.</strong> Every row gets its own scores.</div>'
_CANCELLED: dict[str, threading.Event] = {}
"""Running batches by visitor."""
_DOWNLOADS: dict[str, tempfile.TemporaryDirectory[str]] = {}
"""Each visitor's last downloads; a folder is removed with its entry."""

Documents = list[tuple[str, dict[str, Any]]]


def forget(session: str) -> None:
    """Stop the batch of a visitor who closed the page, and remove the downloads."""
    if running := _CANCELLED.get(session):
        running.set()
    if folder := _DOWNLOADS.pop(session, None):
        folder.cleanup()


def citations(limits: Limits) -> None:
    """A reference list, one score a line."""
    lines = gr.Textbox(
        label="Reference list, one citation per line",
        lines=8,
        placeholder="Faraday, M. (1839). Experimental Researches in Electricity. London: Taylor.\nDiary of ...",
    )
    _batch(lines, "Score the citations", lambda text: batch.citation_lines(text, limits), limits)


def file_of_texts(limits: Limits) -> None:
    """A file, one score a document."""
    upload = gr.File(
        label=f"A file of up to {limits.upload_bytes / 1e6:g} MB: {' '.join(UPLOAD_TYPES)}",
        file_types=list(UPLOAD_TYPES),
        height=170,
    )
    gr.Markdown(
        "Tables need a column `text`, one document per row; other columns (`source`, `year`, `publisher`, ...) help."
    )
    _batch(upload, "Score the file", lambda path: _read_file(path, limits), limits)


def _read_file(path: str | None, limits: Limits) -> Documents:
    if path is None:
        raise DataError("there is no file yet; drop one above first")
    return read_upload(path, limits)


@dataclass(frozen=True)
class _Outputs:
    """The components a batch fills."""

    notice: gr.HTML
    charts: gr.HTML
    tier: gr.Radio
    words: gr.Textbox
    table: gr.Dataframe
    files: gr.File

    def components(self) -> list[Any]:
        return [self.notice, self.charts, self.tier, self.words, self.table, self.files]


def _batch(source: Any, button: str, read: Callable[[Any], Documents], limits: Limits) -> None:
    """Buttons, outputs and events around one input."""
    with gr.Row():
        go = gr.Button(button, variant="primary")
        stop = gr.Button("Cancel")
    shown = _outputs()
    view = gr.State(None)

    # Gradio fills in ``progress`` and ``request`` only where they are annotated exactly so.
    def score(value: Any, request: gr.Request, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        session = request.session_hash or ""
        cancelled = _CANCELLED[session] = threading.Event()
        try:
            documents = read(value)
            total = len(documents)
            scored = batch.score_batch(documents, limits, lambda done: progress((done, total), unit="texts"), cancelled)
        except DistrustHubError as error:
            warn(error)
            return [None, markup.notice(str(error), "error"), "", *[gr.update(visible=False)] * 4]
        finally:
            _CANCELLED.pop(session, None)
        return [scored, markup.batch_summary(scored, total), _charts(scored), *_table(scored, session)]

    def cancel(request: gr.Request) -> None:
        if running := _CANCELLED.get(request.session_hash or ""):
            running.set()

    quick: dict[str, Any] = {"api_visibility": "private", "queue": False}
    go.click(
        score,
        source,
        [view, *shown.components()],
        show_progress_on=shown.notice,
        api_visibility="private",
        concurrency_id="batch",
        concurrency_limit=2,
    )
    stop.click(cancel, **quick)
    choice = [view, shown.tier, shown.words]
    filtering = {"show_progress": "hidden", "trigger_mode": "always_last", **quick}
    gr.on([shown.tier.input, shown.words.submit], _filtered, choice, shown.table, **filtering)


def _filtered(view: batch.BatchView | None, tier: str, words: str) -> Any:
    return gr.skip() if view is None else batch.chosen_rows(view, "" if tier == "all" else tier, words or "")


def _outputs() -> _Outputs:
    notice = gr.HTML(_EMPTY, elem_classes="dh-batch")
    charts = gr.HTML("")
    with gr.Row():
        tier = gr.Radio(["all", *TIERS], value="all", label="Rows to show", visible=False, min_width=280)
        words = gr.Textbox(
            label="Only rows with these words",
            max_length=200,
            placeholder="words, then Enter",
            visible=False,
            min_width=280,
        )
    table = gr.Dataframe(
        headers=list(batch.COLUMNS),
        datatype=["number", "str", "number", "number", "number", "str", "str", "number", "str"],
        label="Scores: authority weight, provenance entropy in bits, signed core; click a heading to sort",
        interactive=False,
        visible=False,
        max_height=520,
        elem_classes="dh-table",
        column_widths=["60px", "115px", "100px", "90px", "80px", "150px", "75px", "125px", "380px"],
    )
    files = gr.File(label="Download", file_count="multiple", interactive=False, visible=False)
    return _Outputs(notice, charts, tier, words, table, files)


def _table(view: batch.BatchView, session: str) -> list[Any]:
    """Updates of the tier filter, the table and the downloads."""
    _DOWNLOADS[session] = tempfile.TemporaryDirectory(prefix="distrust-hub-")
    downloads = batch.write_downloads(view, Path(_DOWNLOADS[session].name))
    return [
        gr.Radio(value="all", visible=True),
        gr.Textbox(value="", visible=True),
        gr.Dataframe(value=view.table, visible=True),
        gr.File(value=[str(path) for path in downloads], visible=True),
    ]


def _charts(view: batch.BatchView) -> str:
    weights = [record["authority_weight"] for record in view.records]
    entropies = [record["provenance_entropy"] for record in view.records]
    return markup.figures(
        {
            "Documents per tier": plots.tier_bars(view.tiers),
            "Authority weight": plots.histogram(weights, 0.0, AUTHORITY_WEIGHT_MAX, "Authority weight"),
            "Provenance entropy, bits": plots.histogram(entropies, 0.0, plots.ENTROPY_TOP_BITS, "Provenance entropy"),
        }
    )
