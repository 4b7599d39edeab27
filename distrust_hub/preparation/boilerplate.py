"""What stands around a text without belonging to it: licence blocks of e-books, notices of scanners, navigation."""

from __future__ import annotations

import re
from itertools import groupby

_GUTENBERG_START = re.compile(
    r"^\W{0,5}START OF (?:THE |THIS )?PROJECT GUTENBERG[^\n]*\n", re.IGNORECASE | re.MULTILINE
)
_GUTENBERG_END = re.compile(
    r"^(?:\W{0,5}END OF (?:THE |THIS )?PROJECT GUTENBERG|End of (?:the )?Project Gutenberg'?s? )",
    re.IGNORECASE | re.MULTILINE,
)
_SMALL_PRINT_END = re.compile(r"^\*END\*? ?THE SMALL PRINT[^\n]*\n", re.IGNORECASE | re.MULTILINE)

_NOTICE = re.compile(
    r"this is a digital copy of a book that was preserved for generations"
    r"|digitized by (?:the )?(?:internet archive|google|microsoft)"
    r"|generated (?:on|for) .{0,80}(?:hathitrust|public domain, google-digitized)"
    r"|(?:public domain|creative commons).{0,20}google-digitized"
    r"|early journal content on jstor"
    r"|this e-?(?:book|text) is for the use of anyone anywhere"
    r"|(?:this e-?(?:book|text) was )?(?:produced|transcribed|prepared|scanned) by .{0,200}distributed proofread"
    r"|project gutenberg-?tm|gutenberg literary archive foundation",
    re.IGNORECASE | re.DOTALL,
)
"""How a paragraph or line reads that a library, scanner or archive put before the text or on a page."""

_NOTICE_WORDS = 100
"""What is longer holds more than a notice."""

_EDGE_PARTS = 20
"""Paragraphs and the gaps between them, from either end, among which notices are looked for."""

_NAVIGATION = re.compile(
    r"skip (?:navigation|to (?:the )?(?:(?:main|page|site|primary|article|search)[ -]?){0,2}"
    r"(?:content|navigation|nav|menu|search|results|footer|header|sidebar)\b.{0,30})"
    r"|back to top|return to top|jump to (?:navigation|search|content).*"
    r"|(?:sign|log) ?(?:in|up|out)|subscribe (?:now|to our newsletter)"
    r"|(?:tweet|print|email|share) this(?: (?:page|article))?|follow us(?: on .{0,30})?"
    r"|(?:previous|next) (?:page|post|article|chapter)|read more.{0,3}|main menu"
    r"|(?:accept|manage) (?:all )?cookies|(?:this|our) (?:web)?site uses cookies.*"
    r"|(?:©|\(c\)|copyright\b).{0,80}all rights reserved\.?|terms of (?:use|service)|privacy policy"
    r"|an official website of the .{0,60}government.{0,40}",
    re.IGNORECASE,
)
"""A whole line of a web page's frame."""

_COMMON = re.compile(
    r"register|subscribe|share|tweet|print|email|previous|next|menu|search|home|advertisement|news|help|about(?: us)?"
    r"|contact(?: us)?",
    re.IGNORECASE,
)
"""A line that is as likely part of the text, unless others like it stand around it."""

_MENU_SEPARATORS = re.compile(r"\s[|»›·•]\s")
_MENU_WORDS = 4
_FRAME = 3
"""Weight of a line that is surely navigation, and of neighbours that together are."""


def strip_boilerplate(text: str) -> str:
    """The text without what libraries and web pages put around it; unchanged where nothing is found."""
    stripped = _without_gutenberg(text)
    stripped = _without_notices(stripped)
    stripped = _without_navigation(stripped)
    return text if stripped == text else stripped.strip()


def _without_gutenberg(text: str) -> str:
    if "gutenberg" not in text.lower():
        return text
    starts = [match.end() for match in (_GUTENBERG_START.search(text), _SMALL_PRINT_END.search(text)) if match]
    text = text[max(starts, default=0) :]
    end = _GUTENBERG_END.search(text)
    return text[: end.start()] if end else text


def _without_notices(text: str) -> str:
    """Without notices; whole paragraphs only at the start and the end, where they stand."""
    if not _NOTICE.search(text):
        return text
    paragraphs = re.split(r"(\n\s*\n)", text)
    kept = [
        part if _EDGE_PARTS <= place < len(paragraphs) - _EDGE_PARTS else _without_notice(part)
        for place, part in enumerate(paragraphs)
    ]
    return "".join(kept)


def _without_notice(paragraph: str) -> str:
    """Nothing of a short paragraph that starts as a notice; of others what is left without such lines."""
    notice = _NOTICE.search(paragraph)
    if notice is None:
        return paragraph
    if "\n" not in paragraph[: notice.start()].lstrip() and len(paragraph.split()) <= _NOTICE_WORDS:
        return ""
    lines = paragraph.split("\n")
    return "\n".join(line for line in lines if len(line.split()) > _NOTICE_WORDS or not _NOTICE.search(line))


def _without_navigation(text: str) -> str:
    lines = text.split("\n")
    filled = [(number, line.strip()) for number, line in enumerate(lines) if line.strip()]
    around = ["", *(line for _, line in filled), ""]
    weights = [_weight(line, before, after) for (_, line), before, after in zip(filled, around, around[2:])]
    frame: set[int] = set()
    for is_frame, run in groupby(zip(filled, weights), key=lambda one: one[1] > 0):
        places = list(run)
        if is_frame and sum(weight for _, weight in places) >= _FRAME:
            frame.update(number for (number, _), _ in places)
    if not frame:
        return text
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line for number, line in enumerate(lines) if number not in frame))


def _weight(line: str, before: str, after: str) -> int:
    """How much a line between two others looks like navigation: 0 for text."""
    if len(line) > 200:
        return 0
    if _NAVIGATION.fullmatch(line):
        return _FRAME
    if _COMMON.fullmatch(line):
        return 1
    parts = _MENU_SEPARATORS.split(line)
    bars = line.count("|")
    if len(parts) < 3 or line.startswith("|") or (bars and bars in (before.count("|"), after.count("|"))):
        return 0  # of a table other rows stand around it
    if not all(0 < len(part.split()) <= _MENU_WORDS and not re.search(r"\d|[.!?;]", part) for part in parts):
        return 0
    return _FRAME if any(_COMMON.fullmatch(part) or _NAVIGATION.fullmatch(part) for part in parts) else 1
