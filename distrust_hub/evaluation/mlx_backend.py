"""Log-likelihoods of continuations under an MLX model, with shared prefixes computed once."""

from __future__ import annotations

import contextlib
import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
from tqdm import tqdm

from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.encoding import Encoder, Tokens
from distrust_hub.evaluation.journal import Journal
from distrust_hub.evaluation.scorer import Loglikelihood
from distrust_hub.models.load import LoadedModel
from distrust_hub.models.runtime import mx
from distrust_hub.training.cpu_ops import fast_cpu_ops

from mlx_lm.models.cache import (  # isort: skip  (after the runtime has prepared MLX)
    ArraysCache,
    CacheList,
    KVCache,
    RotatingKVCache,
    make_prompt_cache,
)

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

_BRANCHABLE = (KVCache, RotatingKVCache, ArraysCache)
"""Caches whose arrays have one row a sequence and nothing else that differs between sequences."""

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

    The tokens that all contexts of a call share are run once and their cache (keys and values, sliding windows, states)
    is branched; the rest of each context but its last token is run once for all its continuations, in batches of equal
    length. Only the last stage needs next-token distributions. Padding stands on the right of that stage, where no
    causal layer looks. A cache of another kind is not branched: each pair is run whole.

    Args:
        loaded: Model and tokenizer. An adapter applied to it later takes part in later calls.
        progress: Show a progress bar when stderr is a terminal.
        journal: Where finished batches are kept, and what is known from an earlier run.
    """

    def __init__(self, loaded: LoadedModel, *, progress: bool = True, journal: Journal | None = None) -> None:
        self.loaded = loaded
        self.progress = progress
        self.journal = Journal(None) if journal is None else journal
        self.encoder = Encoder(loaded.tokenizer, loaded.base.path)
        self.encode, self.chat_prompt = self.encoder.encode, self.encoder.chat_prompt

    def loglikelihoods(self, pairs: Sequence[tuple[str, str]], label: str = "scoring") -> list[Loglikelihood]:
        """Log-probability of each continuation given its context.

        Args:
            pairs: ``(context, continuation)`` texts. The space between the two belongs to the continuation.
            label: Text of the progress bar.

        Raises:
            EvaluationError: If a continuation has no tokens, a pair is longer than the model's context, the model
                cannot be run on this machine, or it returns a number that is not finite.
        """
        return self.score_tokens([self.encoder.pair(*pair) for pair in pairs], label)

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
            self.encoder.check_length(len(context) + len(rest) - 1)
        found = {pair: self.journal.get(pair) for pair in pairs}
        totals: Totals = {pair: total for pair, total in found.items() if total is not None}
        rows_of: dict[Tokens, list[Tokens]] = defaultdict(list)
        for context, rest in found:
            if (context, rest) not in totals:
                rows_of[context].append(rest)
        quiet = None if self.progress else True
        with (
            _one_line_refusals(),
            fast_cpu_ops(self.loaded.model),
            tqdm(total=len(found), initial=len(totals), desc=label, disable=quiet) as bar,
        ):
            for rows, cache in self._stages(rows_of):
                for batch in _batches(rows):
                    scored = self._run(batch, cache)
                    self.journal.add(scored)
                    for (_, rest), total in scored.items():
                        Loglikelihood(total, len(rest))  # refuses a broken model now, not after hours
                    totals.update(scored)
                    bar.update(len(batch))
        mx.clear_cache()
        return [Loglikelihood(totals[context, rest], len(rest)) for context, rest in pairs]

    def _stages(self, rows_of: dict[Tokens, list[Tokens]]) -> Iterator[tuple[list[_Row], list[Any] | None]]:
        """Yield rows with the cache they branch from, or None where it is of a kind that cannot be branched."""
        contexts = list(rows_of)
        if not contexts:
            return
        template = make_prompt_cache(self.loaded.model)
        if not all(map(_can_branch, template)):
            yield [_Row(0, context, context, rest) for context in contexts for rest in rows_of[context]], None
            return
        shared = _shared_length(contexts)
        start = [_GrowingCache() if type(layer) is KVCache else layer for layer in template]
        root = self._read(start, [contexts[0][:shared]])
        for group in _of_equal_length(contexts, shared):
            stems = [context[shared:-1] for context in group]
            cache = self._read(_take(root, [0] * len(group)), stems)
            rows = [
                _Row(i, context[-1:], context, rest) for i, context in enumerate(group) for rest in rows_of[context]
            ]
            yield rows, cache

    def _read(self, cache: list[Any], tokens: list[Tokens]) -> list[Any]:
        if tokens[0]:
            self.loaded.model(mx.array(tokens), cache=cache)
            mx.eval(_arrays(cache))
        return cache

    def _run(self, rows: list[_Row], cache: list[Any] | None) -> Totals:
        width = max(row.width for row in rows)
        inputs = np.zeros((len(rows), width), dtype=np.int32)
        targets = np.zeros_like(inputs)
        scored = np.zeros((len(rows), width), dtype=bool)
        for i, row in enumerate(rows):
            tokens = [*row.lead, *row.rest]
            inputs[i, : row.width] = tokens[:-1]
            targets[i, : row.width] = tokens[1:]
            scored[i, len(row.lead) - 1 : row.width] = True
        # not without a cache: in some models (gemma3n) layers share keys and values through it
        branch = _take(cache, [row.parent for row in rows]) if cache else make_prompt_cache(self.loaded.model)
        logits = self.loaded.model(mx.array(inputs), cache=branch).astype(mx.float32)
        chosen = mx.take_along_axis(logits, mx.array(targets)[..., None], axis=-1)[..., 0]
        logprobs = np.array(chosen - _log_normaliser(logits), dtype=np.float64)
        sums = np.where(scored, logprobs, 0.0).sum(axis=1)
        return {(row.context, row.rest): float(total) for row, total in zip(rows, sums)}


class _GrowingCache(KVCache):
    """A key-value cache that holds what it was given and no more, where mlx-lm's has room for 256 further tokens."""

    keys: Any
    values: Any
    offset: int

    def update_and_fetch(self, keys: Any, values: Any) -> tuple[Any, Any]:
        if self.keys is not None:
            keys = mx.concatenate([self.keys, keys], axis=2)
            values = mx.concatenate([self.values, values], axis=2)
        self.keys, self.values, self.offset = keys, values, keys.shape[2]
        return keys, values


