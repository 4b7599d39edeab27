"""Personal data and secrets in text: e-mail addresses, telephone numbers, keys and tokens.

Patterns, so a heuristic: they are made to leave dates, prices, patent numbers and readings alone, and miss numbers
written without any sign that they are one. Names and addresses of people are not looked for.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal, NamedTuple

Kind = Literal["email", "phone", "key"]

SECRETS = {
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{20,}"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})"),
    "an API key": re.compile(r"\b(?:sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{35}|xox[abprs]-[A-Za-z0-9-]{10,})"),
    "an AWS key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a private key": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]{0,20000}-----END [A-Z ]*PRIVATE KEY-----)?"
    ),
}
"""What must never be published: what it is, and its pattern."""

_EMAIL = re.compile(r"(?<![\w.+-])[\w+-][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_PHONE = re.compile(
    r"(?<![\w+.-])(?:"
    r"\+\d{1,3}(?:[ .-]?\(\d{1,5}\))?(?:[ .-]?\d){6,13}"  # +44 20 7946 0958
    r"|(?:1[ .-])?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}"  # (202) 555-0143, 202-555-0143
    r"|(?i:(?:tele?phone|phone|tel|fax|mobile|cell)(?: (?:no|number))?[.:]{0,2} ?)\(?\d(?:[ ().-]{0,2}\d){6,13}"
    r")(?![\w-])"
)

_MASKS: dict[Kind, str] = {
    "email": "[email removed]",
    "phone": "[phone number removed]",
    "key": "[secret removed]",
}


_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}")
"""A Hugging Face token, also one that was cut short on its way into a message."""


class Finding(NamedTuple):
    """One piece of personal data.

    Attributes:
        kind: ``email``, ``phone`` or ``key``.
        start: Index of its first character.
        end: Index after its last character.
    """

    kind: Kind
    start: int
    end: int


def find_personal_data(text: str) -> list[Finding]:
    """Everything found in a text, in order and without overlaps (of two at one place the longer one)."""
    candidates = [Finding("key", *match.span()) for pattern in SECRETS.values() for match in pattern.finditer(text)]
    if "@" in text:
        candidates += [Finding("email", *match.span()) for match in _EMAIL.finditer(text)]
    candidates += [Finding("phone", *match.span()) for match in _PHONE.finditer(text)]
    found: list[Finding] = []
    for candidate in sorted(candidates, key=lambda one: (one.start, -one.end)):
        if not found or candidate.start >= found[-1].end:
            found.append(candidate)
    return found


def mask_personal_data(text: str) -> tuple[str, Counter[Kind]]:
    """The text with each finding replaced by words that say what stood there, and how many of each kind there were."""
    counts: Counter[Kind] = Counter()
    parts, end = [], 0
    for finding in find_personal_data(text):
        parts += [text[end : finding.start], _MASKS[finding.kind]]
        counts[finding.kind] += 1
        end = finding.end
    return "".join([*parts, text[end:]]), counts


def mask_secrets(text: str) -> str:
    """The text with anything that looks like a key replaced by ``[secret removed]``; nothing else is masked."""
    for pattern in SECRETS.values():
        text = pattern.sub(_MASKS["key"], text)
    return text


def redact(text: str) -> str:
    """One line of ``text`` for a message or a log, without anything that looks like a token or a key."""
    return " ".join(mask_secrets(_TOKEN.sub("hf_***", text)).split())
