from __future__ import annotations

import contextlib
import csv
import json
import re
from pathlib import Path

import pytest

from distrust_hub.app.batch import COLUMNS
from distrust_hub.app.examples import EXAMPLES
from tests.app.test_uploads import pdf

pytestmark = pytest.mark.browser

DOWNLOADS = {"jsonl": "JSON Lines", "csv": "CSV", "parquet": "Parquet"}
ATTACK = (
    '<img src=x onerror="window.xss=1"><script>window.xss=2</script> ${window.xss=3} {{value}} I weighed 3.2 g in 1931.'
)


def verdict(page, word: str):
    page.locator("#dh-verdict h3", has_text=word).wait_for()
    return page.locator("#dh-verdict").inner_text()


def drop_file(page, path: Path):
    from playwright.sync_api import TimeoutError as NotYetError

    page.get_by_role("tab", name="File").click()
    page.get_by_text("Click to Upload").wait_for()
    for _ in range(4):  # a page that does not listen yet lets the file fall
        page.wait_for_timeout(300)
        with contextlib.suppress(NotYetError):  # the place for files is gone once the page has one
            page.locator("#dh-file input[type=file]").set_input_files(path, timeout=5_000)
        with contextlib.suppress(NotYetError):
            page.get_by_text(path.name).wait_for(timeout=20_000)
            break
    page.get_by_role("button", name="Score the file").click()


def column(page, name: str) -> list[str]:
    """What the visible table shows in a column."""
    cells = page.locator(f".dh-table:visible [data-testid^='cell-'][data-testid$='-{COLUMNS.index(name)}']")
    return [text.strip() for text in cells.all_inner_texts()]


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


def test_opened_pdf_fills_the_text_and_too_long_a_text_is_refused(open_page, tmp_path: Path):
    (tmp_path / "note.pdf").write_bytes(pdf("I weighed the crucible, 12.4 g", "on 14 March 1931"))
    page = open_page()
    page.locator("input[type=file]").first.set_input_files(tmp_path / "note.pdf")
    page.locator("#dh-verdict h3").wait_for()
    assert "crucible" in page.get_by_label("Text", exact=True).input_value()
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
    page.locator(".dh-table .body-cell", has_text="Diary of A. Holm").wait_for()
    assert "2 scored." in page.locator(".dh-notice:visible").inner_text()
    assert column(page, "text") == ["Diary of A. Holm, 1887, MS 12", "WHO. Guidelines, 2021."]
    diary, guidelines = map(float, column(page, "signed core"))
    assert diary > guidelines
    assert "row 1" in page.locator(".dh-extremes:visible li").first.inner_text()


def test_example_list_of_citations_can_be_scored(open_page):
    page = open_page()
    page.get_by_role("tab", name="Citations").click()
    page.get_by_text("No citations yet").wait_for()
    page.get_by_role("button", name="Example list").click()
    page.wait_for_function("[...document.querySelectorAll('textarea')].some(box => box.value.includes('Faraday'))")
    page.get_by_role("button", name="Score the citations").click()
    page.get_by_text("4 scored.").wait_for()
    assert all(re.fullmatch(r"-?\d\.\d\d", number) for number in column(page, "entropy, bits"))


