"""From rows to token ids: text split into windows, chats with their prompt masked, preference pairs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from distrust_hub.errors import DataError
from distrust_hub.models.special_tokens import closing_tokens
from distrust_hub.objective import signed_core
from distrust_hub.schema import COLUMN_ALIASES, TIERS, Document, ScoredDocument, text_id
from distrust_hub.scoring.document import tier_of
from distrust_hub.training.contents import Message, chat_of, messages_of, pair_of, text_of
from distrust_hub.training.rows import Row

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Scores:
    """Scores of the document an example is from.

    Attributes:
        authority_weight: 0 to 0.99.
        provenance_entropy: Bits, >= 0.
        tier: ``primary``, ``medium`` or ``coordinated``.
    """

    authority_weight: float
    provenance_entropy: float
    tier: str

    @property
    def core(self) -> float:
        """Signed core, see ``objective.signed_core``."""
        return float(signed_core(self.authority_weight, self.provenance_entropy))


@dataclass(frozen=True)
class Example:
    """A token sequence with the part of it that is trained.

    Attributes:
        ids: Token ids, shape (n,), n >= 2.
        start: Index of the first trained token, 1 to n - 1; what is before it is context only.
        row_id: Id of the row it is from.
        scores: Scores of that row, None where it has none.
    """

    ids: Ids = field(repr=False)
    start: int
    row_id: str
    scores: Scores | None = None

    @property
    def n_tokens(self) -> int:
        """Trained tokens."""
        return len(self.ids) - self.start

    @property
    def sequences(self) -> tuple[Example, ...]:
        """The sequences to run: this one."""
        return (self,)


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt; the first is preferred."""

    chosen: Example
    rejected: Example

    @property
    def row_id(self) -> str:
        """Id of the row it is from."""
        return self.chosen.row_id

    @property
    def scores(self) -> Scores | None:
        """Scores of the row."""
        return self.chosen.scores

    @property
    def n_tokens(self) -> int:
        """Trained tokens: those of the preferred answer."""
        return self.chosen.n_tokens

    @property
    def sequences(self) -> tuple[Example, ...]:
        """The sequences to run: chosen, rejected."""
        return (self.chosen, self.rejected)


@dataclass(frozen=True)
class Pack:
    """Examples laid end to end in one row of a batch; each sees and is weighted for itself alone.

    Attributes:
        parts: The examples, at least one, together no longer than ``max_seq_length``.
    """

    parts: tuple[Example, ...]


Item: TypeAlias = Example | Pair


