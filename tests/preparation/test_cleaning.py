"""Cleaning: repairs, cuts and the reasons to leave a document out."""

from __future__ import annotations

import random
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import ConfigError, MissingDependencyError
from distrust_hub.preparation.boilerplate import strip_boilerplate
from distrust_hub.preparation.cleaning import REASONS, Cleaner
from distrust_hub.preparation.quality import ocr_quality, words
from distrust_hub.preparation.splitting import split_text
from distrust_hub.schema import Document
from tests.preparation.planted import misread, sentences, shuffled_document

LETTER = "At noon we sounded the bay and found seven fathoms over sand, with the wind at north and a heavy swell."
GERMAN = "Das Haus steht auf dem Berg und wir können es von hier aus nicht sehen, weil der Nebel zu dicht ist."


def clean(text, **options):
    cleaner = Cleaner(PrepareConfig(**options))
    found = cleaner.clean(Document(text, "x"))
    if isinstance(found, str):
        return found, +cleaner.changed
    return [piece if isinstance(piece, str) else piece.text for piece in found], +cleaner.changed


def test_reasons_are_those_of_the_documentation():
    page = Path(__file__).parents[2] / "docs" / "preparation.md"
    rows = [line.split("|")[1] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [name for cell in rows for name in re.findall(r"`(\w+)`", cell)] == list(REASONS)


def test_clean_leaves_a_clean_text_as_it_is():
    assert clean(LETTER) == ([LETTER], {})


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("two words", {}, "too_short"),
        (f"{LETTER} Write to a@b.org.", {"personal_data": "drop"}, "personal_data"),
        ("Skip to main content\nHome\nSign in", {}, "boilerplate_only"),
        (
            "tli3 l|ttlc b0y w;th #~ thc rn~ fl4g 0f tb; k1ng '; xxxii wwv kl|m brz tt1e, |||||| " * 3,
            {},
            "low_ocr_quality",
        ),
        (GERMAN, {"languages": "en"}, "other_language"),
    ],
)
def test_clean_says_why_a_document_is_left_out(text, options, reason):
    assert clean(text, **options)[0] == reason


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"personal_data": "keep"}, "personal_data"),
        ({"strip_boilerplate": False}, "strip_boilerplate"),
        ({"fix_encoding": False}, "fix_encoding"),
        ({"min_ocr_quality": 1.0}, "min_ocr_quality"),
        ({"min_words": 60}, "min_words"),
        ({"max_words": 20}, "max_words"),
        ({"languages": "de"}, "languages"),
    ],
)
def test_clean_each_option_changes_something(options, name):
    text = f"{LETTER} The cafÃ© was shut.\nBack to top\nWrite to a@b.org about the xqzrt of it."
    assert clean(text, **options) != clean(text), name


def test_clean_says_nothing_about_the_words_of_a_short_text():
    assert clean("tli3 l|ttlc b0y w;th #~ thc rn~ fl4g")[0] != "low_ocr_quality"


def test_clean_repairs_wrong_decoding_and_control_characters():
    broken = "“Le cœur,” he said, “n’a pas vieilli.”".encode().decode("cp1252", "replace").replace("\ufffd", "\x9d")
    text, changed = clean(f"He wrote:\r\n{broken} \x00So it went on\x0cfor years, as I recall it.")
    assert text == ["He wrote:\n“Le cœur,” he said, “n’a pas vieilli.” So it went on\nfor years, as I recall it."]
    assert changed == {"encoding_repaired": 1}


def test_clean_leaves_real_accents_alone_and_counts_lost_characters():
    accents = "Ångström, naïve, São Paulo, Ça va, ÂGE, Ã, “quoted” – and 5 £ for the crème brûlée at the café."
    assert clean(accents) == ([accents], {})
    assert clean(f"{LETTER} caf\ufffd")[1] == {"encoding_damaged": 1}


def test_clean_without_ftfy_says_so_once_and_goes_on(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "ftfy", None)
    cleaner = Cleaner(PrepareConfig())
    for _ in range(2):
        cleaner.clean(Document(f"{LETTER} The cafÃ© was shut.", "x"))
    assert cleaner.changed["encoding_not_repaired"] == 2
    assert caplog.text.count('pip install "distrust-hub[data]"') == 1


def test_clean_without_a_language_identifier_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid", None)
    with pytest.raises(MissingDependencyError, match=r"distrust-hub\[data\]"):
        clean(LETTER, languages="en")
    with pytest.raises(ConfigError, match="languages is 'English'"):
        clean(LETTER, languages="English")
    with pytest.raises(ConfigError, match="languages is 'de,eng'; expected ISO codes of two letters"):
        clean(LETTER, languages="de,eng")


def test_clean_cuts_long_documents_and_drops_no_word():
    paragraphs = [f"{LETTER} Entry {n}." for n in range(20)]
    cleaner = Cleaner(PrepareConfig(max_words=100))
    pieces = cleaner.clean(Document("\n\n".join(paragraphs), "log", {"title": "Log"}))
    assert [piece.id for piece in pieces] == [f"log-{n}" for n in range(1, len(pieces) + 1)]
    assert " ".join(piece.text for piece in pieces).split() == " ".join(paragraphs).split()
    assert all(piece.metadata == {"title": "Log", "document_id": "log"} for piece in pieces)
    assert cleaner.changed == {"split": 1, "added_by_splitting": len(pieces) - 1, **dict(cleaner.changed)}


