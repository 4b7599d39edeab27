"""``train`` end to end on the tiny model."""

from __future__ import annotations

import contextlib
import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file

from distrust_hub.adapters.verify import verify_adapter
from distrust_hub.artifacts import TrainingRun
from distrust_hub.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    OutputExistsError,
    TrainingError,
)
from distrust_hub.models.resolve import resolve_base
from distrust_hub.training import gradients, stream
from distrust_hub.training.trainer import train
from tests.training.conftest import metrics, scored_row, sha256, write_rows

pytestmark = pytest.mark.mlx


def test_train_writes_a_verified_adapter_and_its_record(quick, tmp_path, tiny_model, capsys):
    run = quick(epochs=4)
    info = verify_adapter(tmp_path / "adapter", resolve_base(tiny_model))
    assert info.sha256 == run.adapter["sha256"] == sha256(tmp_path)
    assert TrainingRun.load(tmp_path / "adapter").to_json() == json.loads(json.dumps(run.to_json()))
    assert run.steps == {"total": 12, "skipped": 0}
    assert run.loss["valid_after"] < run.loss["valid_before"]
    assert run.performance["trained_tokens"] == 4 * run.data["tokens"]
    assert run.weights["by_tier"]["primary"]["mean_weight"] > 1.0 > run.weights["by_tier"]["coordinated"]["mean_weight"]
    assert run.adapter["keys"] == sorted(run.adapter["keys"])
    assert {"adapters.safetensors", "adapter_model.safetensors", "adapter_config.json"} <= set(
        os.listdir(tmp_path / "adapter")
    )
    assert capsys.readouterr().out == ""


def test_train_stores_no_path_of_this_machine(quick, tmp_path):
    quick()
    for name in ("training_run.json", "adapter_config.json", "metrics.jsonl"):
        assert str(tmp_path) not in (tmp_path / "adapter" / name).read_text()


def test_train_metrics_have_a_line_a_step(quick, tmp_path):
    run = quick(warmup_steps=2, steps_per_eval=2)
    steps = [row for row in metrics(tmp_path) if "loss" in row]
    assert [row["step"] for row in steps] == [1, 2, 3]
    assert [row["learning_rate"] for row in steps][:2] == pytest.approx([0.005, 0.01])
    assert [row["step"] for row in metrics(tmp_path) if "valid_loss" in row] == [0, 2, 3]
    assert sum(row["tokens"] for row in steps) == run.performance["trained_tokens"]
    seconds = sum(row["tokens"] / row["tokens_per_second"] for row in steps)
    assert run.performance["seconds"] == pytest.approx(seconds)
    assert run.performance["tokens_per_second"] == pytest.approx(run.performance["trained_tokens"] / seconds)


def test_train_repeats_to_the_byte_and_follows_the_seed(quick, tmp_path):
    quick("one", dropout=0.1)
    quick("two", dropout=0.1)
    quick("three", dropout=0.1, seed=1)
    assert sha256(tmp_path, "one") == sha256(tmp_path, "two") != sha256(tmp_path, "three")


def test_train_dropout_draws_other_noise_for_every_micro_batch(quick, monkeypatch):
    places, original = set(), gradients._noise_seed

    def noted(seed, position, item):
        places.add(position)
        return original(seed, position, item)

    monkeypatch.setattr(gradients, "_noise_seed", noted)
    quick(dropout=0.1, batch_size=1, grad_accumulation_steps=2)
    assert places == set(range(6))


def test_train_literal_is_plain_lora_to_the_byte_and_the_others_are_not(quick, tmp_path):
    for objective in ("none", "literal", "reweight", "conditional", "filter"):
        quick(objective, objective=objective, min_trust=2.0)
    hashes = {name: sha256(tmp_path, name) for name in ("none", "literal", "reweight", "conditional", "filter")}
    assert hashes["literal"] == hashes["none"]
    assert len(set(hashes.values())) == 4
    quick("literal-3", objective="literal", distrust_alpha=3.0)
    assert sha256(tmp_path, "literal-3") == hashes["none"]
    terms = [metrics(tmp_path, name)[1]["distrust_term"] for name in ("literal", "literal-3")]
    assert terms[1] == pytest.approx(terms[0] * 3.0 / 2.7)


