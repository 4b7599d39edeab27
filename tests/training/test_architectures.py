"""Training of architectures that are no llama, against mlx-lm's own forward pass, document by document."""

from __future__ import annotations

import json

import numpy as np
import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError, ModelError
from distrust_hub.models.load import load_base
from distrust_hub.models.runtime import mx, nn, tree_flatten, tree_map
from distrust_hub.training import cpu_ops, trial
from distrust_hub.training.activation_cache import frozen_blocks
from distrust_hub.training.anatomy import Body
from distrust_hub.training.batches import make_batch
from distrust_hub.training.cpu_ops import fast_cpu_ops
from distrust_hub.training.examples import Example, Pack
from distrust_hub.training.gradients import Differentiator
from distrust_hub.training.losses import NextTokenLoss
from distrust_hub.training.packing import packed_attention
from distrust_hub.training.trial import Trial
from distrust_hub.training.tuner import add_lora, checkpointed_blocks
from tests.training.architectures import CONFIGS, make_model
from tests.training.conftest import scored_row

pytestmark = pytest.mark.mlx

BODIES = {"gemma3": "language_model.model", "gpt_neox": None}
"""Where that is not ``model``; None where hidden states cannot be had apart from logits."""
UNSPLIT = {"gptj", "rwkv7"}
"""Whose blocks pass on more than one array or take theirs by name, so that the frozen ones are not run apart."""
PACKED = {
    *("cohere", "gemma", "gemma3_text", "gpt_neox", "granite", "llama", "mistral", "olmo2", "olmoe", "phi", "phi3"),
    *("gptj", "qwen2", "qwen2_moe", "qwen3", "smollm3", "starcoder2"),
}
"""Whose documents can share a row."""

DOCUMENTS = [
    Example(np.random.default_rng(i).integers(3, 259, n).astype(np.int32), start, f"row-{i}")
    for i, (n, start) in enumerate([(9, 1), (30, 12), (17, 1), (41, 3)])
]
WEIGHTS = [0.5, 2.0, 1.0, 0.7]


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory):
    """``folder_of(kind)``: a model of that architecture, made once."""
    made = {}

    def folder(kind, bits=None):
        if kind == "gptj":
            pytest.importorskip("mlx_lm.models.gptj", reason="new in mlx-lm 0.32, which needs Python 3.11")
        if (kind, bits) not in made:
            made[kind, bits] = make_model(tmp_path_factory.mktemp(kind) / "model", kind, bits=bits)
        return str(made[kind, bits])

    return folder


def adapted(folder):
    """The model with LoRA on its upper two of four blocks, nudged off its start of zero."""
    model = load_base(folder).model
    add_lora(model, settings(num_layers=2))
    for name, value in tree_flatten(model.trainable_parameters()):
        noise = np.random.default_rng(len(name)).normal(size=value.shape).astype(np.float32)
        model.load_weights([(name, value + mx.array(0.05 * noise))], strict=False)
    model.train()
    return model


def settings(**options):
    return TrainConfig(model="m", data="d", rank=2, objective="none", max_seq_length=64, **options)


def flat(tree):
    return np.concatenate([np.array(value).ravel() for _, value in tree_flatten(tree)])


def reference(model):
    """Loss and gradient of the weighted mean over the trained tokens, each document alone."""

    def loss():
        total = 0.0
        for document, weight in zip(DOCUMENTS, WEIGHTS):
            logits = model(mx.array(document.ids[None, :-1])).astype(mx.float32)[0]
            nll = nn.losses.cross_entropy(logits, mx.array(document.ids[1:]))
            total = total + weight * nll[document.start - 1 :].sum()
        return total / sum(document.n_tokens for document in DOCUMENTS)

    value, tree = nn.value_and_grad(model, loss)()
    return value.item(), flat(tree)


