"""The page: layout and events. The only file that imports gradio; what happens is in the modules beside it."""

from __future__ import annotations

from importlib import resources

import gradio as gr

from distrust_hub.app.conversation import ChatService
from distrust_hub.app.limits import Limits
from distrust_hub.app.ui_chat import chat_tab
from distrust_hub.app.ui_score import score_tab

_FONT = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
_MONO = ["ui-monospace", "Consolas", "monospace"]
_CONTRAST = {
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800",
    "button_primary_background_fill_dark": "*primary_700",
    "button_primary_background_fill_hover_dark": "*primary_600",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_300",
    "block_label_text_color": "*neutral_700",
    "block_title_text_color": "*neutral_700",
    "input_placeholder_color": "*neutral_500",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_300",
}
"""Colours of the default theme that are too pale to read, one or two steps darker."""


def build_app(chat: ChatService | None = None, *, limits: Limits | None = None) -> gr.Blocks:
    """Lay out the app; nothing is loaded and no port is opened.

    Args:
        chat: What answers in the Chat tab; None makes one with the default model, for visitors from anywhere.
        limits: Bounds per visitor of the Score tab; None takes the chat's.
    """
    service = chat or ChatService(limits=limits)
    bounds = limits or service.limits
    with gr.Blocks(title="distrust-hub", analytics_enabled=False) as demo:
        gr.HTML(
            "<h1>distrust-hub</h1><p>How much of a text traces to primary sources, and which of its words say so.</p>",
            elem_id="dh-title",
        )
        with gr.Tabs(elem_id="dh-tabs") as tabs:
            with gr.Tab("Score", id="score"):
                text = score_tab(bounds)
            with gr.Tab("Chat", id="chat") as chat_page:
                chat_tab(service, chat_page, tabs, text)
            with gr.Tab("About", id="about"):
                gr.Markdown(_resource("about.md"), elem_id="dh-about")

        @demo.unload
        def leave(request: gr.Request) -> None:
            service.leave(request.session_hash or "")

    demo.queue(max_size=bounds.queue_length, default_concurrency_limit=4, api_open=False)
    return demo


def launch_app(demo: gr.Blocks, *, host: str | None = None, port: int | None = None) -> None:
    """Serve the app until it is stopped.

    Args:
        demo: From ``build_app``.
        host: Address to listen on; None leaves it to gradio (loopback, or what a Space sets).
        port: Port; None takes the first free one from 7860.
    """
    hues = {"primary_hue": "teal", "secondary_hue": "teal", "neutral_hue": "slate"}
    theme = gr.themes.Default(**hues, font=_FONT, font_mono=_MONO).set(**_CONTRAST)
    demo.launch(
        server_name=host,
        server_port=port,
        share=False,
        theme=theme,
        css=_resource("style.css"),
        footer_links=[],
        run_history=False,
        max_file_size=Limits().upload_bytes,
        show_error=False,
        enable_monitoring=False,
    )


def _resource(name: str) -> str:
    return resources.files("distrust_hub.app").joinpath(name).read_text(encoding="utf-8")
