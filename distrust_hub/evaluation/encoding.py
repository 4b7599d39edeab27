"""Prompts and answers as the token ids that are scored, split where lm-evaluation-harness splits them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distrust_hub.errors import EvaluationError
from distrust_hub.files import read_json
from distrust_hub.models.special_tokens import closing_tokens

Tokens = tuple[int, ...]

_POSITIONS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_context_length",
    "model_max_length",
)
"""What configs call the number of positions a model has."""


class Encoder:
    """A model's tokenizer as scoring needs it.

    Args:
        tokenizer: Of transformers, or mlx-lm's wrapper of one.
        folder: Of the model; its ``config.json`` says how many positions there are.

    Attributes:
        max_tokens: Positions the model has, None where its config does not say.
    """

    def __init__(self, tokenizer: Any, folder: Path) -> None:
        self.tokenizer = tokenizer
        self.max_tokens = _position_limit(read_json(folder / "config.json"))
        self._closing = closing_tokens(tokenizer)

    def encode(self, text: str) -> Tokens:
        """Token ids of a text after the special tokens the tokenizer puts before one; a BOS is never doubled."""
        bos = getattr(self.tokenizer, "bos_token", None)
        if bos and text.startswith(bos):
            return self._bare(text)
        tokens = tuple(self.tokenizer.encode(text))
        return tokens[: len(tokens) - self._closing]

    def pair(self, context: str, continuation: str) -> tuple[Tokens, Tokens]:
        """Tokens of a context and of what follows it; trailing spaces of the context go to the continuation.

        Both texts are encoded as one, and what is beyond the context's own number of tokens is the continuation.

        Raises:
            EvaluationError: If the continuation has no tokens of its own, or there are more tokens than positions.
        """
        stripped = context.rstrip()
        continuation = context[len(stripped) :] + continuation
        if stripped:
            start = self.encode(stripped)
            rest = self.encode(stripped + continuation)[len(start) :]
        else:
            start, rest = (self._first_token(),), self._bare(continuation)
        if not rest:
            raise EvaluationError(f"answer {continuation!r} has no tokens of its own after its prompt; reword it")
        return start, rest

    def check_length(self, tokens: int) -> None:
        """Raise EvaluationError if the model has fewer positions than this."""
        if self.max_tokens is not None and tokens > self.max_tokens:
            problem = f"prompt and answer need {tokens} positions; the model has {self.max_tokens}"
            raise EvaluationError(f"{problem}; shorten the text or use a model with a longer context")

    def chat_prompt(self, question: str) -> str:
        """The question as the model's chat template puts it, up to where the answer starts.

        Raises:
            EvaluationError: If the tokenizer has no chat template, or its template refuses the question.
        """
        if not getattr(self.tokenizer, "chat_template", None):
            raise EvaluationError("the model has no chat template; use the prompt preset qa")
        messages = [{"role": "user", "content": question}]
        try:
            return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        except Exception as error:  # a template is a program of the model's; it may raise anything
            problem = " ".join(f"{type(error).__name__}: {error}".split())
            raise EvaluationError(
                f"the model's chat template refuses a question ({problem}); use the prompt preset qa"
            ) from error

    def _bare(self, text: str) -> Tokens:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def _first_token(self) -> int:
        tokens = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id)
        token = next((token for token in tokens if token is not None), None)
        if token is None:
            raise EvaluationError("the tokenizer has neither a BOS nor an EOS token to start an empty prompt with")
        return int(token)


def _position_limit(config: dict[str, Any]) -> int | None:
    """Positions of a model, from its ``config.json``; None where that does not say."""
    text: dict[str, Any] = {**config, **(config.get("text_config") or {})}
    return next((text[name] for name in _POSITIONS if isinstance(text.get(name), int)), None)