@pytest.mark.parametrize(("given", "kept"), [("book", "book"), (7.0, 7.0), ("", "page"), (None, "page"), ([1], "page")])
def test_pieces_stay_with_the_document_that_their_row_names(given, kept):
    text = " ".join(f"{LETTER} Entry {n}." for n in range(20))
    pieces = Cleaner(PrepareConfig(max_words=100)).clean(Document(text, "page", {"document_id": given}))
    assert len(pieces) > 1
    assert {piece.metadata["document_id"] for piece in pieces} == {kept}


@given(st.text(alphabet='ab .\n!"”今。」', max_size=400), st.integers(1, 30))
def test_split_text_keeps_every_character_in_order_and_the_limit(text, limit):
    pieces = split_text(text, limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(len(words(piece)) <= limit for piece in pieces)


def test_split_text_ends_at_paragraphs_then_sentences():
    assert split_text("one two\n\nthree four\n\nfive", 4) == ["one two\n\nthree four", "five"]
    assert split_text("One two three. Four five six. Seven.", 4) == ["One two three.", "Four five six. Seven."]
    assert split_text("He said “go now.”\nThen left us.", 4) == ["He said “go now.”", "Then left us."]
    assert split_text("今日风浪甚大。船员皆疲惫。", 8) == ["今日风浪甚大。", "船员皆疲惫。"]


BOOK = (
    "The Project Gutenberg eBook of A Log\n\nThis eBook is for the use of anyone anywhere.\n\n"
    "*** START OF THE PROJECT GUTENBERG EBOOK A LOG ***\n\n"
    "Produced by A. Reader and the Online Distributed Proofreading Team\n\n"
    f"{LETTER}\n\n"
    "*** END OF THE PROJECT GUTENBERG EBOOK A LOG ***\n\nLicence."
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (BOOK, LETTER),
        (BOOK.replace("LOG ***\n\nProd", "LOG ***\n\nRules.\n\n*END*THE SMALL PRINT! For a log*END*\n\nProd"), LETTER),
        (f"{LETTER}\n\nEnd of Project Gutenberg's A Log, by Anon\n\nLicence", LETTER),
        (f"Digitized by the Internet Archive in 2007\n\n{LETTER}", LETTER),
        (
            f"Skip to main content\nHome | News | About us\n{LETTER}\nShare this page\n© 2020 Us. All rights reserved.",
            LETTER,
        ),
        ("The home was dark. I searched the menu.\nHome is where I sat.", None),
        (f"He founded Project Gutenberg in 1971. {LETTER}", None),
        ("a | b | c = 1; x | y | z = 2.", None),
        (f"{LETTER}\nDigitized by Google\n{LETTER}", f"{LETTER}\n{LETTER}"),
        (f"Digitized by the Internet Archive\nin 2007 with funding from\nUs\n\n{LETTER}", LETTER),
        ("\n".join([LETTER, "Digitized by Google"] * 20), "\n".join([LETTER] * 20)),
        (f"{LETTER}\n\n| Ship | Master | Port |\n|---|---|---|\n| Anne | John Hale | Leith |\n\n{LETTER}", None),
        ("Ship | Master | Port\nAnne | John Hale | Leith\nMary | Tom Reid | Hull", None),
        ("Skip to my Lou, my darling\nHome\nSkip to my Lou", None),
        ("PREFACE\n\nAdvertisement\n\nAn official website was opened by the band.", None),
        (f"{LETTER}\nHome\n\nSearch\nMenu\n\n{LETTER}", f"{LETTER}\n\n{LETTER}"),
        (f"{LETTER}\nHome » Letters » Ships\n{LETTER}", f"{LETTER}\n{LETTER}"),
    ],
)
def test_strip_boilerplate(text, kept):
    assert strip_boilerplate(text) == (text if kept is None else kept)


@pytest.mark.parametrize(
    "text",
    [
        "यह एक पुराना पत्र है जो मेरे दादाजी ने सन् १९२० में लिखा था और इसमें उन्होंने गाँव की नदी के बारे में बताया है।",
        "בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם וְאֵת הָאָרֶץ וְהָאָרֶץ הָיְתָה תֹהוּ וָבֹהוּ וְחֹשֶׁךְ עַל פְּנֵי תְהוֹם",
        "จดหมายฉบับนี้เขียนขึ้นเมื่อปีพุทธศักราช ๒๔๖๓ โดยปู่ของข้าพเจ้า ซึ่งเล่าถึงแม่น้ำและตลาดในหมู่บ้าน",
        "一八四二年十二月三日，船长在日志中写道：今日风浪甚大，船员皆疲惫不堪。",
        unicodedata.normalize(
            "NFD", "Bức thư này do ông nội tôi viết năm một nghìn chín trăm hai mươi kể về dòng sông"
        ),
    ],
)
def test_clean_keeps_texts_of_all_scripts(text):
    assert clean(text, min_words=10) == ([text], {})
    assert ocr_quality(text) > 0.95


def test_clean_counts_characters_where_no_spaces_are_put_between_words():
    assert clean("今日风浪甚大，", min_words=7)[0] == "too_short"
    assert clean("今日风浪甚大，", min_words=6)[0] == ["今日风浪甚大，"]


def test_ocr_quality_falls_with_errors_and_spares_other_scripts():
    text = shuffled_document(sentences(), random.Random(4))
    assert ocr_quality(text) > 0.9
    levels = []
    for rate in (0.05, 0.15, 0.3):
        levels.append(ocr_quality(misread(text, random.Random(1), rate)))
    assert ocr_quality(text) > levels[0] > levels[1] > levels[2]
    assert ocr_quality("Это было давно и я не помню, что сказал мне отец") == 1.0
    assert ocr_quality("1 2 3 4.5 17th") == 0.0
