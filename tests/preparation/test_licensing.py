"""Whether prepared rows may be published, and how."""

from __future__ import annotations

import pytest

from distrust_hub.preparation.licensing import check_publishing, licence_class


@pytest.mark.parametrize(
    ("license", "expected"),
    [
        ("CC0-1.0", "public"),
        ("public domain (Project Gutenberg text; PD in the USA)", "public"),
        ("CC0 1.0 / US government work (LICENSE.md)", "public"),
        ("us_government_work", "public"),
        ("CC BY 4.0", "attribution"),
        ("CC0-1.0, MIT", "attribution"),
        ("public domain / CC BY 4.0", "attribution"),
        ("Apache-2.0 (LICENSE)", "attribution"),
        ("ODC-By-1.0", "attribution"),
        ("CC BY-SA 3.0 (Wikipedia)", "share-alike"),
        ("CC-BY-SA-3.0 / GFDL", "share-alike"),
        ("GPL-3.0-only", "share-alike"),
        ("CC BY-NC 4.0", "not-allowed"),
        ("common-crawl (other)", "not-allowed"),
        ("unknown", "not-allowed"),
    ],
)
def test_licence_class(license, expected):
    assert licence_class(license) == expected


def test_check_publishing_names_what_stands_in_the_way_and_the_conditions():
    found = check_publishing({"CC0-1.0": 5, "CC BY 4.0": 2, "CC BY-NC 4.0": 1, "unknown": 3})
    assert found["allowed"] is False
    assert found["problems"] == {"CC BY-NC 4.0": 1, "unknown": 3}
    assert found["classes"] == {"attribution": 2, "not-allowed": 4, "public": 5}
    assert [text.split(":")[0] for text in found["conditions"]] == ["attribution"]


def test_check_publishing_tells_share_alike_licences_that_do_not_mix():
    assert not any(
        "do not mix" in text for text in check_publishing({"CC BY-SA 3.0": 1, "CC BY-SA 4.0": 1})["conditions"]
    )
    spellings = (
        "CC BY-SA 4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "cc-by-sa-3.0 (LICENSE)",
        "Creative Commons Attribution-ShareAlike 4.0 International",
        "Creative Commons Attribution Share Alike 3.0",
    )
    assert not any("do not mix" in text for text in check_publishing(dict.fromkeys(spellings, 1))["conditions"])
    assert "do not mix" in check_publishing({"CC BY-SA 4.0": 1, "GFDL-1.3": 1})["conditions"][-1]
    assert check_publishing({"CC0-1.0": 1}) == {
        "allowed": True,
        "classes": {"public": 1},
        "problems": {},
        "conditions": [],
    }
