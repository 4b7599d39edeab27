"""Log-likelihoods of continuations under an MLX model, with shared prefixes computed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
from tqdm import tqdm

from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.journal import Journal
from distrust_hub.evaluation.scorer import Loglikelihood
from distrust_hub.models.load import LoadedModel
from distrust_hub.models.runtime import mx
from distrust_hub.training.cpu_ops import fast_cpu_ops

from mlx_lm.models.cache import KVCache, make_prompt_cache  # isort: skip  (after the runtime has prepared MLX)

BATCH_TOKENS = 2048
"""Positions whose next-token distribution is held at once: bounds the logits, the largest array (our choice)."""

CACHE_TOKENS = 16_384
"""Key and value positions held at once, copies of the prefix included (our choice)."""

MIN_BATCH_TOKENS, MIN_FILL = 128, 0.8
"""A batch ends before a row shorter than this share of its longest once it has so many positions (our choice).

On TruthfulQA's 817 questions 62,632 positions are run for 55,486 that count; filling every batch took 78,886.
"""

_BLOCK = 256
"""Vocabulary entries summed at a time, about the root of a usual vocabulary's size."""

Tokens = tuple[int, ...]
Totals = dict[tuple[Tokens, Tokens], float]


@dataclass(frozen=True)
class _Row:
    """One continuation to run.

    Attributes:
        parent: Row of the cache it branches from.
        lead: Tokens of the context the cache does not hold yet, at least one.
        context: All tokens of the context.
        rest: Tokens of the continuation.
    """

    parent: int
    lead: Tokens
    context: Tokens
    rest: Tokens

    @property
    def width(self) -> int:
        return len(self.lead) + len(self.rest) - 1


