from __future__ import annotations

import dataclasses

import pytest

from distrust_hub.config import TrainConfig
from distrust_hub.hardware.detect import named_machine
from distrust_hub.hardware.memory import Profile, estimate_peak_bytes
from distrust_hub.hardware.profiles import best_profile, usable_bytes
from distrust_hub.hardware.recommend import recommend
from distrust_hub.models.registry import KNOWN_MODELS

GIB = 1 << 30
SMOLLM2 = KNOWN_MODELS[0]
MEASURED = [  # batch, length, layers, checkpointing, peak in MB of a whole run (benchmarks/memory_estimate.py)
    (1, 128, 4, False, 786),
    (4, 256, 8, False, 1122),
    (2, 256, 30, False, 1746),
    (2, 512, 8, False, 1518),
    (2, 512, 16, True, 1330),
]


@pytest.mark.parametrize(("batch", "length", "layers", "checkpoint", "megabytes"), MEASURED)
def test_estimate_is_near_what_was_measured_on_two_cores(batch, length, layers, checkpoint, megabytes):
    profile = Profile(batch, length, layers, "float32", checkpoint, cores=2)
    assert estimate_peak_bytes(SMOLLM2, profile) / (megabytes * 1e6) == pytest.approx(1.0, abs=0.1)


def test_on_a_cpu_the_peak_grows_with_the_batch_only_to_a_part_for_each_core():
    def peak(batch, **options):
        return estimate_peak_bytes(SMOLLM2, Profile(batch, 256, 8, **{"precision": "float32", "cores": 2, **options}))

    assert peak(1) < peak(2) == peak(64)
    assert peak(64) < peak(64, cores=4) < peak(64, cores=0)
    assert peak(2, sequences=2) > peak(2)
    assert peak(2, precision="bfloat16") < peak(64, precision="bfloat16")


@pytest.mark.parametrize(
    "larger",
    [{"batch_size": 4}, {"max_seq_length": 512}, {"num_layers": 16}, {"rank": 64}, {"precision": "float32"}],
)
def test_estimate_grows_with_every_setting(larger):
    small = Profile(2, 256, 8, "bfloat16")
    assert estimate_peak_bytes(SMOLLM2, dataclasses.replace(small, **larger)) > estimate_peak_bytes(SMOLLM2, small)


def test_estimate_counts_all_blocks_for_minus_one_and_no_more_than_there_are():
    every, too_many = (Profile(1, 128, layers, "float32") for layers in (-1, 10_000))
    assert estimate_peak_bytes(SMOLLM2, every) == estimate_peak_bytes(SMOLLM2, too_many)


@pytest.mark.parametrize("chip", ["Apple M2", "RTX 4090", "EPYC"])
@pytest.mark.parametrize("gigabytes", [2, 8, 16, 64, 512])
def test_every_recommendation_fits_and_is_a_valid_training_config(chip, gigabytes):
    machine = named_machine(chip, gigabytes * GIB)
    for entry in recommend(machine):
        assert entry.estimated_bytes <= usable_bytes(machine)
        profile = entry.profile
        TrainConfig(
            model=entry.model.id,
            data="d",
            batch_size=profile.batch_size,
            max_seq_length=profile.max_seq_length,
            num_layers=profile.num_layers,
            grad_checkpoint=profile.grad_checkpoint,
        )
        assert (profile.precision == "float32") == (machine.backend == "cpu")


def test_more_memory_never_means_fewer_models():
    counts = [len(recommend(named_machine("Apple M2", int(n * GIB)))) for n in (0.25, 4, 8, 16, 32, 128)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == len(KNOWN_MODELS)


def test_notes_say_what_to_know_first():
    by_id = {entry.model.id: entry for entry in recommend(named_machine("Apple M2", 8 * GIB))}
    assert by_id["Qwen/Qwen3-8B"].notes == ("needs a 4-bit version",)
    assert "accept its licence on the Hub first" in by_id["meta-llama/Llama-3.2-1B-Instruct"].notes
    on_cpu = {entry.model.id: entry for entry in recommend(named_machine("EPYC", 64 * GIB))}
    assert on_cpu["Qwen/Qwen3-4B"].notes == ("slow on a CPU",)
    assert recommend(named_machine("EPYC", 64 * GIB))[0].notes == ()


def test_command_for_a_4_bit_version_makes_it_first():
    by_id = {entry.model.id: entry for entry in recommend(named_machine("Apple M2", 8 * GIB))}
    command = by_id["Qwen/Qwen3-8B"].command()
    assert command.startswith(
        "mlx_lm.convert --hf-path Qwen/Qwen3-8B -q --mlx-path Qwen3-8B-4bit && distrust-hub train"
    )
    assert "train --model Qwen3-8B-4bit " in command
    assert "convert" not in by_id["HuggingFaceTB/SmolLM2-135M-Instruct"].command()


def test_best_profile_is_none_where_nothing_fits():
    assert best_profile(named_machine("EPYC", 1 * GIB), KNOWN_MODELS[-1]) is None
