"""Layout and events of the Chat tab (gradio)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from distrust_hub.app import markup
from distrust_hub.app.conversation import BASE_ALONE, ChatService, ChatSettings, Progress
from distrust_hub.app.exchanges import Exchange, messages_of
from distrust_hub.app.ui_toast import warn
from distrust_hub.errors import DistrustHubError

log = logging.getLogger(__name__)

COMPARE = 5
"""Place of the comparison among the settings."""

_QUESTIONS = (
    "What is a primary source in history?",
    "How do scientists know that something is true?",
)
_SMALL_MODEL = "A small model is often wrong. Use the chat to compare an adapter with its base, not for facts."
_BROKEN = "the reply could not be finished here; try again, or start a new conversation"
_NOT_LOADED = "the model could not be loaded here; try again, or choose another one"
_FROM_BOX, _AGAIN = "", "again"
"""What an answer is to: the message in the box, or the last question once more; else the text itself."""
_ONE, _ADAPTED, _BASE = "Conversation", "With the adapter", "Base model alone, same prompts and seed"


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
                main = _chatbot(_ONE, "dh-chat")
                base = _chatbot(_BASE, "dh-chat-base", visible=False)
            status = gr.HTML(markup.notice(_SMALL_MODEL), elem_id="dh-chat-status")
            with gr.Row(elem_classes="dh-buttons") as starters:
                gr.HTML("Try:", elem_classes="dh-muted dh-lead")
                questions = [gr.Button(text, size="sm", min_width=7 * len(text), scale=0) for text in _QUESTIONS]
            message = gr.Textbox(
                label="Message",
                lines=1,
                max_lines=8,
                max_length=chat.limits.message_chars,
                placeholder="Ask something; Enter sends, Shift and Enter starts a new line",
                elem_id="dh-message",
            )
            buttons = _buttons()
    send, stop, retry, edit, to_score, clear = buttons
    states: list[Any] = [*buttons, starters]
    exchanges = gr.State([])
    conversations = [main, base]
    shown = [exchanges, *conversations, status]
    answer = _answerer(chat)
    running: dict[str, Any] = {
        "outputs": [*shown, message, *states],
        "show_progress": "hidden",
        "concurrency_id": "chat",
        "concurrency_limit": chat.limits.chat_requests + 1,  # the one too many is told so at once
        "api_visibility": "private",
    }
    quick: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    asked = [([send.click, message.submit], _FROM_BOX), ([retry.click], _AGAIN)]
    asked += [([button.click], text) for button, text in zip(questions, _QUESTIONS)]
    answering = [gr.on(on, answer, [message, exchanges, *settings, gr.State(what)], **running) for on, what in asked]
    taken = edit.click(_take_back, exchanges, [exchanges, message], **quick)
    taken.then(lambda kept: [*_show(kept), *_states(kept)], [exchanges], [*conversations, *states], **quick)
    stop.click(_stopper(chat), None, None, **quick)
    stopped = clear.click(_stopper(chat), None, None, cancels=answering, **quick)  # or its last words come after
    stopped.then(_cleared, None, [*shown, message, *states], **quick)
    compare.change(_side_by_side, compare, conversations, **quick)
    to_score.click(_last_reply, exchanges, [score_text, tabs], **quick)
    loading = {key: running[key] for key in ("show_progress", "concurrency_limit", "api_visibility")}
    tab.select(_preparer(chat), settings[0], status, concurrency_id="load", **loading)
    adapter: gr.Dropdown = settings[1]
    return adapter


def _buttons() -> list[gr.Button]:
    """Send, Stop, Retry, Edit last, Score this reply, Clear."""
    with gr.Row(elem_classes="dh-buttons"):
        buttons = [gr.Button("Send", variant="primary", size="md", min_width=110, scale=0)]
        for name in ("Stop", "Retry", "Edit last", "Score this reply", "Clear"):
            width = 40 + 9 * len(name)
            buttons.append(gr.Button(name, size="md", min_width=width, scale=0, interactive=False))
    return buttons


def _states(exchanges: list[Exchange], *, running: bool = False) -> list[Any]:
    """Updates of the buttons, of which only those that do something now can be pressed, and of the first questions."""
    asked = bool(exchanges) and not running
    replied = asked and bool(exchanges[-1].reply)
    usable = (not running, running, asked, asked, replied, running or asked)
    return [*(gr.update(interactive=on) for on in usable), gr.update(visible=not (asked or running))]


def _settings(chat: ChatService) -> list[Any]:
    """The controls of the left column, in the order of ChatSettings' fields."""
    limits = chat.limits
    where = "Hub id or a folder on this machine" if chat.local else "Hub id such as owner/name"
    model = gr.Dropdown(
        list(chat.models),
        value=next(iter(chat.models)),
        label="Base model",
        allow_custom_value=chat.local,
        info="Choose, or type a Hub id, folder or .gguf file." if chat.local else None,
        elem_id="dh-model",
    )
    adapter = gr.Dropdown(
        [BASE_ALONE, *chat.adapters],
        value=next(iter(chat.adapters), BASE_ALONE),
        label="Adapter",
        allow_custom_value=True,
        info=f"A small file that changes how the model answers. Choose, or type a {where}.",
        elem_id="dh-adapter",
    )
    compare = gr.Checkbox(
        False, label="Compare with the base model", info="Both answer, side by side.", elem_id="dh-compare"
    )
    with gr.Accordion("More settings", open=False):
        temperature = gr.Slider(
            0.0, 1.5, value=0.7, step=0.1, label="Temperature", info="0 takes the likeliest word; more is more varied."
        )
        tokens = gr.Slider(
            16,
            limits.reply_tokens,
            value=min(200, limits.reply_tokens),
            step=8,
            label="Longest reply, tokens",
            info="A token is about three quarters of an English word.",
        )
        seed = gr.Number(
            0, precision=0, minimum=0, maximum=2**32 - 1, label="Seed", info="Same seed and settings, same reply."
        )
        tag = gr.Checkbox(
            True,
            label="Use the adapter's source tag",
            info="Some adapters were trained with a line that names the kind of source; it precedes your question.",
        )
    return [model, adapter, temperature, tokens, seed, compare, tag]


