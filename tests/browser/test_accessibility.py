"""The rules of axe-core on every tab: nothing serious, in light and in dark."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
RULES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}}}
"""Dark mode changes colours alone."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_tab(open_page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(theme=theme)
    page.get_by_role("button", name="Press release").click()
    page.locator("#dh-contributions tfoot").first.wait_for()
    found = [*violations(axe, page, "Score", theme)]
    page.get_by_role("tab", name="Citations").click()
    page.get_by_label("Reference list, one citation per line").fill("Diary of A. Holm, 1887, MS 12")
    page.get_by_role("button", name="Score the citations").click()
    page.locator(".dh-table .body-cell", has_text="Diary of").wait_for()
    found += violations(axe, page, "Citations", theme)
    for tab, ready in (("Chat", "#dh-message"), ("Adapters", "#dh-adapters"), ("About", "#dh-about")):
        page.get_by_role("tab", name=tab).click()
        page.locator(ready).wait_for()
        if tab == "Adapters":
            page.get_by_label("ada/lean-logs").check()
            page.locator("#dh-adapter-card table").last.wait_for()
        found += violations(axe, page, tab, theme)
    assert found == []


def violations(axe, page, tab: str, theme: str):
    """(tab, rule, first element) of every grave violation."""
    page.wait_for_timeout(300)  # colours fade in
    for violation in axe.run(page, options=RULES[theme]).response["violations"]:
        if violation["impact"] in GRAVE:
            yield tab, violation["id"], violation["nodes"][0]["html"][:200]
