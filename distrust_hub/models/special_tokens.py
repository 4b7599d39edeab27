"""Which special tokens a tokenizer puts around a text."""

from __future__ import annotations

from typing import Any


def closing_tokens(tokenizer: Any) -> int:
    """How many special tokens the tokenizer puts after a text: no part of a text that goes on."""
    bare, full = (list(tokenizer.encode("a", add_special_tokens=special)) for special in (False, True))
    added = len(full) - len(bare)
    before = next((i for i in range(added + 1) if full[i : i + len(bare)] == bare), added)
    return added - before
