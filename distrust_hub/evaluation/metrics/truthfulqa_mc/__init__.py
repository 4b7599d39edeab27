"""TruthfulQA's multiple-choice metrics: formulas in ``formulas.py``, the ``evaluate`` module around them."""
