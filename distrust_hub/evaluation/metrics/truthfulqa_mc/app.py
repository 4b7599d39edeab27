"""Page of the metric when this folder is published as a Space."""

import json
from pathlib import Path
from typing import Any

import evaluate
import gradio as gr

HERE = Path(__file__).parent

PREDICTIONS = [{"mc1": [-1.0, -2.0], "mc2": [-1.0, -3.0, -2.0], "binary": [-1.0, -2.0]}]
REFERENCES = [{"mc1": [1, 0], "mc2": [1, 1, 0]}]

metric = evaluate.load(str(HERE / "truthfulqa_mc.py"))


def compute(predictions: str, references: str) -> dict[str, Any]:
    """Scores of log-likelihoods and labels, both written as JSON lists."""
    try:
        return dict(metric.compute(predictions=json.loads(predictions), references=json.loads(references)))
    except (ValueError, TypeError, KeyError) as error:
        raise gr.Error(f"{type(error).__name__}: {error}") from error


demo = gr.Interface(
    fn=compute,
    inputs=[
        gr.Textbox(json.dumps(PREDICTIONS), label="predictions (JSON): log-likelihoods in nats", lines=6),
        gr.Textbox(json.dumps(REFERENCES), label="references (JSON): labels, 1 true and 0 false", lines=6),
    ],
    outputs=gr.JSON(label="scores"),
    title="TruthfulQA MC",
    description=metric.info.description,
    article=(HERE / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2],
    flagging_mode="never",
)

if __name__ == "__main__":
    demo.launch()