class MLXScorer:
    """Scores continuations under one model; satisfies ``evaluation.scorer.Scorer``.

    The tokens that all contexts of a call share are run once and their key-value cache is branched; the rest of
    each context but its last token is run once for all its continuations, in batches of equal length. Only the
    last stage needs next-token distributions. Padding stands on the right, where causal attention never looks.

    Args:
        loaded: Model and tokenizer. An adapter applied to it later takes part in later calls.
        progress: Show a progress bar when stderr is a terminal.
        journal: Where finished batches are kept, and what is known from an earlier run.
    """

    def __init__(self, loaded: LoadedModel, *, progress: bool = True, journal: Journal | None = None) -> None:
        self.loaded = loaded
        self.progress = progress
        self.journal = Journal(None) if journal is None else journal
        self.max_tokens: int | None = getattr(getattr(loaded.model, "args", None), "max_position_embeddings", None)

    def encode(self, text: str) -> Tokens:
        """Token ids of a text, with the special tokens the tokenizer adds by itself; a BOS is never doubled."""
        tokenizer = self.loaded.tokenizer
        bos = getattr(tokenizer, "bos_token", None)
        return tuple(tokenizer.encode(text, add_special_tokens=not (bos and text.startswith(bos))))

    def chat_prompt(self, question: str) -> str:
        """The question as the model's chat template puts it, up to where the answer starts.

        Raises:
            EvaluationError: If the tokenizer has no chat template.
        """
        tokenizer = self.loaded.tokenizer
        if not getattr(tokenizer, "chat_template", None):
            raise EvaluationError("the model has no chat template; use the prompt preset qa")
        messages = [{"role": "user", "content": question}]
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def loglikelihoods(self, pairs: Sequence[tuple[str, str]], label: str = "scoring") -> list[Loglikelihood]:
        """Log-probability of each continuation given its context.

        Args:
            pairs: ``(context, continuation)`` texts. The space between the two belongs to the continuation.
            label: Text of the progress bar.

        Raises:
            EvaluationError: If a continuation has no tokens, a pair is longer than the model's context, or the
                model returns a number that is not finite.
        """
        return self.score_tokens([self._encode_pair(*pair) for pair in pairs], label)

    def text_loglikelihoods(self, texts: Sequence[str], max_tokens: int, label: str = "scoring") -> list[Loglikelihood]:
        """Log-probability of each text's first ``max_tokens`` tokens after its first one.

        Raises:
            EvaluationError: As ``loglikelihoods``; also if a text has fewer than two tokens.
        """
        encoded = [self.encode(text)[:max_tokens] for text in texts]
        for text, tokens in zip(texts, encoded):
            if len(tokens) < 2:
                raise EvaluationError(f"text {text[:40]!r} has {len(tokens)} tokens; a loss needs at least 2")
        return self.score_tokens([(tokens[:1], tokens[1:]) for tokens in encoded], label)

    def score_tokens(self, pairs: Sequence[tuple[Tokens, Tokens]], label: str = "scoring") -> list[Loglikelihood]:
        """As ``loglikelihoods``, for token ids; contexts and continuations have at least one token each."""
        for context, rest in pairs:
            self._check_length(len(context) + len(rest) - 1)
        found = {pair: self.journal.get(pair) for pair in pairs}
        totals: Totals = {pair: total for pair, total in found.items() if total is not None}
        rows_of: dict[Tokens, list[Tokens]] = defaultdict(list)
        for context, rest in found:
            if (context, rest) not in totals:
                rows_of[context].append(rest)
        quiet = None if self.progress else True
        with (
            fast_cpu_ops(self.loaded.model),
            tqdm(total=len(found), initial=len(totals), desc=label, disable=quiet) as bar,
        ):
            for rows, cache in self._stages(rows_of):
                for batch in _batches(rows, 0 if cache is None else cache[0].offset):
                    scored = self._run(batch, cache)
                    self.journal.add(scored)
                    totals.update(scored)
                    bar.update(len(batch))
        mx.clear_cache()
        return [Loglikelihood(totals[context, rest], len(rest)) for context, rest in pairs]

    def _encode_pair(self, context: str, continuation: str) -> tuple[Tokens, Tokens]:
        """Split tokens as lm-evaluation-harness does: trailing spaces of the context go to the continuation."""
        stripped = context.rstrip()
        continuation = context[len(stripped) :] + continuation
        if stripped:
            start = self.encode(stripped)
            rest = self.encode(stripped + continuation)[len(start) :]
        else:
            start, rest = (self._prefix_token(),), self.encode(continuation)
        if not rest:
            raise EvaluationError(f"answer {continuation!r} has no tokens of its own after its prompt; reword it")
        return start, rest

    def _prefix_token(self) -> int:
        tokenizer = self.loaded.tokenizer
        token = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if token is None:
            raise EvaluationError("the tokenizer has neither a BOS nor an EOS token to start an empty prompt with")
        return int(token)

    def _check_length(self, tokens: int) -> None:
        if self.max_tokens is not None and tokens > self.max_tokens:
            problem = f"prompt and answer need {tokens} positions; the model has {self.max_tokens}"
            raise EvaluationError(f"{problem}; shorten the text or use a model with a longer context")

    def _stages(self, rows_of: dict[Tokens, list[Tokens]]) -> Iterator[tuple[list[_Row], list[_Branch] | None]]:
        """Yield rows with the cache they branch from; None for models whose state is more than keys and values."""
        contexts = list(rows_of)
        template = make_prompt_cache(self.loaded.model)
        if not contexts or any(type(layer) is not KVCache for layer in template):
            yield [_Row(0, context, context, rest) for context in contexts for rest in rows_of[context]], None
            return
        shared = _shared_length(contexts)
        root = self._read([_Branch() for _ in template], [contexts[0][:shared]])
        for group in _of_equal_length(contexts, shared):
            stems = [context[shared:-1] for context in group]
            cache = self._read([layer.take([0] * len(group)) for layer in root], stems)
            rows = [
                _Row(i, context[-1:], context, rest) for i, context in enumerate(group) for rest in rows_of[context]
            ]
            yield rows, cache

    def _read(self, cache: list[_Branch], tokens: list[Tokens]) -> list[_Branch]:
        if tokens[0]:
            self.loaded.model(mx.array(tokens), cache=cache)
            mx.eval([(layer.keys, layer.values) for layer in cache])
        return cache

    def _run(self, rows: list[_Row], cache: list[_Branch] | None) -> Totals:
        width = max(row.width for row in rows)
        inputs = np.zeros((len(rows), width), dtype=np.int32)
        targets = np.zeros_like(inputs)
        scored = np.zeros((len(rows), width), dtype=bool)
        for i, row in enumerate(rows):
            tokens = [*row.lead, *row.rest]
            inputs[i, : row.width] = tokens[:-1]
            targets[i, : row.width] = tokens[1:]
            scored[i, len(row.lead) - 1 : row.width] = True
        branch = None if cache is None else [layer.take([row.parent for row in rows]) for layer in cache]
        logits = self.loaded.model(mx.array(inputs), cache=branch).astype(mx.float32)
        chosen = mx.take_along_axis(logits, mx.array(targets)[..., None], axis=-1)[..., 0]
        logprobs = np.array(chosen - _log_normaliser(logits), dtype=np.float64)
        sums = np.where(scored, logprobs, 0.0).sum(axis=1)
        return {(row.context, row.rest): float(total) for row, total in zip(rows, sums)}


