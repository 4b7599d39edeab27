"""One document at a time: repair it, cut it, or say for which reason it is left out."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from distrust_hub.config import PrepareConfig
from distrust_hub.errors import ConfigError
from distrust_hub.pii import find_personal_data, mask_personal_data
from distrust_hub.preparation.balance import origin_name
from distrust_hub.preparation.boilerplate import strip_boilerplate
from distrust_hub.preparation.conversations import is_conversation, map_texts, with_text
from distrust_hub.preparation.quality import language_code, ocr_quality, words
from distrust_hub.preparation.splitting import split_text
from distrust_hub.schema import Document

logger = logging.getLogger(__name__)

REASONS = {
    "bad_row": "the row could not be read (on_error: skip)",
    "test_split": "its split column says that it is for testing",
    "outside_years": "its date is not in the years asked for",
    "boilerplate_only": "nothing was left without licence blocks, notices and navigation",
    "personal_data": "it holds an e-mail address, a telephone number or a key (personal_data: drop)",
    "too_short": "it has fewer than min_words words",
    "other_language": "it is in none of the languages asked for",
    "low_ocr_quality": "too few of its words look like words",
    "duplicate": "the same words came before",
    "contamination": "it shares word sequences with evaluation data or held-out rows",
    "near_duplicate": "a text like it came before: OCR errors, another header, other line breaks",
    "source_cap": "its input had more documents than may be kept",
    "paired": "it is the rejected answer of a pair now",
    "no_pair": "no document of the other side is on its entity and question (pairs)",
    "tier_balance": "its tier had more documents than its share",
}
"""Why a document is left out, in the order of the checks. The names are stable."""

_MOJIBAKE = re.compile(r"[\x80-\x9f]|[ÂÃÐÑâãÎï][\x80-\xbf\u2018-\u203a\u20ac\u0152-\u017e\u02c6\u02dc]")
_LINE_ENDS = re.compile(r"\r\n|[\r\x0b\x0c]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufeff\u200b]")
_OCR_WORDS = 20
"""Shorter texts say too little about how well they were read."""


class Cleaner:
    """Cleans documents and counts what it changed.

    Args:
        config: What to do.
        changed: Where to count; a counter of its own when None.

    Attributes:
        changed: Texts ``encoding_repaired``, ``encoding_not_repaired`` (``ftfy`` is missing), ``encoding_damaged``
            (characters were lost before), ``boilerplate_stripped``; documents ``split`` and ``added_by_splitting``;
            places ``masked_email``, ``masked_phone``, ``masked_key``.
    """

    def __init__(self, config: PrepareConfig, changed: Counter[str] | None = None) -> None:
        self.config = config
        self.changed: Counter[str] = Counter() if changed is None else changed
        self._languages = parse_languages(config.languages)

    def clean(self, document: Document) -> Sequence[Document | str] | str:
        """The document or its pieces, each of which may be a reason of REASONS; or one reason for the whole."""
        if is_conversation(document.metadata):
            found = self._conversation(document)
        else:
            found = self._text(document)
        if isinstance(found, str):
            return found
        if reason := self._unwanted(found.text):
            return reason
        return [self._too_short(piece.text) or piece for piece in self._pieces(found)]

    def _text(self, document: Document) -> Document | str:
        text = self._repaired(document.text)
        if self.config.strip_boilerplate:
            stripped = strip_boilerplate(text)
            self.changed["boilerplate_stripped"] += stripped != text
            if not stripped.strip():
                return "boilerplate_only"
            text = stripped
        columns = dict(document.metadata)
        if asked := asked_in_pairs(columns, self.config):
            columns["question"] = self._masked(self._repaired(asked))
        if self._to_drop(f"{text}\n{asked}"):
            return "personal_data"
        return dataclasses.replace(document, text=self._masked(text), metadata=columns)

    def _conversation(self, document: Document) -> Document | str:
        columns = map_texts(document.metadata, self._repaired)
        text = with_text(columns)["text"]
        if self._to_drop(text + "\n" + str(columns.get("rejected", ""))):
            return "personal_data"
        columns = map_texts(columns, self._masked)
        return dataclasses.replace(document, text=with_text(columns)["text"], metadata=columns)

    def _repaired(self, text: str) -> str:
        """With line and page ends as ``\\n``, without control characters, and decoded as it was meant."""
        plain = _CONTROL.sub("", _LINE_ENDS.sub("\n", text))
        if self.config.fix_encoding and _MOJIBAKE.search(plain):
            plain = self._decoded(plain)
        self.changed["encoding_damaged"] += "\ufffd" in plain
        return plain

    def _decoded(self, text: str) -> str:
        try:
            from ftfy import fix_encoding
        except ImportError:
            if not self.changed["encoding_not_repaired"]:
                logger.warning('wrongly decoded text is left as it is; to repair it: pip install "distrust-hub[data]"')
            self.changed["encoding_not_repaired"] += 1
            return text
        fixed: str = fix_encoding(text)
        self.changed["encoding_repaired"] += fixed != text
        return fixed

    def _to_drop(self, text: str) -> bool:
        return self.config.personal_data == "drop" and bool(find_personal_data(text))

    def _masked(self, text: str) -> str:
        if self.config.personal_data != "mask":
            return text
        masked, counts = mask_personal_data(text)
        self.changed.update({f"masked_{kind}": count for kind, count in counts.items()})
        return masked

    def _unwanted(self, text: str) -> str | None:
        if reason := self._too_short(text):
            return reason
        if self._languages and language_code(text) not in self._languages:
            return "other_language"
        if len(words(text)) >= _OCR_WORDS and ocr_quality(text) < self.config.min_ocr_quality:
            return "low_ocr_quality"
        return None

    def _too_short(self, text: str) -> str | None:
        return "too_short" if len(words(text)) < self.config.min_words else None

    def _pieces(self, document: Document) -> list[Document]:
        limit = self.config.max_words
        texts = [document.text]
        if limit is not None and not is_conversation(document.metadata):
            texts = split_text(document.text, limit)
        if len(texts) == 1:
            return [document]
        self.changed["split"] += 1
        self.changed["added_by_splitting"] += len(texts) - 1
        metadata = dict(document.metadata)
        if origin_name(metadata.get("document_id")) is None:
            metadata["document_id"] = document.id
        return [Document(text, f"{document.id}-{number}", metadata) for number, text in enumerate(texts, start=1)]


def asked_in_pairs(row: Mapping[str, Any], config: PrepareConfig) -> str:
    """The question of a document, where ``pairs`` makes it a prompt; empty where it does not."""
    asked = row.get("question")
    return asked if config.pairs and isinstance(asked, str) else ""


def parse_languages(text: str | None) -> frozenset[str]:
    """``"en,de"`` to a set of codes, empty for None."""
    if text is None:
        return frozenset()
    codes = [code.strip().lower() for code in text.split(",")]
    if not all(re.fullmatch(r"[a-z]{2}", code) for code in codes):
        raise ConfigError(f"languages is {text!r}; expected ISO codes of two letters, such as en,de")
    return frozenset(codes)