def test_file_gives_a_table_to_filter_and_downloads(open_page, tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"text": text, "id": name} for name, text in EXAMPLES.items()] + [{"text": ATTACK}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = open_page()
    drop_file(page, tmp_path / "rows.jsonl")
    page.get_by_text("4 scored.").wait_for()
    assert page.locator(".dh-figures:visible svg").count() == 3
    texts = [row["text"] for row in rows]
    saved = {name: download(page, label) for name, label in DOWNLOADS.items()}
    assert [json.loads(line)["text"] for line in saved["jsonl"].read_text().splitlines()] == texts
    with saved["csv"].open(newline="") as stream:
        assert [row["text"] for row in csv.DictReader(stream)] == texts
    assert parquet.read_table(saved["parquet"])["text"].to_pylist() == texts
    page.get_by_label("coordinated").last.check()
    page.locator(".dh-table:visible .body-cell", has_text="14 March 1931").wait_for(state="detached")
    assert set(column(page, "tier")) == {"coordinated"}
    page.get_by_label("all", exact=True).last.check()
    page.locator(".dh-table:visible .body-cell", has_text="14 March 1931").wait_for()
    page.get_by_label("Only rows with these words").fill("agnes boat")
    page.locator(".dh-table:visible .body-cell", has_text="Experts agree").wait_for(state="detached")
    assert column(page, "row") == ["2"]
    page.get_by_text("1 of 4 rows").wait_for()
    page.get_by_label("Only rows with these words").fill("no such word")
    page.get_by_text("No row is like that").wait_for()
    assert page.locator(".dh-table:visible").count() == 0
    assert page.evaluate("window.xss") is None


def download(page, label: str) -> Path:
    with page.expect_download() as started:
        page.get_by_role("button", name=f"Download {label}").click()
    return Path(started.value.path())


SEE_PROGRESS = """() => {
  window.progress = [];
  new MutationObserver(() => {
    const bar = document.querySelector('.progress-bar');
    if (bar) window.progress.push(bar.closest('.wrap').innerText);
  }).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def many_rows(folder: Path) -> Path:
    text = (EXAMPLES["Press release"] + " " + EXAMPLES["Letter"]) * 20
    (folder / "many.jsonl").write_text((json.dumps({"text": text}) + "\n") * 900)
    return folder / "many.jsonl"


def test_long_file_shows_its_progress(open_page, tmp_path: Path):
    page = open_page()
    page.evaluate(SEE_PROGRESS)
    drop_file(page, many_rows(tmp_path))
    page.get_by_text("900 scored.").wait_for(timeout=90_000)
    assert any(re.search(r"\d+/900 texts", shown) for shown in page.evaluate("window.progress"))


def test_cancelled_batch_keeps_what_is_done(open_page, tmp_path: Path):
    page = open_page()
    drop_file(page, many_rows(tmp_path))
    page.get_by_role("button", name="Cancel").and_(page.locator(":enabled")).click()
    notice = page.locator(".dh-notice:visible", has_text="Stopped (cancelled)")
    notice.wait_for()
    done = int(notice.inner_text().split("): ")[1].split(" of 900")[0])
    assert 0 < done < 900
    page.get_by_role("button", name="Score the file").and_(page.locator(":enabled")).wait_for()
    assert page.get_by_role("button", name="Cancel").last.is_disabled()


def test_bad_file_is_named_with_its_line_in_a_toast_and_on_the_page(open_page, tmp_path: Path):
    (tmp_path / "bad.jsonl").write_text('{"text": "one"}\nnot json\n')
    page = open_page()
    drop_file(page, tmp_path / "bad.jsonl")
    alert = page.locator(".dh-notice.dh-error:visible")
    alert.wait_for()
    assert "bad.jsonl:2: not valid JSON" in alert.inner_text()
    assert "fix or remove the line" in page.get_by_test_id("toast-body").first.inner_text()


def test_narrow_page_does_not_scroll_sideways(open_page):
    page = open_page(width=390, height=800)
    page.get_by_role("button", name="Letter").click()
    verdict(page, "Primary")
    page.locator("#dh-contributions tfoot").first.wait_for()
    for name in ("Score", "Chat", "Adapters", "About"):
        page.get_by_role("tab", name=name).click()
        if name == "Adapters":
            page.get_by_label("ada/lean-logs").check()
            page.locator("#dh-adapter-card table").last.wait_for()
        for width in (360, 390, 768):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(100)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


def test_phone_shows_all_tabs_and_plots_that_can_be_read(open_page):
    page = open_page(width=360, height=800)
    assert all(page.get_by_role("tab", name=name).is_visible() for name in ("Score", "Chat", "Adapters", "About"))
    height = page.locator("#dh-plane .dh-tick").first.bounding_box()["height"]
    assert height >= 10
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('#dh-tabs button')).transitionDuration") == "0s"


def test_text_from_right_to_left_starts_at_the_right(open_page):
    page = open_page()
    page.get_by_label("Text", exact=True).fill("יומן המעבדה, 14 במרץ 1931.")
    page.locator("#dh-verdict", has_text="Latin script").wait_for()
    box = "getComputedStyle(document.querySelector('{}'))"
    for place in ("#dh-text textarea", ".dh-marked-text"):
        assert page.evaluate(f"{box.format(place)}.unicodeBidi") == "plaintext"


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
    assert "first-hand record" in verdict(page, "Primary")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Press release"
    page.keyboard.press("Enter")
    assert "institution's" in verdict(page, "Coordinated")
    assert page.get_by_label("Text", exact=True).input_value() == EXAMPLES["Press release"]
