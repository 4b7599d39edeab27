"""How much one visitor may ask for, and the messages that say so at once."""

from __future__ import annotations

from dataclasses import dataclass

from distrust_hub.errors import ConfigError, DataError


@dataclass(frozen=True)
class Limits:
    """Bounds of the app; the defaults suit a public Space with 2 cores.

    Attributes:
        text_chars: Characters of one text to score.
        upload_bytes: Size of one uploaded file.
        rows: Rows of a file, or lines of a citation list.
        message_chars: Characters of one chat message.
        history_messages: Messages of a conversation sent to the model; older ones are left out.
        reply_tokens: Longest reply a visitor can ask for.
        chat_requests: Chat requests running or waiting with their place shown; further ones wait in the page's queue.
        queue_length: Requests that may wait; the next one is told to come back.
    """

    text_chars: int = 50_000
    upload_bytes: int = 5_000_000
    rows: int = 1_000
    message_chars: int = 4_000
    history_messages: int = 20
    reply_tokens: int = 512
    chat_requests: int = 10
    queue_length: int = 40

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ConfigError(f"{name} is {value}; expected 1 or more")

    def check_text(self, text: str) -> None:
        """Raise DataError if a text to score is too long."""
        if len(text) > self.text_chars:
            raise DataError(
                f"the text has {len(text):,} characters and the app takes {self.text_chars:,}; shorten it, or score it "
                "on your machine: distrust-hub score FILE -o scored.jsonl"
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
                f"there are more than {self.rows:,} rows, the most the app takes; score the file on your machine: "
                "distrust-hub score FILE -o scored.jsonl"
            )
