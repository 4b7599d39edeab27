"""What a batch costs: cross-entropy of the trained tokens, weighted by item, and the odds-ratio loss of pairs.

Every loss returns a sum, not a mean: the loop adds the sums and the counts of all micro-batches of a step and divides
once, so that accumulation gives each token the same say as one large batch would.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from distrust_hub.hardware.memory import CHUNK_TOKENS
from distrust_hub.models.runtime import mx, nn, on_cpu
from distrust_hub.training.activation_cache import FrozenBlocks
from distrust_hub.training.anatomy import Body, Head
from distrust_hub.training.batches import Batch
from distrust_hub.training.packing import documents_apart

EXTRAS: dict[str, tuple[str, ...]] = defaultdict(tuple, preference=("chosen_logp", "rejected_logp"))
"""Names of the further sums that an objective's loss has."""


@dataclass(frozen=True)
class BatchLoss:
    """Loss of one batch.

    Attributes:
        total: The sum to differentiate, float32 scalar.
        count: What the sum is divided by, once per step: trained tokens, or pairs.
        item_nll: Unweighted negative log-likelihood of each item's trained tokens in nats, shape (n,).
        extras: Further sums over the items, float32 scalars, for the log.
    """

    total: Any
    count: int
    item_nll: Any
    extras: dict[str, Any]


class NextTokenLoss:
    """Negative log-likelihood of listed tokens under a causal language model.

    Only the hidden states of trained tokens reach the output layer, ``CHUNK_TOKENS`` at a time, and their gradient is
    computed in the same pass: no logits of pad, prompt or prefix tokens, and never all logits at once. The output layer
    itself is taken as frozen, as it is with LoRA on the blocks.

    Args:
        model: mlx-lm model. Where its output layer cannot be told from the rest, the whole model is run and the logits
            of the trained tokens are taken.

    Attributes:
        body: The model up to its hidden states.
        frozen: Runs the frozen lower blocks apart, where set.
    """

    def __init__(self, model: nn.Module) -> None:
        self.body = Body(model)
        self.frozen: FrozenBlocks | None = None

    def __call__(self, model: nn.Module, batch: Batch, *, need_gradient: bool = True) -> Any:
        """Negative log-likelihood in nats of each listed token, float32, shape (M,)."""
        targets, head = mx.array(batch.targets), self.body.head(model)
        if self.frozen:
            states = self.frozen.run(model, batch)  # (B, T, D)
        else:
            with documents_apart(batch.documents):
                states = self.body.states(model, mx.array(batch.tokens))
        rows = states.reshape(-1, states.shape[-1])[mx.array(batch.positions)]  # (M, D)
        return token_nll(head, rows, targets) if need_gradient else _run_chunks(head, rows, targets, False)[0]


def token_nll(head: Head, states: Any, targets: Any) -> Any:
    """``-log softmax(head(states))[target]`` of each row, differentiable in ``states``.

    Args:
        head: Output layer, (m, D) to (m, V), each row alone; its parameters frozen.
        states: Hidden states, shape (M, D).
        targets: Token ids, shape (M,).

    Returns:
        Nats, float32, shape (M,).
    """

    def chunks(rows: Any) -> Any:
        return _run_chunks(head, rows, targets, True)

    nll_and_gradient: Any = mx.custom_function(chunks)

    @nll_and_gradient.vjp
    def pull_back(primals: Any, cotangents: Any, outputs: Any) -> Any:
        return (cotangents[0][:, None] * outputs[1]).astype(outputs[1].dtype)

    nll, _ = nll_and_gradient(states)
    return nll


def _run_chunks(head: Head, states: Any, targets: Any, need_gradient: bool) -> tuple[Any, Any]:
    """Negative log-likelihoods (M,) and, if needed, the gradient of each with respect to its own row (M, D)."""
    softmax_step = _softmax_numpy if on_cpu() else _softmax_mlx
    losses, gradients = [], []
    for begin in range(0, states.shape[0], CHUNK_TOKENS):
        rows, wanted = states[begin : begin + CHUNK_TOKENS], targets[begin : begin + CHUNK_TOKENS]
        nll, slope = softmax_step(head(rows), wanted, need_gradient)
        parts = [nll]
        if need_gradient:
            parts.append(mx.vjp(head, [rows], [slope.astype(rows.dtype)])[1][0])
            gradients.append(parts[1])
        mx.eval(parts)  # frees the logits of this chunk before the next one is made
        losses.append(nll)
    return mx.concatenate(losses), mx.concatenate(gradients) if need_gradient else None


def _softmax_mlx(logits: Any, targets: Any, need_gradient: bool) -> tuple[Any, Any]:
    """Negative log-likelihood (m,) and its gradient with respect to the logits (m, V)."""
    logits = logits.astype(mx.float32)
    normaliser = mx.logsumexp(logits, axis=-1, keepdims=True)
    nll = (normaliser - mx.take_along_axis(logits, targets[:, None], axis=-1))[:, 0]
    if not need_gradient:
        return nll, None
    chances = mx.exp(logits - normaliser)
    return nll, chances.at[mx.arange(len(targets)), targets].add(-1.0)


