from __future__ import annotations

import pytest

from distrust_hub.scoring.citations import find_citations
from distrust_hub.scoring.normalise import NormalText


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("as shown (A & B, 2020; C, 2018) before", {"author_year": 2}),
        ("as seen [3-7] and [1, 2].", {"numbered": 2}),
        ("in these cells.[12] Then", {"numbered": 1}),
        ("Smith (2019) and Jones and Brown (2018) say", {"author_year": 2}),
        ("Orley, B. and Bisk, T. (2009). Worms of sand. Journal of Soil, 12(3), 45-67.", {"bibliography": 1}),
        ("Vant, K. L. (2001). One. Orley, B. (2009a): Two.", {"bibliography": 2}),
        ("3. Vant K. Worms of sand. Soil 2001;12(3):45-67.", {"bibliography": 1}),
        ("Proc. Roy. Soc. vol. 12, no. 3, pp. 45-67.", {"bibliography": 1}),
        ("doi 10.1000/xyz123 holds", {"doi": 1}),
        ("as others found.¹² Next", {"footnote": 1}),
        ("Ibid., p. 3; op. cit.", {"footnote": 2}),
        ("410 U.S. 113 and 42 U.S.C. § 1983", {"legal": 2}),
        ("Patent No. 1,234,567 and US1234567", {"patent": 2}),
        ("Box 12, Folder 3; fol. 33", {"archive": 2}),
        ("US Patent 4,123,456 and U.S. Pat. No. 5,123,456", {"patent": 2}),
        ("found again (Darwin 1859: 34) later", {"author_year": 1}),
        ("As McDonald (2019) shows, and O'Brien (2001) too", {"author_year": 2}),
        ("London, MS. Add. 1234; MSS. Harl. 7", {"archive": 2}),
    ],
)
def test_find_citations_by_style(text: str, counts: dict[str, int]) -> None:
    assert {style: len(spans) for style, spans in find_citations(NormalText(text)).items()} == counts


@pytest.mark.parametrize(
    "text",
    [
        "arr[0] = x[12] and list[3] a[1][2]",
        "1. Open the box in 2019. 2. Close it.",
        "(May 2019) (in 1999) (Figure 2, 2019) (2019)",
        "the square x² of y",
        "Then (2020) it ended.",
        "Open at 10:30; closed 2019; 12 to 14.",
        "Version 12(3) of volume 4; 3:45 in the film.",
        "a = [1, 2, 3] over the interval [0, 1] and the range [2, 5]",
        "She was diagnosed with MS. Symptoms came later; MS 12 years ago.",
        "DE 80331 Muenchen, Beverly Hills US 90210, STATUS 123456",
        "He was born in London (1901). The film Heat (1995), Titanic (1997). Avatar (2009) was long.",
        "He bowled 12 (3), 45-50 runs",
    ],
)
def test_find_citations_leaves_indices_steps_and_dates(text: str) -> None:
    assert sum(map(len, find_citations(NormalText(text)).values())) == 0
