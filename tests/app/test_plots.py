from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from distrust_hub.app.plots import Point, histogram, plane, tier_bars

NAMESPACE = "{http://www.w3.org/2000/svg}"
CUTS = (1.6, 3.6)


def elements(svg: str, kind: str, css: str) -> list[ElementTree.Element]:
    found = ElementTree.fromstring(svg).iter(f"{NAMESPACE}{kind}")
    return [element for element in found if css in element.get("class", "").split()]


def test_plane_without_a_document_says_so_and_has_no_dot():
    svg = plane(None, [], CUTS)
    assert "No document yet" in ElementTree.fromstring(svg).get("aria-label")
    assert not elements(svg, "circle", "dh-here")


def test_plane_places_documents_by_their_numbers():
    low = elements(plane(Point("a", 0.1, 7.0), [], CUTS), "circle", "dh-here")[0]
    high = elements(plane(Point("a", 0.9, 1.0), [], CUTS), "circle", "dh-here")[0]
    assert float(low.get("cx")) < float(high.get("cx"))
    assert float(low.get("cy")) < float(high.get("cy"))


def test_plane_describes_the_document_for_screen_readers():
    label = ElementTree.fromstring(plane(Point("a", 0.9, 1.0), [], CUTS)).get("aria-label")
    assert "authority weight 0.90" in label
    assert "signed core is -1.30" in label


def test_plane_draws_the_line_where_the_term_is_zero():
    assert len(elements(plane(None, [], CUTS), "polyline", "dh-zero")) == 1


@pytest.mark.parametrize("cuts", [CUTS, (0.0, 2.0), (2.5, 5.0)])
def test_plane_names_every_tier_once(cuts):
    names = [element.text for element in elements(plane(None, [], cuts), "text", "dh-tier-label")]
    assert sorted(names) == ["coordinated", "medium", "primary"]


def test_plane_keeps_every_dot_when_labels_collide():
    references = [Point(f"type {i}", 0.5, 3.0 + i / 100) for i in range(5)]
    svg = plane(None, references, CUTS)
    assert len(elements(svg, "circle", "dh-reference")) == 5
    assert 1 <= len(elements(svg, "text", "dh-reference-label")) < 5


def test_plane_escapes_labels():
    svg = plane(Point("<script>", 0.5, 3.0), [Point("a & b", 0.1, 6.0)], CUTS)
    assert "<script>" not in svg
    ElementTree.fromstring(svg)


def test_tier_bars_show_counts_and_shares():
    svg = tier_bars({"primary": 3, "coordinated": 1})
    texts = [element.text for element in ElementTree.fromstring(svg).iter(f"{NAMESPACE}text")]
    assert texts == ["primary", "3 (75%)", "medium", "0 (0%)", "coordinated", "1 (25%)"]


def test_histogram_counts_every_value_once():
    svg = histogram([-1.0, 0.0, 0.5, 0.99, 7.0], 0.0, 0.99, (0.25, 0.5), "Authority weight")
    counts = [int(n) for n in re.findall(r": (\d+)</title>", svg)]
    assert len(counts) == 20
    assert (sum(counts), counts[0], counts[-1]) == (5, 2, 2)


def test_histogram_names_its_scales():
    svg = histogram([0.1, 0.11, 0.9], 0.0, 1.0, (0.25, 0.5), "Authority weight")
    texts = [element.text for element in ElementTree.fromstring(svg).iter(f"{NAMESPACE}text")]
    assert texts == ["tallest bar: 2 of 3", "0", "0.25", "0.5", "1"]


def test_plane_gives_a_label_on_the_left_room_to_grow_away_from_its_dot():
    references = [Point("a long name", 0.5, 3.0), Point("another", 0.6, 3.0)]
    (left,) = elements(plane(None, references[:1], CUTS), "text", "dh-reference-label")
    assert left.get("text-anchor") == "start"
    both = elements(plane(None, references, CUTS), "text", "dh-reference-label")
    assert [element.get("text-anchor") for element in both] == ["end", "start"]
