"""What stands around a text without belonging to it: licence blocks of e-books, notices of scanners, navigation."""

from __future__ import annotations

import re

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
"""How a paragraph reads that a library, scanner or archive put before the text."""

_EDGE_PARTS = 20
"""Paragraphs and the gaps between them, from either end, among which notices are looked for."""

_NAVIGATION = re.compile(
    r"(?:skip (?:to|navigation)\b.*|back to top|return to top|jump to (?:navigation|search|content).*"
    r"|(?:sign|log) ?(?:in|up|out)|register|subscribe(?: now| to our newsletter)?|share(?: this(?: page| article)?)?"
    r"|(?:tweet|print|email|share)(?: this)?(?: (?:page|article))?|follow us(?: on .{0,30})?"
    r"|(?:previous|next)(?: (?:page|post|article|chapter))?|read more.{0,3}|(?:main )?menu|search|home|advertisement"
    r"|(?:accept|manage) (?:all )?cookies|(?:this|our) (?:web)?site uses cookies.*"
    r"|(?:©|\(c\)|copyright\b).{0,80}all rights reserved\.?|terms of (?:use|service)|privacy policy"
    r"|an official website.*)",
    re.IGNORECASE,
)
"""A whole line of a web page's frame."""

_MENU_SEPARATORS = re.compile(r"\s[|»›·•]\s")
_MENU_WORDS = 4


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
    """Without paragraphs that are a notice; only at the start and the end, where they stand."""
    if not _NOTICE.search(text):
        return text
    paragraphs = re.split(r"(\n\s*\n)", text)
    kept = [
        part
        for place, part in enumerate(paragraphs)
        if _EDGE_PARTS <= place < len(paragraphs) - _EDGE_PARTS or not _NOTICE.search(part)
    ]
    return "".join(kept)


def _without_navigation(text: str) -> str:
    lines = text.split("\n")
    kept = [line for line in lines if not _is_navigation(line.strip())]
    return text if len(kept) == len(lines) else re.sub(r"\n{3,}", "\n\n", "\n".join(kept))


def _is_navigation(line: str) -> bool:
    if not line or len(line) > 200:
        return False
    if _NAVIGATION.fullmatch(line):
        return True
    parts = _MENU_SEPARATORS.split(line)
    short = all(0 < len(part.split()) <= _MENU_WORDS and not re.search(r"\d|[.!?;]", part) for part in parts)
    return len(parts) >= 3 and short
