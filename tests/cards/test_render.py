"""The whole card of a realistic run, and of runs with parts missing or hostile."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from distrust_hub import files
from distrust_hub.artifacts import TrainingRun
from distrust_hub.cards import template
from distrust_hub.cards.check import check_card, first_paragraph
from distrust_hub.cards.data import collect
from distrust_hub.cards.edits import NOTES_END, NOTES_START, extract_notes, is_untouched
from distrust_hub.cards.render import render_model_card, write_card
from distrust_hub.errors import ArtifactError, InputNotFoundError, TemplateNotFoundError
from tests.cards.folders import adapter_folder, eval_report, manifest, training_run, write_weights
from tests.cards.test_escape import HOSTILE, rendered

GOLDEN = Path(__file__).parent / "golden_model_card.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return adapter_folder(tmp_path / "adapters")


def test_model_card_matches_the_golden_file(folder: Path) -> None:
    """After an intended change: ``UPDATE_GOLDEN=1 pytest tests/cards``, then read the difference."""
    card = render_model_card(folder, "ada/my-adapter")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(card, encoding="utf-8")
    assert card == GOLDEN.read_text(encoding="utf-8")


def test_model_card_has_no_problems_and_parses_on_the_hub(folder: Path) -> None:
    card = render_model_card(folder, "ada/my-adapter")
    assert check_card(card, collect(folder)) == []
    data = ModelCard(card).data
    assert data.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert data.base_model_relation == "adapter"
    assert data.library_name == "peft"
    assert data.license == "apache-2.0"
    assert data.pipeline_tag == "text-generation"
    assert data.tags == ["lora", "mlx-lm-adapter", "distrust-hub", "synthetic"]
    results = {(entry.dataset_type, entry.metric_type): entry.metric_value for entry in data.eval_results}
    assert results == {
        ("source-preference", "in_context_delta_nats"): 0.4,
        ("source-preference", "in_context_primary_rate"): 0.61,
    }


@pytest.mark.parametrize(
    ("partial", "data", "named"),
    [
        (False, "truthfulqa/truthful_qa", "truthfulqa/truthful_qa"),
        (False, "q.jsonl", "truthfulqa-on-q.jsonl"),
        (True, "truthfulqa/truthful_qa", None),
    ],
)
def test_model_index_names_the_hub_dataset_only_of_all_its_rows(
    folder: Path, partial: bool, data: str, named: str | None
) -> None:
    report = eval_report()
    report.suites["truthfulqa"].update(partial=partial, settings={"data": data})
    report.save(folder)
    text = render_model_card(folder)
    index = {entry.dataset_type for entry in ModelCard(text).data.eval_results}
    assert index == {"source-preference", *([named] if named else [])}
    assert ("| `truthfulqa` (partial): Health | `mc2` |" in text) is partial


def test_model_card_is_the_same_whatever_the_folder_is_called(folder: Path, tmp_path: Path) -> None:
    assert render_model_card(folder) == render_model_card(adapter_folder(tmp_path / "other" / "name"))


def test_first_paragraph_says_that_the_data_is_synthetic(folder: Path) -> None:
    paragraph = first_paragraph(render_model_card(folder))
    assert "trained on synthetic text" in paragraph
    assert "108 of its 108 training rows" in paragraph
    real = training_run()
    real.data["synthetic"] = 0
    real.save(folder)
    assert "synthetic" not in first_paragraph(render_model_card(folder))


def test_card_of_a_dequantised_base_says_so(folder: Path) -> None:
    assert "read from a `gguf` file with `Q4_1` weights, which were dequantised" in render_model_card(folder)
    run = training_run()
    run.base_model.update(format="safetensors", quantization=None, revision="ab" * 20)
    run.save(folder)
    card = render_model_card(folder)
    assert "dequantised" not in card
    assert f'revision="{"ab" * 20}"' in card


def test_first_code_block_is_the_mlx_call(folder: Path) -> None:
    block = render_model_card(folder, "ada/x").split("```python\n")[1].split("```")[0]
    compile(block, "card", "exec")
    assert 'load("HuggingFaceTB/SmolLM2-135M-Instruct", adapter_path=adapter)' in block
    here = render_model_card(folder).split("```python\n")[1].split("```")[0]
    compile(here, "card", "exec")
    assert 'adapter = "."' in here


@pytest.mark.parametrize("name", ["reweight", "conditional", "preference", "filter", "literal", "none"])
def test_every_objective_is_explained_with_the_zero_gradient_statement(folder: Path, name: str) -> None:
    training_run(objective={"name": name}).save(folder)
    card = render_model_card(folder)
    assert f"\n`{name}`: " in card
    assert "**Added to a training loss, this term has no gradient:**" in card
    assert check_card(card, collect(folder)) == []


def test_warnings_of_an_evaluation_stand_before_everything_else(folder: Path) -> None:
    body = render_model_card(folder).split("\n---\n", 1)[1].split("\n\n")
    assert body[1].startswith("> **Warning:** Health: MC2 is 0.061 below the base model's")
    report = eval_report()
    report.suites["truthfulqa"]["warnings"] = []
    report.save(folder)
    assert "> **Warning" not in render_model_card(folder)


def test_plots_in_the_folder_are_shown_as_png_where_there_is_one(folder: Path) -> None:
    assert "![Metrics from 0 to 1](radar.svg)" in render_model_card(folder)
    (folder / "radar.png").write_bytes(b"png")
    (folder / "holiday.png").write_bytes(b"png")
    card = render_model_card(folder)
    assert "![Metrics from 0 to 1](radar.png)" in card
    assert card.count("![") == 1


def test_a_difference_whose_interval_holds_zero_is_not_resolved(folder: Path) -> None:
    assert "0.08 (-0.01 to 0.17): not resolved at this size" in render_model_card(folder)


def test_verdicts_are_those_of_the_evaluation(folder: Path) -> None:
    assert "0.3 (0.1 to 0.5): higher" in render_model_card(folder)
    report = eval_report()
    few = report.suites["source-preference"]["metrics"]["in_context_delta_nats"]["difference"]
    few.update(n=1, verdict="not resolved at this size")
    report.save(folder)
    assert "0.3 (0.1 to 0.5): not resolved at this size" in render_model_card(folder)


def test_card_shows_the_comparison_with_another_adapter(folder: Path) -> None:
    row = "| `source-preference` | `in_context_delta_nats` | 120 | `plain` | -0.2 (-0.3 to -0.1): lower |"
    assert row in render_model_card(folder)
    report = eval_report()
    moved = {"of": ["loss_a", "loss_b"], "against": "base", "value": -0.1, "ci95": [-0.2, 0.1], "n": 9}
    report.suites["truthfulqa"]["difference_in_differences"] = {**moved, "verdict": "not resolved at this size"}
    report.save(folder)
    row = "| `truthfulqa` (partial) | `loss_a minus loss_b` | 9 | `base` | -0.1 (-0.2 to 0.1): not resolved"
    assert row in render_model_card(folder)


def test_card_with_only_an_adapter_config_reads_not_measured(tmp_path: Path) -> None:
    write_weights(tmp_path)
    card = render_model_card(tmp_path)
    assert check_card(card, collect(tmp_path)) == []
    assert "| primary |" not in card
    assert card.count("not measured") > 30
    assert "Source preference: not measured. TruthfulQA: not measured." in card
    assert "None" not in card
    assert "Training weights and their effective sample size: not measured." in card
    assert "A small set of weights that is added to the base model." in card
    assert "| Steps | not measured |" in card
    assert "license" not in yaml.safe_load(card.split("---")[1])


def test_suites_that_were_not_run_are_named_beside_those_that_were(folder: Path) -> None:
    report = eval_report()
    del report.suites["source-preference"]
    report.save(folder)
    results = render_model_card(folder).split("## Results")[1].split("## ")[0]
    assert "\nSource preference: not measured. Run `distrust-hub evaluate`" in results
    assert "TruthfulQA: not measured" not in results


def test_card_of_a_base_that_mlx_quantised_names_no_call_that_transformers_refuses(tmp_path: Path) -> None:
    run = training_run()
    run.base_model.update(id="mlx-community/Tiny-4bit", format="safetensors", quantization="4-bit")
    card = render_model_card(adapter_folder(tmp_path / "q", run), "ada/x")
    mlx, peft = (block.split("```")[0] for block in card.split("```python")[1:3])
    assert 'load("mlx-community/Tiny-4bit", adapter_path=adapter)' in mlx
    assert "mlx-community" not in peft
    assert 'base = "ORIGINAL_MODEL"' in peft
    assert "The base is quantised (MLX, `4-bit`)." in card
    assert "dequantised before training" not in card


def test_card_of_an_empty_folder_renders_and_fails_the_check(tmp_path: Path) -> None:
    problems = check_card(render_model_card(tmp_path))
    assert problems == ["base_model is None; it must be the Hub id of the base, owner/name"]


def test_card_of_a_missing_folder_or_damaged_artifact_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no such folder"):
        render_model_card(tmp_path / "absent")
    (tmp_path / "training_run.json").write_text('{"schema": 99}')
    with pytest.raises(ArtifactError, match="upgrade with"):
        render_model_card(tmp_path)


def test_artifacts_of_unexpected_shape_never_break_the_card(folder: Path) -> None:
    run = training_run().to_json()
    for key in run:
        if key != "schema":
            for value in (
                "text",
                [1, 2],
                {"by_tier": 3, "keys": {"a": 1}, "inputs": "x", "id": 7, "licenses": []},
                None,
            ):
                (folder / TrainingRun.FILE_NAME).write_text(json.dumps({**run, key: value}))
                render_model_card(folder)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_strings_stay_text(folder: Path, hostile: str) -> None:
    run = _poison(training_run().to_json(), hostile)
    run["objective"]["name"] = hostile
    (folder / TrainingRun.FILE_NAME).write_text(json.dumps(run))
    prepared = manifest()
    prepared.inputs[0]["name"] = hostile
    prepared.contamination = {hostile: {"items": hostile}}
    (folder / "manifest.json").write_text(json.dumps(prepared.to_json()))
    report = json.loads((folder / "eval_results.json").read_text())
    suite = {"n": 1, "metrics": {hostile: {"value": 0.5}}, "settings": {hostile: hostile}, "warnings": [hostile]}
    report["suites"][hostile] = suite
    (folder / "eval_results.json").write_text(json.dumps(report))
    card = render_model_card(folder, "ada/x")
    assert card.encode("utf-8")
    metadata = yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))
    assert set(metadata) <= {
        "base_model",
        "base_model_relation",
        "library_name",
        "license",
        "license_name",
        "license_link",
        "model-index",
        "pipeline_tag",
        "tags",
    }
    assert "base_model" not in metadata
    assert metadata.get("license") != "mit"
    shown = rendered(card.split("\n---\n", 1)[1]).replace('<img src="radar.svg"', "")
    for tag in ("<script", "<img", '<a href="http://evil', 'javascript:alert(1)"'):
        assert tag not in shown
    normal = rendered(render_model_card(_fresh(folder), "ada/x").split("\n---\n", 1)[1])
    for tag in ("<h1", "<h2", "<pre>", "<table>"):
        assert abs(shown.count(tag) - normal.count(tag)) <= 1
    assert "49" not in shown.split("<h2>")[0]


def _poison(value: Any, hostile: str) -> Any:
    if isinstance(value, dict):
        poisoned = {key: _poison(entry, hostile) for key, entry in value.items()}
        return {**poisoned, hostile: hostile} if not any(isinstance(v, dict) for v in value.values()) else poisoned
    if isinstance(value, list):
        return [_poison(entry, hostile) for entry in value]
    return hostile if isinstance(value, str) else value


def _fresh(folder: Path) -> Path:
    eval_report().save(folder)
    training_run().save(folder)
    manifest().save(folder)
    return folder


def test_unknown_licence_becomes_other_with_a_name(folder: Path) -> None:
    run = training_run()
    run.base_model["license"] = "My Licence v1 (research)"
    run.save(folder)
    card = render_model_card(folder)
    data = ModelCard(card).data
    assert (data.license, data.license_name) == ("other", "my-licence-v1-research")
    assert data.license_link == "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"
    assert check_card(card, collect(folder)) == []


def test_hub_datasets_are_listed_and_files_are_not(folder: Path) -> None:
    run = training_run()
    run.data.update(name="ada/notes", inputs=[{"name": "eve/old-books"}, {"name": "corpus.jsonl"}])
    run.save(folder)
    card = render_model_card(folder)
    assert ModelCard(card).data.datasets == ["ada/notes", "eve/old-books"]
    assert "--data ada/notes" in card
    assert "`DATA` stands for" not in card


def test_reproduce_lists_every_changed_option_and_runs_on_the_command_line(folder: Path) -> None:
    import argparse
    import shlex

    from distrust_hub.cli.options import add_config_arguments
    from distrust_hub.config import TrainConfig

    config = TrainConfig(model="m", data="d", iters=20, max_seq_length=256, learning_rate=2e-4).to_json()
    training_run(config=config).save(folder)
    line = next(x for x in render_model_card(folder).splitlines() if x.startswith("distrust-hub train"))
    parser = argparse.ArgumentParser()
    add_config_arguments(parser, TrainConfig)
    options = vars(parser.parse_args(shlex.split(line)[2:]))
    again = TrainConfig(**options).to_json()
    assert again == config


def test_reproduce_is_one_command_whatever_an_option_holds(folder: Path) -> None:
    """A value of somebody else's run must not become a command of the reader's shell."""
    import shlex

    run = training_run()
    run.config["optimizer"] = hostile = "a`; touch pwned #"
    run.versions["distrust-hub"] = "1`; touch pwned #"
    run.save(folder)
    lines = render_model_card(folder).split("## How to reproduce")[1].split("```")[1].splitlines()
    assert shlex.split(lines[-1])[-1] == hostile.replace("`", "'")
    assert shlex.split(lines[1]) == ["pip", "install", "distrust-hub[train]==1'; touch pwned #"]


@pytest.mark.parametrize(
    "odd", [10**400, float("nan"), float("inf"), "text", [1], {"": {"a": 10**400}}], ids=lambda odd: repr(odd)[:9]
)
def test_values_of_unexpected_kind_never_break_the_card(folder: Path, odd: Any) -> None:
    run, report = training_run().to_json(), eval_report().to_json()
    run["hardware"]["memory_bytes"] = run["weights"]["ess"] = run["loss"]["train_first"] = odd
    suite = report["suites"]["source-preference"]
    metrics = suite["metrics"]
    metrics["in_context_delta_nats"].update(difference=odd, ci95=odd, baseline=odd)
    metrics["in_context_primary_rate"].update(value=odd, ci95=[0.1, odd])
    (folder / TrainingRun.FILE_NAME).write_text(json.dumps(run))
    (folder / "eval_results.json").write_text(json.dumps(report))
    card = render_model_card(folder)
    assert check_card(card) == []
    assert not {".nan", ".inf"} & set(card.split("\n---\n")[0].split())


def test_write_card_keeps_notes_and_updates_the_rest(folder: Path) -> None:
    path = write_card(folder)
    path.write_text(path.read_text().replace(NOTES_START, f"{NOTES_START}\n\n## My notes\n\nIt works\\1.\n"))
    training_run(steps={"total": 99, "skipped": 1}).save(folder)
    write_card(folder)
    text = path.read_text()
    assert f"{NOTES_START}\n## My notes\n\nIt works\\1.\n{NOTES_END}" in text
    assert "| Steps | 99," in text
    before = text
    write_card(folder)
    assert path.read_text() == before


def test_notes_without_their_end_are_none(folder: Path) -> None:
    card = render_model_card(folder)
    assert extract_notes(card.replace(NOTES_END, "")) == ""
    assert not is_untouched(card.replace(NOTES_END, "")), "the rest of the card is no note that may change"


def test_write_card_leaves_a_card_edited_by_hand_unless_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_card(folder)
    fresh = path.read_text()
    edited = fresh.replace("Older is not truer.", "Old is gold.")
    path.write_text(edited)
    write_card(folder)
    assert path.read_text() == edited
    assert "was edited by hand and is kept" in caplog.text
    write_card(folder, replace=True)
    assert path.read_text() == fresh


def test_windows_line_ends_are_not_an_edit(folder: Path) -> None:
    path = write_card(folder)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    training_run(steps={"total": 98, "skipped": 0}).save(folder)
    write_card(folder)
    assert "| Steps | 98," in path.read_text()


def test_load_template_names_both_places_when_it_is_in_neither() -> None:
    with pytest.raises(TemplateNotFoundError) as missing:
        template.load_template("absent.md")
    assert str(missing.value).count("absent.md") == 2


def test_load_template_prefers_the_packaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = tmp_path / "site" / "distrust_hub" / "cards"
    packaged.mkdir(parents=True)
    (packaged / "model_card_template.md").write_text("packaged é", encoding="utf-8")
    (tmp_path / "site" / "model_card_template.md").write_text("top", encoding="utf-8")
    monkeypatch.setattr(files, "__file__", str(packaged.parent / "files.py"))
    assert template.load_template() == "packaged é"
    (packaged / "model_card_template.md").unlink()
    assert template.load_template() == "top"
