"""Visitors in a hurry: several at once, buttons pressed twice or one right after the other, pages closed."""

from __future__ import annotations

import pytest

from tests.browser.test_chat_tab import SEE_STATUS, chat, choose, last_reply, press_clear, send, wait_for_end

pytestmark = pytest.mark.browser
__all__ = ["chat"]


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True).last


def questions(page) -> list[str]:
    return page.locator("#dh-chat .user .message-content").all_inner_texts()


def talked(chat, *messages: str):
    """A page with a conversation."""
    page = chat()
    choose(page, tokens=16)
    for message in messages:
        send(page, message)
        page.locator("#dh-chat .bot").nth(messages.index(message)).wait_for()
        wait_for_end(page)
        button(page, "Retry").and_(page.locator(":enabled")).wait_for()
    return page


def test_newcomer_comes_before_the_second_half_of_a_comparison(chat):
    one, two = chat(apart=True), chat(apart=True)
    one.get_by_label("Compare with the base model").check()
    one.get_by_text("With the adapter", exact=True).wait_for()
    choose(one, tokens=512)
    choose(two, tokens=16)
    two.evaluate(SEE_STATUS)
    send(one, "Tell me all")
    one.wait_for_function("document.querySelector('#dh-chat .bot')?.innerText.trim().length > 4")
    send(two, "Only this")
    wait_for_end(two)
    statuses = two.evaluate("window.statuses")
    assert any("Waiting: 1 ahead of you." in status for status in statuses)
    assert not any("Waiting: 2" in status for status in statuses)
    wait_for_end(one)
    assert last_reply(one)
    assert last_reply(one, "#dh-chat-base")
    assert last_reply(two)


def test_buttons_pressed_twice_do_what_they_do_once(chat):
    page = talked(chat, "First", "Second")
    button(page, "Retry").dblclick()
    page.wait_for_timeout(1500)
    wait_for_end(page)
    assert questions(page) == ["First", "Second"]
    page.get_by_label("Message", exact=True).fill("Third")
    button(page, "Send").dblclick()
    page.locator("#dh-chat .user", has_text="Third").first.wait_for()
    page.wait_for_timeout(1500)
    wait_for_end(page)
    assert questions(page) == ["First", "Second", "Third"]


def test_clear_right_after_retry_clears(chat):
    page = talked(chat, "First")
    button(page, "Retry").click()
    press_clear(page)
    page.locator("#dh-chat", has_text="No messages yet").wait_for()
    page.wait_for_timeout(1500)
    assert questions(page) == []


def test_refused_retry_keeps_the_conversation(chat):
    page = talked(chat, "First")
    choose(page, adapter="/no/such/folder")
    button(page, "Retry").click()
    page.locator("#dh-chat-status [role=alert]").wait_for()
    assert questions(page) == ["First"]
    assert last_reply(page)


def test_page_closed_during_a_reply_frees_its_place(chat):
    page, other = chat(), chat()
    choose(page, tokens=512)
    choose(other, tokens=16)
    send(page, "Tell me all")
    page.wait_for_function("document.querySelector('#dh-chat .bot')?.innerText.trim().length > 4")
    page.close()
    send(other, "Again")
    wait_for_end(other)
    assert questions(other) == ["Again"]
