from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distrust_hub.evaluation.metrics.truthfulqa_mc import formulas

LABELS = [1, 1, 0, 0, 0]
VALUES = [math.log(0.2), math.log(0.1), math.log(0.15), math.log(0.05), math.log(0.1)]


def test_mc1_needs_a_strict_lead() -> None:
    assert formulas.mc1([-1.0, -2.0, -3.0], [1, 0, 0]) == 1.0
    assert formulas.mc1([-2.0, -1.0, -3.0], [1, 0, 0]) == 0.0
    assert formulas.mc1([-1.0, -1.0, -1.0], [1, 0, 0]) == 0.0


def test_mc2_is_the_true_share_of_probability() -> None:
    assert formulas.mc2(VALUES, LABELS) == pytest.approx(0.3 / 0.6)


def test_mc2_survives_improbable_choices() -> None:
    assert formulas.mc2([v - 5000.0 for v in VALUES], LABELS) == pytest.approx(0.5)


def test_mc3_counts_true_choices_above_all_false_ones() -> None:
    assert formulas.mc3(VALUES, LABELS) == 0.5
    assert formulas.mc3([-1.0, -2.0, -2.0], [1, 1, 0]) == 0.5  # a tie is no lead


def test_binary_is_strict() -> None:
    assert [formulas.binary(-1.0, -2.0), formulas.binary(-2.0, -2.0)] == [1.0, 0.0]


@pytest.mark.parametrize("bad", [float("nan"), float("-inf"), float("inf")])
def test_formulas_refuse_what_is_not_finite(bad: float) -> None:
    for formula in (formulas.mc1, formulas.mc2, formulas.mc3):
        with pytest.raises(ValueError, match="not finite"):
            formula([bad, -1.0], [1, 0])


@pytest.mark.parametrize(
    ("values", "labels"), [([-1.0], [1, 0]), ([-1.0, -2.0], [0, 0]), ([-1.0, -2.0], [1, 1]), ([-1.0, -2.0], [1, 2])]
)
def test_formulas_refuse_labels_that_do_not_fit(values: list[float], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="labels"):
        formulas.mc2(values, labels)


def test_mc1_refuses_two_true_choices() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        formulas.mc1([-1.0, -2.0, -3.0], [1, 1, 0])


def test_baselines_are_what_random_and_uniform_models_score() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4000, 5))
    assert np.mean([formulas.mc1(d[1:], [1, 0, 0, 0]) for d in draws]) == pytest.approx(
        formulas.chance_mc1([1, 0, 0, 0]), abs=0.03
    )
    assert np.mean([formulas.mc3(d, LABELS) for d in draws]) == pytest.approx(formulas.chance_mc3(LABELS), abs=0.03)
    assert formulas.mc2(np.full(5, -7.0), LABELS) == pytest.approx(formulas.uniform_mc2(LABELS))


@pytest.fixture(scope="module")
def metric() -> Any:
    evaluate = pytest.importorskip("evaluate")
    return evaluate.load(str(Path(formulas.__file__).parent))


@pytest.mark.slow
def test_metric_loads_by_path_and_equals_the_formulas(metric: Any) -> None:
    predictions = [
        {"mc1": [-1.0, -2.0], "mc2": VALUES, "binary": [-1.0, -2.0]},
        {"mc1": [-2.0, -1.0], "mc2": VALUES[::-1], "binary": [-3.0, -2.0]},
    ]
    references = [{"mc1": [1, 0], "mc2": LABELS}, {"mc1": [1, 0], "mc2": LABELS}]
    scores = metric.compute(predictions=predictions, references=references)
    assert scores["mc1"] == 0.5
    assert scores["binary"] == 0.5
    assert scores["mc2"] == pytest.approx(np.mean([formulas.mc2(v, LABELS) for v in (VALUES, VALUES[::-1])]))
    assert scores["mc3"] == pytest.approx(np.mean([formulas.mc3(v, LABELS) for v in (VALUES, VALUES[::-1])]))
    assert (scores["mc1_chance"], scores["mc2_uniform"]) == (0.5, 0.4)


