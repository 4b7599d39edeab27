from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

WATCH = """() => {
  window.lengths = [];
  const box = document.querySelector('#dh-chat');
  const written = () => box.querySelector('.bot .message-content, .bot.message')?.innerText.length ?? 0;
  new MutationObserver(() => window.lengths.push(written()))
    .observe(box, {subtree: true, childList: true, characterData: true});
}"""


@pytest.fixture
def chat(open_page):
    def opened(**options):
        page = open_page(**options)
        page.get_by_role("tab", name="Chat").click()
        page.locator("#dh-chat-status", has_text="Ready").wait_for()
        return page

    return opened


def choose(page, *, temperature: float = 0.0, tokens: int = 64, adapter: str | None = None):
    if not page.get_by_label("number input for Temperature").is_visible():
        page.get_by_role("button", name="More settings").click()
        page.get_by_label("number input for Temperature").wait_for()
        page.wait_for_timeout(500)  # while the sliders take their first values
    for label, value in (("Temperature", temperature), ("Longest reply, tokens", tokens)):
        box = page.get_by_label(f"number input for {label}")
        box.fill(str(value))
        box.press("Tab")
    if adapter is not None:
        box = page.get_by_role("combobox", name="Adapter")
        box.fill(adapter)
        box.press("Enter")


def send(page, message: str, refused: bool = False):
    page.get_by_label("Message", exact=True).fill(message)
    page.get_by_role("button", name="Send").click()
    if not refused:
        page.locator("#dh-chat .user", has_text=message).first.wait_for()  # and the status of the last reply is gone


SEE_STATUS = """() => {
  window.statuses = [];
  setInterval(() => window.statuses.push(document.querySelector('#dh-chat-status').innerText), 20);
}"""
"""Keeps what the page says from now on, for what may be gone before one looks."""


def wait_for_end(page, word: str = "Done."):
    page.locator("#dh-chat-status", has_text=word).wait_for(timeout=60_000)


def last_reply(page, box: str = "#dh-chat") -> str:
    return page.locator(f"{box} .bot .message-content, {box} .bot.message").last.inner_text()


def press_clear(page):
    page.get_by_role("button", name="Clear", exact=True).last.click()


def pressable(page) -> list[str]:
    """The buttons under the message that can be pressed."""
    names = ("Send", "Stop", "Retry", "Edit last", "Score this reply", "Clear")
    return [name for name in names if page.get_by_role("button", name=name, exact=True).last.is_enabled()]


def test_reply_streams_and_grows(chat):
    page = chat()
    choose(page, tokens=128)
    page.evaluate(WATCH)
    send(page, "Tell me all")
    wait_for_end(page)
    lengths = page.evaluate("window.lengths")
    assert len(set(lengths)) >= 4
    assert lengths[-1] > lengths[0]


def in_the_middle_of_a_reply(chat):
    page = chat()
    choose(page, tokens=512)
    send(page, "Tell me all")
    page.wait_for_function("document.querySelector('#dh-chat .bot')?.innerText.trim().length > 4")
    return page


def test_stop_ends_the_reply_early(chat):
    page = in_the_middle_of_a_reply(chat)
    page.get_by_role("button", name="Stop").click()
    wait_for_end(page, "Stopped.")
    stopped = last_reply(page)
    assert 0 < len(stopped) < 400  # 512 tokens are at least as many characters with this tokenizer
    page.wait_for_timeout(500)
    assert last_reply(page) == stopped


def test_buttons_can_be_pressed_when_they_do_something(chat):
    page = chat()
    assert pressable(page) == ["Send"]
    choose(page, tokens=512)
    send(page, "Tell me all")
    page.wait_for_function("document.querySelector('#dh-chat .bot')?.innerText.trim().length > 4")
    assert pressable(page) == ["Stop", "Clear"]
    page.get_by_role("button", name="Stop").click()
    wait_for_end(page, "Stopped.")
    page.get_by_role("button", name="Retry").and_(page.locator(":enabled")).wait_for()
    assert pressable(page) == ["Send", "Retry", "Edit last", "Score this reply", "Clear"]
    press_clear(page)
    page.locator("#dh-chat", has_text="No messages yet").wait_for()
    page.wait_for_function("document.activeElement !== null")
    assert pressable(page) == ["Send"]


def test_next_message_can_be_typed_while_a_reply_is_written(chat):
    page = in_the_middle_of_a_reply(chat)
    box = page.get_by_label("Message", exact=True)
    box.press_sequentially("And then", delay=20)
    wait_for_end(page)
    assert box.input_value() == "And then"
    box.press("Enter")  # sends
    page.locator("#dh-chat .user", has_text="And then").wait_for()


