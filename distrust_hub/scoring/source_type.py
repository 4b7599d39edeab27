"""Which of the known source types a text is of, with a probability."""

from __future__ import annotations

import math

from distrust_hub.schema import SOURCE_TYPES
from distrust_hub.scoring.calibration import calibration
from distrust_hub.scoring.metadata import SourceHint
from distrust_hub.scoring.style import Style


def source_type_of(style: Style, stated: SourceHint | None, hint: SourceHint | None) -> tuple[str | None, float]:
    """The source type to report: the row's own, else what the text reads like with what address or publisher suggest.

    Returns:
        Name and probability; (None, 0.0) where neither words of a known language nor metadata say anything.
    """
    if stated is not None:
        return stated.source_type, 1.0
    if hint is None and style.share == 0.0:
        return None, 0.0
    odds = style.types.tolist()
    if hint is not None:
        odds[SOURCE_TYPES.index(hint.source_type)] *= math.exp(calibration().constants["source_hint_logit"])
    most = max(odds)
    return SOURCE_TYPES[odds.index(most)], most / sum(odds)


def source_type_origin(stated: SourceHint | None, hint: SourceHint | None) -> str:
    """Where the source type was read: ``metadata:<field>``, ``text`` or ``text, metadata:<field>``."""
    if stated is not None:
        return f"metadata:{stated.field}"
    return f"text, metadata:{hint.field}" if hint else "text"
