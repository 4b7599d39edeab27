from __future__ import annotations

import dataclasses
import importlib
import json
import re
import shutil
from pathlib import Path

import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.errors import TrainingError
from distrust_hub.hardware.detect import detect_machine
from distrust_hub.models.resolve import resolve_base
from distrust_hub.training import estimate
from distrust_hub.training.estimate import estimate_peak, refuse_what_cannot_fit

import mlx_lm.models  # isort: skip  (after MLX has been prepared)

pytestmark = pytest.mark.mlx

LONG = {"max_seq_length": 8192, "batch_size": 8, "num_layers": 2}


@pytest.fixture
def memory(monkeypatch):
    """``memory(megabytes)`` makes this a CPU machine with so much memory and two cores."""

    def give(megabytes):
        machine = dataclasses.replace(detect_machine(), backend="cpu", cpu_cores=2, memory_bytes=int(megabytes * 1e6))
        monkeypatch.setattr(estimate, "detect_machine", lambda: machine)

    return give


@pytest.fixture
def refuse(tiny_model):
    def run(longest=10_000, **options):
        settings = TrainConfig(model=tiny_model, data="d", objective="none", **{**LONG, **options})
        refuse_what_cannot_fit(settings, resolve_base(tiny_model), longest)

    return run


def test_a_run_that_fits_is_not_refused(memory, refuse):
    memory(24_000)
    assert refuse() is None


def test_settings_proposed_in_place_of_a_run_that_cannot_fit_do_fit(memory, refuse):
    memory(2_000)
    with pytest.raises(TrainingError, match=r"GB would be needed and this machine has 2\.0 GB; this would fit") as info:
        refuse()
    assert len(str(info.value).splitlines()) == 1
    assert "--grad-checkpoint" in str(info.value)
    found = re.findall(r"--(batch-size|max-seq-length|num-layers) (\d+)", str(info.value))
    proposed = {name.replace("-", "_"): int(value) for name, value in found}
    refuse(grad_checkpoint=True, **proposed)


def test_what_fits_no_settings_is_sent_to_recommend(memory, refuse):
    memory(100)
    with pytest.raises(TrainingError, match="no settings make this base model fit; see: distrust-hub recommend"):
        refuse()


def test_length_counts_only_as_far_as_the_data_goes(memory, refuse):
    memory(2_000)
    assert refuse(longest=200) is None


def test_unknown_memory_and_unknown_shapes_refuse_nothing(memory, refuse, tiny_model, tmp_path):
    memory(0)
    assert refuse() is None
    memory(1)
    base = resolve_base(tiny_model)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "other"}))
    refuse_what_cannot_fit(TrainConfig(model="m", data="d"), dataclasses.replace(base, path=tmp_path), 512)


@pytest.mark.parametrize(
    "config",
    [
        {"n_layer": 2, "n_embd": 64, "n_inner": None, "n_head": 4, "vocab_size": 304},
        {
            "vocab_size": 500_000,
            "text_config": {
                "num_hidden_layers": 2,
                "hidden_size": 64,
                "intermediate_size": [64, 256],
                "num_attention_heads": 4,
                "vocab_size": 304,
            },
        },
    ],
)
def test_sizes_are_found_under_other_names(tiny_model, tmp_path, config):
    base = resolve_base(tiny_model)
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = estimate._shape(dataclasses.replace(base, path=tmp_path))
    sizes = (shape.layers, shape.hidden_size, shape.intermediate_size, shape.heads, shape.vocab_size)
    assert sizes == (2, 64, 256, 4, 304)


def test_a_run_that_will_stop_at_max_memory_is_warned_once_before_it_starts(memory, refuse, caplog):
    memory(24_000)
    refuse(longest=0, max_memory_gb=0.1)
    refuse(max_memory_gb=2.0)
    (record,) = caplog.records
    assert "GB would be needed and max_memory_gb is 2; this would fit: --grad-checkpoint" in record.message


def test_training_stops_before_it_writes_anything(memory, quick, tmp_path):
    memory(100)
    with pytest.raises(TrainingError, match="would be needed"):
        quick("too-large", max_seq_length=4096, batch_size=64, rank=512)
    assert not list(tmp_path.glob("too-large/*.safetensors"))


