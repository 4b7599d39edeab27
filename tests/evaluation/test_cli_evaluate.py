from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.artifacts import EvalReport
from distrust_hub.cli.main import main
from distrust_hub.evaluation.probes import Probes
from tests.adapters.conftest import random_adapter


def test_list_shows_every_suite_without_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--list"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in ("source-preference", "truthfulqa", "perplexity", "probes", "mc2"))
    assert main(["evaluate", "--list", "--format", "json"]) == 0
    assert {row["suite"] for row in json.loads(capsys.readouterr().out)} >= {"truthfulqa", "probes"}


@pytest.mark.mlx
def test_evaluate_writes_and_prints_the_same_report(
    tiny_base: Path, questions_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "r.json"
    command = ["evaluate", "--model", str(tiny_base), "--suite", "truthfulqa,probes", "--data", str(questions_file)]
    assert main([*command, "--limit", "2", "--log-samples", "--format", "json", "-o", str(output)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == EvalReport.load(output).to_json()
    assert (tmp_path / "samples_truthfulqa.jsonl").is_file()
    assert main([*command, "--limit", "2"]) == 0
    assert "truthfulqa (partial)" in capsys.readouterr().out


@pytest.mark.mlx
def test_evaluate_options_change_the_result(
    tiny_base: Path, questions_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "--model", str(tiny_base), "--suite", "truthfulqa", "--format", "json", "--limit", "3"]
    command += ["--data", f"truthfulqa={questions_file}"]
    results = []
    for option in ([], ["--prompt", "chat"], ["--seed", "1"], ["--base-model-id", "someone/tiny"]):
        assert main([*command, *option]) == 0
        results.append(capsys.readouterr().out)
    assert len(set(results)) == 4
    assert json.loads(results[3])["model"] == "someone/tiny"


@pytest.mark.mlx
def test_resume_scores_what_is_missing_only_and_several_adapters_get_a_folder(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["evaluate", "--model", str(tiny_base), "--suite", "probes", "--limit", "2", "-o", str(tmp_path / "out")]
    for seed, name in enumerate(("a", "b")):
        command += ["--adapter-path", str(random_adapter(tiny_base, tmp_path / name, seed=seed).folder)]
    assert main(command) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]
    scored = []
    original = Probes.score
    monkeypatch.setattr(Probes, "score", lambda self, *given: scored.append(1) or original(self, *given))
    assert main([*command, "--resume"]) == 0
    assert scored == []
    (tmp_path / "out" / "b" / "eval_results.json").unlink()
    assert main([*command, "--resume"]) == 0
    assert len(scored) == 2, "the base and b"
    assert main(command) == 0
    assert len(scored) == 2 + 3


@pytest.mark.mlx
@pytest.mark.hub
def test_adapters_are_taken_from_the_hub(
    tiny_base: Path, tmp_path: Path, hub: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import HfApi

    api = HfApi(token=hub.add_user("someone"))
    api.create_repo("someone/style")
    folder = random_adapter(tiny_base, tmp_path / "local").folder
    api.upload_folder(repo_id="someone/style", folder_path=folder)
    command = ["evaluate", "--model", str(tiny_base), "--suite", "probes", "--limit", "2", "--format", "json"]
    reports = []
    for adapter in ("someone/style", str(folder)):
        assert main([*command, "--adapter-path", adapter]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    assert [report["adapter"] for report in reports] == ["someone/style", "local"]
    assert reports[0]["suites"] == reports[1]["suites"]


@pytest.mark.mlx
def test_validate_runs_probes_and_truthfulqa_and_draws_them(
    tiny_base: Path, questions_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["validate", "--model", str(tiny_base), "--data", str(questions_file), "--limit", "2", "--format", "json"]
    assert main([*command, "-o", str(tmp_path / "eval_results.json")]) == 0
    assert set(json.loads(capsys.readouterr().out)["suites"]) == {"probes", "truthfulqa"}
    assert "probes (partial)" in (tmp_path / "radar.svg").read_text()


@pytest.mark.mlx
def test_evaluate_draws_shows_adapters_side_by_side_and_compares_against_one(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (
        str(random_adapter(tiny_base, tmp_path / name, seed=seed).folder) for name, seed in (("a", 1), ("b", 2))
    )
    command = ["evaluate", "--model", str(tiny_base), "--suite", "probes", "--limit", "4", "--adapter-path", one]
    plot = tmp_path / "plot.svg"
    assert main([*command, "--adapter-path", two, "--plot", str(plot)]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert header.split() == ["suite", "metric", "n", "chance", "base", "a", "b"]
    assert plot.read_text().count('fill-opacity="0.08"') == 3
    assert main([*command, "--against", two]) == 0
    compared = capsys.readouterr().out.split("\n\n")[1]
    assert "difference" in compared.splitlines()[0]
    assert compared.splitlines()[2].split()[:5] == ["a", "b", "probes", "(partial)", "accuracy"]
    assert main([*command, "--against", two, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["suites"]["probes"]["metrics"]["accuracy"]["against"]["n"] == 4


@pytest.mark.mlx
def test_the_card_is_proposed_where_it_reads_the_results(
    tiny_base: Path, questions_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = random_adapter(tiny_base, tmp_path / "a").folder
    command = ["evaluate", "--model", str(tiny_base), "--adapter-path", str(adapter), "--suite", "truthfulqa"]
    command += ["--data", str(questions_file), "--limit", "1", "-o"]
    assert main([*command, str(tmp_path / "elsewhere.json")]) == 0
    told = capsys.readouterr().err
    assert f"reads {adapter / 'eval_results.json'}; give it with -o" in told
    assert "distrust-hub card" not in told
    for place in (adapter / "eval_results.json", adapter):
        assert main([*command, str(place)]) == 0
        assert f"distrust-hub card {adapter}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--model", "m"], "no suite given"),
        (["--suite", "probes"], "no model given"),
        (["--suite", "probes", "--model", "m", "--data", "x", "--data", "y"], "SUITE=PATH"),
    ],
)
def test_evaluate_wrong_use_is_exit_2(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *arguments]) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--suite", "nope", "--model", "m"], "unknown suite 'nope'"),
        (["--suite", "truthfulqa", "--model", "m", "--data", "missing.jsonl"], "no such file"),
        (["--suite", "perplexity", "--model", "m"], "give --data"),
        (["--suite", "probes", "--model", "m", "--plot", "r.pdf"], ".svg or .png"),
        (["--suite", "source-preference,perplexity", "--model", "m", "--plot", "r.svg"], "a radar needs 3"),
    ],
)
def test_evaluate_errors_are_one_line_and_exit_1(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *arguments]) == 1
    message = capsys.readouterr().err.strip()
    assert problem in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("limit", ["0", "-3", "many"])
def test_evaluate_refuses_a_limit_that_is_no_count(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--suite", "probes", "--model", "m", "--limit", limit])
    assert stopped.value.code == 2


@pytest.mark.mlx
def test_evaluate_interrupted_exits_130_and_says_how_to_go_on(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("distrust_hub.evaluation.probes.Probes.score", interrupted)
    command = ["evaluate", "--model", str(tiny_base), "--suite", "probes", "-o", str(tmp_path / "r.json")]
    assert main(command) == 130
    assert "--resume" in capsys.readouterr().err
