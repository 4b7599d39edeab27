"""Whatever an artifact says, a card prints it as text."""

from __future__ import annotations

import ast
import html
import re
import shlex
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distrust_hub.cards.escape import (
    Safe,
    clean,
    code,
    escape,
    finalize,
    interval,
    number,
    python_literal,
    shell_word,
    size,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://evil/x.png)",
    "[click](javascript:alert(1))",
    "a | b | c",
    "a\n---\nlicense: mit",
    "```\nrm -rf /\n```",
    "`code` **bold** _it_",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "$(rm -rf /); `id`",
    '"; import os; "',
    "\u202egnp.exe\u200b",
    "\ud800 lone",
    "left\u061cto\u2060right\xad \U000e0041",
    "a tag 🗝 of é",
]


def rendered(markdown: str) -> str:
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return str(parser.render(markdown))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_escape_renders_as_its_own_characters(value: str) -> None:
    shown = rendered(f"x{escape(value)}x")
    assert shown == f"<p>{html.escape(f'x{clean(value)}x', quote=False).replace(chr(34), '&quot;')}</p>\n"


@pytest.mark.parametrize("value", ["# heading", "- item", "+ item", "12. item", "3) item", "---", "===", "-5", "12.5"])
def test_escape_starts_no_block(value: str) -> None:
    """As in a list of conditions, where a value stands first."""
    assert rendered(f"- {escape(value)}\n") == f"<ul>\n<li>{value}</li>\n</ul>\n"
    assert rendered(f"a\n{escape(value)}\n") == f"<p>a\n{value}</p>\n"


@pytest.mark.parametrize("mark", "\\`*_[]<>|~$&!")
def test_escape_leaves_no_mark_as_it_is(mark: str) -> None:
    """One alone may do no harm; the text of the template around it could complete it."""
    assert escape(f"a{mark}b") == f"a\\{mark}b"


@pytest.mark.parametrize("value", HOSTILE)
def test_code_renders_no_markup_in_a_table_cell(value: str) -> None:
    shown = rendered(f"| a | b |\n|---|---|\n| {code(value)} | {finalize(value)} |\n")
    cells = [html.unescape(re.sub(r"</?code>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", shown)]
    assert cells == [clean(value)] * 2, "each cell shows the whole value and nothing else"
    assert shown.count("<tr>") == 2
    for tag in ("<script", "<img", "<a ", "<strong", "<em", "<h", "<pre"):
        assert tag not in shown.replace("<hr", "").replace("<thead", "")


@pytest.mark.parametrize("value", HOSTILE)
def test_code_blocks_take_any_string_as_one_literal(value: str) -> None:
    literal = python_literal(value)
    assert ast.literal_eval(literal) == clean(value)
    assert "```" not in literal
    assert shlex.split(shell_word(value)) == [clean(value).replace("`", "'")]
    assert "\n" not in literal + shell_word(value)


def test_code_uses_a_span_for_plain_names() -> None:
    assert code("HuggingFaceTB/SmolLM2-135M_x") == "`HuggingFaceTB/SmolLM2-135M_x`"
    assert code(None) == code("") == "not measured"


def test_finalize_prints_unknown_values_as_not_measured() -> None:
    assert finalize(None) == finalize("") == finalize(float("nan")) == "not measured"
    assert finalize(Safe("**x**")) == "**x**"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (16240, "16,240"),
        (0.5, "0.5"),
        (0.0, "0"),
        (-0.01, "-0.01"),
        (1.23456789, "1.235"),
        (0.00178775, "0.001788"),
        (627.1737, "627.2"),
        (12345.0, "12,345"),
        (1e-5, "1e-05"),
        (True, "yes"),
        ("3", "not measured"),
        (float("inf"), "not measured"),
    ],
)
def test_number_is_short_and_exact_enough(value: object, shown: str) -> None:
    assert number(value) == shown


def test_interval_and_size() -> None:
    assert interval([-0.01, 0.17]) == "-0.01 to 0.17"
    assert size(10**400) == size(float("nan")) == "not measured"
    assert interval([0.1]) == interval(None) == interval(["a", 1]) == "not measured"
    assert (size(1_900_000_000), size(12_000_000), size(0), size(None)) == (
        "1.9 GB",
        "12 MB",
        "not measured",
        "not measured",
    )


def test_clean_leaves_no_invisible_character() -> None:
    invisible = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) in ("Cc", "Zl", "Zp")]
    assert clean("".join(invisible) + "a\u061c\u200fb\u202ec\u2060d\xade\ufefff\U000e0041g") == "a b c d e f g"


def test_clean_bounds_the_length() -> None:
    assert len(clean("x" * 1000)) == 300
