"""Personal data: what is found, and what only looks like it."""

from __future__ import annotations

import pytest

from distrust_hub.files import iter_jsonl
from distrust_hub.pii import find_personal_data, mask_personal_data
from tests.dev_data import dev_data

TOKEN = "hf_" + "A1b2C3d4" * 4


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jane.doe+x@mail.example.org.", "Write to [email removed]."),
        ("Call (202) 555-0143 or 202-555-0143.", "Call [phone number removed] or [phone number removed]."),
        ("Call +44 20 7946 0958, or +1-202-555-0143!", "Call [phone number removed], or [phone number removed]!"),
        ("Telephone: 0171 496 0123", "[phone number removed]"),
        (f"token {TOKEN}, keep", "token [secret removed], keep"),
        ("AKIAABCDEFGHIJKLMNOP", "[secret removed]"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\nabc=\n-----END PRIVATE KEY-----\n.", "[secret removed]\n."),
        (f"{TOKEN}@mail.example.org", "[email removed]"),
    ],
)
def test_mask_personal_data_replaces(text, masked):
    assert mask_personal_data(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "Patent No. 1,304,442, filed 3-12-1861, serial 202-55.",
        "In 1861-1865, pp. 202-331, he paid $2,025,550 for 1000-2000 acres.",
        "Lat. 42 13 20 N. Barometer 29.92, 29.95, 29.90 at 8 12 4.",
        "see @handle, a@b, user@localhost and 12:30:45-0500",
        "2026-11-23 10:15:59, ISBN 978-0-306-40615-7",
        "hf_short and sk-learn and AKIA",
    ],
)
def test_find_personal_data_leaves_other_numbers_alone(text):
    assert find_personal_data(text) == []


def test_mask_personal_data_counts_by_kind():
    text, counts = mask_personal_data(f"a@b.org, c@d.org, (202) 555-0143 {TOKEN}")
    assert counts == {"email": 2, "phone": 1, "key": 1}
    assert find_personal_data(text) == []


def test_find_personal_data_finds_nothing_in_documents_before_1970():
    path = dev_data("provenance_dev.jsonl")
    if path is None:
        pytest.skip("needs provenance_dev.jsonl")
    old = [row["text"] for _, row in iter_jsonl(path) if row["year"] and row["year"] < 1970]
    assert len(old) > 200
    assert not any(map(find_personal_data, old))


@pytest.mark.parametrize("piece", ["a@", "1-", "a.", "+1 ", "(202) ", "tel ", "-----BEGIN PRIVATE KEY-----"])
def test_find_personal_data_gets_through_long_lines(piece):
    assert len(find_personal_data(piece * 50_000)) <= 50_000