def test_example_question_is_asked_when_pressed(chat):
    page = chat()
    choose(page, tokens=16)
    page.get_by_role("button", name="What is a primary source in history?").click()
    page.locator("#dh-chat .user", has_text="What is a primary source in history?").wait_for()
    wait_for_end(page)
    assert last_reply(page)
    assert page.get_by_label("Message", exact=True).input_value() == ""


def test_message_with_markup_stays_text(chat):
    page = chat()
    choose(page, tokens=16)
    attack = '<img src=x onerror="window.xss=1"><b>bold</b> **stars** [l](javascript:window.xss=2) ${1+1}'
    send(page, attack)
    wait_for_end(page)
    assert attack in page.locator("#dh-chat").inner_text()
    assert page.locator("#dh-chat .user img, #dh-chat .user b, #dh-chat .user a").count() == 0
    assert page.evaluate("window.xss") is None


def test_compare_shows_adapter_and_base_side_by_side(chat):
    page = chat()
    choose(page, temperature=1.0, tokens=32)
    page.get_by_label("Compare with the base model").check()
    page.locator("#dh-chat-base").wait_for()
    send(page, "What is a primary source?")
    wait_for_end(page)
    adapted, base = last_reply(page), last_reply(page, "#dh-chat-base")
    assert adapted
    assert base
    assert adapted != base


def test_retry_edit_and_clear(chat):
    page = chat()
    choose(page, tokens=24)
    send(page, "First question")
    wait_for_end(page)
    before = last_reply(page)
    page.evaluate(SEE_STATUS)
    page.get_by_role("button", name="Retry").click()
    page.wait_for_function("window.statuses.some(status => !status.includes('Done.'))")
    wait_for_end(page)
    assert last_reply(page) == before
    page.get_by_role("button", name="Edit last").click()
    page.wait_for_function("document.querySelector('#dh-message textarea').value === 'First question'")
    page.locator("#dh-chat", has_text="No messages yet").wait_for()
    send(page, "Second")
    wait_for_end(page)
    press_clear(page)
    page.locator("#dh-chat", has_text="No messages yet").wait_for()


def test_score_this_reply_fills_the_score_tab(chat):
    page = chat()
    choose(page, tokens=48)
    send(page, "What is a primary source?")
    wait_for_end(page)
    page.get_by_role("button", name="Score this reply").click()
    page.locator("#dh-text").wait_for()
    assert page.get_by_label("Text", exact=True).input_value()
    page.locator("#dh-verdict h3").wait_for()


def test_unknown_adapter_is_an_error_that_keeps_the_message(chat):
    page = chat()
    choose(page, adapter="/no/such/<img src=x onerror='window.xss=1'>")
    send(page, "Hello there", refused=True)
    alert = page.locator("#dh-chat-status [role=alert]")
    alert.wait_for()
    assert "no such adapter folder" in alert.inner_text()
    toast = page.get_by_test_id("toast-body").first
    assert "<img src=x onerror='window.xss=1'>" in toast.inner_text()
    assert page.evaluate("window.xss") is None
    page.wait_for_function("document.querySelector('#dh-message textarea').value === 'Hello there'")


def test_two_visitors_with_different_adapters_do_not_mix(chat):
    one, two = chat(apart=True), chat(apart=True)
    choose(one, temperature=1.0, tokens=48)
    choose(two, temperature=1.0, tokens=48, adapter="none: the base model alone")
    alone = []
    for page in (one, two):
        send(page, "What is a primary source?")
        wait_for_end(page)
        alone.append(last_reply(page))
        press_clear(page)
        page.locator("#dh-chat", has_text="No messages yet").wait_for()
    for page in (one, two):
        send(page, "What is a primary source?")
    for page in (one, two):
        wait_for_end(page)
    assert [last_reply(one), last_reply(two)] == alone
    assert alone[0] != alone[1]


def test_about_states_the_limits(open_page):
    page = open_page()
    page.get_by_role("tab", name="About").click()
    text = page.locator("#dh-about").inner_text()
    assert "not a verdict on truth" in text
    assert "no gradient" in text
    links = page.locator("#dh-about a").evaluate_all("links => links.map(link => link.href)")
    assert any(link.endswith("/docs/evidence.md") for link in links)


def test_clear_during_a_reply_ends_it_for_good(chat):
    page = in_the_middle_of_a_reply(chat)
    press_clear(page)
    page.locator("#dh-chat", has_text="No messages yet").wait_for()
    page.wait_for_timeout(1500)
    assert page.locator("#dh-chat .user").count() == 0
    choose(page, tokens=16)
    send(page, "Again")
    wait_for_end(page)
    assert last_reply(page)