class Encoder:
    """Turns rows into examples of at most ``max_seq_length`` tokens.

    Args:
        tokenizer: mlx-lm ``TokenizerWrapper``.
        max_seq_length: Longest example in tokens.
        scored: Whether rows must carry scores.
        mask_prompt: Train the last answer of a chat only; otherwise all of it.
    """

    def __init__(self, tokenizer: Any, max_seq_length: int, *, scored: bool, mask_prompt: bool = True) -> None:
        self.tokenizer, self.max_seq_length, self.scored = tokenizer, max_seq_length, scored
        self.mask_prompt = mask_prompt
        self._closing = closing_tokens(tokenizer)

    def encode(self, row: Row, prefix: str = "") -> list[Example]:
        """Encode a row of text, of chat (``messages``), or of ``prompt`` and ``completion``, which is a chat of two.

        A text ends with the end-of-sequence token and is cut into windows that overlap by one token, so that every
        token but a document's first is trained exactly once. A chat trains its last message.

        Args:
            row: Row to encode.
            prefix: Untrained text: it goes before every window of a text, and before the last user message of a chat
                (before its first message where none is a user's).

        Raises:
            DataError: If the row has neither text nor messages, or no scores where they are needed.
        """
        scores = self.read_scores(row)
        if messages := messages_of(row):
            body, start = self._chat_ids(messages, prefix, row)
            return self._windows([], body, start if self.mask_prompt else 0, _row_id(row), scores)
        text, lead = text_of(row), self._tokens(prefix)
        body = [*self._tokens(text, special=not lead), *self._eos()]
        return self._windows(lead, body, 0, Document.from_row(row.values).id, scores)

    def encode_pair(self, row: Row) -> Pair:
        """Encode a row with ``prompt``, ``chosen`` and ``rejected``; a prompt that is too long loses its start.

        Each answer is a chat of two with the prompt. For a model without a chat template, an empty line is between
        them, unless the prompt ends in white space of its own.
        """
        prompt, *answers = pair_of(row)
        scores = self.read_scores(row)
        chosen, rejected = (
            self._answer(*self._pair_ids(prompt, answer, row), column, scores, row)
            for column, answer in zip(("chosen", "rejected"), answers)
        )
        return Pair(chosen, rejected)

    def _windows(
        self, lead: list[int], body: list[int], start: int, row_id: str, scores: Scores | None
    ) -> list[Example]:
        """Cut ``body`` and put ``lead`` before each window; ``start`` is the first trained index of ``body``."""
        room = self.max_seq_length - len(lead)
        if room < 2:
            raise DataError(f"max_seq_length is {self.max_seq_length}; expected at least {len(lead) + 2} here")
        found = []
        for begin in range(0, max(len(body) - 1, 1), room - 1):
            window = body[begin : begin + room]
            trained_from = max(start - begin, 1 if begin or not lead else 0) + len(lead)
            if trained_from < len(lead) + len(window):
                ids = np.array([*lead, *window], dtype=np.int32)
                found.append(Example(ids, trained_from, row_id, scores))
        return found

    def _pair_ids(self, prompt: str, answer: str, row: Row) -> tuple[list[int], list[int]]:
        if self._has_template:
            ids, start = self._chat_ids(chat_of(prompt, answer), "", row)
            return ids[:start], ids[start:]
        gap = "" if prompt[-1].isspace() else "\n\n"
        return self._tokens(prompt + gap), [*self._tokens(answer, special=False), *self._eos()]

    def _chat_ids(self, given: list[Message], prefix: str, row: Row) -> tuple[list[int], int]:
        messages = [dict(message) for message in given]
        if prefix:
            users = [message for message in messages[:-1] if message["role"] == "user"]
            place = users[-1] if users else messages[0]
            place["content"] = prefix + place["content"]
        asked, whole = messages[:-1], self._render(messages, False, row)
        prompt = _shared_start(self._render(asked, True, row), whole)  # some templates open a thought at its end
        if not prompt.startswith(self._render(asked, False, row)):
            raise row.error(
                "the chat template does not keep the prompt unchanged before the answer; give plain text rows"
            )
        start = self._tokens(prompt, special=False)
        return [*start, *self._tokens(whole[len(prompt) :], special=False)], len(start)

    @property
    def _has_template(self) -> bool:
        return bool(getattr(self.tokenizer, "chat_template", None))

    def _render(self, messages: list[Message], prompt: bool, row: Row) -> str:
        if not self._has_template:
            raise row.error("the model has no chat template for 'messages'; give text rows or another base model")
        try:
            return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt))
        except Exception as error:  # a template is a program of the model's; it may raise anything
            problem = " ".join(f"{type(error).__name__}: {error}".split())
            raise row.error(f"the model's chat template refuses the messages ({problem}); fix the row") from error

    def _answer(self, prompt: list[int], answer: list[int], column: str, scores: Scores | None, row: Row) -> Example:
        room = self.max_seq_length - len(answer)
        if room < 1:
            raise row.error(
                f"{column} has {len(answer)} tokens; raise max_seq_length ({self.max_seq_length}) above that"
            )
        kept = prompt[-room:]
        return Example(np.array([*kept, *answer], dtype=np.int32), len(kept), _row_id(row), scores)

    def read_scores(self, row: Row) -> Scores | None:
        """Scores of a row; None where none are needed and it has not both."""
        values = {COLUMN_ALIASES.get(key, key): value for key, value in row.values.items()}
        columns = ("authority_weight", "provenance_entropy")
        given: dict[str, Any] = {name: values[name] for name in columns if name in values}
        if len(given) < len(columns) and not self.scored:
            return None
        if not given:
            raise row.error("the row has no authority_weight; score the data first: distrust-hub score IN -o OUT")
        checked = ScoredDocument.from_row({**given, "text": "-"}, path=row.path, line=row.line)
        core = float(signed_core(checked.authority_weight, checked.provenance_entropy))
        tier = values.get("tier")
        if tier not in TIERS:  # missing, or somebody's own grades under that name
            tier = tier_of(core)
        return Scores(checked.authority_weight, checked.provenance_entropy, str(tier))

    def _tokens(self, text: str, *, special: bool = True) -> list[int]:
        if not text:
            return []
        ids = list(self.tokenizer.encode(text, add_special_tokens=special))
        return ids[: len(ids) - self._closing] if special else ids

    def _eos(self) -> list[int]:
        return [] if self.tokenizer.eos_token_id is None else [int(self.tokenizer.eos_token_id)]


def _shared_start(one: str, other: str) -> str:
    length = next((i for i, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))
    return one[:length]


def _row_id(row: Row) -> str:
    given = row.values.get("id")
    return str(given) if given else text_id(json.dumps(row.values, sort_keys=True, default=str))