def test_train_records_the_mean_loss_of_the_first_and_the_last_tenth_of_the_steps(quick, tmp_path):
    run = quick(iters=25)
    losses = [row["loss"] for row in metrics(tmp_path) if "loss" in row]
    assert (run.loss["train_first"], run.loss["train_last"]) == (np.mean(losses[:2]), np.mean(losses[-2:]))


def test_train_logs_the_effective_sample_size_of_what_was_trained(quick, tmp_path):
    one = quick("one", batch_size=9, iters=1, max_weight_ratio=4.0).weights["ess"]
    assert one < 0.9
    (row,) = [row for row in metrics(tmp_path, "one") if "loss" in row]
    assert (row["step_ess"], row["ess"]) == (pytest.approx(one), pytest.approx(one))
    quick("nine", batch_size=1, iters=9, max_weight_ratio=4.0)
    *_, row = [row for row in metrics(tmp_path, "nine") if "loss" in row]
    assert (row["step_ess"], row["ess"]) == (1.0, pytest.approx(one))


def test_train_literal_logs_the_mean_term_of_a_steps_tokens(quick, tmp_path):
    run = quick(objective="literal", batch_size=9, iters=1)
    assert metrics(tmp_path)[1]["distrust_term"] == pytest.approx(run.objective["mean_term"])


def test_train_reweight_with_a_ratio_of_one_is_plain_lora_to_the_byte(quick, tmp_path):
    quick("none", objective="none")
    quick("one", max_weight_ratio=1.0)
    assert sha256(tmp_path, "none") == sha256(tmp_path, "one")


def test_train_preference_prefers_the_chosen_answers(quick, tmp_path):
    rows = [{"prompt": f"Who dug well {i}? ", "chosen": "Ann Lee", "rejected": "The board"} for i in range(6)]
    data = write_rows(tmp_path / "pairs" / "train.jsonl", rows)
    write_rows(tmp_path / "pairs" / "valid.jsonl", rows[:2])
    run = quick(data=os.path.dirname(data), objective="preference", iters=None, epochs=8, orpo_lambda=1.0)
    steps = [row for row in metrics(tmp_path) if "chosen_logp" in row]
    before, after = (row["chosen_logp"] - row["rejected_logp"] for row in (steps[0], steps[-1]))
    assert after > before
    assert run.loss["valid_after"] < run.loss["valid_before"]
    assert run.weights["by_tier"] == {}


def test_train_conditional_stores_its_tag(quick, tmp_path):
    quick(objective="conditional")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["distrust_hub"]["condition_prefix"] == "Source tier: primary\n\n"


def test_train_splits_long_documents(quick):
    short = quick("short", max_seq_length=16, objective="none")
    long = quick("long", max_seq_length=64, objective="none")
    assert short.data["tokens"] == long.data["tokens"]


CHANGES = [
    {"max_weight_ratio": 3.0},
    {"iters": 2},
    {"batch_size": 2},
    {"grad_accumulation_steps": 2},
    {"num_layers": 1},
    {"rank": 3},
    {"scale": 10.0},
    {"dropout": 0.2},
    {"learning_rate": 1e-3},
    {"lr_schedule": "linear"},
    {"warmup_steps": 2},
    {"weight_decay": 0.5},
    {"max_grad_norm": 0.01},
    {"max_seq_length": 16},
    {"seed": 5},
    {"objective": "conditional", "condition_rate": 0.2},
    {"objective": "filter", "min_trust": 5.0},
    {"optimizer": "sgd"},
    {"fine_tune_type": "dora"},
    {"target_modules": "attention"},
    {"packing": True},
]


@pytest.fixture(scope="module")
def usual():
    """{objective: SHA-256 of the adapter with the usual options}."""
    return {}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change))
def test_train_option_changes_the_adapter(quick, tmp_path, usual, change):
    objective = change.get("objective", "reweight")
    if objective not in usual:
        quick("usual", objective=objective)
        usual[objective] = sha256(tmp_path, "usual")
    quick("changed", **change)
    assert sha256(tmp_path, "changed") != usual[objective]


