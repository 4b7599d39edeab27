from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import AdapterError, ArtifactError, ConfigError, EvaluationError, InputNotFoundError
from distrust_hub.evaluation.benchmark import Request
from distrust_hub.evaluation.mlx_backend import MLXScorer
from distrust_hub.evaluation.probes import Probes
from distrust_hub.evaluation.registry import BENCHMARKS
from distrust_hub.evaluation.report import comparison_rows, is_same_run, side_by_side, table_rows
from distrust_hub.evaluation.runner import evaluate
from distrust_hub.evaluation.source_preference import make_conflicts, training_rows
from distrust_hub.evaluation.suite_scoring import NamedAdapter, SuiteScoring
from distrust_hub.evaluation.truthfulqa import TruthfulQA
from tests.adapters.conftest import random_adapter

pytestmark = pytest.mark.mlx


@pytest.fixture(scope="module")
def adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_adapter(tiny_base, tmp_path_factory.mktemp("runner") / "my-adapter").folder


def test_evaluate_compares_adapter_and_base_on_the_same_items(
    loaded: Any, adapter: Path, questions_file: Path, tmp_path: Path
) -> None:
    (alone,) = evaluate(loaded, ["truthfulqa"], data=questions_file)
    output = tmp_path / "eval_results.json"
    (report,) = evaluate(loaded, ["truthfulqa"], adapter_paths=[adapter], data=questions_file, output=output)
    base, compared = alone.suites["truthfulqa"]["metrics"]["mc2"], report.suites["truthfulqa"]["metrics"]["mc2"]
    assert compared["base"] == base["value"] != compared["value"]
    assert compared["difference"]["value"] == pytest.approx(compared["value"] - base["value"])
    assert compared["difference"]["n"] == 6
    low, high = compared["difference"]["ci95"]
    assert low <= compared["difference"]["value"] <= high
    assert report.adapter == "my-adapter"
    assert EvalReport.load(output) == report
    assert report.suites["truthfulqa"]["groups"]["Health"]["metrics"]["mc2"]["difference"]["n"] == 3


def test_evaluate_leaves_the_base_as_it_was(loaded: Any, adapter: Path, questions_file: Path) -> None:
    before = evaluate(loaded, ["truthfulqa"], data=questions_file)
    evaluate(loaded, ["truthfulqa"], adapter_paths=[adapter], data=questions_file)
    assert evaluate(loaded, ["truthfulqa"], data=questions_file) == before


