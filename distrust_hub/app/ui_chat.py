"""Layout and events of the Chat tab (gradio)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from distrust_hub.app import markup
from distrust_hub.app.conversation import BASE_ALONE, ChatService, ChatSettings, Exchange, conversation
from distrust_hub.app.ui_toast import warn
from distrust_hub.errors import DistrustHubError

log = logging.getLogger(__name__)

COMPARE = 5
"""Place of the comparison among the settings."""

_PLACEHOLDER = "Ask something, for example: What is a primary source in history?"
_SMALL_MODEL = "A small model is often wrong. Use the chat to compare an adapter with its base, not for facts."


def chat_tab(chat: ChatService, tab: gr.Tab, tabs: gr.Tabs, score_text: gr.Textbox) -> gr.Dropdown | None:
    """Build the tab; returns the choice of adapter, so that another tab can fill it, or None where chat cannot run.

    Args:
        chat: What answers.
        tab: The tab being built; opening it loads the model.
        tabs: The tabs of the page.
        score_text: Text box of the Score tab, filled by "Score this reply".
    """
    if problem := chat.problem():
        gr.HTML(markup.notice(problem, "error"), elem_id="dh-chat-problem")
        gr.HTML(markup.notice("The other tabs work without it."))
        return None
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=280, elem_classes="dh-settings"):
            settings = _settings(chat)
        with gr.Column(scale=7, min_width=320):
            compare = settings[COMPARE]
            with gr.Row(equal_height=False):
                main = _chatbot("Conversation", "dh-chat")
                base = _chatbot("Base model alone, same prompts and seed", "dh-chat-base", visible=False)
            status = gr.HTML(markup.notice(_SMALL_MODEL), elem_id="dh-chat-status")
            message = gr.Textbox(
                label="Message",
                lines=2,
                max_lines=8,
                max_length=chat.limits.message_chars,
                placeholder=_PLACEHOLDER,
                elem_id="dh-message",
            )
            with gr.Row():
                send = gr.Button("Send", variant="primary", min_width=80)
                stop = gr.Button("Stop", min_width=80)
                retry = gr.Button("Retry", min_width=80)
                edit = gr.Button("Edit last", min_width=80)
                clear = gr.Button("Clear", min_width=80)
            to_score = gr.Button("Score this reply", size="sm")
    exchanges = gr.State([])
    shown = [exchanges, main, base, status]
    answer = _answerer(chat)
    running: dict[str, Any] = {
        "inputs": [message, exchanges, *settings],
        "outputs": [*shown, message],
        "show_progress": "hidden",
        "concurrency_id": "chat",
        "concurrency_limit": chat.limits.chat_requests,
        "api_visibility": "private",
    }
    quick: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    answering = [
        gr.on([send.click, message.submit], answer, **running),
        retry.click(_take_back, exchanges, [exchanges, message], **quick).then(answer, **running),
    ]
    edit.click(_take_back, exchanges, [exchanges, message], **quick).then(_show, [exchanges], [main, base], **quick)
    stop.click(_stopper(chat), None, None, **quick)
    for event in (clear.click, main.clear):  # first the running answer, or its last words would come after
        stopped = event(_stopper(chat), None, None, cancels=answering, **quick)
        stopped.then(_cleared, None, [*shown, message], **quick)
    compare.change(lambda on: gr.update(visible=on), compare, base, **quick)
    to_score.click(_last_reply, exchanges, [score_text, tabs], **quick)
    tab.select(_preparer(chat), settings[0], status, api_visibility="private", show_progress="hidden")
    adapter: gr.Dropdown = settings[1]
    return adapter


def _settings(chat: ChatService) -> list[Any]:
    """The controls of the left column, in the order of ChatSettings' fields."""
    limits = chat.limits
    where = "Hub id or a folder on this machine" if chat.local else "Hub id"
    return [
        gr.Dropdown(
            list(chat.models),
            value=next(iter(chat.models)),
            label="Base model",
            allow_custom_value=chat.local,
            info="Hub id, folder or .gguf file; type another one." if chat.local else None,
            elem_id="dh-model",
        ),
        gr.Dropdown(
            [BASE_ALONE, *chat.adapters],
            value=next(iter(chat.adapters), BASE_ALONE),
            label="Adapter",
            allow_custom_value=True,
            info=f"Choose, or type a {where}.",
            elem_id="dh-adapter",
        ),
        gr.Slider(0.0, 1.5, value=0.7, step=0.1, label="Temperature", info="0 always takes the likeliest word."),
        gr.Slider(16, limits.reply_tokens, value=min(200, limits.reply_tokens), step=8, label="Longest reply, tokens"),
        gr.Number(0, precision=0, minimum=0, maximum=2**32 - 1, label="Seed", info="Same seed, same reply."),
        gr.Checkbox(False, label="Compare with the base model", elem_id="dh-compare"),
        gr.Checkbox(
            True, label="Use the adapter's source tag", info="Adapters trained with the objective conditional have one."
        ),
    ]


