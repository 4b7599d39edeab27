from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distrust_hub.errors import EvaluationError

pytest.importorskip("mlx.core")
from distrust_hub.evaluation.mlx_backend import BATCH_TOKENS, MIN_BATCH_TOKENS, MIN_FILL, _batches, _Row

pytestmark = pytest.mark.mlx


def numpy_loglikelihood(loaded: Any, context: str, continuation: str) -> float:
    """A llama forward pass in float64 NumPy from the stored tensors; one token a byte, as the tiny tokenizer has it."""
    weights = {name: np.array(value, dtype=np.float64) for name, value in _tensors(loaded)}
    args = loaded.model.args
    ids = np.array([3 + byte for byte in (context + continuation).encode()])
    start = len(context.encode())
    size, positions = args.hidden_size // args.num_attention_heads, np.arange(len(ids))
    angles = positions[:, None] * args.rope_theta ** (-np.arange(0, size, 2) / size)
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]  # (tokens, 1, size / 2)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + args.rms_norm_eps) * weights[f"{name}.weight"]

    def rotate(x: np.ndarray) -> np.ndarray:
        first, second = x[..., : size // 2], x[..., size // 2 :]
        return np.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)

    x = weights["model.embed_tokens.weight"][ids]
    for layer in range(args.num_hidden_layers):
        prefix = f"model.layers.{layer}"
        h = norm(x, f"{prefix}.input_layernorm")
        q, k, v = (
            (h @ weights[f"{prefix}.self_attn.{p}_proj.weight"].T).reshape(len(ids), -1, size) for p in ("q", "k", "v")
        )
        groups = q.shape[1] // k.shape[1]
        q, k, v = rotate(q), np.repeat(rotate(k), groups, axis=1), np.repeat(v, groups, axis=1)
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(size)
        scores = np.where(positions[None, :, None] >= positions[None, None, :], scores, -np.inf)
        attention = np.exp(scores - scores.max(axis=-1, keepdims=True))
        attention /= attention.sum(axis=-1, keepdims=True)
        mixed = np.einsum("hqk,khd->qhd", attention, v).reshape(len(ids), -1)
        x = x + mixed @ weights[f"{prefix}.self_attn.o_proj.weight"].T
        h = norm(x, f"{prefix}.post_attention_layernorm")
        gate, up = (h @ weights[f"{prefix}.mlp.{p}_proj.weight"].T for p in ("gate", "up"))
        x = x + (gate / (1 + np.exp(-gate)) * up) @ weights[f"{prefix}.mlp.down_proj.weight"].T
    logits = norm(x, "model.norm") @ weights["model.embed_tokens.weight"].T
    logprobs = logits - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True))
    logprobs -= logits.max(-1, keepdims=True)
    return float(sum(logprobs[i - 1, ids[i]] for i in range(start, len(ids))))


def _tensors(loaded: Any) -> list[tuple[str, Any]]:
    from distrust_hub.models.runtime import tree_flatten

    return tree_flatten(loaded.model.parameters())


@pytest.fixture
def scorer(loaded: Any) -> Any:
    from distrust_hub.evaluation.mlx_backend import MLXScorer

    return MLXScorer(loaded)


PRIMER = "Q: one?\nA: two.\n\n"
PAIRS = [
    (f"{PRIMER}Q: short?\nA:", " yes"),
    (f"{PRIMER}Q: short?\nA:", " a much longer answer than yes"),
    (f"{PRIMER}Q: a longer question?\nA:", " no"),
    (f"{PRIMER}Q: other?\nA:", " x"),
    ("unrelated", " text"),
]


@pytest.mark.parametrize("pairs", [PAIRS[:1], PAIRS[:2], PAIRS[:4], PAIRS])
def test_loglikelihoods_equal_an_independent_forward_pass(scorer: Any, loaded: Any, pairs: list) -> None:
    found = scorer.loglikelihoods(pairs)
    expected = [numpy_loglikelihood(loaded, *pair) for pair in pairs]
    np.testing.assert_allclose([score.total for score in found], expected, atol=2e-4)
    assert [score.tokens for score in found] == [len(rest) for _, rest in pairs]


