"""Personal data and secrets in text: e-mail addresses, telephone numbers, keys and tokens.

Patterns, so a heuristic: they are made to leave dates, prices, patent numbers and readings alone, and miss numbers
written without any sign that they are one. A telephone number with a country code or in the North American form must
be one that is given out there (``phonenumbers``, Google's tables); after a label such as ``Tel.:`` any number counts.
Names and addresses of people are not looked for.

Where a pattern can, it starts with a letter or sign and looks behind it afterwards: that is ten times as fast as the
look-behind in front.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["email", "phone", "key"]

SECRETS = {
    "a Hugging Face token": re.compile(r"hf_(?<![A-Za-z0-9]hf_)[A-Za-z0-9]{20,}"),
    "a Hugging Face organisation token": re.compile(r"api_org_[A-Za-z0-9]{20,}"),
    "a GitHub token": re.compile(r"g(?:h[pousr]_[A-Za-z0-9]{30,}|ithub_pat_\w{30,})"),
    "a GitLab token": re.compile(r"gl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent)-[\w-]{20,}"),
    "an npm token": re.compile(r"npm_[A-Za-z0-9]{36}"),
    "a PyPI token": re.compile(r"pypi-[\w-]{50,}"),
    "an API key": re.compile(  # a digit and a long run, which words with hyphens do not have
        r"sk-(?<![A-Za-z0-9]sk-)(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Za-z0-9]{16})[\w-]{20,}"
    ),
    "a Stripe key": re.compile(r"sk_(?:live|test)_[A-Za-z0-9]{16,}"),
    "a restricted Stripe key": re.compile(r"rk_(?:live|test)_[A-Za-z0-9]{16,}"),
    "a Google key": re.compile(r"AIza[\w-]{35}"),
    "a Google token": re.compile(r"ya29\.[\w-]{20,}"),
    "a Slack token": re.compile(r"x(?:ox[a-z]|app)-(?=[A-Za-z-]{0,20}\d)[A-Za-z0-9-]{10,}"),
    "a SendGrid key": re.compile(r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    "a JSON web token": re.compile(r"eyJ(?<![\w-]eyJ)[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "an AWS key": re.compile(r"A(?:KI|SI)A(?<![A-Za-z0-9]....)[0-9A-Z]{16}\b"),
    "an AWS secret key": re.compile(
        r"(?i:secret[_-]?access[_-]?key)[\"']?\s{0,3}[=:]\s{0,3}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    ),
    "a private key": re.compile(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?:[^-]|-(?!----)){0,20000}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
    ),
}
"""What must never be published: what it is, and its pattern."""

_EMAIL = re.compile(
    r"(?<![\w.+-])(?!git@)[\w+-][\w.+-]{0,63}@(?:[\w-]{1,63}\.){1,8}(?:[A-Za-z]{2,24}(?![A-Za-z0-9_-])|[^\W\d_]{2,24}\b)"
)

_SPACE = r" \u00a0\u2007\u2009\u202f"
_DASH = r"\u2010-\u2015\u2212\-"
_GAP = rf"(?:\.|[{_SPACE}{_DASH}()/]{{1,3}})"
"""What may stand between two digits of a telephone number; a full stop and a space end it."""

_COUNTRY_CODES = (
    re.compile(rf"\+(?<![\w+.-]\+)(?!\d{{1,3}}\.\d{{4}})\d(?:{_GAP}?\d){{6,16}}(?!\w)"),  # +44 20 7946 0958
    re.compile(rf"00(?<![\w+.,:-]00){_GAP}?[1-9](?:{_GAP}?\d){{6,16}}(?!\w)"),  # 0044 20 7946 0958
)
_LAST_GROUP = re.compile(rf"{_GAP}\d+$")
_AMERICAN_END = re.compile(rf"\d[.{_SPACE}{_DASH}]\d{{4}}")
_AMERICAN = re.compile(
    r"(?:https?://|www\.|(?<![\w.])10\.\d{4,9}/)[^\s<>\"')\]]{1,400}"  # no number is looked for in an address or DOI
    rf"|(?<![\w+.-])(?P<number>(?:1[ .-])?(?:\([2-9]\d\d\)[{_SPACE}]?[2-9]\d\d[.{_SPACE}{_DASH}]"
    rf"|[2-9]\d\d[.{_DASH}][2-9]\d\d[.{_DASH}])\d{{4}})(?![\w-])"
)
_DIGITS = re.compile(rf"\d(?:{_GAP}?\d){{5,14}}(?!\w)")
_LABEL = re.compile(
    r"(?i:(?<![^\W\d_])(?:(?P<short>t[ée]l|tlf|тел)"
    r"|t[ée]l[ée](?:phone|f[oó]n[oe]?|foon|fax)|phone|fax|mob(?:ile?)?|m[óo]vil|cell(?:phone|ular|ulare)?|celular"
    r"|handy|whatsapp|телефон|моб)"
    r"(?P<word>[ .]{1,2}(?:no|nr|number)\b)?(?P<end>[ \u00a0\u202f.:：]{0,4})\+?\(?\+?)$"
)
_LABEL_CHARACTERS = 32
_DATES = re.compile(rf"(?:1[5-9]|20)\d\d(?:{_GAP}(?:1[5-9]|20)\d\d)+|\d{{4}}-\d\d-\d\d|\d\d?[./-]\d\d?[./-]\d{{4}}")

_MASKS: dict[Kind, str] = {
    "email": "[email removed]",
    "phone": "[phone number removed]",
    "key": "[secret removed]",
}


_TOKEN = re.compile(r"hf_(?<![A-Za-z0-9]hf_)[A-Za-z0-9]{8,}")
"""A Hugging Face token, also one that was cut short on its way into a message."""

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
"""Name and password in an address."""


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
    for phones in (_with_country_code, _american, _labelled):
        candidates += [Finding("phone", start, end) for start, end in phones(text)]
    found: list[Finding] = []
    for candidate in sorted(candidates, key=lambda one: (one.start, -one.end)):
        if not found or candidate.start >= found[-1].end:
            found.append(candidate)
    return found


def _with_country_code(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _COUNTRY_CODES:
        for match in pattern.finditer(text):
            number = _given_out(match[0])
            if number and not (number.isdigit() and number.startswith("00")):  # 0012345678905: padded with zeros
                opened = text[match.start() - 1 : match.start()] == "(" and number.count(")") > number.count("(")
                yield match.start() - opened, match.start() + len(number)  # (+44) 20 7946 0958 with its bracket


def _given_out(candidate: str) -> str:
    """The number a candidate with a country code starts with, empty if there is none."""
    for _ in range(3):  # up to two groups of digits may belong to what follows
        if _is_given_out(_digits(candidate).removeprefix("00")):
            return candidate
        candidate = _LAST_GROUP.sub("", candidate)
    return ""


def _is_given_out(digits: str) -> bool:
    from phonenumbers import NumberParseException, is_valid_number, parse

    try:
        return bool(is_valid_number(parse(f"+{digits}")))
    except NumberParseException:
        return False


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _american(text: str) -> Iterator[tuple[int, int]]:
    """(202) 555-0143, 202-555-0143."""
    if _AMERICAN_END.search(text):
        for match in _AMERICAN.finditer(text):
            if match["number"] and _is_given_out("1" + _digits(match["number"])[-10:]):
                yield match.span()


def _labelled(text: str) -> Iterator[tuple[int, int]]:
    """Tel. 030/1234567, with its label: a number of any country."""
    for match in _DIGITS.finditer(text):
        before = max(0, match.start() - _LABEL_CHARACTERS)
        label = _LABEL.search(text[before : match.start()])
        if label and _belongs(label, match[0]) and not _DATES.fullmatch(match[0]):
            yield before + label.start(), match.end()


def _belongs(label: re.Match[str], number: str) -> bool:
    """Without a sign between them ("fuel cell 12 345 678") only what starts with a 0 as numbers do, and is as long."""
    end = label["end"]
    if ":" in end or "：" in end or label["word"] or label["short"]:
        return True
    return number.startswith("0") and len(_digits(number)) >= 9


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
    """One line of ``text`` for a message or a log, without tokens, keys, and names and passwords in addresses."""
    return " ".join(mask_secrets(_TOKEN.sub("hf_***", _LOGIN.sub("", text))).split())