def test_train_distrust_alpha_is_the_slope_where_weights_are_not_at_their_bound(quick, tmp_path):
    rows = [scored_row(i, authority_weight=0.5, provenance_entropy=3.0 + 0.1 * i) for i in range(9)]
    data = write_rows(tmp_path / "close.jsonl", rows)
    quick("usual", data=data)
    quick("flatter", data=data, distrust_alpha=2.3)
    assert sha256(tmp_path, "flatter") != sha256(tmp_path, "usual")


def test_train_save_every_and_keep_last(quick, tmp_path):
    quick(iters=5, save_every=1, keep_last=2)
    assert sorted(os.listdir(tmp_path / "adapter" / "checkpoints")) == ["step-000004", "step-000005"]


def test_train_mask_prompt_changes_what_is_trained_of_a_chat(quick, tmp_path):
    chat = [{"role": "user", "content": "who dug the well"}, {"role": "assistant", "content": "Ann Lee"}]
    data = write_rows(tmp_path / "chats.jsonl", [{"messages": chat} for _ in range(3)])
    answer, all_of_it = (
        quick(name, data=data, objective="none", mask_prompt=mask).data["tokens"]
        for name, mask in (("a", True), ("b", False))
    )
    assert answer == 3 * len("Ann Lee<|im_end|>\n".replace("<|im_end|>", "X"))
    assert all_of_it > 3 * answer / 2


def test_train_splits_by_origin_where_the_data_have_no_valid_split(quick, tmp_path):
    rows = [scored_row(i, origin=f"book-{i // 3}") for i in range(30)]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    split = quick("split", data=data)
    assert split.data["valid_split"] == "by origin"
    assert (split.data["rows"], split.data["valid_rows"]) == (27, 3)
    assert split.loss["valid_before"] is not None
    whole = quick("whole", data=data, valid_share=0.0)
    assert (whole.data["rows"], whole.data["valid_rows"], whole.data["valid_split"]) == (30, 0, None)
    assert whole.loss["valid_before"] is None


def test_train_from_a_buffer_smaller_than_the_data_trains_all_of_it_and_resumes_to_the_byte(
    quick, tmp_path, monkeypatch
):
    options = {"iters": None, "epochs": 2, "batch_size": 2, "save_every": 1, "keep_last": 20}
    plain = quick("plain", **options)
    monkeypatch.setattr(stream, "BLOCK_EXAMPLES", 4)
    buffered = quick("buffered", **options)
    assert buffered.performance["trained_tokens"] == plain.performance["trained_tokens"] == 2 * plain.data["tokens"]
    before = sha256(tmp_path, "buffered")
    for step in (1, 3, 7):
        quick("buffered", **options, resume_from_step=step)
        assert sha256(tmp_path, "buffered") == before
    assert sha256(tmp_path, "plain") != before


def test_train_accumulated_and_in_one_batch_have_the_same_losses(quick, tmp_path):
    data = write_rows(tmp_path / "four.jsonl", [scored_row(i, words=5 + 2 * i) for i in range(4)])
    options = {"data": data, "iters": None, "epochs": 20, "valid_share": 0.0, "learning_rate": 1e-3}
    quick("large", **options, batch_size=4)
    quick("small", **options, batch_size=1, grad_accumulation_steps=4)
    curves = [[row["loss"] for row in metrics(tmp_path, name)] for name in ("large", "small")]
    assert len(curves[0]) == 20
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)
    assert curves[0][-1] < curves[0][0]


def test_train_logs_the_clipped_share_of_each_tier(quick, tmp_path):
    clipped = quick("clipped", max_grad_norm=1e-4).weights["by_tier"]
    free = quick("free", max_grad_norm=0.0).weights["by_tier"]
    assert {tier["clipped_share"] for tier in clipped.values()} == {1.0}
    assert {tier["clipped_share"] for tier in free.values()} == {0.0}
    assert metrics(tmp_path, "clipped")[-2]["clipped_share"] == dict.fromkeys(sorted(clipped), 1.0)


@pytest.mark.parametrize(("val_batches", "measured"), [(-1, True), (1, True), (0, False)])
def test_train_val_batches(quick, val_batches, measured):
    run = quick(val_batches=val_batches, batch_size=1)
    assert (run.loss["valid_before"] is not None) is measured


