"""How much one visitor may ask for, and the messages that say so at once."""

from __future__ import annotations

from dataclasses import dataclass

from distrust_hub.config import _Config, option
from distrust_hub.errors import DataError

_ON_YOUR_MACHINE = "on your machine: distrust-hub score FILE -o scored.jsonl"


@dataclass(frozen=True)
class Limits(_Config):
    """Bounds of the app, options of ``distrust-hub app``; the defaults suit a public Space with 2 cores."""

    text_chars: int = option(50_000, "characters of one text to score", low=1)
    upload_bytes: int = option(5_000_000, "bytes of one uploaded file", low=1)
    rows: int = option(1_000, "rows of a file, or lines of a citation list", low=1)
    pdf_pages: int = option(50, "pages read of a PDF; a longer one is refused", low=1)
    file_seconds: int = option(60, "seconds for reading a PDF, and for scoring a file", low=1)
    message_chars: int = option(4_000, "characters of one chat message", low=1)
    history_messages: int = option(20, "messages sent to the model; older ones are left out", low=1)
    reply_tokens: int = option(512, "tokens of the longest reply", low=16)
    reply_seconds: int = option(120, "seconds of the longest reply", low=1)
    adapter_bytes: int = option(200_000_000, "bytes of an adapter that is fetched for a visitor", low=1)
    adapters_bytes: int = option(5_000_000_000, "bytes of all adapters fetched for visitors until a restart", low=1)
    chat_requests: int = option(20, "visitors whose chat reply runs or waits, with their place shown", low=1, high=200)
    queue_length: int = option(40, "requests that may wait; the next one is told to come back", low=1)

    def check_text(self, text: str) -> None:
        """Raise DataError if a text to score is too long."""
        if len(text) > self.text_chars:
            raise DataError(
                f"the text has {len(text):,} characters and the app takes {self.text_chars:,}; shorten it, or score it "
                f"{_ON_YOUR_MACHINE}"
            )

    def check_upload(self, size_bytes: int, name: str) -> None:
        """Raise DataError if a file is too large."""
        if size_bytes > self.upload_bytes:
            raise DataError(
                f"{size_bytes / 1e6:.1f} MB is more than the {self.upload_bytes / 1e6:g} MB the app takes; score the "
                f"file {_ON_YOUR_MACHINE}",
                path=name,
            )

    def check_message(self, message: str) -> None:
        """Raise DataError if a chat message is empty or too long."""
        if not message.strip():
            raise DataError("the message is empty; write something first")
        if len(message) > self.message_chars:
            raise DataError(
                f"the message has {len(message):,} characters and the app takes {self.message_chars:,}; shorten it"
            )

    def check_rows(self, rows: int) -> None:
        """Raise DataError if there are too many rows."""
        if rows > self.rows:
            raise DataError(
                f"there are more than {self.rows:,} rows, the most the app takes; score the file {_ON_YOUR_MACHINE}"
            )
