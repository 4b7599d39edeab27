"""Apple's M chips: what their announcements say of GPU, memory and bandwidth.

Every row names the pages it was read from. A figure that none of the pages gives is None, not a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class AppleChip:
    """A chip at its largest; Macs were sold with less.

    Attributes:
        name: As macOS calls it, without "Apple".
        gpu_cores: Most GPU cores.
        memory_gb: Most unified memory, in GB.
        bandwidth_gb_s: Highest memory bandwidth, in GB a second; None where no page says.
        pages: Where the figures were read.
    """

    name: str
    gpu_cores: int
    memory_gb: int
    bandwidth_gb_s: int | None
    pages: tuple[str, ...]


_M1 = "https://www.somagnews.com/from-the-m1-to-the-m1-ultra-see-the-specifications-of-apples-chips/"
_M1_PRO_MAX = "https://9to5mac.com/2021/10/18/apple-unveils-next-generation-m1-pro-and-m1-max-chips-for-new-macs/"
_M1_ULTRA = "https://www.idownloadblog.com/2022/03/08/apple-m1-ultra-initial-features/"
_M2 = "https://www.macrumors.com/2022/06/06/apple-announces-m2-chip-with-support-for-up-to-24gb-memory/"
_M2_PRO_MAX = "https://www.iphoneincanada.ca/mac/apple-unveils-m2-pro-and-m2-max-its-most-powerful-chips-yet/"
_M2_ULTRA = "https://propakistani.pk/2023/06/06/apple-m2-ultra-chip-unveiled-for-mac-pro-and-mac-studio/"
_M3_ALL = "http://thecekodok.com/2023/10/apple-introduces-new-chip-series-m3-m3.html"
_M3_BANDWIDTH = "https://www.macrumors.com/guide/apple-silicon-buyers-guide/"
_M3_ULTRA = (
    "https://bgr.com/tech/inside-apples-new-m3-ultra-processor/",
    "https://cloudbrain.in/apple-unveils-m3-ultra-and-indicates-not-every-generation-will-feature-an-ultra-chip",
)
_M4_ALL = "https://www.neowin.net/news/apple-launches-new-m4-pro-and-m4-max-processors/"
_M5 = "https://the-decoder.com/apples-m5-chip-brings-faster-ai-to-macbook-ipad-and-vision-pro/"
_M5_PRO_MAX = "https://www.lowyat.net/2026/385170/apple-m5-pro-m5-max"

APPLE_CHIPS = (
    AppleChip("M1", 8, 16, None, (_M1,)),
    AppleChip("M1 Pro", 16, 32, 200, (_M1_PRO_MAX,)),
    AppleChip("M1 Max", 32, 64, 400, (_M1_PRO_MAX,)),
    AppleChip("M1 Ultra", 64, 128, 800, (_M1_ULTRA,)),
    AppleChip("M2", 10, 24, 100, (_M2,)),
    AppleChip("M2 Pro", 19, 32, 200, (_M2_PRO_MAX,)),
    AppleChip("M2 Max", 38, 96, 400, (_M2_PRO_MAX,)),
    AppleChip("M2 Ultra", 76, 192, 800, (_M2_ULTRA,)),
    AppleChip("M3", 10, 24, None, (_M3_ALL,)),
    AppleChip("M3 Pro", 18, 36, 150, (_M3_ALL, _M3_BANDWIDTH)),
    AppleChip("M3 Max", 40, 128, 400, (_M3_ALL, _M3_BANDWIDTH)),
    AppleChip("M3 Ultra", 80, 512, 800, _M3_ULTRA),
    AppleChip("M4", 10, 32, 120, (_M4_ALL,)),
    AppleChip("M4 Pro", 20, 64, 273, (_M4_ALL,)),
    AppleChip("M4 Max", 40, 128, 546, (_M4_ALL,)),
    AppleChip("M5", 10, 32, 153, (_M5,)),
    AppleChip("M5 Pro", 20, 64, 307, (_M5_PRO_MAX,)),
    AppleChip("M5 Max", 40, 128, 614, (_M5_PRO_MAX,)),
)
_BY_NAME = {chip.name: chip for chip in APPLE_CHIPS}
_NAME = re.compile(r"\s*(?:apple\s+)?m(\d+)(?:\s+(pro|max|ultra))?\s*", re.IGNORECASE)


def apple_chip(name: str) -> AppleChip | None:
    """The chip of a name such as ``Apple M3 Pro`` or ``m3 pro``; None for any other."""
    match = _NAME.fullmatch(name)
    return _BY_NAME.get(f"M{match[1]} {(match[2] or '').title()}".strip()) if match else None
