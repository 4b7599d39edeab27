from __future__ import annotations

import pytest

from tests.browser.test_chat_tab import choose, last_reply, send, wait_for_end

pytestmark = pytest.mark.browser

LATE_FIRST_REQUEST = """() => {
  const real = window.fetch;
  let wait = 1500;
  window.fetch = async (...request) => {
    if (String(request[0].url ?? request[0]).includes("queue/join")) {
      const now = wait;
      wait = 0;
      await new Promise((done) => setTimeout(done, now));
    }
    return real(...request);
  };
}"""


def test_published_adapter_is_found_read_and_tried(open_page):
    page = open_page()
    page.get_by_role("tab", name="Adapters").click()
    page.get_by_text("1 adapter found").wait_for()
    page.get_by_label("ada/lean-logs").check()
    card = page.locator("#dh-adapter-card")
    card.locator("table").last.wait_for()
    text = card.inner_text()
    assert "primary" in text
    assert "95 %" in text
    card.get_by_text("The card", exact=True).click()
    assert '<img src=x onerror="window.xss=1">' in card.inner_text()
    assert card.locator("img, script, strong").count() == 0
    assert page.evaluate("window.xss") is None
    page.get_by_role("button", name="Open in Chat").click()
    page.locator("#dh-chat-status", has_text="Ready").wait_for()
    assert page.get_by_role("combobox", name="Adapter").input_value() == "ada/lean-logs"
    choose(page, tokens=16)
    send(page, "What is a primary source?")
    wait_for_end(page)
    assert last_reply(page)


def test_search_without_a_result_says_what_to_do(open_page):
    page = open_page()
    page.evaluate(LATE_FIRST_REQUEST)  # the search made by opening the tab still runs when the button is pressed
    page.get_by_role("tab", name="Adapters").click()
    page.get_by_label("Search published adapters").fill("<b>no such thing</b>")
    page.get_by_role("button", name="Search").click()
    empty = page.locator("#dh-adapters-status", has_text="Nothing published")
    empty.wait_for()
    assert "“<b>no such thing</b>”" in empty.inner_text()
    assert "--push you/my-adapter" in empty.inner_text()