def _chatbot(label: str, name: str, *, visible: bool = True) -> gr.Chatbot:
    """A conversation. It renders HTML, so every message is escaped before it gets here."""
    return gr.Chatbot(
        label=label,
        elem_id=name,
        elem_classes="dh-conversation",
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
    return [messages_of(exchanges, escape=True), messages_of(exchanges, base=True, escape=True)]


def _step(step: Progress) -> list[Any]:
    return [step.exchanges, *_show(step.exchanges), markup.notice(step.status)]


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
        what: str,
        request: gr.Request,
    ) -> Iterator[list[Any]]:
        if what == _AGAIN and not exchanges:
            return
        before = exchanges[:-1] if what == _AGAIN else exchanges
        asked = exchanges[-1].user if what == _AGAIN else what or message
        typed = gr.skip() if what else ""  # the box empties where its message is sent
        rest: list[Any] = [typed, *_states(exchanges, running=True)]
        step = Progress(exchanges, "")
        try:
            length, number = int(max_tokens), int(seed or 0)
            settings = ChatSettings(model, adapter or BASE_ALONE, temperature, length, number, compare, tag)
            for step in chat.reply(request.session_hash or "", before, asked, settings, request.username or ""):
                yield [*_step(step), *rest]
                rest = [gr.skip()] * len(rest)  # what the visitor types meanwhile stays
            yield [*_step(step), gr.skip(), *_states(step.exchanges)]
            return
        except DistrustHubError as error:
            log.info("chat request refused: %s", error)
            problem = chat.told(error)
            warn(problem)
        except Exception:  # whatever a model's code may raise: the page must not stay as if a reply were being written
            log.exception("a chat reply failed")
            problem = _BROKEN
        kept = gr.skip() if what else message
        yield [exchanges, *_show(exchanges), markup.notice(problem, "error"), kept, *_states(exchanges)]

    return answer


def _stopper(chat: ChatService) -> Any:
    def stop(request: gr.Request) -> None:
        chat.stop(request.session_hash or "")

    return stop


def _preparer(chat: ChatService) -> Any:
    def prepare(model: str) -> Iterator[str]:
        yield markup.notice(f"Loading {model} ...")
        words = ""
        try:
            for words in chat.prepare(model):
                yield markup.notice(words)
            yield markup.notice(f"{words} {_SMALL_MODEL}")
        except DistrustHubError as error:
            yield markup.notice(chat.told(error), "error")
        except Exception:  # whatever a model's code may raise: the page must not stay as if it were being loaded
            log.exception("the model did not load")
            yield markup.notice(_NOT_LOADED, "error")

    return prepare


def _take_back(exchanges: list[Exchange]) -> list[Any]:
    """Remove the last exchange and return its question."""
    return [exchanges[:-1], exchanges[-1].user] if exchanges else [exchanges, gr.skip()]


def _side_by_side(on: bool) -> list[Any]:
    return [gr.update(label=_ADAPTED if on else _ONE), gr.update(visible=on)]


def _cleared() -> list[Any]:
    return [[], [], [], markup.notice(_SMALL_MODEL), "", *_states([])]


def _last_reply(exchanges: list[Exchange]) -> list[Any]:
    if not exchanges or not exchanges[-1].reply:
        gr.Info("There is no reply yet. Send a message first.")
        return [gr.skip(), gr.skip()]
    return [exchanges[-1].reply, gr.Tabs(selected="score")]