def test_train_grad_checkpoint_changes_memory_not_results(quick, tmp_path):
    quick("plain")
    quick("checkpointed", grad_checkpoint=True)
    one, other = (load_file(tmp_path / name / "adapters.safetensors") for name in ("plain", "checkpointed"))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-4)


def test_train_last_step_of_an_epoch_takes_what_is_left(quick):
    run = quick(epochs=1, batch_size=2, grad_accumulation_steps=2)
    assert run.steps["total"] == 3
    assert run.performance["trained_tokens"] == run.data["tokens"]


def test_train_refuses_a_folder_with_a_run_unless_told(quick, tmp_path):
    quick()
    with pytest.raises(OutputExistsError, match=r"--resume.*--overwrite"):
        quick()
    for name in ("eval_results.json", "radar.svg"):
        (tmp_path / "adapter" / name).write_text("{}")
    (tmp_path / "adapter" / "README.md").write_text("mine")
    quick(overwrite=True, seed=1)
    assert not [name for name in ("eval_results.json", "radar.svg") if (tmp_path / "adapter" / name).exists()]
    assert (tmp_path / "adapter" / "README.md").read_text() == "mine"


def test_train_config_and_options_are_exclusive(tiny_model, folder):
    from distrust_hub.config import TrainConfig

    with pytest.raises(ConfigError, match="config and iters"):
        train(TrainConfig(model=tiny_model, data=str(folder)), iters=3)
    with pytest.raises(ConfigError, match="iters is 3 and epochs is 2"):
        TrainConfig(model="m", data="d", iters=3, epochs=2)
    for name, value in (("resume", True), ("resume_from_step", 3), ("resume_from_hub", "ada/run")):
        with pytest.raises(ConfigError, match=f"{name} and overwrite are both set"):
            TrainConfig(model="m", data="d", overwrite=True, **{name: value})


def test_train_refuses_unscored_rows_before_it_trains(quick, tmp_path):
    data = write_rows(tmp_path / "plain.jsonl", [{"text": "abc def"}])
    with pytest.raises(DataError, match=r"plain.jsonl:1: .*distrust-hub score"):
        quick(data=data)
    assert quick("none", data=data, objective="none").steps["total"] == 3


# -- stopping and going on ---------------------------------------------------------------------------------------------


def test_train_takes_lone_surrogates_anywhere_in_a_row(quick, tmp_path):
    rows = [{"text": "hi \ud83d you", "lang": "e\ud83d", "license": "\ud83d"} for _ in range(3)]
    run = quick(data=write_rows(tmp_path / "rows.jsonl", rows), objective="none", valid_share=0.0)
    assert run.data["languages"] == {"e?": 3}


def test_train_resume_refuses_another_grad_checkpoint_where_it_changes_the_dropout(quick):
    for options, changes in (({"dropout": 0.3}, True), ({}, False)):
        quick(**options, overwrite=True)
        with pytest.raises(CheckpointError, match="grad_checkpoint") if changes else contextlib.nullcontext():
            quick(**options, grad_checkpoint=True, resume=True)


def test_train_from_csv(quick, tmp_path):
    rows = [scored_row(i) for i in range(6)]
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    (tmp_path / "train.csv").write_text("\n".join(lines), encoding="utf-8")
    quick("csv", data=str(tmp_path / "train.csv"), valid_share=0.0)
    quick("json", data=write_rows(tmp_path / "train.jsonl", rows), valid_share=0.0)
    assert sha256(tmp_path, "csv") == sha256(tmp_path, "json")


@pytest.mark.parametrize("name", ["learning_rate", "scale"])
def test_train_refuses_settings_that_change_nothing(quick, name):
    with pytest.raises(ConfigError, match=f"{name} is 0, .*expected more than 0"):
        quick(**{name: 0.0})


def test_train_lock_refuses_a_second_run(quick, tmp_path):
    from distrust_hub.training.run_folder import only_run

    with only_run(tmp_path / "adapter"), pytest.raises(TrainingError, match="another run"):
        quick()