@pytest.mark.slow
@pytest.mark.parametrize("binary", [[], None])
def test_metric_says_none_where_the_binary_setting_is_not_measured(metric: Any, binary: list[float] | None) -> None:
    predictions = [{"mc1": [-1.0, -2.0], "mc2": VALUES, "binary": binary}]
    scores = metric.compute(predictions=predictions, references=[{"mc1": [1, 0], "mc2": LABELS}])
    assert scores["binary"] is None


@pytest.mark.slow
def test_metric_refuses_a_binary_setting_of_another_length(metric: Any) -> None:
    predictions = [{"mc1": [-1.0, -2.0], "mc2": VALUES, "binary": [-1.0, -2.0, -3.0]}]
    with pytest.raises(ValueError, match="binary has 3 log-likelihoods; expected 2"):
        metric.compute(predictions=predictions, references=[{"mc1": [1, 0], "mc2": LABELS}])


@pytest.mark.slow
def test_metric_has_the_name_of_its_folder_where_metrics_are_combined(metric: Any) -> None:
    import evaluate

    predictions = [{"mc1": [-1.0, -2.0], "mc2": VALUES, "binary": []}]
    both = evaluate.combine([metric, metric])
    scores = both.compute(predictions=predictions, references=[{"mc1": [1, 0], "mc2": LABELS}])
    assert {"truthfulqa_mc_0_mc1", "truthfulqa_mc_1_mc2"} <= set(scores)


@pytest.mark.slow
def test_metric_refuses_nan(metric: Any) -> None:
    with pytest.raises(ValueError, match="not finite"):
        metric.compute(
            predictions=[{"mc1": [float("nan"), -2.0], "mc2": VALUES, "binary": []}],
            references=[{"mc1": [1, 0], "mc2": LABELS}],
        )


ALONE = """
import json, sys
import evaluate
sys.modules["distrust_hub"] = None  # importing it would fail
import app
metric = evaluate.load(sys.argv[1])
given = app.PREDICTIONS, app.REFERENCES
scores = metric.compute(predictions=given[0], references=given[1])
assert app.compute(*map(json.dumps, given)) == scores
for broken in ("[", "[{}]", '[{"mc1": [NaN, 1], "mc2": [0, 0, 0], "binary": []}]', "[]"):
    try:
        app.compute(broken, json.dumps(given[1]))
    except app.gr.Error:
        continue
    raise SystemExit(f"no error for {broken}")
print(type(app.demo).__name__, json.dumps(scores))
"""


@pytest.mark.slow
def test_a_copy_of_the_folder_is_a_metric_and_a_space_by_itself(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    pytest.importorskip("evaluate")
    folder = shutil.copytree(Path(formulas.__file__).parent, tmp_path / "truthfulqa_mc")
    command = [sys.executable, "-c", ALONE, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    kind, scores = done.stdout.strip().splitlines()[-1].split(" ", 1)
    assert kind == "Interface"
    assert json.loads(scores)["mc2"] == pytest.approx(formulas.mc2([-1.0, -3.0, -2.0], [1, 1, 0]))


def test_the_space_asks_for_what_the_folder_imports() -> None:
    folder = Path(formulas.__file__).parent
    wanted = {line.split(">=")[0] for line in (folder / "requirements.txt").read_text().split()}
    imported = {
        line.split()[1].split(".")[0]
        for file in folder.glob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import ", "from ")) and not line.startswith(("from .", "from __future__"))
    }
    assert imported - set(sys.stdlib_module_names) == wanted | {"gradio"}, "gradio comes with the Space's sdk"
    assert "sdk: gradio\nsdk_version: " in (folder / "README.md").read_text(encoding="utf-8")