def _softmax_numpy(logits: Any, targets: Any, need_gradient: bool) -> tuple[Any, Any]:
    """The same on the CPU, in place: NumPy's vectorised ``exp`` took 0.5 ns a value where MLX's took 14."""
    del need_gradient
    logits = logits.astype(mx.float32)
    mx.eval(logits, targets)
    values = np.array(logits, copy=False)  # a view; nobody else holds these logits
    rows, wanted = np.arange(values.shape[0]), np.array(targets, copy=False)
    values -= values.max(axis=-1, keepdims=True)
    chosen = values[rows, wanted].copy()
    np.exp(values, out=values)
    normaliser = values.sum(axis=-1, keepdims=True)
    nll = np.log(normaliser[:, 0]) - chosen
    values /= normaliser
    values[rows, wanted] -= 1.0
    return mx.array(nll), logits


def cross_entropy(tokens: NextTokenLoss, model: nn.Module, batch: Batch) -> BatchLoss:
    """Weighted cross-entropy, the loss of every objective but ``preference``.

    Formula::

        L = sum_i w_i sum_{t in item i} -log p(y_t | y_<t) / sum_i n_i

    This function returns the numerator and the count ``sum_i n_i`` of one micro-batch.

    Requirements:
        ``w_i`` has a token-weighted mean of 1 over the data set (``objective.example_weights``) or is 1 throughout
        (``none``, ``filter``, ``literal``, ``conditional``). Normalised over the batch it would cancel.

    Inputs:
        ============== ======== ==============================
        batch.tokens   (B, T)   token ids, padded on the right
        batch.targets  (M,)     token ids
        batch.weights  (B,)     w_i, no unit, > 0
        ============== ======== ==============================

    References:
        Byrd and Lipton 2019, "What is the Effect of Importance Weighting in Deep Learning?": weights fade as a model
        fits its data, so few epochs and held-out control.

    Example:
        >>> loss = cross_entropy(NextTokenLoss(model), model, batch)
        >>> mean = loss.total / loss.count
    """
    nll = tokens(model, batch)
    total = (mx.array(batch.token_weights) * nll).sum()
    return BatchLoss(total, len(batch.targets), _per_sequence(nll, batch), {})


def odds_ratio(tokens: NextTokenLoss, model: nn.Module, batch: Batch, strength: float) -> BatchLoss:
    """Odds-ratio preference loss (ORPO), the loss of ``preference``.

    Formula, for a pair with chosen answer c and rejected answer r to one prompt::

        L = -P(c) + strength * -log sigmoid(log odds(c) - log odds(r))
        P(y) = mean over y's tokens of log p(y_t | y_<t),  log odds(y) = P(y) - log(1 - exp(P(y)))

    This function returns the sum over the pairs of one micro-batch and their number.

    Requirements:
        Both answers are to the same prompt; pairs made of unrelated documents teach their difference in topic.

    Inputs:
        ============== ========= ====================================
        batch.tokens   (2n, T)   all chosen sequences, then all rejected
        batch.targets  (M,)      token ids of the answers
        strength       scalar    lambda of the paper, no unit, >= 0
        ============== ========= ====================================

    References:
        Hong, Lee and Thorne 2024, "ORPO: Monolithic Preference Optimization without Reference Model".

    Example:
        >>> loss = odds_ratio(NextTokenLoss(model), model, batch, strength=0.1)
        >>> mean = loss.total / loss.count
    """
    pairs = len(batch.weights)
    nll = _per_sequence(tokens(model, batch), batch)  # (2n,)
    lengths = mx.array(np.bincount(batch.sequence, minlength=2 * pairs).astype(np.float32))
    chance = mx.minimum(-nll / lengths, -1e-6)  # mean log-probability; odds are infinite at 0
    odds = chance - mx.log(-mx.expm1(chance))
    gap = odds[:pairs] - odds[pairs:]
    total = (strength * mx.logaddexp(0.0, -gap) - chance[:pairs]).sum()
    extras = {"chosen_logp": chance[:pairs].sum(), "rejected_logp": chance[pairs:].sum()}
    return BatchLoss(total, pairs, nll[:pairs], extras)


def _per_sequence(nll: Any, batch: Batch) -> Any:
    """Sum of token losses of each sequence, shape (n_sequences,)."""
    return mx.zeros(batch.n_sequences).at[mx.array(batch.sequence)].add(nll)


def held_out_loss(tokens: NextTokenLoss, model: nn.Module, batch: Batch) -> float:
    """Unweighted sum of the losses of a batch in nats."""
    return float(tokens(model, batch, need_gradient=False).sum())
