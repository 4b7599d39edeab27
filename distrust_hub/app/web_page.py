"""Text of a web page. No gradio here."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

_SKIPPED_TAGS = ("script", "style", "head", "noscript", "template")
_BLOCK_TAGS = ("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "section", "article")


def html_text(source: str) -> str:
    """The readable text of an HTML page: no tags, scripts, styles or comments.

    The time can grow with the square of the length: pages of strangers are read in a process of their own, see
    ``extraction``.
    """
    reader = _TextOfHtml()
    reader.feed(source)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line)


class _TextOfHtml(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "body":  # its start also ends a head that nothing closes
            self._skipping = 0
        elif tag in _SKIPPED_TAGS:
            self._skipping += 1
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED_TAGS:
            self._skipping = max(0, self._skipping - 1)
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.parts.append(data)
