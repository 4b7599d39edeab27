"""Where real text for development may be; it is not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def dev_data(name: str) -> Path | None:
    """Path of a development file (``DISTRUST_HUB_DEV_DATA``, default ``../shared/data``), None where it is absent."""
    folder = Path(os.environ.get("DISTRUST_HUB_DEV_DATA", ROOT.parent / "shared" / "data"))
    path = folder / name
    return path if path.is_file() else None
