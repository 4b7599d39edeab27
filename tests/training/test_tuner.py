"""Which layers are adapted, and how: everything that goes through mlx-lm's tuner."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

from distrust_hub.config import TrainConfig
from distrust_hub.errors import ConfigError
from distrust_hub.models.runtime import mx, nn, tree_flatten
from distrust_hub.training.optimizers import make_optimizer
from distrust_hub.training.tuner import add_lora

pytestmark = pytest.mark.mlx

ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
MLP = {"gate_proj", "up_proj", "down_proj"}


def adapted(model):
    return {name.split(".")[-2] for name, _ in tree_flatten(model.trainable_parameters())}


def settings(**options):
    return TrainConfig(model="m", data="d", rank=2, **options)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("all", ATTENTION | MLP),
        ("attention", ATTENTION),
        ("q_proj,v_proj", {"q_proj", "v_proj"}),
        ("self_attn.o_proj, down_proj", {"o_proj", "down_proj"}),
    ],
)
def test_target_modules_choose_the_layers(tiny, targets, expected):
    add_lora(tiny.model, settings(target_modules=targets))
    assert adapted(tiny.model) == expected


@pytest.mark.parametrize("targets", ["q_proj,lm_tail", ",", "q"])
def test_target_modules_that_are_not_there_are_named(tiny, targets):
    with pytest.raises(ConfigError, match=r"target_modules is .*layers here: down_proj, gate_proj"):
        add_lora(tiny.model, settings(target_modules=targets))


def test_num_layers_counts_from_the_last_block(tiny):
    add_lora(tiny.model, settings(num_layers=1, target_modules="attention"))
    assert {name.split(".")[2] for name, _ in tree_flatten(tiny.model.trainable_parameters())} == {"1"}


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_a_new_adapter_changes_nothing_yet_and_the_base_stays_frozen(tiny, kind):
    tokens = mx.array([[70, 80, 90, 100]])
    before = np.array(tiny.model(tokens))
    add_lora(tiny.model, settings(fine_tune_type=kind))
    np.testing.assert_allclose(np.array(tiny.model(tokens)), before, atol=1e-5)
    leaves = {name.split(".")[-1] for name, _ in tree_flatten(tiny.model.trainable_parameters())}
    assert leaves == ({"lora_a", "lora_b"} | ({"m"} if kind == "dora" else set()))


def test_quantised_layers_are_adapted_in_place(tiny):
    nn.quantize(tiny.model, group_size=32, bits=4)
    add_lora(tiny.model, settings())
    assert adapted(tiny.model) == ATTENTION | MLP
    layer = tiny.model.layers[0].self_attn.q_proj
    assert isinstance(layer.linear, nn.QuantizedLinear)
    _, grads = nn.value_and_grad(tiny.model, lambda: tiny.model(mx.array([[70, 80]])).sum())()
    assert all(mx.isfinite(value).all().item() for _, value in tree_flatten(grads))


def test_train_dora_writes_magnitudes_that_load_again(quick, tmp_path, tiny_model):
    from distrust_hub.adapters.load import load_adapter

    quick(fine_tune_type="dora", objective="none")
    tensors = load_file(tmp_path / "adapter" / "adapters.safetensors")
    assert any(name.endswith(".m") for name in tensors)
    tokens = mx.array([[70, 80, 90]])
    loaded = load_adapter(tmp_path / "adapter", tiny_model).model
    flat = dict(tree_flatten(loaded.parameters()))
    for name, value in tensors.items():
        np.testing.assert_array_equal(np.array(flat[name]), value)
    assert mx.isfinite(loaded(tokens)).all().item()


@pytest.mark.parametrize("name", ["adamw", "sgd", "muon"])
def test_optimizers_decay_matrices_and_spare_vectors(name):
    optimizer = make_optimizer(settings(optimizer=name, learning_rate=0.1, weight_decay=0.5))
    model = {"matrix": mx.ones((2, 2)), "vector": mx.ones(2)}
    after = optimizer.apply_gradients({name: mx.zeros_like(value) for name, value in model.items()}, model)
    assert (np.array(after["matrix"]) < 0.97).all()
    if name == "adamw":
        np.testing.assert_allclose(np.array(after["matrix"]), 0.95, rtol=1e-6)
    np.testing.assert_array_equal(np.array(after["vector"]), 1.0)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "muon", "adafactor"])
def test_optimizers_train_and_go_on_to_the_byte(quick, tmp_path, name):
    options = {"optimizer": name, "iters": 3, "save_every": 1, "learning_rate": 1e-3}
    quick("whole", **options)
    tensors = load_file(tmp_path / "whole" / "adapters.safetensors")
    assert all(np.isfinite(value).all() for value in tensors.values())
    assert any(value.any() for key, value in tensors.items() if key.endswith("lora_b"))
    before = (tmp_path / "whole" / "adapters.safetensors").read_bytes()
    quick("whole", **options, resume_from_step=1)
    assert (tmp_path / "whole" / "adapters.safetensors").read_bytes() == before
