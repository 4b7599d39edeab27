"""Values of artifacts as safe card text.

Names, ids and licences in an artifact may come from anybody. Every value a template prints passes ``finalize``,
which escapes it for Markdown, HTML and table cells, unless a filter here has already made it ``Safe``.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from typing import Any

from distrust_hub.files import well_formed

NOT_MEASURED = "not measured"

_MAX_CHARACTERS = 300
_MAX_BYTES = 1e24
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&!])")
_BLOCK = re.compile(r"^(\d{0,9})((?<=\d)[.)]|(?<!\d)[#+=-])")
"""What makes a heading, list or rule of a text that stands first in its block."""
_PLAIN_CODE = re.compile(r"[\w .,:;/@+=%()#'\"-]+")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)


class Safe(str):
    """Text that is Markdown already."""


def clean(value: object) -> str:
    """One line: control, bidirectional and invisible characters become spaces, lone surrogates ``?``."""
    text = " ".join(_CONTROL.sub(" ", well_formed(str(value))).split())
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"


def escape(value: object) -> Safe:
    """Text that renders as exactly its characters: no markup, HTML, link or table cell."""
    text = _SPECIAL.sub(r"\\\1", clean(value)).replace("://", r"\://").replace("www.", r"www\.")
    return Safe(_BLOCK.sub(r"\1\\\2", text))


def finalize(value: Any) -> str:
    """What ``{{ value }}`` prints: None is "not measured", numbers are rounded, text is escaped."""
    if isinstance(value, Safe):
        return value
    if value is None or value == "":
        return NOT_MEASURED
    if isinstance(value, (bool, int, float)):
        return number(value)
    return escape(value)


def code(value: object) -> Safe:
    """An inline code span, or escaped text where a span could be broken out of; None is "not measured"."""
    if value is None or value == "":
        return Safe(NOT_MEASURED)
    text = clean(value)
    return Safe(f"`{text}`") if _PLAIN_CODE.fullmatch(text) else escape(text)


def number(value: object) -> Safe:
    """A number with thousands separators and about four digits that matter; else "not measured"."""
    if isinstance(value, bool):
        return Safe("yes" if value else "no")
    if isinstance(value, int):
        return Safe(f"{value:,}")
    if not isinstance(value, float) or not math.isfinite(value):
        return Safe(NOT_MEASURED)
    if abs(value) < 1 or abs(value) >= 1e9:
        return Safe(f"{value:.4g}")
    return Safe(f"{value:,.{1 if abs(value) >= 100 else 3}f}".rstrip("0").rstrip("."))


def interval(value: object) -> Safe:
    """``[low, high]`` of a 95 % interval, or "not measured"."""
    if not isinstance(value, (list, tuple)) or len(value) != 2 or NOT_MEASURED in (ends := [*map(number, value)]):
        return Safe(NOT_MEASURED)
    return Safe(f"{ends[0]} to {ends[1]}")


def size(value: object) -> Safe:
    """Bytes as MB or GB (powers of ten), or "not measured"."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < _MAX_BYTES:
        return Safe(NOT_MEASURED)
    return Safe(f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB")


def python_literal(value: object) -> Safe:
    """A string literal for a Python code block."""
    return Safe(json.dumps(clean(value), ensure_ascii=False).replace("`", "\\u0060"))


def shell_word(value: object) -> Safe:
    """One argument for a shell code block."""
    return Safe(shlex.quote(clean(value).replace("`", "'")))