def test_evaluate_stores_no_local_path(loaded: Any, adapter: Path, questions_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "eval_results.json"
    evaluate(loaded, ["truthfulqa", "probes"], adapter_paths=[adapter], data=questions_file, output=output, limit=2)
    assert str(tmp_path.parent) not in output.read_text()


def test_evaluate_merges_suites_and_replaces_repeated_ones(loaded: Any, questions_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.json"
    evaluate(loaded, ["probes"], limit=2, output=output)
    evaluate(loaded, ["truthfulqa"], data=questions_file, output=output)
    evaluate(loaded, ["probes"], limit=4, output=output)
    suites = EvalReport.load(output).suites
    assert set(suites) == {"probes", "truthfulqa"}
    assert suites["probes"]["n"] == 4


def test_evaluate_marks_a_limited_result_as_partial(loaded: Any, questions_file: Path) -> None:
    (part,) = evaluate(loaded, ["truthfulqa"], data=questions_file, limit=2)
    (whole,) = evaluate(loaded, ["truthfulqa"], data=questions_file, limit=6)
    assert (part.suites["truthfulqa"]["n"], part.suites["truthfulqa"]["partial"]) == (2, True)
    assert whole.suites["truthfulqa"]["partial"] is False
    assert {row[0] for row in table_rows(part)} == {
        "truthfulqa (partial)",
        "truthfulqa (partial): Health",
        "truthfulqa (partial): Law",
    }


def test_evaluate_resumes_only_what_has_the_same_settings(
    loaded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "r.json"
    evaluate(loaded, ["probes"], limit=2, output=output)
    runs = []
    original = Probes.score
    monkeypatch.setattr(Probes, "score", lambda self, *a: runs.append(1) or original(self, *a))
    evaluate(loaded, ["probes"], limit=2, output=output, resume=True)
    assert not runs
    evaluate(loaded, ["probes"], limit=3, output=output, resume=True)
    evaluate(loaded, ["probes"], limit=3, seed=1, output=output, resume=True)
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("limit", 3),
        ("seed", 1),
        ("settings", {"scoring": "another"}),
        ("version", "0.0.0"),
        ("against", "plain"),
        ("sha256", {"base": "b", "adapter": "other", "against": None}),
    ],
)
def test_an_entry_of_anything_else_is_not_the_same_run(loaded: Any, key: str, value: Any) -> None:
    (report,) = evaluate(loaded, ["probes"], limit=2)
    entry, sha256 = report.suites["probes"], {"base": loaded.base.sha256, "adapter": None, "against": None}
    assert is_same_run(entry, Probes(), Request(), 2, sha256)
    assert not is_same_run({**entry, key: value}, Probes(), Request(), 2, sha256)


def test_evaluate_names_the_items_and_measures_again_when_the_hub_has_others(
    loaded: Any, questions_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = TruthfulQA().load(Request(data=questions_file))
    monkeypatch.setattr("distrust_hub.evaluation.truthfulqa._from_hub", lambda: questions)
    arguments: Any = {"output": tmp_path / "r.json", "resume": True, "limit": 2}
    (first,) = evaluate(loaded, ["truthfulqa"], **arguments)
    (again,) = evaluate(loaded, ["truthfulqa"], **{**arguments, "output": None, "resume": False})
    assert len(first.suites["truthfulqa"]["items_sha256"]) == 64
    assert again == first
    questions[:2] = questions[2:4]
    (other,) = evaluate(loaded, ["truthfulqa"], **arguments)
    assert other.suites["truthfulqa"]["items_sha256"] != first.suites["truthfulqa"]["items_sha256"]
    assert other.suites["truthfulqa"]["metrics"] != first.suites["truthfulqa"]["metrics"]


def test_scores_of_an_adapter_trained_anew_under_its_name_are_never_kept(
    loaded: Any, tiny_base: Path, questions_file: Path, tmp_path: Path
) -> None:
    output, folder = tmp_path / "r.json", tmp_path / "mine"
    random_adapter(tiny_base, folder, seed=1)
    (first,) = evaluate(loaded, ["probes"], adapter_paths=[folder], limit=2, output=output)
    random_adapter(tiny_base, folder, seed=2)
    (fresh,) = evaluate(loaded, ["probes"], adapter_paths=[folder], limit=2)
    with pytest.raises(EvaluationError, match=r"the suite probes was measured on other weights .* of mine; run it"):
        evaluate(loaded, ["truthfulqa"], adapter_paths=[folder], data=questions_file, output=output)
    (again,) = evaluate(loaded, ["probes"], adapter_paths=[folder], limit=2, output=output, resume=True)
    assert again == fresh != first


def test_an_unfinished_suite_of_an_adapter_trained_anew_starts_anew(
    loaded: Any, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, folder = tmp_path / "r.json", tmp_path / "mine"
    random_adapter(tiny_base, folder, seed=1)
    monkeypatch.setattr("distrust_hub.evaluation.runner.write_json", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(loaded, ["probes"], adapter_paths=[folder], limit=2, output=output)
    monkeypatch.undo()
    assert (tmp_path / "partial_probes_mine.jsonl").is_file()
    random_adapter(tiny_base, folder, seed=2)
    (fresh,) = evaluate(loaded, ["probes"], adapter_paths=[folder], limit=2)
    (resumed,) = evaluate(loaded, ["probes"], adapter_paths=[folder], limit=2, output=output, resume=True)
    assert resumed == fresh


def test_evaluate_keeps_finished_suites_when_interrupted(
    loaded: Any, questions_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Probes, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(loaded, ["truthfulqa", "probes"], data=questions_file, output=tmp_path / "r.json")
    assert set(EvalReport.load(tmp_path / "r.json").suites) == {"truthfulqa"}


def test_evaluate_goes_on_within_an_interrupted_suite(
    loaded: Any, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = evaluate(loaded, ["probes"], adapter_paths=[adapter], limit=6)
    output = tmp_path / "r.json"
    original = MLXScorer._run
    sizes: list[int] = []

    def one_then_interrupt(self: MLXScorer, rows: Any, cache: Any) -> Any:
        if len(sizes) == 2:
            raise KeyboardInterrupt
        sizes.append(len(rows))
        return original(self, rows, cache)

    def count(self: MLXScorer, rows: Any, cache: Any) -> Any:
        sizes.append(len(rows))
        return original(self, rows, cache)

    monkeypatch.setattr("distrust_hub.evaluation.mlx_backend.BATCH_TOKENS", 64)
    monkeypatch.setattr(MLXScorer, "_run", one_then_interrupt)
    with pytest.raises(KeyboardInterrupt):
        evaluate(loaded, ["probes"], adapter_paths=[adapter], limit=6, output=output)
    assert (tmp_path / "partial_probes.jsonl").is_file()
    assert not output.exists()
    monkeypatch.setattr(MLXScorer, "_run", count)
    (resumed,) = evaluate(loaded, ["probes"], adapter_paths=[adapter], limit=6, output=output, resume=True)
    assert sum(sizes) == 2 * 6 * 4, "two models, six items, two orders, two letters: each scored once"
    expected, found = (report.suites["probes"]["metrics"]["accuracy"] for report in (whole, resumed))
    assert found["difference"]["value"] == pytest.approx(expected["difference"]["value"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json"]


def test_resume_scores_again_what_had_another_scale(loaded: Any, tiny_base: Path, tmp_path: Path) -> None:
    folder = random_adapter(tiny_base, tmp_path / "mine").folder
    arguments: Any = {"adapter_paths": folder, "limit": 2, "output": tmp_path / "r.json", "resume": True}
    (first,) = evaluate(loaded, ["probes"], **arguments)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["lora_parameters"]["scale"] = 9.0
    config["lora_alpha"] = 9.0 * config["r"]
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (second,) = evaluate(loaded, ["probes"], **arguments)
    assert second.suites["probes"]["metrics"] != first.suites["probes"]["metrics"]


def test_resume_scores_again_where_samples_are_asked_for_and_not_there(loaded: Any, tmp_path: Path) -> None:
    arguments: Any = {"limit": 2, "output": tmp_path / "r.json", "resume": True}
    evaluate(loaded, ["probes"], **arguments)
    evaluate(loaded, ["probes"], **arguments, log_samples=True)
    assert len((tmp_path / "samples_probes.jsonl").read_text().splitlines()) == 2


def test_evaluate_leaves_no_partial_file_of_an_adapter_that_was_done_before_the_kill(
    loaded: Any, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [random_adapter(tiny_base, tmp_path / name, seed=seed).folder for name, seed in (("a", 3), ("b", 4))]
    output = tmp_path / "out"
    original = SuiteScoring.adapter

    def killed_at_b(self: SuiteScoring, adapter: NamedAdapter) -> Any:
        if adapter.name == "b":
            raise KeyboardInterrupt
        return original(self, adapter)

    def run() -> None:
        evaluate(loaded, ["probes"], adapter_paths=folders, limit=2, output=output, resume=True)

    monkeypatch.setattr(SuiteScoring, "adapter", killed_at_b)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert (output / "partial_probes_a.jsonl").is_file()
    monkeypatch.undo()
    run()
    assert sorted(path.name for path in output.iterdir()) == ["a", "b"]
    for name in ("partial_probes.jsonl", "partial_probes_a.jsonl"):  # killed after the last results were written
        (output / name).touch()
    run()
    assert sorted(path.name for path in output.iterdir()) == ["a", "b"]


def test_evaluate_compares_adapters_against_another_one(loaded: Any, tiny_base: Path, tmp_path: Path) -> None:
    plain, other = (random_adapter(tiny_base, tmp_path / name, seed=seed).folder for name, seed in (("p", 3), ("o", 4)))
    tiers = [(0.05, 7.0), (0.95, 0.5)]
    rows = [
        {"text": f"document {i} of a tier", "authority_weight": tiers[i % 2][0], "provenance_entropy": tiers[i % 2][1]}
        for i in range(8)
    ]
    data = tmp_path / "valid.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = tmp_path / "r.json"
    (report,) = evaluate(loaded, ["perplexity"], adapter_paths=[other], against=plain, data=data, output=output)
    (p,), (o,) = (evaluate(loaded, ["perplexity"], adapter_paths=[folder], data=data) for folder in (plain, other))
    metrics, plain_metrics = (r.suites["perplexity"]["metrics"] for r in (report, p))
    by_tier = {
        tier: metrics[f"loss_{tier}"]["value"] - plain_metrics[f"loss_{tier}"]["value"]
        for tier in ("primary", "coordinated")
    }
    assert metrics["loss_primary"]["against"]["value"] == pytest.approx(by_tier["primary"])
    entry = report.suites["perplexity"]
    assert entry["against"] == "p"
    assert entry["difference_in_differences"]["against"] == "p"
    expected = by_tier["primary"] - by_tier["coordinated"]
    assert entry["difference_in_differences"]["value"] == pytest.approx(expected, abs=1e-6)
    assert o.suites["perplexity"]["difference_in_differences"]["against"] == "base"
    *_, last = comparison_rows(report)
    assert last[:4] == ["o", "p", "perplexity", "loss_primary minus loss_coordinated"]
    assert last[5] == entry["difference_in_differences"]["value"]
    left = tmp_path / "partial_perplexity_p.jsonl"  # killed after the results were written
    left.touch()
    evaluate(loaded, ["perplexity"], adapter_paths=[other], against=plain, data=data, output=output, resume=True)
    assert not left.exists()


def test_evaluate_against_needs_an_adapter_to_measure(loaded: Any, adapter: Path) -> None:
    with pytest.raises(ConfigError, match="no adapter to measure"):
        evaluate(loaded, ["probes"], against=adapter, limit=2)


def test_evaluate_against_needs_another_folder_of_another_name(loaded: Any, adapter: Path, tmp_path: Path) -> None:
    twin = shutil.copytree(adapter, tmp_path / adapter.name)
    for other, problem in ((adapter, "is measured and named"), (twin, "both named 'my-adapter'")):
        with pytest.raises(ConfigError, match=problem):
            evaluate(loaded, ["probes"], adapter_paths=[adapter], against=other, limit=2)
    (report,) = evaluate(loaded, ["probes"], adapter_paths=[adapter], against={"me/twin": twin}, limit=2)
    assert report.suites["probes"]["against"] == "me/twin"


def test_side_by_side_has_a_column_for_every_adapter(
    loaded: Any, tiny_base: Path, adapter: Path, tmp_path: Path
) -> None:
    other = random_adapter(tiny_base, tmp_path / "other", seed=8).folder
    reports = evaluate(loaded, ["probes"], adapter_paths={"one": adapter, "two": other}, limit=4)
    headers, rows = side_by_side(reports)
    assert headers == ["suite", "metric", "n", "chance", "base", "one", "two"]
    accuracy = next(row for row in rows if row[1] == "accuracy")
    assert accuracy[:4] == ["probes (partial)", "accuracy", 4, 0.5]
    for cell, report in zip(accuracy[5:], reports):
        assert cell.startswith(f"{report.suites['probes']['metrics']['accuracy']['value']:.3f}")


def test_evaluate_logs_samples_beside_the_output(loaded: Any, questions_file: Path, tmp_path: Path) -> None:
    evaluate(loaded, ["truthfulqa"], data=questions_file, output=tmp_path / "out" / "r.json", log_samples=True)
    rows = [json.loads(line) for line in (tmp_path / "out" / "samples_truthfulqa.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert (len(rows[0]["mc1_loglikelihoods"]), len(rows[0]["mc2_loglikelihoods"])) == (4, 5)


def test_evaluate_writes_a_report_for_each_of_several_adapters(
    loaded: Any, tiny_base: Path, adapter: Path, tmp_path: Path
) -> None:
    other = random_adapter(tiny_base, tmp_path / "other", seed=8).folder
    adapters = {"me/one": adapter, "two": other}
    reports = evaluate(loaded, ["probes"], adapter_paths=adapters, limit=2, output=tmp_path / "out")
    assert [report.adapter for report in reports] == ["me/one", "two"]
    assert EvalReport.load(tmp_path / "out" / "me--one") == reports[0]
    assert EvalReport.load(tmp_path / "out" / "two") == reports[1]
    bases = [report.suites["probes"]["metrics"]["accuracy"]["base"] for report in reports]
    assert bases[0] == bases[1]


def test_evaluate_source_preference_in_context_by_default(loaded: Any) -> None:
    (report,) = evaluate(loaded, ["source-preference"], limit=2)
    entry = report.suites["source-preference"]
    assert set(entry["metrics"]) == {
        f"in_context_{part}" for part in ("delta_nats", "delta_nats_per_token", "primary_rate")
    }
    assert (entry["settings"], entry["primary_metric"]) == ({"conflicts": "generated"}, "in_context_delta_nats")


def test_evaluate_source_preference_trained_on_the_rows_named(loaded: Any, tmp_path: Path) -> None:
    rows = training_rows(make_conflicts(3, seed=1))
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (report,) = evaluate(loaded, ["source-preference"], data={"source-preference": tmp_path})
    entry = report.suites["source-preference"]
    assert entry["metrics"]["trained_delta_nats"]["n"] == 3
    assert not [name for name in entry["metrics"] if name.startswith("in_context")]


def test_evaluate_refuses_unknown_suites(loaded: Any) -> None:
    with pytest.raises(ConfigError, match=r"'mmlu'; expected .*truthfulqa"):
        evaluate(loaded, ["mmlu"])
    with pytest.raises(ConfigError, match="no suite"):
        evaluate(loaded, [])


def test_evaluate_refuses_data_that_no_suite_or_two_suites_read(loaded: Any, questions_file: Path) -> None:
    with pytest.raises(ConfigError, match="no suite to run takes data"):
        evaluate(loaded, ["probes"], data=questions_file)
    with pytest.raises(ConfigError, match="both take data"):
        evaluate(loaded, ["truthfulqa", "perplexity"], data=questions_file)
    with pytest.raises(ConfigError, match="'perplexity'"):
        evaluate(loaded, ["truthfulqa"], data={"perplexity": questions_file})
    with pytest.raises(ConfigError, match="'probes', which brings its own"):
        evaluate(loaded, ["probes"], data={"probes": questions_file})
    with pytest.raises(InputNotFoundError):
        evaluate(loaded, ["truthfulqa"], data="nowhere.jsonl")


def test_evaluate_refuses_options_that_do_not_fit(loaded: Any) -> None:
    with pytest.raises(ConfigError, match="limit is 0"):
        evaluate(loaded, ["probes"], limit=0)
    with pytest.raises(ConfigError, match="log_samples"):
        evaluate(loaded, ["probes"], log_samples=True)
    with pytest.raises(ConfigError, match="resume needs the output"):
        evaluate(loaded, ["probes"], resume=True)
    with pytest.raises(ConfigError, match="prompt is 'chat', but no suite"):
        evaluate(loaded, ["probes", "source-preference"], prompt="chat")


def test_evaluate_refuses_a_report_of_something_else(loaded: Any, adapter: Path, tmp_path: Path) -> None:
    output = tmp_path / "r.json"
    EvalReport("another/model").save(tmp_path)
    (tmp_path / "eval_results.json").rename(output)
    with pytest.raises(EvaluationError, match="another/model"):
        evaluate(loaded, ["probes"], limit=2, output=output)
    output.write_text('{"schema": 99}')
    with pytest.raises(ArtifactError, match="upgrade"):
        evaluate(loaded, ["probes"], limit=2, output=output)


def test_evaluate_refuses_a_broken_adapter_before_it_scores(loaded: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises((AdapterError, InputNotFoundError)):
        evaluate(loaded, ["probes"], adapter_paths=[tmp_path / "empty"])


def test_evaluate_gives_no_score_to_a_broken_model(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distrust_hub.models.load import load_base

    broken = load_base(str(tiny_base))
    broken.model.model.norm.weight = broken.model.model.norm.weight * float("nan")
    batches = []
    original = MLXScorer._run
    monkeypatch.setattr(MLXScorer, "_run", lambda self, *given: batches.append(1) or original(self, *given))
    with pytest.raises(EvaluationError, match="nan"):
        evaluate(broken, ["probes"], limit=8, output=tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []
    assert len(batches) == 1, "it is told at once, not after all items"


def test_registry_describes_every_benchmark() -> None:
    assert set(BENCHMARKS) == {"source-preference", "truthfulqa", "perplexity", "probes"}
    for benchmark in BENCHMARKS.values():
        assert benchmark.primary_metric in benchmark.metrics
        assert all((benchmark.summary, benchmark.source, benchmark.license, benchmark.prompting))


def test_an_interval_has_no_negative_zero() -> None:
    metric = {"value": 0.0, "ci95": [-0.0002, 0.0002], "n": 9, "baseline": 0.5}
    entry = {"partial": False, "metrics": {"mc2": metric}}
    assert table_rows(EvalReport("m", suites={"truthfulqa": entry}))[0][4] == "0.000 to 0.000"