def _chatbot(label: str, name: str, *, visible: bool = True) -> gr.Chatbot:
    """A conversation. It renders HTML, so every message is escaped before it gets here."""
    return gr.Chatbot(
        label=label,
        elem_id=name,
        visible=visible,
        height=440,
        min_width=260,
        render_markdown=False,
        sanitize_html=True,
        buttons=[],
        feedback_options=None,
        allow_file_downloads=False,
        group_consecutive_messages=False,
        placeholder="No messages yet.",
    )


def _show(exchanges: list[Exchange]) -> list[Any]:
    return [conversation(exchanges, escape=True), conversation(exchanges, base=True, escape=True)]


def _answerer(chat: ChatService) -> Any:
    # Gradio fills in ``request`` only where it is a plain parameter with exactly this annotation.
    def answer(
        message: str,
        exchanges: list[Exchange],
        model: str,
        adapter: str | None,
        temperature: float,
        max_tokens: float,
        seed: float | None,
        compare: bool,
        tag: bool,
        request: gr.Request,
    ) -> Iterator[list[Any]]:
        length, number = int(max_tokens), int(seed or 0)
        settings = ChatSettings(model, adapter or BASE_ALONE, temperature, length, number, compare, tag)
        session = request.session_hash or ""
        try:
            for step in chat.reply(session, exchanges, message, settings):
                yield [step.exchanges, *_show(step.exchanges), markup.notice(step.status), ""]
        except DistrustHubError as error:
            log.info("chat request refused: %s", error)
            warn(error)
            yield [exchanges, *_show(exchanges), markup.notice(str(error), "error"), message]

    return answer


def _stopper(chat: ChatService) -> Any:
    def stop(request: gr.Request) -> None:
        chat.stop(request.session_hash or "")

    return stop


def _preparer(chat: ChatService) -> Any:
    def prepare(model: str) -> Iterator[str]:
        yield markup.notice(f"Loading {model} ... Downloading it the first time can take minutes.")
        try:
            yield markup.notice(f"{chat.prepare(model)} {_SMALL_MODEL}")
        except DistrustHubError as error:
            yield markup.notice(str(error), "error")

    return prepare


def _take_back(exchanges: list[Exchange]) -> list[Any]:
    """Remove the last exchange and return its question."""
    return [exchanges[:-1], exchanges[-1].user] if exchanges else [exchanges, gr.skip()]


def _cleared() -> list[Any]:
    return [[], [], [], markup.notice(_SMALL_MODEL), ""]


def _last_reply(exchanges: list[Exchange]) -> list[Any]:
    if not exchanges or not exchanges[-1].reply:
        gr.Info("There is no reply yet. Send a message first.")
        return [gr.skip(), gr.skip()]
    return [exchanges[-1].reply, gr.Tabs(selected="score")]
