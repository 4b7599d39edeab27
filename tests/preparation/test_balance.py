"""Shares per tier, and splits that keep origins together."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrust_hub.preparation.balance import balance_tiers, cap_inputs, origins_of, split_by_origin
from distrust_hub.preparation.dedup import text_fingerprint
from distrust_hub.schema import TIERS, ScoredDocument


def make(tier="primary", number=0, **metadata):
    return ScoredDocument(f"text {tier} {number}", f"{tier}-{number}", 0.1, 5.0, {"tier": tier, **metadata})


@given(st.tuples(*[st.integers(1, 40)] * 3), st.integers(0, 5))
def test_balance_tiers_reaches_the_shares(sizes, seed):
    documents = [make(tier, n) for tier, size in zip(TIERS, sizes) for n in range(size)]
    shares = (0.3, 0.3, 0.4)
    kept, dropped = balance_tiers(documents, shares, seed)
    counts = Counter(document.metadata["tier"] for document in kept)
    assert len(kept) + dropped == len(documents)
    for tier, share in zip(TIERS, shares):
        assert abs(counts[tier] - share * len(kept)) <= 1.5
    assert any(counts[tier] == size for tier, size in zip(TIERS, sizes))
    assert [d.id for d in kept] == [d.id for d in documents if d in kept]


def test_balance_tiers_keeps_the_scarce_tier_whole():
    sizes = {"primary": 29, "medium": 200, "coordinated": 200}
    documents = [make(tier, n) for tier, size in sizes.items() for n in range(size)]
    for share in (0.21, 0.29, 0.3, 0.57):
        kept, _ = balance_tiers(documents, (share, (1 - share) / 2, (1 - share) / 2), 0)
        assert sum(document.metadata["tier"] == "primary" for document in kept) == 29


def test_balance_tiers_warns_about_an_empty_tier(caplog):
    kept, _ = balance_tiers([make("primary", n) for n in range(4)] + [make("medium", 0)], (0.5, 0.25, 0.25), 0)
    assert "no coordinated document" in caplog.text
    assert Counter(d.metadata["tier"] for d in kept) == {"primary": 2, "medium": 1}


def test_balance_tiers_says_which_tier_is_scarce_and_what_weights_would_do(caplog):
    sizes = {"primary": 5, "medium": 40, "coordinated": 40}
    documents = [make(tier, n) for tier, size in sizes.items() for n in range(size)]
    kept, dropped = balance_tiers(documents, (0.5, 0.25, 0.25), 0)
    assert (len(kept), dropped) == (9, 76)
    assert "5 primary documents fill the share of 50 % of only 9 rows, so 76 rows are left out" in caplog.text
    assert "give primary 6 % of the training signal" in caplog.text
    caplog.clear()
    balance_tiers([make(tier, n) for tier in TIERS for n in range(30)], (1 / 3, 1 / 3, 1 / 3), 0)
    assert caplog.text == ""


def test_cap_inputs_draws_from_each_input_by_itself():
    documents = [(f"{number}-{n}", number) for number in range(3) for n in range(20)]
    kept = cap_inputs(documents, [5, None, 30], 0)
    assert [sum(name.startswith(f"{number}-") for name in kept) for number in range(3)] == [5, 20, 20]
    assert cap_inputs(documents[:20], [5], 0) == {name for name in kept if name.startswith("0-")}
    assert cap_inputs(documents, [5, None, 30], 1) != kept


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.floats(0.0, 0.5), st.integers(0, 9))
def test_split_by_origin_keeps_origins_together_and_loses_nothing(origins, share, seed):
    documents = [make("primary", n, origin=f"book {o}") for n, o in enumerate(origins)]
    train, valid = split_by_origin(documents, share, seed)
    assert sorted(d.id for d in [*train, *valid]) == sorted(d.id for d in documents)
    assert not {d.metadata["origin"] for d in train} & {d.metadata["origin"] for d in valid}
    assert len(train) > 0


def test_split_by_origin_holds_out_about_the_share_and_depends_on_the_seed():
    documents = [make(tier, n) for tier in TIERS for n in range(100)]
    train, valid = split_by_origin(documents, 0.1, 0)
    assert Counter(d.metadata["tier"] for d in valid) == dict.fromkeys(TIERS, 10)
    assert split_by_origin(documents, 0.1, 0) == (train, valid)
    assert split_by_origin(documents, 0.1, 1) != (train, valid)


def sides_of(column, documents):
    return [{d.metadata[column] for d in part if column in d.metadata} for part in split_by_origin(documents, 0.3, 0)]


def test_split_by_origin_heeds_every_column_and_the_links_between_them():
    documents = [make("primary", n, entity_id=n, url=f"http://x/{n // 2}") for n in range(60)]
    train, valid = sides_of("url", documents)
    assert len(valid) == 9
    assert not train & valid
    some = [make("primary", n, url=f"http://x/{n // 2}", **({"entity_id": n} if n % 2 else {})) for n in range(60)]
    train, valid = sides_of("url", some)
    assert len(valid) == 9
    assert not train & valid
    chain = [make("primary", n, origin=f"T{(n + 1) // 2}", url=f"http://x/{n // 2}") for n in range(10)]
    assert len(set(origins_of(chain))) == 1
    paper = [make("primary", n, title="The Gazette", url=f"http://x/{n}") for n in range(10)]
    assert len(set(origins_of(paper))) == 10


def test_origins_of_a_column_of_whole_numbers_with_gaps_hold():
    documents = [make("primary", n, entity_id=float(n // 10)) for n in range(100)]
    train, valid = sides_of("entity_id", documents)
    assert len(valid) == 3
    assert not train & valid
    assert origins_of([make("primary", 0, entity_id=7.0), make("primary", 1, entity_id=7)]) == ["entity_id:7"] * 2
    assert origins_of([make("primary", n, entity_id=value) for n, value in enumerate((0.5, float("nan"), None))]) == [
        f"id:{make('primary', n).id}" for n in range(3)
    ]


def test_split_by_origin_sends_rows_after_those_of_their_origin_that_name_a_split():
    named = {0: "train", 1: "valid"}
    documents = [make("primary", n, origin=n // 2, split=None if n % 2 else named.get(n // 20)) for n in range(60)]
    train, valid = sides_of("origin", documents)
    assert set(range(10)) <= train
    assert set(range(10, 20)) <= valid
    assert len(valid) == 13
    assert not train & valid


def test_split_by_origin_sends_rows_to_train_where_those_of_their_origin_name_both():
    documents = [make("primary", n, origin="book", split=split) for n, split in enumerate(("valid", "train", None))]
    train, valid = split_by_origin(documents, 0.0, 0)
    assert [[document.id for document in part] for part in (train, valid)] == [
        ["primary-1", "primary-2"],
        ["primary-0"],
    ]


def test_split_by_origin_warns_where_nothing_can_be_held_out(caplog):
    _, valid = split_by_origin([make("primary", n, title="One book") for n in range(20)], 0.1, 0)
    assert valid == []
    assert "no row is held out: 20 rows are of 1 origins" in caplog.text


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("The tide, at noon.", "the  TIDE\nat noon", True),
        ("ﬁne weather", "fine weather", True),
        ("The tide at noon", "The tide at moon", False),
        ("ab c", "a bc", False),
        ("दिन", "दान", False),
        ("the exam\u00adple isn’t long", "The example isn't long", True),
    ],
)
def test_text_fingerprint_compares_words_only(one, two, same):
    assert (text_fingerprint(one) == text_fingerprint(two)) is same
