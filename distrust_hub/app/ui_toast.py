"""Short messages in the corner of the page (gradio)."""

from __future__ import annotations

from html import escape

import gradio as gr

from distrust_hub.errors import DistrustHubError


def warn(error: DistrustHubError | str) -> None:
    """Show an error for some seconds. Gradio renders the message as HTML, so it is escaped."""
    gr.Warning(escape(str(error), quote=False), duration=6)
