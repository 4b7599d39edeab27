from __future__ import annotations

import contextlib
import time

import pytest

from distrust_hub.app.limits import Limits
from distrust_hub.app.references import citations
from distrust_hub.errors import DataError

BIBTEX = r"""
@string{ox = "Oxford"}
@article{faraday1839, author = {Faraday, Michael and M{\"u}ller, Jo{\~a}o}, title={Experimental {Researches} in
  Electricity \& more}, journal = "Annals, of Science", year = 1839, url={https://example.org/f} }
% a comment
@Book(holm, title = {Diary of {A}nna Holm}, publisher={Holmsey Archive}, date = {1887-09-02}, doi={10.1000/182})
@comment{nothing}
"""
RIS = """TY  - JOUR
AU  - Faraday, Michael
AU  - Holm, Anna
PY  - 1839/03/02
TI  - Experimental Researches
JO  - Annals
UR  - https://example.org/f
ER  -

TY  - BOOK
T1  - Diary
ER  -
"""
NUMBERED = """1. Faraday, M. (1839). Experimental Researches
   in Electricity. London: Taylor.
2. Diary of Anna Holm,
2 September 1887. Holmsey Archive.

3. 1931. A letter.
"""
HANGING = """Faraday, M. (1839). Experimental Researches
\tin Electricity. London: Taylor.
Smith, A. (2019). A review.
    Journal of Reviews.
"""
WRAPPED = """Faraday, M. (1839). Experimental Researches
in Electricity. London: Taylor.

Smith, A. (2019). A review.
Journal of Reviews 12(3).
"""


def texts(pasted: str) -> list[str]:
    return [text for text, _ in citations(pasted, Limits())]


def test_half_of_an_emoji_that_a_box_cut_is_a_question_mark():
    assert texts("Faraday (1839) \ud83d") == ["Faraday (1839) ?"]


def test_citations_read_bibtex():
    first, second = citations(BIBTEX, Limits())
    assert first == (
        "Faraday, Michael, Müller, João (1839). Experimental Researches in Electricity & more. Annals, of Science. "
        "https://example.org/f",
        {"url": "https://example.org/f", "year": "1839"},
    )
    assert second == (
        "(1887). Diary of Anna Holm. Holmsey Archive. https://doi.org/10.1000/182",
        {"url": "https://doi.org/10.1000/182", "year": "1887"},
    )


def test_citations_read_ris():
    assert texts(RIS) == [
        "Faraday, Michael, Holm, Anna (1839). Experimental Researches. Annals. https://example.org/f",
        "Diary",
    ]


@pytest.mark.parametrize("mark", ["1. {}\n2. {}", "[1] {}\n[2] {}", "(1) {}\n(2) {}", "- {}\n- {}", "• {}\n• {}"])
def test_citations_leave_out_numbers(mark):
    assert texts(mark.format("First, 1887", "Second, 1931")) == ["First, 1887", "Second, 1931"]


def test_citations_join_what_belongs_to_a_numbered_entry():
    assert texts(NUMBERED) == [
        "Faraday, M. (1839). Experimental Researches in Electricity. London: Taylor.",
        "Diary of Anna Holm, 2 September 1887. Holmsey Archive.",
        "1931. A letter.",
    ]


@pytest.mark.parametrize("pasted", [HANGING, WRAPPED, WRAPPED.replace("\n", "\r\n")])
def test_citations_join_wrapped_lines(pasted):
    first, second = texts(pasted)
    assert first == "Faraday, M. (1839). Experimental Researches in Electricity. London: Taylor."
    assert second.startswith("Smith, A. (2019). A review. Journal of Reviews")


def test_citations_keep_lines_apart_that_are_entries_of_their_own():
    sections = "Letter, 1887\nDiary, 1888\n\nReport, 2019\nGuidance, 2021\n"
    assert texts(sections) == ["Letter, 1887", "Diary, 1888", "Report, 2019", "Guidance, 2021"]
    assert texts("https://a.org/1\nhttps://b.org/2") == ["https://a.org/1", "https://b.org/2"]
    assert texts("1887. A letter\n1888. A diary") == ["1887. A letter", "1888. A diary"]


@pytest.mark.parametrize(
    "hostile",
    [
        "@a{" * 12_000,
        "@a{b=" + "w" * 40_000,
        "@a{" + "x={" * 12_000,
        "TY  - " * 8_000,
        "1.\n" * 900,
        "\n " * 20_000 + "x",
    ],
)
def test_citations_take_no_time_on_hostile_lists(hostile):
    started = time.monotonic()
    with contextlib.suppress(DataError):
        citations(hostile, Limits())
    assert time.monotonic() - started < 3


def test_citations_drop_blank_lines_and_refuse_none():
    assert citations(" A\n\n B \n", Limits()) == [("A", {}), ("B", {})]
    with pytest.raises(DataError, match="one citation per line"):
        citations(" \n", Limits())


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("Faraday, M. (1839). Experimental Researches. London: Taylor.", {"year": "1839"}),
        ("Smith, A. (1990b). The crisis of 1848. Oxford.", {"year": "1990"}),
        ("Diary of A. Holm, 2 September 1866, Bergen 1866.", {"year": "1866"}),
        ("Smith, A. The crisis of 1848. Oxford 1990.", {}),
        ("See https://example.org/2021/report.", {"url": "https://example.org/2021/report"}),
        ("Item 41839, box 20.", {}),
    ],
)
def test_citations_bring_year_and_address(line, known):
    assert citations(line, Limits()) == [(line, known)]
