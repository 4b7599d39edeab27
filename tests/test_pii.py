"""Personal data: what is found, and what only looks like it."""

from __future__ import annotations

import pytest

from distrust_hub.files import iter_jsonl
from distrust_hub.pii import find_personal_data, mask_personal_data, mask_secrets
from tests.dev_data import dev_data

TOKEN = "hf_" + "A1b2C3d4" * 4
PHONE = "[phone number removed]"


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
        ("Call +44\u00a020\u00a07946\u00a00958 or +1\u2011202\u2011555\u20110143", f"Call {PHONE} or {PHONE}"),
        ("(+44) 20 7946 0958, 0044 20 7946 0958", f"{PHONE}, {PHONE}"),
        ("+44) 20 7946 0958", PHONE),
        ("+49 (0)30 / 123456. 2003 war es anders", f"{PHONE}. 2003 war es anders"),
        ("+41\u202f44\u202f668\u202f18\u202f00", PHONE),
        ("Tel. 030/1234567", PHONE),
        ("Tél. : 01 42 68 53 00", PHONE),
        ("Mob: 07700 900123", PHONE),
        ("phone 0171 496 0123", PHONE),
        ("Tel 555-0143", PHONE),
        ("(202) 555 0143", PHONE),
        ("202-555-0143/202-555-0144", f"{PHONE}/{PHONE}"),
        ("jürgen@münchen.de, a@b.org谢谢", "[email removed], [email removed]谢谢"),
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
        "hf_short and sk-learn and AKIA, sk-eptical-and-long-hyphenated-words-of-2020",
        "At +40.712784, +3.14159265, z = +12345678, a gain of +1 250 000 000 francs, +250 000 000.",
        "mobile 1990 1991 1992, fuel cell 12 345 678 hours, telephone 1878 1879 1880, Telephone: 1876-1881",
        "doi 10.1103/555.234.5678, https://example.org/10.1080/234-567-8901, UPC 0012345678905",
        "git clone git@github.com:a/b.git",
    ],
)
def test_find_personal_data_leaves_other_numbers_alone(text):
    assert find_personal_data(text) == []


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_" + "A1b2" * 6,
        "glpat-" + "A1b2" * 5,
        "npm_" + "A1b2" * 9,
        "api_org_" + "abCd" * 8,
        "sk-ant-api03-" + "abcd" * 5,
        "ya29.a0" + "A1b2" * 6,
        "SG." + "A1b2" * 5 + "." + "A1b2" * 10,
        "ASIA" + "Q" * 16,
        "secret_access_key = " + "A1b/" * 10,
        f"eyJ{'A1b2' * 5}.eyJ{'A1b2' * 9}.{'A1b2' * 10}",
        "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,A\n\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nabc=\n-----END PGP PRIVATE KEY BLOCK-----",
    ],
)
def test_mask_secrets_masks_all_of_a_key(secret):
    assert mask_secrets(f"key={secret} and more") == "key=[secret removed] and more"
    assert mask_secrets(f"token=_{TOKEN}") == "token=_[secret removed]"


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


@pytest.mark.parametrize(
    "piece", ["a@", "1-", "a.", "+1 ", "(202) ", "tel ", "-----BEGIN PRIVATE KEY-----", "eyJa.", "sk-"]
)
def test_find_personal_data_gets_through_long_lines(piece):
    assert len(find_personal_data(piece * 50_000)) <= 50_000
