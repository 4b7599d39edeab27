"""Near duplicates: what is found, what is left alone."""

from __future__ import annotations

import random

import pytest

from distrust_hub.preparation import near_duplicates
from distrust_hub.preparation.alignment import align, edit_distance, same_text
from distrust_hub.preparation.near_duplicates import (
    MIN_CHARACTERS,
    NearDuplicates,
    letters_of,
    signature,
)
from tests.preparation.planted import (
    CHANGES,
    change_all,
    filled_in_form,
    misread,
    planted,
    sentences,
    shuffled_document,
)


def find(*texts):
    finder = NearDuplicates()
    for text in texts:
        finder.add(text)
    return finder.find()


@pytest.fixture
def laid_beside(monkeypatch):
    """The pairs of texts that are laid side by side."""
    pairs = []

    def noted(one, two):
        pairs.append((one, two))
        return same_text(one, two)

    monkeypatch.setattr(near_duplicates, "same_text", noted)
    return pairs


def recall_and_precision(count, **options):
    finder, truth = NearDuplicates(), {}
    for number, (text, source) in enumerate(planted(count, **options)):
        finder.add(text)
        if source is not None:
            truth[number] = source
    found = finder.find()
    hits = sum(truth.get(later) in (earlier, truth.get(earlier)) for later, earlier in found.items() if later in truth)
    return hits / len(truth), hits / len(found)


@pytest.mark.parametrize(("rate", "wanted"), [(0.02, 0.95), (0.05, 0.95), (0.08, 0.9)])
@pytest.mark.parametrize("words", [50, 257])
def test_near_duplicates_finds_planted_copies_and_nothing_else(words, rate, wanted):
    recall, precision = recall_and_precision(600, share=0.25, words=words, rate=rate)
    assert recall >= wanted
    assert precision >= 0.95


def test_near_duplicates_finds_long_planted_copies():
    recall, precision = recall_and_precision(100, share=0.3, words=2000)
    assert recall >= 0.95
    assert precision >= 0.95


@pytest.mark.slow
def test_near_duplicates_finds_planted_copies_among_20000_at_no_more_cost_a_text_than_among_2000(laid_beside):
    recall_and_precision(2_000)
    among_2000 = len(laid_beside)
    recall, precision = recall_and_precision(20_000)
    assert recall >= 0.95
    assert precision >= 0.95
    assert len(laid_beside) - among_2000 <= 1.2 * 10 * among_2000


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_near_duplicates_finds_each_kind_of_change(change):
    pool, draw = sentences(), random.Random(5)
    texts = [shuffled_document(pool, draw) for _ in range(40)]
    found = find(*texts, *(change(text, draw, 0.05) for text in texts))
    assert sum(found.get(40 + n) == n for n in range(40)) >= 38
    assert all(later >= 40 for later in found)


def test_forms_filled_in_otherwise_are_no_near_duplicates():
    draw = random.Random(7)
    forms = [filled_in_form(draw) for _ in range(120)]
    copies = [misread(form, draw, 0.02) for form in forms[:40]]
    found = find(*forms, *copies)
    right = sum(found.get(120 + n) == n for n in range(40))
    assert right >= 30
    assert len(found) - right <= 3


def test_documents_with_one_header_are_no_near_duplicates():
    pool, draw = sentences(), random.Random(8)
    header = shuffled_document(pool, draw, 60)
    assert find(*(f"{header}\n\n{shuffled_document(pool, draw, 100)}" for _ in range(60))) == {}


@pytest.mark.parametrize(
    "alphabet", ["βγδζθκλμνξπρστφχψ αεηιουω", "бвгджзклмнпрстфхцчшщ аеёиоуыэюя", "კლმნპრსტფქ აეიოუ"]
)
def test_long_books_in_any_alphabet_are_no_near_duplicates(alphabet):
    consonants, vowels = alphabet.split()
    draw = random.Random(1)
    words = [
        "".join(draw.choice(consonants) + draw.choice(vowels) for _ in range(draw.choice((1, 2, 3, 4))))
        for _ in range(30_000)
    ]
    ranks = [1 / (number + 1) for number in range(len(words))]
    one, two = (" ".join(draw.choices(words, ranks, k=120_000)) for _ in range(2))
    copy = one.replace(words[40], words[41])
    assert find(one, two, copy) == {2: 0}


