"""Layout and events of the Score tab's citation list and file (gradio)."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distrust_hub.app import batch, markup, plots, references
from distrust_hub.app.limits import Limits
from distrust_hub.app.ui_toast import warn
from distrust_hub.app.uploads import TABLE_TYPES, TEXT_TYPES, UPLOAD_TYPES, read_upload
from distrust_hub.errors import DataError, DistrustHubError
from distrust_hub.schema import AUTHORITY_WEIGHT_MAX, TIERS

_EMPTY_LIST = markup.empty(
    "No citations yet.", "Paste a list above, or take the example; each line gets its own scores."
)
_EMPTY_FILE = markup.empty("No file yet.", "Drop one above; each row, or the whole text, gets its own scores.")
_RUNNING = '<div class="dh-running" role="status" aria-label="Scoring"></div>'
_EXAMPLE = """\
Faraday, M. (1839). Experimental Researches in Electricity. London: Taylor.
Diary of Anna Holm, 2 September 1887. Holmsey Archive, MS 12, f. 4r.
National Agency (2021). Guidance for the sector, 3rd edition. https://example.org/guidance
Smith, A. et al. (2019). A systematic review of reviews. Journal of Reviews 12(3), 44-51.
"""
"""An invented reference list."""

_ALL = ("all", "")
"""Tier and words of a table that shows every row."""


class _Running(threading.Event):
    """A batch that ends early once it is set."""

    left = False
    """Whether its visitor closed the page."""


_CANCELLED: dict[tuple[str, str], _Running] = {}
"""Running batches by visitor and by the place of the page they are started from."""
_DOWNLOADS: dict[str, tempfile.TemporaryDirectory[str]] = {}
"""Each visitor's last downloads; a folder is removed with its entry."""

Documents = list[tuple[str, dict[str, Any]]]


def forget(session: str) -> None:
    """Stop the batch of a visitor who closed the page, and remove the downloads."""
    for (visitor, _), running in list(_CANCELLED.items()):
        if visitor == session:
            running.left = True
            running.set()
    if folder := _DOWNLOADS.pop(session, None):
        folder.cleanup()


def citations(limits: Limits) -> None:
    """A reference list, one score a line."""
    lines = gr.Textbox(
        label="Reference list, one citation per line",
        info="Numbered lists, hanging indents, BibTeX and RIS are read too.",
        lines=6,
        max_lines=16,
        placeholder="Faraday, M. (1839). Experimental Researches in Electricity. London: Taylor.",
    )
    with gr.Row(elem_classes="dh-buttons"):
        go, stop = _buttons("Score the citations")
        example = gr.Button("Example list", size="md", min_width=130, scale=0)
    example.click(lambda: _EXAMPLE, outputs=lines, queue=False, api_visibility="private", show_progress="hidden")
    _batch(lines, go, stop, _EMPTY_LIST, lambda text: references.citations(text, limits), limits)


def file_of_texts(limits: Limits) -> None:
    """A file, one score a document."""
    upload = gr.File(
        label=f"A file of up to {limits.upload_bytes / 1e6:g} MB and {limits.rows:,} rows",
        file_types=list(UPLOAD_TYPES),
        height=170,
        elem_id="dh-file",
    )
    gr.Markdown(
        f"Texts ({', '.join(TEXT_TYPES)}) are one document each. Tables ({', '.join(TABLE_TYPES)}) need a column "
        "`text` (or `content`, `body`, `abstract`) with one document per row; columns such as `source`, `year` or "
        "`publisher` help.",
        elem_classes="dh-muted",
    )
    with gr.Row(elem_classes="dh-buttons"):
        go, stop = _buttons("Score the file")
    _batch(upload, go, stop, _EMPTY_FILE, lambda path: _read_file(path, limits), limits)


def _buttons(name: str) -> tuple[gr.Button, gr.Button]:
    """To start, and to cancel what was started."""
    go = gr.Button(name, variant="primary", size="md", min_width=190, scale=0)
    return go, gr.Button("Cancel", size="md", min_width=90, scale=0, interactive=False)


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
    count: gr.HTML
    table: gr.Dataframe
    files: tuple[gr.DownloadButton, ...]

    def components(self) -> list[Any]:
        return [self.notice, self.charts, self.tier, self.words, self.count, self.table, *self.files]

    def hidden(self) -> list[Any]:
        """Updates of all but the notice and the charts."""
        return [gr.update(visible=False)] * (len(self.components()) - 2)