def assert_same_step(gradients, wanted):
    loss, gradient = wanted
    assert gradients.weighted_loss == pytest.approx(loss, rel=1e-5)
    assert np.linalg.norm(flat(gradients.tree) - gradient) < 1e-4 * np.linalg.norm(gradient)


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_a_step_equals_mlx_lm_s_own(folder_of, tmp_path, kind):
    model = adapted(folder_of(kind))
    wanted, batch = reference(model), make_batch(DOCUMENTS, WEIGHTS, range(4), 64)
    step = Differentiator(model, settings())
    assert step.tokens.body.path == BODIES.get(kind, "model")
    assert_same_step(step([batch], 0), wanted)
    for checkpoints in (False, True):
        with fast_cpu_ops(model), checkpointed_blocks(model, checkpoints):
            step.tokens.frozen = None
            assert_same_step(step([batch], 0), wanted)
            with frozen_blocks(model, tmp_path, 1.0) as step.tokens.frozen:
                assert (step.tokens.frozen is None) == (kind in UNSPLIT)
                for _ in ("filling the cache", "from the cache"):
                    assert_same_step(step([batch], 0), wanted)


@pytest.mark.parametrize("kind", sorted(PACKED))
def test_packed_documents_equal_mlx_lm_s_own_alone(folder_of, kind):
    model = adapted(folder_of(kind))
    packs = [Pack(tuple(DOCUMENTS[:2])), Pack(tuple(DOCUMENTS[2:]))]
    with fast_cpu_ops(model), packed_attention(model, True):
        found = Differentiator(model, settings(packing=True))([make_batch(packs, WEIGHTS, range(4), 64)], 0)
    assert_same_step(found, reference(model))


@pytest.mark.parametrize("kind", sorted({*CONFIGS} - PACKED))
def test_packing_is_refused_where_documents_would_meet(folder_of, quick, tmp_path, kind):
    with pytest.raises(ConfigError, match=r"packing is not known to work with mlx_lm\.models.* without --packing"):
        quick(model=folder_of(kind), packing=True)
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize(
    ("kind", "bits"),
    [("gemma2", None), ("gpt2", None), ("lfm2", None), ("qwen2_moe", None), ("qwen3", 4), ("llama", 8)],
)
def test_an_adapter_of_another_architecture_loads_in_mlx_lm(folder_of, quick, tmp_path, kind, bits):
    import mlx_lm

    from distrust_hub.adapters.load import load_adapter

    folder = folder_of(kind, bits)
    quick(model=folder, num_layers=2, epochs=2)
    model = mlx_lm.load(folder, adapter_path=str(tmp_path / "adapter"))[0]
    model.update(tree_map(lambda a: a if a.dtype == mx.uint32 else a.astype(mx.float32), model.parameters()))
    tokens = mx.array([[70, 80, 90, 100, 110]])
    theirs, ours = np.array(model(tokens)), np.array(load_adapter(tmp_path / "adapter", folder).model(tokens))
    base = np.array(load_base(folder).model(tokens))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert np.abs(ours - base).max() > 1e-3


@pytest.mark.parametrize("objective", ["reweight", "conditional"])
def test_objectives_train_a_model_with_experts_and_one_with_state(folder_of, quick, objective):
    for kind in ("qwen2_moe", "lfm2"):
        run = quick(f"{kind}-{objective}", model=folder_of(kind), objective=objective, num_layers=2)
        assert run.steps == {"total": 3, "skipped": 0}


def test_stacked_experts_stay_frozen_as_peft_has_no_place_for_them(folder_of):
    names = {name for name, _ in tree_flatten(adapted(folder_of("qwen2_moe")).trainable_parameters())}
    assert any(".shared_expert." in name for name in names)
    assert not any(".switch_mlp." in name for name in names)


def test_a_body_is_only_taken_for_one_if_its_head_sees_each_token_alone(tiny):
    class Mixing(type(tiny.model)):
        def __call__(self, tokens, *args):
            logits = super().__call__(tokens, *args)
            return logits + logits.max(axis=1, keepdims=True)

    assert Body(tiny.model).path == "model"
    tiny.model.__class__ = Mixing
    assert Body(tiny.model).path is None


