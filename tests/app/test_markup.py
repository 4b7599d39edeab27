from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from distrust_hub.app import markup
from distrust_hub.app.batch import score_batch
from distrust_hub.app.examples import EXAMPLES
from distrust_hub.app.limits import Limits
from distrust_hub.app.score_view import LITTLE_EVIDENCE, score_view

ATTACKS = [
    "<script>window.xss = 1</script> I weighed 3.2 g",
    '"><img src=x onerror="window.xss=1"> I saw it in 1931',
    "<svg/onload=alert(1)> Dear Anna, I walked north",
    "&lt;b&gt; already escaped, I measured it",
]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


@pytest.mark.parametrize("attack", ATTACKS)
def test_marked_and_contributions_keep_markup_as_text(attack):
    view = score_view(attack, {"publisher": attack, "source_type": "letter_diary"}, Limits())
    marked, table = read(markup.marked(view)), read(markup.contributions(view))
    assert marked.tags <= {"section", "h4", "p", "span", "div", "mark"}
    assert table.tags <= {"div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "i", "span"}
    assert not any(name.startswith("on") for name in marked.attributes | table.attributes)
    body = markup.marked(view).split('tabindex="0">')[1]
    assert attack in read(re.sub(r'<span class="dh-tag">.*?</span>', "", body)).text


def test_verdict_gives_gauges_values_in_words_and_numbers():
    html = markup.verdict(score_view(EXAMPLES["Letter"], {}, Limits()))
    assert html.count('role="meter"') == 2
    assert "Primary" in html
    assert re.search(r'aria-valuetext="[\d.]+ bits: rich', html)


def test_verdict_warns_where_there_is_little_to_go_by():
    assert LITTLE_EVIDENCE in markup.verdict(score_view("Two plain words.", {}, Limits()))
    assert LITTLE_EVIDENCE not in markup.verdict(score_view(EXAMPLES["Letter"], {}, Limits()))


def test_plane_says_what_dots_and_lines_are():
    html = markup.plane("<svg></svg>")
    assert html.index("<svg>") < html.index("grey dot") < html.index("dashed one")


@pytest.mark.parametrize(
    ("shown", "total", "words"), [(5, 5, "5 rows"), (1, 1, "1 row"), (2, 1500, "2 of 1,500 rows"), (0, 5, "No row")]
)
def test_row_count_says_what_a_filter_leaves(shown, total, words):
    assert words in markup.row_count(shown, total)


def test_every_part_has_an_empty_state():
    assert "Nothing scored yet" in markup.verdict(None)
    assert markup.marked(None) == markup.contributions(None) == markup.term(None) == ""


def test_contributions_say_the_direction_without_colour():
    html = markup.contributions(score_view(EXAMPLES["Press release"], {"year": 1850}, Limits()))
    rows = re.findall(r'<tr class="(dh-up|dh-down)">.*?<span class="dh-shape">(.)</span>', html)
    assert set(rows) == {("dh-up", "▲"), ("dh-down", "●")}


def test_batch_summary_quotes_the_extremes_as_text():
    documents = [(text, {}) for text in (EXAMPLES["Letter"], "<b>Experts agree</b> on the guidance")]
    html = markup.batch_summary(score_batch(documents, Limits()), 2)
    assert "2 scored." in html
    assert "Most primary" in html
    assert "row 1, primary" in html
    assert html.index("row 1") < html.index("row 2") < html.index("&lt;b&gt;Experts agree")
    assert "<b>" not in html


def test_batch_summary_says_that_it_was_stopped():
    view = score_batch([(EXAMPLES["Letter"], {})], Limits())
    assert "Stopped (cancelled): 1 of 900 scored." in markup.batch_summary(replace(view, stopped="cancelled"), 900)


def test_term_carries_its_caveat():
    html = markup.term(score_view(EXAMPLES["Letter"], {}, Limits()))
    assert "no gradient" in html
    assert "alpha 2.7" in html


def test_notice_error_is_an_alert_and_escaped():
    html = markup.notice("<b>bad</b>", "error")
    assert 'role="alert"' in html
    assert "<b>" not in html
