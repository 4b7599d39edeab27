"""Layout and events of the Adapters tab (gradio)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from distrust_hub.app import markup, markup_adapters
from distrust_hub.app.conversation import ChatService
from distrust_hub.app.published import read_published, search
from distrust_hub.app.ui_toast import warn
from distrust_hub.errors import DistrustHubError

_WELCOME = markup.empty(
    "An adapter is a small file that changes how a model answers.",
    "Search the published ones, read how one was trained and what was measured, and try it.",
)


def adapters_tab(chat: ChatService, tab: gr.Tab, tabs: gr.Tabs, chat_adapter: gr.Dropdown | None) -> None:
    """Build the tab.

    Args:
        chat: The adapters it offers are listed too.
        tab: The tab being built; opening it searches.
        tabs: The tabs of the page.
        chat_adapter: The Chat tab's choice of adapter; None where chat cannot run.
    """
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300):
            words = gr.Textbox(
                label="Search published adapters", placeholder="owner, name or base model", max_length=100
            )
            go = gr.Button("Search", variant="primary")
            offered = list(chat.adapters)
            found = gr.Radio(offered, value=None, label="Adapters", elem_id="dh-adapters", visible=bool(offered))
        with gr.Column(scale=8, min_width=320):
            notice = gr.HTML(_WELCOME, elem_id="dh-adapters-status")
            details = gr.HTML("", elem_id="dh-adapter-card")
            try_it = gr.Button("Open in Chat", variant="primary", visible=False)

    def look(words: str, chosen: str | None) -> Iterator[list[Any]]:
        yield [gr.skip(), markup.notice("Asking the Hub ...")]
        names = [name for name in chat.adapters if words.lower() in name.lower()]
        try:
            repos = search(words)
            text = markup_adapters.search_result(repos, words) if repos or not names else _WELCOME
            names = list(dict.fromkeys([*names, *(repo.repo_id for repo in repos)]))
        except DistrustHubError as error:
            text = markup.notice(str(error), "error")
        yield [gr.Radio(choices=names, value=chosen if chosen in names else None, visible=bool(names)), text]

    def show(name: str | None) -> Iterator[list[Any]]:
        hidden = gr.update(visible=False)
        if not name:
            yield ["", hidden]
            return
        yield [markup.notice(f"Reading {name} ..."), hidden]
        try:
            view = read_published(chat.adapter_named(name) or "", chat.limits)
            yield [markup_adapters.adapter(view), gr.update(visible=chat_adapter is not None)]
        except DistrustHubError as error:
            warn(chat.told(error))
            yield [markup.notice(chat.told(error), "error"), hidden]

    settings: dict[str, Any] = {
        "api_visibility": "private",
        "concurrency_id": "hub",
        "concurrency_limit": 4,
        "show_progress": "hidden",
        "trigger_mode": "always_last",  # what is asked while a search runs comes after it instead of being dropped
    }
    gr.on([go.click, words.submit, tab.select], look, [words, found], [found, notice], **settings)
    found.change(show, found, [details, try_it], **settings)
    if chat_adapter is not None:
        try_it.click(
            lambda name: [name, gr.Tabs(selected="chat")],
            found,
            [chat_adapter, tabs],
            queue=False,
            api_visibility="private",
        )
