"""Page of the metric when it is published as a Space."""

import evaluate
from evaluate.utils import launch_gradio_widget

launch_gradio_widget(evaluate.load("truthfulqa_mc.py"))
