"""JSON that somebody else may have written, read without surprises."""

from __future__ import annotations

from typing import Any


class Facts(dict[str, Any]):
    """A JSON object whose missing keys are None, all the way down; anything but an object counts as empty."""

    def __missing__(self, key: str) -> None:
        return None

    @classmethod
    def of(cls, value: object) -> Facts:
        """Wrap a JSON value."""
        pairs = value.items() if isinstance(value, dict) else ()
        return cls({str(key): cls.of(entry) if isinstance(entry, dict) else entry for key, entry in pairs})


def whole_number(*values: object) -> int | None:
    """The first that is a whole number."""
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), None)


def as_list(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
