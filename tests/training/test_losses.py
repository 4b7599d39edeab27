"""Losses against an independent float64 path, in value and gradient."""

from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.models.runtime import mx, nn, tree_flatten
from distrust_hub.training import losses
from distrust_hub.training.batches import make_batch
from distrust_hub.training.examples import Example, Pair
from distrust_hub.training.losses import NextTokenLoss, cross_entropy, odds_ratio, token_nll

pytestmark = pytest.mark.mlx


def example(length: int, seed: int = 0, start: int = 1) -> Example:
    return Example(np.random.default_rng(seed).integers(3, 259, length).astype(np.int32), start, f"row-{seed}")


def reference_logprobs(model, ids) -> np.ndarray:
    """log p(next token) at each position, from the model's own full logits, in float64."""
    logits = np.array(model(mx.array(ids)[None])[0], dtype=np.float64)
    shifted = logits - logits.max(-1, keepdims=True)
    logprobs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return logprobs[np.arange(len(ids) - 1), ids[1:]]


def float64_nll(states, weight, targets):
    logits = states @ weight.T
    shifted = logits - logits.max(-1, keepdims=True)
    chances = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
    rows = np.arange(len(targets))
    nll = -np.log(chances[rows, targets])
    chances[rows, targets] -= 1.0
    return nll, chances


@pytest.mark.parametrize("softmax", [losses._softmax_numpy, losses._softmax_mlx])
@pytest.mark.parametrize("chunk", [3, 1000])
def test_token_nll_equals_float64_in_value_and_gradient(monkeypatch, softmax, chunk):
    monkeypatch.setattr(losses, "_softmax_numpy", softmax)
    monkeypatch.setattr(losses, "CHUNK_TOKENS", chunk)
    rng = np.random.default_rng(1)
    states, weight = rng.normal(size=(10, 8)), 3.0 * rng.normal(size=(50, 8))
    targets, pull = rng.integers(0, 50, 10), rng.normal(size=10)
    head = nn.Linear(8, 50, bias=False)
    head.weight = mx.array(weight.astype(np.float32))

    def weighted(rows):
        return (token_nll(head, rows, mx.array(targets)) * mx.array(pull.astype(np.float32))).sum()

    value, gradient = mx.value_and_grad(weighted)(mx.array(states.astype(np.float32)))
    nll, slope = float64_nll(states, weight, targets)
    assert value.item() == pytest.approx(float(nll @ pull), rel=1e-5)
    np.testing.assert_allclose(np.array(gradient), (pull[:, None] * slope) @ weight, rtol=1e-4, atol=1e-5)


def test_token_nll_stays_finite_for_impossible_targets():
    head = nn.Linear(1, 2, bias=False)
    head.weight = mx.array([[200.0], [-200.0]])
    nll = token_nll(head, mx.array([[1.0]]), mx.array([1]))
    assert nll.item() == pytest.approx(400.0)


def test_next_token_loss_equals_full_logits(tiny):
    items = [example(20, 1), example(9, 2, start=4)]
    batch = make_batch(items, [1.0, 1.0], [0, 1], 32)
    nll = np.array(NextTokenLoss(tiny.model)(tiny.model, batch))
    wanted = [-reference_logprobs(tiny.model, item.ids)[item.start - 1 :] for item in items]
    np.testing.assert_allclose(nll, np.concatenate(wanted), rtol=1e-4, atol=1e-5)


def test_next_token_loss_of_unusual_output_layer_uses_its_logits(tiny):
    class Scaled(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.model = inner.model

        def __call__(self, tokens):
            return 0.5 * self.model.embed_tokens.as_linear(self.model(tokens))

    model = Scaled(tiny.model)
    tokens = NextTokenLoss(model)
    item = example(12, 3)
    nll = np.array(tokens(model, make_batch([item], [1.0], [0], 32)))
    assert tokens.body.path is None
    np.testing.assert_allclose(nll, -reference_logprobs(model, item.ids), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tie", [True, False])
def test_output_layer_is_found_tied_or_not(tmp_path, tie):
    from distrust_hub.models.load import load_base
    from tests.tiny import make_tiny_model

    model = load_base(str(make_tiny_model(tmp_path / "model", tie=tie))).model
    assert NextTokenLoss(model).body.path == "model"
    assert ("lm_head" in model) is not tie


def test_cross_entropy_does_not_see_padding(tiny):
    item = example(17, 4)
    tokens = NextTokenLoss(tiny.model)
    tight = cross_entropy(tokens, tiny.model, make_batch([item], [1.0], [0], 17))
    padded = cross_entropy(tokens, tiny.model, make_batch([item], [1.0], [0], 64))
    assert padded.count == tight.count == 16
    assert padded.total.item() == pytest.approx(tight.total.item(), rel=1e-6)


def test_cross_entropy_is_the_weighted_sum_over_items(tiny):
    items, weights = [example(10, 5), example(15, 6)], [0.5, 2.0]
    tokens = NextTokenLoss(tiny.model)
    loss = cross_entropy(tokens, tiny.model, make_batch(items, weights, [0, 1], 32))
    sums = [-reference_logprobs(tiny.model, item.ids).sum() for item in items]
    np.testing.assert_allclose(np.array(loss.item_nll), sums, rtol=1e-5)
    assert loss.total.item() == pytest.approx(0.5 * sums[0] + 2.0 * sums[1], rel=1e-5)
    assert loss.count == 9 + 14


def test_odds_ratio_equals_the_published_formula(tiny):
    pairs = [
        Pair(example(12, 7, start=4), example(15, 8, start=4)),
        Pair(example(9, 9, start=2), example(9, 10, start=2)),
    ]
    loss = odds_ratio(NextTokenLoss(tiny.model), tiny.model, make_batch(pairs, [1.0, 1.0], [0, 1], 32), 0.3)

    def mean_logp(item):
        return reference_logprobs(tiny.model, item.ids)[item.start - 1 :].mean()

    total = 0.0
    for pair in pairs:
        good, bad = mean_logp(pair.chosen), mean_logp(pair.rejected)
        gap = (good - np.log1p(-np.exp(good))) - (bad - np.log1p(-np.exp(bad)))
        total += -good + 0.3 * np.log1p(np.exp(-gap))
    assert loss.total.item() == pytest.approx(total, rel=1e-5)
    assert loss.count == 2
    assert loss.extras["chosen_logp"].item() == pytest.approx(sum(mean_logp(p.chosen) for p in pairs), rel=1e-5)
    assert loss.extras["rejected_logp"].item() == pytest.approx(sum(mean_logp(p.rejected) for p in pairs), rel=1e-5)


def test_odds_ratio_gradient_equals_finite_differences(tiny):
    pair = Pair(example(8, 11, start=3), example(8, 12, start=3))
    batch = make_batch([pair], [1.0], [0], 32)
    tokens, norm = NextTokenLoss(tiny.model), tiny.model.model.norm
    tiny.model.freeze()
    norm.unfreeze()
    _, grads = nn.value_and_grad(tiny.model, lambda: odds_ratio(tokens, tiny.model, batch, 1.0).total)()
    gradient = dict(tree_flatten(grads))["model.norm.weight"]
    weight, direction = norm.weight, gradient / mx.linalg.norm(gradient)

    def at(step):
        norm.weight = weight + step * direction
        return odds_ratio(tokens, tiny.model, batch, 1.0).total.item()

    assert (at(0.01) - at(-0.01)) / 0.02 == pytest.approx(mx.linalg.norm(gradient).item(), rel=1e-2)