def test_loglikelihoods_do_not_depend_on_batching(scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from distrust_hub.evaluation import mlx_backend

    together = [score.total for score in scorer.loglikelihoods(PAIRS)]
    monkeypatch.setattr(mlx_backend, "BATCH_TOKENS", 1)
    monkeypatch.setattr(mlx_backend, "CACHE_TOKENS", 1)
    np.testing.assert_allclose([score.total for score in scorer.loglikelihoods(PAIRS)], together, atol=1e-4)


def test_batches_hold_every_row_once_within_the_budget_and_without_much_padding() -> None:
    rows = [_Row(0, (1,), (1,) * 101, (1,) * width) for width in [*range(1, 60), 60, 60, 200]]
    batches = list(_batches(rows))
    assert sorted(row.width for batch in batches for row in batch) == sorted(row.width for row in rows)
    for batch in batches:
        widest = batch[0].width
        assert len(batch) * widest <= BATCH_TOKENS
        filled = (len(batch) - 1) * widest < MIN_BATCH_TOKENS
        assert filled or batch[-1].width >= MIN_FILL * widest


def test_loglikelihoods_without_branching_are_the_same(scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from distrust_hub.evaluation import mlx_backend

    cached = [score.total for score in scorer.loglikelihoods(PAIRS)]
    monkeypatch.setattr(mlx_backend, "_can_branch", lambda cache: False)
    np.testing.assert_allclose([score.total for score in scorer.loglikelihoods(PAIRS)], cached, atol=1e-4)


def test_loglikelihoods_moves_trailing_spaces_to_the_answer(scorer: Any) -> None:
    spaced, plain = scorer.loglikelihoods([("Q: a?\nA: ", "yes"), ("Q: a?\nA:", " yes")])
    assert spaced == plain


def test_loglikelihoods_keep_order_and_repeated_pairs(scorer: Any) -> None:
    scores = scorer.loglikelihoods([PAIRS[1], PAIRS[0], PAIRS[1]])
    assert scores[0] == scores[2] != scores[1]


def test_loglikelihoods_refuse_an_answer_without_tokens(scorer: Any) -> None:
    with pytest.raises(EvaluationError, match="no tokens"):
        scorer.loglikelihoods([("Q: a?\nA:", "")])


def test_loglikelihoods_refuse_what_does_not_fit_the_context(scorer: Any) -> None:
    with pytest.raises(EvaluationError, match="2048"):
        scorer.loglikelihoods([("x" * 2040, " too much here")])
    assert scorer.loglikelihoods([("x" * 2040, " ninefits")])[0].tokens == 9
    with pytest.raises(EvaluationError, match="need 2049 positions"):
        scorer.loglikelihoods([("x" * 2040, " ten chars")])


def test_loglikelihoods_of_a_broken_model_are_an_error(tiny_base: Any) -> None:
    from distrust_hub.evaluation.mlx_backend import MLXScorer
    from distrust_hub.models.load import load_base

    broken = load_base(str(tiny_base))
    broken.model.model.norm.weight = broken.model.model.norm.weight * float("nan")
    with pytest.raises(EvaluationError, match="nan"):
        MLXScorer(broken).loglikelihoods(PAIRS)


def test_text_loglikelihoods_score_all_but_the_first_token(scorer: Any, loaded: Any) -> None:
    (score,) = scorer.text_loglikelihoods(["a logbook of 1911"], max_tokens=9)
    assert score.tokens == 8
    assert score.total == pytest.approx(numpy_loglikelihood(loaded, "a", " logbook"), abs=2e-4)


def test_text_loglikelihoods_refuse_a_single_token(scorer: Any) -> None:
    with pytest.raises(EvaluationError, match="at least 2"):
        scorer.text_loglikelihoods(["a"], max_tokens=9)


def test_chat_prompt_ends_where_the_answer_starts(scorer: Any) -> None:
    assert scorer.chat_prompt("Why?").endswith("assistant\n")


@pytest.mark.parametrize("vocabulary", [304, 49_152, 49_157])
def test_log_normaliser_is_exact_over_a_large_vocabulary(vocabulary: int) -> None:
    from distrust_hub.evaluation.mlx_backend import _log_normaliser
    from distrust_hub.models.runtime import mx

    logits = np.random.default_rng(0).normal(0.0, 3.0, (2, 3, vocabulary)).astype(np.float32)
    expected = np.log(np.exp(logits.astype(np.float64)).sum(axis=-1))
    np.testing.assert_allclose(np.array(_log_normaliser(mx.array(logits))), expected, atol=1e-5)
