from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from distrust_hub import app
from distrust_hub.app.conversation import ChatService, Progress
from distrust_hub.app.exchanges import Exchange
from distrust_hub.app.limits import Limits
from distrust_hub.errors import DataError

gr = pytest.importorskip("gradio")


@pytest.fixture(scope="module")
def demo():
    from distrust_hub.app.ui import build_app

    return build_app(ChatService("owner/base"), limits=Limits(queue_length=12))


def blocks(demo, kind):
    return [block for block in demo.blocks.values() if isinstance(block, kind)]


def test_build_app_bounds_the_queue_and_turns_telemetry_off(demo):
    assert demo._queue.max_size == 12
    assert demo.analytics_enabled is False
    assert all(fn.concurrency_limit is not None for fn in demo.fns.values() if fn.queue)


def test_build_app_labels_every_control(demo):
    controls = (gr.Textbox, gr.Dropdown, gr.Slider, gr.Number, gr.Checkbox, gr.File, gr.Chatbot, gr.Dataframe)
    found = blocks(demo, controls)
    assert len(found) > 10
    assert [block.label for block in found if not block.label] == []


@pytest.mark.mlx  # without a backend there is no Chat tab
def test_build_app_never_renders_messages_as_markdown(demo):
    assert [(box.render_markdown, box.sanitize_html) for box in blocks(demo, gr.Chatbot)] == [(False, True)] * 2


def test_build_app_publishes_only_scoring(demo):
    names = {fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public" and fn.api_name}
    assert names == {"score"}


def test_build_app_shows_no_local_path(tmp_path):
    from distrust_hub.app.ui import build_app

    (tmp_path / "lean").mkdir()
    app = build_app(ChatService(str(tmp_path / "lean"), str(tmp_path / "lean")))
    assert str(tmp_path) not in str(app.get_config_file())


def test_only_ui_files_import_gradio():
    folder = Path(app.__file__).parent
    importing = {path.name for path in folder.glob("*.py") if "import gradio" in path.read_text(encoding="utf-8")}
    assert importing == {"ui.py", "ui_adapters.py", "ui_batch.py", "ui_chat.py", "ui_score.py", "ui_toast.py"}


class Broken:
    """A chat whose model fails in a way nobody foresaw, after the first words."""

    def reply(self, session, exchanges, message, settings, user):
        yield Progress([*exchanges, Exchange(message, "Once")], "Writing ...")
        raise RuntimeError("out of memory")


def test_answer_that_breaks_says_so_and_gives_the_message_back():
    from distrust_hub.app.ui_chat import _answerer

    before = [Exchange("first", "reply")]
    answer = _answerer(Broken())
    visitor = SimpleNamespace(session_hash="me", username=None)
    *_, last = answer("second", before, "m", "", 0.0, 16, 0, False, True, "", visitor)
    exchanges, _, _, status, message, send, stop, *_ = last
    assert (exchanges, message) == (before, "second")
    assert "try again" in status
    assert "out of memory" not in status
    assert (send["interactive"], stop["interactive"]) == (True, False)


def test_retry_that_breaks_keeps_the_reply_there_was_and_what_is_typed():
    from distrust_hub.app.ui_chat import _AGAIN, _answerer

    before = [Exchange("first", "reply"), Exchange("second", "old reply")]
    visitor = SimpleNamespace(session_hash="me", username=None)
    first, *_, last = _answerer(Broken())("typed", before, "m", "", 0.0, 16, 0, False, True, _AGAIN, visitor)
    assert first[0] == [before[0], Exchange("second", "Once")]
    assert last[0] == before
    assert first[4] == last[4] == gr.skip()


def test_model_that_breaks_while_loading_is_an_error_on_the_page():
    from distrust_hub.app.ui_chat import _preparer

    class Unloadable:
        def prepare(self, model):
            yield "Loading"
            raise ValueError("bad weights")

    *_, last = _preparer(Unloadable())("m")
    assert 'role="alert"' in last
    assert "bad weights" not in last


def test_warn_escapes_what_gradio_would_render():
    from distrust_hub.app.ui_toast import warn

    # Outside of a request gradio sends the message there.
    with pytest.warns(UserWarning, match=r"^&lt;img src=x onerror=alert\(1\)&gt; &amp; more$") as seen:
        warn(DataError("<img src=x onerror=alert(1)> & more"))
    assert len(seen) == 1


def test_cancel_reaches_a_batch_that_still_waits():
    from distrust_hub.app import ui_batch

    visitor = SimpleNamespace(session_hash="waiting")
    with gr.Blocks() as page:
        ui_batch.citations(Limits())
    handlers = {fn.fn.__name__: fn.fn for fn in page.fns.values() if fn.fn}
    handlers["begin"](visitor)
    handlers["cancel"](visitor)
    view, _, notice, *_ = handlers["score"]("Diary of A. Holm, 1887\nLetter of B. Holm, 1888", visitor)
    assert len(view.records) == 1
    assert "Stopped (cancelled): 1 of 2 scored." in notice
    view, *_ = handlers["score"]("Diary of A. Holm, 1887\nLetter of B. Holm, 1888", visitor)
    assert len(view.records) == 2
    ui_batch.forget("waiting")


def test_a_visitor_who_leaves_during_a_batch_leaves_no_files_behind(tmp_path, monkeypatch):
    from distrust_hub.app import ui_batch

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    visitor = SimpleNamespace(session_hash="leaving")
    with gr.Blocks() as page:
        ui_batch.citations(Limits())
    handlers = {fn.fn.__name__: fn.fn for fn in page.fns.values() if fn.fn}
    handlers["begin"](visitor)
    ui_batch.forget("leaving")  # as the server does when the page is closed, while the batch runs or waits
    handlers["score"]("Diary of A. Holm, 1887\nLetter of B. Holm, 1888", visitor)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_cancel_stops_the_batch_of_its_own_tab():
    from distrust_hub.app import ui_batch

    visitor = SimpleNamespace(session_hash="both")
    with gr.Blocks() as page:
        ui_batch.citations(Limits())
        ui_batch.file_of_texts(Limits())
    begins, cancels = (
        [fn.fn for fn in page.fns.values() if fn.fn and fn.fn.__name__ == n] for n in ("begin", "cancel")
    )
    for begin in begins:
        begin(visitor)
    cancels[0](visitor)
    assert sorted(running.is_set() for running in ui_batch._CANCELLED.values()) == [False, True]
    ui_batch._CANCELLED.clear()


def test_filter_sends_no_table_that_is_shown_already():
    from distrust_hub.app.batch import score_batch
    from distrust_hub.app.ui_batch import _ALL, _filtered

    view = score_batch([("Diary of A. Holm, 1887", {}), ("Experts agree", {})], Limits())
    skipped = [gr.skip()] * 3
    assert _filtered(None, _ALL, "all", "holm") == _filtered(view, _ALL, "all", "") == skipped
    kept, count, table = _filtered(view, _ALL, "all", "holm")
    assert "1 of 2 rows" in count
    assert len(table.value["data"] if isinstance(table.value, dict) else table.value.data) == 1
    assert _filtered(view, kept, "all", "holm") == skipped
    assert _filtered(view, kept, "all", "") != skipped