def _batch(
    source: Any, go: gr.Button, stop: gr.Button, empty: str, read: Callable[[Any], Documents], limits: Limits
) -> None:
    """Outputs and events around one input."""
    shown = _outputs(empty)
    view, filtered = gr.State(None), gr.State(_ALL)

    def begin(request: gr.Request) -> list[Any]:
        _CANCELLED[request.session_hash or "", empty] = _Running()  # so that Cancel also works while this one waits
        return [gr.update(interactive=False), gr.update(interactive=True), _RUNNING, "", *shown.hidden()]

    # Gradio fills in ``progress`` and ``request`` only where they are annotated exactly so.
    def score(value: Any, request: gr.Request, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        session = request.session_hash or ""
        cancelled = _CANCELLED.setdefault((session, empty), _Running())
        try:
            documents = read(value)
            total = len(documents)
            scored = batch.score_batch(documents, limits, lambda done: progress((done, total), unit="texts"), cancelled)
            table = [] if cancelled.left else _table(scored, session)
            if cancelled.left:  # nobody is there for what may just have been written
                forget(session)
                return [None, _ALL, "", "", *shown.hidden()]
            return [scored, _ALL, markup.batch_summary(scored, total), _charts(scored), *table]
        except DistrustHubError as error:
            warn(error)
            return [None, _ALL, markup.notice(str(error), "error"), "", *shown.hidden()]
        finally:
            if _CANCELLED.get((session, empty)) is cancelled:
                del _CANCELLED[session, empty]

    def cancel(request: gr.Request) -> None:
        if running := _CANCELLED.get((request.session_hash or "", empty)):
            running.set()

    quick: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    scoring = go.click(begin, None, [go, stop, *shown.components()], **quick).then(
        score,
        source,
        [view, filtered, *shown.components()],
        show_progress_on=shown.notice,
        api_visibility="private",
        concurrency_id="batch",
        concurrency_limit=2,
    )
    scoring.then(lambda: [gr.update(interactive=True), gr.update(interactive=False)], None, [go, stop], **quick)
    stop.click(cancel, **quick)
    gr.on(
        [shown.tier.input, shown.words.change],
        _filtered,
        [view, filtered, shown.tier, shown.words],
        [filtered, shown.count, shown.table],
        trigger_mode="always_last",
        **quick,
    )


def _filtered(view: batch.BatchView | None, before: tuple[str, str], tier: str, words: str) -> list[Any]:
    """The rows of a tier with some words, unless they are shown already: the box also changes when it appears."""
    wanted = (tier, words or "")
    if view is None or wanted == tuple(before):
        return [gr.skip()] * 3
    rows = batch.chosen_rows(view, "" if tier == _ALL[0] else tier, wanted[1])
    table = gr.Dataframe(value=_cells(rows), visible=bool(rows))
    return [wanted, markup.row_count(len(rows), len(view.table)), table]


def _outputs(empty: str) -> _Outputs:
    notice = gr.HTML(empty, elem_classes="dh-batch")
    charts = gr.HTML("")
    with gr.Row():
        tier = gr.Radio([_ALL[0], *TIERS], value=_ALL[0], label="Rows to show", visible=False, min_width=280)
        words = gr.Textbox(
            label="Only rows with these words",
            max_length=200,
            placeholder="in the text or the source type",
            visible=False,
            min_width=280,
        )
    count = gr.HTML("", visible=False)
    table = gr.Dataframe(
        headers=list(batch.COLUMNS),
        datatype=["number" if name in ("row", *batch.NUMBERS) else "str" for name in batch.COLUMNS],
        label="Scores of each row; click a heading to sort",
        interactive=False,
        visible=False,
        max_height=520,
        buttons=["fullscreen"],
        elem_classes="dh-table",
        column_widths=["62px", "118px", "246px", "120px", "104px", "118px", "158px", "70px", "116px"],
    )
    with gr.Row(elem_classes="dh-buttons"):
        files = tuple(
            gr.DownloadButton(f"Download {name}", size="md", min_width=190, scale=0, visible=False)
            for name in ("JSON Lines", "CSV", "Parquet")
        )
    return _Outputs(notice, charts, tier, words, count, table, files)


def _table(view: batch.BatchView, session: str) -> list[Any]:
    """Updates of the tier filter, the table and the downloads."""
    _DOWNLOADS[session] = tempfile.TemporaryDirectory(prefix="distrust-hub-")
    downloads: list[Path | None] = [*batch.write_downloads(view, Path(_DOWNLOADS[session].name)), None]
    return [
        gr.Radio(value=_ALL[0], visible=True),
        gr.Textbox(value=_ALL[1], visible=True),
        gr.HTML(value=markup.row_count(len(view.table), len(view.table)), visible=True),
        gr.Dataframe(value=_cells(view.table), visible=True),
        *(gr.DownloadButton(value=path, visible=path is not None) for path in downloads[:3]),
    ]


def _cells(rows: list[list[Any]]) -> dict[str, Any]:
    """The rows as the table takes them, with two decimals where a column has any."""
    decimals = [index for index, name in enumerate(batch.COLUMNS) if name in batch.NUMBERS]
    display = [[f"{cell:.2f}" if index in decimals else cell for index, cell in enumerate(row)] for row in rows]
    return {"headers": list(batch.COLUMNS), "data": rows, "metadata": {"display_value": display}}


def _charts(view: batch.BatchView) -> str:
    weights = [record["authority_weight"] for record in view.records]
    entropies = [record["provenance_entropy"] for record in view.records]
    authority = plots.histogram(weights, 0.0, AUTHORITY_WEIGHT_MAX, (0.25, 0.5, 0.75), "Authority weight")
    entropy = plots.histogram(entropies, 0.0, plots.ENTROPY_TOP_BITS, (2, 4, 6), "Provenance entropy")
    return markup.figures(
        {
            "Documents per tier": plots.tier_bars(view.tiers),
            "Authority weight": authority,
            "Provenance entropy, bits": entropy,
        }
    )