def test_a_checkpointed_block_differentiates_all_it_is_given():
    class Sharing(nn.Module):
        def __call__(self, x, pair, *, mask=None, scale=1.0):
            keys, values = pair
            return scale * x * keys, {"values": values * keys}

    inputs = [mx.array(np.random.default_rng(i).normal(size=(2, 3)).astype(np.float32)) for i in range(3)]

    def loss(call):
        def run(x, keys, values):
            states, more = call(Sharing(), x, (keys, values), mask="causal", scale=2.0)
            return (states**2).sum() + (more["values"] ** 2).sum()

        return mx.grad(run, argnums=(0, 1, 2))(*inputs)

    for found, wanted in zip(loss(cpu_ops.checkpointed(Sharing.__call__)), loss(Sharing.__call__)):
        np.testing.assert_allclose(np.array(found), np.array(wanted), rtol=1e-5)


def trial_of(model, **options):
    return Trial(model, DOCUMENTS, 258, 64, settings(**options))


def test_trial_refuses_what_gives_another_gradient(tiny, monkeypatch):
    add_lora(tiny.model, settings())
    tokens = NextTokenLoss(tiny.model)
    monkeypatch.setattr(trial, "on_cpu", lambda: True)
    trial_of(tiny.model).check(tokens)
    block = type(tiny.model.layers[0])
    plain = block.__call__
    for options, error in ((({"grad_checkpoint": True}), ConfigError), ({}, ModelError)):
        tried = trial_of(tiny.model, **options)
        monkeypatch.setattr(block, "__call__", lambda self, x, *args, **kwargs: plain(self, 1.1 * x, *args, **kwargs))
        with pytest.raises(error, match=r"mlx_lm.models.llama .*its gradient is \d+\.\d% off"):
            tried.check(tokens)
        monkeypatch.setattr(block, "__call__", plain)


@pytest.mark.parametrize("cpu", [True, False])
def test_trial_refuses_what_cannot_be_computed(tiny, monkeypatch, cpu):
    add_lora(tiny.model, settings())
    tokens, tried = NextTokenLoss(tiny.model), trial_of(tiny.model)
    monkeypatch.setattr(trial, "on_cpu", lambda: cpu)
    monkeypatch.setattr(type(tiny.model.layers[0]), "__call__", lambda self, x, *args, **kwargs: self.wait)
    with pytest.raises(
        ModelError, match=r"not known to train right here \(AttributeError: .*'wait'\); please report it"
    ):
        tried.check(tokens)


def test_trial_names_a_model_that_cannot_be_differentiated(tiny, monkeypatch):
    add_lora(tiny.model, settings())
    with pytest.raises(ModelError, match="the tokenizer makes token 304 and the model has 304; they are of two models"):
        Trial(tiny.model, DOCUMENTS, 304, 64, settings())
    monkeypatch.setattr(type(tiny.model), "__call__", lambda self, tokens: self.model.norm.wait)
    with pytest.raises(ModelError, match=r"cannot be trained with these layers .AttributeError: .*--target-modules"):
        trial_of(tiny.model)


def test_rows_longer_than_the_learned_positions_are_refused(folder_of, quick, folder, tmp_path):
    (folder / "train.jsonl").write_text(json.dumps(scored_row(0, words=200)) + "\n", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"gpt2 has 512 learned positions and a row of .* --max-seq-length 512 or less"
    ):
        quick(model=folder_of("gpt2"), max_seq_length=1024, num_layers=1)
    assert not (tmp_path / "adapter").exists()
    assert quick(model=folder_of("gpt2"), max_seq_length=512, num_layers=1).steps["skipped"] == 0


def test_a_table_of_another_modality_bounds_no_length(tiny):
    add_lora(tiny.model, settings())
    tiny.model.patch_positions = nn.Embedding(16, 64)
    assert np.linalg.norm(trial_of(tiny.model).expected) > 0  # it was tried, with rows of more than 16 tokens


def test_add_lora_names_a_model_that_mlx_lm_cannot_adapt(tiny, monkeypatch):
    def freeze(self):
        raise AttributeError("'Model' object has no attribute '_no_grad'")

    monkeypatch.setattr(type(tiny.model), "freeze", freeze)
    with pytest.raises(ModelError, match="llama cannot get lora layers: 'Model'"):
        add_lora(tiny.model, settings())