def _can_branch(cache: Any) -> bool:
    return all(map(_can_branch, cache.caches)) if type(cache) is CacheList else type(cache) in _BRANCHABLE


def _take(caches: list[Any], rows: list[int]) -> list[Any]:
    """New caches whose row ``i`` is row ``rows[i]`` of the old."""
    index = mx.array(rows)
    return _with_arrays(caches, lambda array: mx.take(array, index, axis=0))


def _arrays(caches: list[Any]) -> list[Any]:
    found: list[Any] = []
    _with_arrays(caches, found.append)
    return found


def _with_arrays(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of caches, or of what they hold, with ``change`` made to every array in it."""
    if isinstance(value, mx.array):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)([_with_arrays(part, change) for part in value])
    if not hasattr(value, "__dict__"):
        return value
    twin = copy.copy(value)
    vars(twin).update({name: _with_arrays(part, change) for name, part in vars(value).items()})
    return twin


@contextlib.contextmanager
def _one_line_refusals() -> Iterator[None]:
    """Turn what MLX raises (no kernel for this machine, too little memory) into an EvaluationError."""
    try:
        yield
    except RuntimeError as error:
        raise EvaluationError(f"the model cannot be run here: {str(error).strip()}") from error


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


def _batches(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Rows of similar width, longest first, as many as the token budgets allow."""
    batch: list[_Row] = []
    cached = len(rows[0].context) - len(rows[0].lead)
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
