"""Result files as others left them, and tables of several; no model."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distrust_hub.artifacts import EvalReport
from distrust_hub.errors import ArtifactError, EvaluationError
from distrust_hub.evaluation.benchmark import Measurement, Outcome, Request
from distrust_hub.evaluation.journal import Journal
from distrust_hub.evaluation.probes import Probes
from distrust_hub.evaluation.radar import radar as draw
from distrust_hub.evaluation.radar import radar_svg
from distrust_hub.evaluation.report import (
    comparison_rows,
    is_same_run,
    open_report,
    side_by_side,
    suite_entry,
    table_rows,
)
from distrust_hub.evaluation.suite_scoring import SuiteScoring
from distrust_hub.evaluation.truthfulqa import TruthfulQA

SHA256 = {"base": "b", "adapter": "a", "adapter_config": "c"}


def metric(value: float = 0.3, n: int = 9, base: float | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {"value": value, "ci95": [value - 0.1, value + 0.1], "n": n, "baseline": 0.25}
    if base is None:
        return entry
    difference = {"value": value - base, "ci95": [-0.1, 0.1], "n": n, "verdict": "not resolved at this size"}
    return {**entry, "base": base, "difference": difference}


def held(folder: Path, suites: Any, revision: str | None = None) -> Path:
    file = folder / "r.json"
    report = {"schema": 1, "model": "m", "revision": revision, "adapter": "x", "suites": suites}
    file.write_text(json.dumps(report))
    return file


@pytest.mark.parametrize(
    ("suites", "name"),
    [
        ([], "suites"),
        ({"probes": None}, "probes"),
        ({"probes": {"n": 3}}, "probes"),
        ({"probes": {"metrics": {"accuracy": {"ci95": [0, 1]}}}}, "probes"),
        ({"probes": {"metrics": {"accuracy": metric() | {"value": "high"}}}}, "probes"),
        ({"probes": {"metrics": {"accuracy": metric() | {"ci95": [1]}}}}, "probes"),
        ({"probes": {"metrics": {"accuracy": metric()}, "sha256": None}}, "probes"),
        ({"probes": {"metrics": {"accuracy": metric() | {"against": {"value": 1}}}, "against": "y"}}, "probes"),
    ],
)
def test_a_file_that_cannot_be_shown_is_refused_before_anything_is_measured(
    suites: Any, name: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactError, match=rf"r\.json: the entry {name} is not as evaluate writes it"):
        open_report(held(tmp_path, suites), "m", None, "x", SHA256, ["truthfulqa"])


def test_a_file_with_no_more_than_the_fixed_keys_is_shown(tmp_path: Path) -> None:
    metrics = {name: {key: metric()[key] for key in ("value", "ci95", "baseline")} for name in ("mc1", "mc2", "binary")}
    entry = {"n": 9, "limit": None, "seed": 0, "metrics": metrics}
    report = open_report(held(tmp_path, {"truthfulqa": entry}), "m", None, "x", SHA256, ["probes"])
    assert table_rows(report)[0][:5] == ["truthfulqa", "mc1", None, 0.3, "0.200 to 0.400"]
    assert comparison_rows(report) == []
    assert "truthfulqa" in radar_svg(draw([report]))


def test_another_revision_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds results of m at one with x, not of m at two with x"):
        open_report(held(tmp_path, {}, revision="one"), "m", "two", "x", SHA256, ["probes"])


def test_a_suite_of_another_scale_is_never_kept(tmp_path: Path) -> None:
    entry = {"metrics": {"accuracy": metric()}, "sha256": SHA256 | {"adapter_config": "other"}}
    with pytest.raises(EvaluationError, match="another scale of x; run it again too"):
        open_report(held(tmp_path, {"probes": entry}), "m", None, "x", SHA256, ["truthfulqa"])
    assert not open_report(held(tmp_path, {"probes": entry}), "m", None, "x", SHA256, ["probes"]).suites


def test_resume_compares_the_scale_where_the_file_names_it() -> None:
    entry = suite_entry(Probes(), Request(), Outcome({}), n=3, sha256=SHA256)
    assert is_same_run(entry, Probes(), Request(), None, SHA256)
    assert not is_same_run(entry, Probes(), Request(), None, SHA256 | {"adapter_config": "other"})
    before = {**entry, "sha256": {"base": "b", "adapter": "a"}}
    assert is_same_run(before, Probes(), Request(), None, SHA256)


def test_groups_are_compared_with_the_base_and_with_another_adapter() -> None:
    def outcome(value: float) -> Outcome:
        return Outcome({}, {"Health": {"mc2": Measurement(np.full(9, value))}})

    entry = suite_entry(TruthfulQA(), Request(), outcome(0.5), n=9, base=outcome(0.25), against=("y", outcome(1.0)))
    found = entry["groups"]["Health"]["metrics"]["mc2"]
    assert (found["base"], found["difference"]["value"], found["against"]["value"]) == (0.25, 0.25, -0.5)


def test_scores_of_another_version_are_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: Any = SimpleNamespace(base=SimpleNamespace(sha256="b"))

    def journal() -> Journal:
        return SuiteScoring(loaded, Probes(), [], Request(), tmp_path, resume=True)._journal(None)

    journal().add({((1,), (2,)): -1.0})
    assert journal().get(((1,), (2,))) == -1.0
    monkeypatch.setattr("distrust_hub.evaluation.suite_scoring.__version__", "0.0.0")
    assert journal().get(((1,), (2,))) is None


def test_warnings_of_a_limited_run_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TruthfulQA, "warnings", lambda *given: ["Health: MC1 fell."])
    told = [
        suite_entry(TruthfulQA(), Request(), Outcome({}), n=5, total=total, base=Outcome({}))["warnings"]
        for total in (5, 8)
    ]
    assert told == [["Health: MC1 fell."], ["Health: MC1 fell. Partial: the first 5 of 8 items were asked."]]


def test_side_by_side_puts_into_one_row_only_what_was_measured_alike() -> None:
    def report(name: str, n: int, base: float) -> EvalReport:
        new = {"metrics": {"mc2": metric(0.5, 9, 0.4)}}
        old = {"metrics": {"accuracy": metric(0.3, n, base)}}
        return EvalReport("m", adapter=name, suites={"probes": old, "truthfulqa": new})

    headers, rows = side_by_side([report("a", 4, 0.21), report("b", 6, 0.37)])
    assert headers[:5] == ["suite", "metric", "n", "chance", "base"]
    assert rows == [
        ["probes", "accuracy", 4, 0.25, 0.21, "0.300", None],
        ["truthfulqa", "mc2", 9, 0.25, 0.4, "0.500", "0.500"],
        ["probes", "accuracy", 6, 0.25, 0.37, None, "0.300"],
    ]