KINDS = {
    "dense": ({"num_local_experts": 0, "n_shared_experts": None, "layer_group_size": 1}, True),
    "Mixtral": ({"num_local_experts": 8, "num_experts_per_tok": 2}, False),
    "Qwen 3": ({"num_experts": 128, "moe_intermediate_size": 768}, False),
    "DeepSeek": ({"n_routed_experts": 64}, False),
    "LFM2": ({"conv_L_cache": 3}, False),
}
STATES = {
    "Mamba": {"state_size": 16, "conv_kernel": 4},
    "Falcon H1": {"mamba_d_state": 256, "mamba_d_conv": 4},
    "Nemotron H": {"ssm_state_size": 128},
    "Qwen 3.5": {"text_config": {"linear_num_value_heads": 32}},
    "Kimi Linear": {"linear_attn_config": {"num_heads": 32}},
    "Bailing": {"layer_group_size": 5},
    "RecurrentGemma": {"lru_width": 2560},
    "RWKV 7": {"a_low_rank_dim": 64},
}


def with_keys(model, folder, keys):
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **keys}))
    return str(folder)


@pytest.mark.parametrize(("keys", "fitted"), KINDS.values(), ids=KINDS)
def test_estimate_says_whether_it_was_fitted_to_such_a_model(tiny_model, tmp_path, keys, fitted):
    estimated = estimate_peak(TrainConfig(model=with_keys(tiny_model, tmp_path / "model", keys), data="-"))
    assert estimated.fitted is fitted
    assert estimated.peak_bytes > 0


@pytest.mark.parametrize("keys", STATES.values(), ids=STATES)
def test_no_number_is_given_for_a_model_that_keeps_states(tiny_model, tmp_path, memory, caplog, keys):
    settings = TrainConfig(model=with_keys(tiny_model, tmp_path / "model", keys), data="-", **LONG)
    estimated = estimate_peak(settings)
    assert (estimated.peak_bytes, estimated.fitted) == (None, False)
    memory(200)  # enough for the weights, and not for a dense model of these settings
    refuse_what_cannot_fit(settings, resolve_base(settings.model), longest=0)
    assert not caplog.records
    refuse_what_cannot_fit(settings, resolve_base(settings.model), longest=8192)
    (record,) = caplog.records
    assert "lower --max-seq-length" in record.message
    memory(100)
    with pytest.raises(TrainingError, match="no settings make this base model fit"):
        refuse_what_cannot_fit(settings, resolve_base(settings.model), longest=0)


def test_every_model_of_mlx_lm_with_states_is_known_by_a_key_of_its_config():
    """Such a model has an ``ArraysCache``; so have those named here, for convolutions and windows."""
    others = {"baichuan_m1", "base", "cache", "gear", "lfm2", "lfm2_moe", "longcat_flash_ngram", "pipeline"}
    others.add("recurrent_gemma")  # it leaves its lru_width unread
    sources = {path.stem: path.read_text() for path in Path(mlx_lm.models.__path__[0]).glob("*.py")}
    kept = [name for name, source in sources.items() if "ArraysCache" in source and name not in others]
    assert len(kept) > 5
    assert not [name for name in kept if not any(map(estimate._STATES.match, fields(name)))]


def fields(name):
    """Names in the arguments of a model of mlx-lm."""
    classes = vars(importlib.import_module(f"mlx_lm.models.{name}")).values()
    return {field.name for kind in classes if dataclasses.is_dataclass(kind) for field in dataclasses.fields(kind)}


def test_a_quantised_base_keeps_its_bits_on_a_graphics_card(tiny_model):
    base = dataclasses.replace(resolve_base(tiny_model), parameters=10**9)
    shape = estimate._shape(base)

    def gigabytes(bits, backend="metal"):
        machine = dataclasses.replace(detect_machine(), backend=backend)
        quantised = dataclasses.replace(base, quantization=bits)
        profile = estimate._profile(TrainConfig(model="m", data="d"), quantised, machine)
        return estimate.estimate_peak_bytes(shape, profile) / 1e9

    four, mxfp4, six, eight, whole = map(gigabytes, ("4-bit", "4-bit mxfp4", "6-bit", "8-bit", None))
    assert mxfp4 == four < six == eight < whole
    assert eight - four == pytest.approx(0.54, abs=0.01)  # half a byte a weight, and 8 %
    assert gigabytes("4-bit", "cpu") == gigabytes(None, "cpu")


def test_pairs_need_more_than_single_texts(tiny_model):
    settings = {"model": tiny_model, "data": "d", **LONG, "batch_size": 1}
    single, pair = (estimate_peak(TrainConfig(objective=o, **settings)).peak_bytes for o in ("none", "preference"))
    assert pair > 1.5 * single
