"""The page: layout and events. The only file that imports gradio; what happens is in the modules beside it."""

from __future__ import annotations

from importlib import resources

import gradio as gr

from distrust_hub.app.limits import Limits
from distrust_hub.app.ui_score import score_tab

_FONT = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
_MONO = ["ui-monospace", "Consolas", "monospace"]


def build_app(
    *, model: str | None = None, adapter: str | None = None, local: bool = False, limits: Limits | None = None
) -> gr.Blocks:
    """Lay out the app; nothing is loaded and no port is opened.

    Args:
        model: Base model of the Chat tab: Hub id, folder or ``.gguf`` file; None takes the default model.
        adapter: Adapter it starts with: Hub id or folder.
        local: Whether whoever opens the page may read this machine's folders (true on loopback only). Otherwise
            visitors can name Hub adapters, and base models only from the list.
        limits: Bounds per visitor.
    """
    bounds = limits or Limits()
    with gr.Blocks(title="distrust-hub", analytics_enabled=False) as demo:
        gr.HTML(
            "<h1>distrust-hub</h1><p>How much of a text traces to primary sources, and which of its words say so.</p>",
            elem_id="dh-title",
        )
        with gr.Tabs(elem_id="dh-tabs") as tabs:
            with gr.Tab("Score", id="score"):
                score_tab(bounds)
            with gr.Tab("About", id="about"):
                gr.Markdown(_resource("about.md"), elem_id="dh-about")
    demo.queue(max_size=bounds.queue_length, default_concurrency_limit=4, api_open=False)
    return demo


def launch_app(demo: gr.Blocks, *, host: str | None = None, port: int | None = None) -> None:
    """Serve the app until it is stopped.

    Args:
        demo: From ``build_app``.
        host: Address to listen on; None leaves it to gradio (loopback, or what a Space sets).
        port: Port; None takes the first free one from 7860.
    """
    theme = gr.themes.Default(primary_hue="teal", secondary_hue="teal", neutral_hue="slate", font=_FONT, font_mono=_MONO)
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
