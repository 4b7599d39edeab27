from __future__ import annotations

import json
from pathlib import Path

import pytest

from distrust_hub.app.examples import EXAMPLES

pytestmark = pytest.mark.browser

ATTACK = (
    '<img src=x onerror="window.xss=1"><script>window.xss=2</script> ${window.xss=3} {{value}} I weighed 3.2 g in 1931.'
)


def verdict(page, word: str):
    page.locator("#dh-verdict h3", has_text=word).wait_for()
    return page.locator("#dh-verdict").inner_text()


def test_example_shows_gauges_plot_marks_table_and_term(open_page):
    page = open_page()
    assert "Nothing scored yet" in page.locator("#dh-verdict").inner_text()
    page.get_by_role("button", name="Lab notebook").click()
    text = verdict(page, "Primary")
    assert "Authority weight" in text
    assert "bits" in text
    assert page.locator("#dh-verdict [role=meter]").count() == 2
    assert "this text" in page.locator("#dh-plane svg").text_content()
    assert page.locator("#dh-highlight mark .dh-tag").first.inner_text()[0] in "▲●"
    assert page.locator("#dh-contributions tfoot").count() == 2
    assert "no gradient" in page.locator("#dh-term").inner_text()


def test_result_follows_typing_and_clears(open_page):
    page = open_page()
    box = page.get_by_label("Text", exact=True)
    box.press_sequentially("Experts agree", delay=5)
    page.locator("#dh-verdict h3").wait_for()
    box.fill(EXAMPLES["Press release"])
    verdict(page, "Coordinated")
    box.fill(EXAMPLES["Letter"])
    verdict(page, "Primary")
    page.get_by_role("button", name="Clear").first.click()
    page.get_by_text("Nothing scored yet").wait_for()
    assert page.locator("#dh-highlight mark").count() == 0


def test_metadata_changes_the_score(open_page):
    page = open_page()
    page.get_by_role("button", name="Letter").click()
    verdict(page, "Primary")
    before = page.locator("#dh-verdict strong").first.inner_text()
    page.get_by_text("What you know about the source").click()
    page.get_by_label("Kind of source").click()
    page.get_by_role("option", name="wiki").click()
    page.locator("#dh-contributions", has_text="source_type: wiki").wait_for()
    assert float(page.locator("#dh-verdict strong").first.inner_text()) > float(before)


def test_markup_in_a_text_stays_text(open_page):
    page = open_page()
    page.get_by_label("Text", exact=True).fill(ATTACK)
    page.locator("#dh-highlight", has_text="onerror").wait_for()
    assert page.locator("#dh-highlight img, #dh-highlight script, #dh-contributions img").count() == 0
    page.evaluate("document.querySelectorAll('.dh-tag').forEach(tag => tag.remove())")
    assert ATTACK in page.locator("#dh-highlight").inner_text()
    assert page.evaluate("window.xss") is None


def test_too_long_text_is_refused_at_once(open_page):
    page = open_page()
    page.get_by_label("Text", exact=True).fill("word " * 10_001)
    alert = page.locator("#dh-verdict [role=alert]")
    alert.wait_for()
    assert "50,005 characters" in alert.inner_text()


def test_citations_give_one_row_each(open_page):
    page = open_page()
    page.get_by_role("tab", name="Citations").click()
    page.get_by_label("Reference list, one citation per line").fill(
        "Diary of A. Holm, 1887, MS 12\nWHO. Guidelines, 2021."
    )
    page.get_by_role("button", name="Score the citations").click()
    page.get_by_text("2 scored.").wait_for()
    page.locator(".dh-table .body-cell", has_text="Diary of A. Holm").wait_for()


def test_file_gives_a_table_and_downloads(open_page, tmp_path: Path):
    rows = [{"text": text, "id": name} for name, text in EXAMPLES.items()] + [{"text": ATTACK}]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = open_page()
    page.get_by_role("tab", name="File").click()
    page.locator("input[type=file]").last.set_input_files(source)
    page.get_by_text("rows.jsonl").wait_for()
    page.get_by_role("button", name="Score the file").click()
    page.get_by_text("4 scored.").wait_for()
    link = page.locator("a[download]", has_text="scores").or_(page.locator("a[href*='scores.jsonl']")).first
    with page.expect_download() as download:
        link.click()
    saved = [json.loads(line) for line in Path(download.value.path()).read_text().splitlines()]
    assert [row["text"] for row in saved] == [row["text"] for row in rows]
    assert page.evaluate("window.xss") is None


def test_bad_file_is_named_with_its_line(open_page, tmp_path: Path):
    source = tmp_path / "bad.jsonl"
    source.write_text('{"text": "one"}\nnot json\n')
    page = open_page()
    page.get_by_role("tab", name="File").click()
    page.locator("input[type=file]").last.set_input_files(source)
    page.get_by_text("bad.jsonl").wait_for()
    page.get_by_role("button", name="Score the file").click()
    alert = page.locator(".dh-notice.dh-error:visible")
    alert.wait_for()
    assert "bad.jsonl:2: not valid JSON" in alert.inner_text()


@pytest.mark.parametrize("width", [360, 390, 768])
def test_narrow_page_does_not_scroll_sideways(open_page, width):
    page = open_page(width=width, height=800)
    page.get_by_role("button", name="Letter").click()
    verdict(page, "Primary")
    page.locator("#dh-contributions tfoot").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Chat", "About"):
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_mode_changes_the_background(open_page):
    page = open_page(theme="dark")
    page.wait_for_function("document.body.classList.contains('dark')")
    colour = "getComputedStyle(document.body).getPropertyValue('--body-background-fill')"
    assert page.evaluate(colour) != open_page().evaluate(colour)


def test_keyboard_alone_scores_a_text(open_page):
    page = open_page()
    page.get_by_role("tab", name="Score").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "TEXTAREA":
            break
    page.keyboard.insert_text(EXAMPLES["Letter"])
    verdict(page, "Primary")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    verdict(page, "Coordinated")