class _Branch(KVCache):
    """A key-value cache that grows by concatenation, so that one prefix can be branched into many rows."""

    keys: Any
    values: Any
    offset: int

    def update_and_fetch(self, keys: Any, values: Any) -> tuple[Any, Any]:
        if self.keys is not None:
            keys = mx.concatenate([self.keys, keys], axis=2)
            values = mx.concatenate([self.values, values], axis=2)
        self.keys, self.values, self.offset = keys, values, keys.shape[2]
        return keys, values

    def take(self, rows: list[int]) -> _Branch:
        """A new cache whose row ``i`` is this one's row ``rows[i]``."""
        branch = _Branch()
        if self.keys is not None:
            index = mx.array(rows)
            branch.keys, branch.values = mx.take(self.keys, index, axis=0), mx.take(self.values, index, axis=0)
            branch.offset = self.offset
        return branch


def _log_normaliser(logits: Any) -> Any:
    """Log-sum-exp over the vocabulary in two stages: (rows, width, vocabulary) -> (rows, width).

    One float32 running sum over 49,152 entries, as the CPU backend has it, was 2e-4 nats too low per token.
    """
    padding = -logits.shape[-1] % _BLOCK
    if padding:
        logits = mx.pad(logits, [(0, 0), (0, 0), (0, padding)], constant_values=-mx.inf)
    return mx.logsumexp(mx.logsumexp(logits.reshape(*logits.shape[:-1], -1, _BLOCK), axis=-1), axis=-1)


def _shared_length(contexts: list[Tokens]) -> int:
    """Tokens that all contexts start with, leaving each at least its last."""
    columns = zip(*(context[:-1] for context in contexts))
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _of_equal_length(contexts: list[Tokens], shared: int) -> Iterator[list[Tokens]]:
    """Contexts of one length at a time, as many as the token budgets allow."""
    by_length: dict[int, list[Tokens]] = defaultdict(list)
    for context in contexts:
        by_length[len(context)].append(context)
    for length in sorted(by_length, reverse=True):
        size = max(1, min(BATCH_TOKENS // max(1, length - shared), CACHE_TOKENS // length))
        group = by_length[length]
        yield from (group[i : i + size] for i in range(0, len(group), size))


def _batches(rows: list[_Row], cached: int) -> Iterator[list[_Row]]:
    """Rows of similar width, longest first, as many as the token budgets allow."""
    batch: list[_Row] = []
    for row in sorted(rows, key=lambda row: row.width, reverse=True):
        width = batch[0].width if batch else row.width
        most = min(BATCH_TOKENS // width, CACHE_TOKENS // (cached + width))
        is_short = row.width < MIN_FILL * width and len(batch) * width >= MIN_BATCH_TOKENS
        if batch and (len(batch) >= most or is_short):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
