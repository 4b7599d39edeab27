"""The page: tabs, look and server. The ``ui*.py`` files alone import gradio; what happens is in the modules beside."""

from __future__ import annotations

import base64
import inspect
from importlib import resources
from typing import Any

import gradio as gr

from distrust_hub.app.auth import slow_login
from distrust_hub.app.conversation import ChatService
from distrust_hub.app.limits import Limits
from distrust_hub.app.score_view import score_json
from distrust_hub.app.ui_adapters import adapters_tab
from distrust_hub.app.ui_batch import forget
from distrust_hub.app.ui_chat import chat_tab
from distrust_hub.app.ui_score import score_tab
from distrust_hub.errors import ConfigError, DistrustHubError, MissingDependencyError

_PACKAGE, _MARK = "distrust_hub.app", "mark.svg"
_PURPOSE = (
    "Does a text bring evidence of its own, or does it lean on somebody's authority? Paste one, and see which of its "
    "words say so."
)
_THREADS = 240
"""Of the server: each visitor who waits for a chat reply holds one, and ``Limits.chat_requests`` is 200 at most."""
_FONT = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
_MONO = ["ui-monospace", "Consolas", "monospace"]
_CONTRAST = {
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800",
    "button_primary_background_fill_dark": "*primary_700",
    "button_primary_background_fill_hover_dark": "*primary_800",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_300",
    "block_label_text_color": "*neutral_700",
    "block_title_text_color": "*neutral_700",
    "input_placeholder_color": "*neutral_500",
    "input_placeholder_color_dark": "*neutral_400",
    "link_text_color": "*primary_700",
    "link_text_color_hover": "*primary_800",
    "link_text_color_active": "*primary_800",
    "link_text_color_visited": "*primary_700",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover_dark": "*primary_200",
    "link_text_color_active_dark": "*primary_200",
    "link_text_color_visited_dark": "*primary_300",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_300",
}
"""Colours of the default theme that are too pale to read, one or two steps darker."""


class _Page(gr.Blocks):
    """Refuses files that a request names by an address: gradio would download them, from anywhere and of any size."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        """As in gradio, after a look at what would be downloaded."""
        if _names_address(inputs):
            raise gr.Error("files are uploaded here, never fetched from an address", print_exception=False)
        return await super().preprocess_data(block_fn, inputs, *args, **kwargs)


def _names_address(value: Any) -> bool:
    if isinstance(value, dict):
        return "://" in str(value.get("path", "")) or any(map(_names_address, value.values()))
    return isinstance(value, list) and any(map(_names_address, value))


def build_app(chat: ChatService | None = None, *, limits: Limits | None = None) -> gr.Blocks:
    """Lay out the app; nothing is loaded and no port is opened.

    Args:
        chat: What answers in the Chat tab; None makes one with the default model, for visitors from anywhere.
        limits: Bounds per visitor of the Score tab; None takes the chat's.
    """
    service = chat or ChatService(limits=limits)
    bounds = limits or service.limits
    with _Page(title="distrust-hub", analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        gr.api(_scorer(bounds), api_name="score", concurrency_id="score", concurrency_limit=4)  # first: takes the name
        title = f"{_resource(_MARK)}<div><h1>distrust-hub</h1><p>{_PURPOSE}</p></div>"
        gr.HTML(title, elem_id="dh-title")
        with gr.Tabs(elem_id="dh-tabs") as tabs:
            with gr.Tab("Score", id="score"):
                text = score_tab(bounds)
            with gr.Tab("Chat", id="chat") as page:
                chat_adapter = chat_tab(service, page, tabs, text)
            with gr.Tab("Adapters", id="adapters") as page:
                adapters_tab(service, page, tabs, chat_adapter)
            with gr.Tab("About", id="about"):
                gr.Markdown(_resource("about.md"), elem_id="dh-about")

        @demo.unload
        def leave(request: gr.Request) -> None:
            service.stop(request.session_hash or "")
            forget(request.session_hash or "")

    demo.queue(max_size=bounds.queue_length, default_concurrency_limit=4, api_open=False)
    return demo


def launch_app(demo: gr.Blocks, *, host: str | None = None, port: int | None = None, **options: Any) -> None:
    """Serve the app until it is stopped.

    Args:
        demo: From ``build_app``.
        host: Address to listen on; None leaves it to gradio (loopback, or what a Space sets).
        port: Port; None takes the first free one from 7860.
        options: ``share``, ``root_path``, ``mcp_server`` and ``max_file_size`` as in gradio's ``launch``, and ``auth``,
            pairs of name and password.

    Raises:
        ConfigError: If the port is taken.
        MissingDependencyError: If ``mcp_server`` is asked for and cannot be had.
    """
    hues = {"primary_hue": "teal", "secondary_hue": "teal", "neutral_hue": "slate"}
    theme = gr.themes.Default(**hues, font=_FONT, font_mono=_MONO).set(**_CONTRAST)
    defaults: dict[str, Any] = {"share": False, "max_file_size": Limits().upload_bytes}
    if "run_history" in inspect.signature(demo.launch).parameters:  # newer versions of gradio keep what visitors sent
        defaults["run_history"] = False
    if pairs := options.get("auth"):
        options["auth"] = slow_login(pairs)
    try:
        demo.launch(
            server_name=host,
            server_port=port,
            theme=theme,
            css=_resource("style.css"),
            head=_head(),
            footer_links=[],
            show_error=False,
            enable_monitoring=False,
            prevent_thread_lock=True,
            max_threads=_THREADS,
            **{**defaults, **options},
        )
    except OSError as error:
        if port and "empty port" in str(error):
            raise ConfigError(f"port {port} is in use; give another one with --port, or none") from error
        raise
    if options.get("mcp_server") and not demo.mcp_server:
        demo.close()
        raise MissingDependencyError("a version of mcp that gradio takes", "mcp", "--mcp")
    demo.block_thread()


def _scorer(limits: Limits) -> Any:
    """The one function other programs may call, ``/score``; with ``--mcp`` also a tool."""

    def score(text: str, source_type: str = "", year: str = "", publisher: str = "", url: str = "") -> dict[str, Any]:
        """Score how much of a text traces to primary sources. A heuristic on wording, not a check of truth.

        Args:
            text: The text.
            source_type: Kind of source, such as letter_diary or wiki, where it is known.
            year: Year of publication, where it is known.
            publisher: Publisher, where it is known.
            url: Web address it is from, where it is known; it is not opened.

        Returns:
            tier (primary, medium, coordinated), authority_weight (0 primary to 0.99 consensus), provenance_entropy
            (bits), signed_core (higher is more primary), confidence (0 to 1), source_type, year, and the evidence.
        """
        known = {"source_type": source_type, "year": year, "publisher": publisher, "url": url}
        try:
            return score_json(text, known, limits)
        except DistrustHubError as error:
            raise gr.Error(str(error)) from error

    return score


def _head() -> str:
    """Icon, description and rules for widths; the icon is in the page, as a path behind a proxy is not known here."""
    icon = base64.b64encode(_resource(_MARK).encode()).decode()
    return (
        f'<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,{icon}">'
        f'<meta name="description" content="{_PURPOSE}"><style>{_resource("widths.css")}</style>'
    )


def _resource(name: str) -> str:
    return resources.files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")