def test_near_duplicates_keeps_the_first_of_several_copies():
    pool, draw = sentences(), random.Random(1)
    text, other = shuffled_document(pool, draw), shuffled_document(pool, draw)
    assert find(other, text, text + " end", "new head " + text) == {2: 1, 3: 1}


def test_near_duplicates_keeps_a_text_that_is_like_a_dropped_copy_only():
    pool, draw = sentences(), random.Random(5)
    first, second = shuffled_document(pool, draw), shuffled_document(pool, draw)
    both = first + " " + second
    assert find(both, second) == {1: 0}
    assert find(first, both, second) == {1: 0}


def test_near_duplicates_leaves_short_texts_to_the_exact_comparison():
    short = "x1" * (MIN_CHARACTERS // 2 - 1)
    assert find(short, short) == {}
    assert find(short + "ab", short + "ab") == {1: 0}
    assert find() == {}


def test_near_duplicates_measures_the_similarity_of_the_letters():
    def similarity(one, two):
        return (signature(letters_of(one)).hashes == signature(letters_of(two)).hashes).mean()

    text = shuffled_document(sentences(), random.Random(2))
    half = len(text) // 2
    assert similarity(text, text.upper().replace(" ", "\n")) == 1
    assert similarity(text, text[:half]) == pytest.approx(0.5, abs=0.15)
    assert similarity(text, text[half:] + text[:half]) > 0.5


def test_near_duplicates_finds_copies_of_texts_that_repeat_themselves():
    text, draw = shuffled_document(sentences(), random.Random(6)), random.Random(6)
    assert find(text * 3, misread(text * 3, draw), text, misread(text, draw)) == {1: 0, 3: 2}


def test_texts_that_share_sentences_are_not_laid_side_by_side(laid_beside):
    pool, draw = sentences()[:200], random.Random(9)
    texts = [shuffled_document(pool, draw) for _ in range(400)]
    copies = [change_all(text, draw) for text in texts[:40]]
    assert sum(later >= 400 for later in find(*texts, *copies)) >= 34
    assert len(laid_beside) <= 200


def test_near_duplicates_in_a_crowded_bucket_are_still_found():
    pool, draw = sentences(), random.Random(3)
    form = shuffled_document(pool, draw)
    assert len(find(*(f"{form} Number {n}." for n in range(500)))) == 499


def test_texts_that_share_a_line_of_a_long_one_keep_both():
    pool, draw = sentences(), random.Random(4)
    text = shuffled_document(pool, draw)
    assert find(text, f"{text} {shuffled_document(pool, draw, 500)}") == {}


@pytest.mark.parametrize(
    ("one", "two", "distance"),
    [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("abc" * 40, "abc" * 40, 0), ("flaw", "lawn", 2)],
)
def test_edit_distance_is_that_of_levenshtein(one, two, distance):
    assert edit_distance(one, two) == edit_distance(two, one) == distance


def test_alignment_tells_other_words_from_misread_ones():
    text = "thecountyclerkreceivedfromjohnhamiltonthesumofninedollarsforcordwoodinapril1834"
    misread_text = text.replace("clerk", "c1erk").replace("dollars", "do11ars").replace("1834", "l834")
    other = text.replace("johnhamilton", "annafletcher").replace("1834", "1871")
    assert align(text, misread_text).foreign == 0
    assert align(text, other + "x").foreign >= 10
    assert align(text, "nothing in common") == (0, 0, 0)


@pytest.mark.parametrize(
    ("gap", "other", "foreign"),
    [("1834", "1871", 4), ("in1834annafletcher", "of1871johnhamilton", 18), ("3of7", "2of9", 8), ("7", "77777", 4)],
)
def test_alignment_counts_other_numbers_with_the_words_beside_them(gap, other, foreign):
    text = "thecountyclerkreceivedtheholesumofninedollars{}forcordwoodandpaidittothesheriff"
    assert align(text.format(gap), text.format(other)).foreign == foreign
