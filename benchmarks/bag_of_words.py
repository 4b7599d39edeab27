"""The plainest learner as a bar for the scorer: tf-idf words and pairs, and a ridge-penalised softmax over three tiers.

Measured by ``scoring_quality.py`` in the same way as the scorer: each document by a fit without its origin. The fit
also has the passages of ``train_mix.jsonl``, which the scorer's does not. Of single words and pairs, punctuation marks,
presence and counts, sublinear or not, and ridges from 0.01 to 100, this was the best by area (scikit-learn's logistic
regression gives the same within .01).
"""

from __future__ import annotations

import collections
import itertools
import re

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RIDGE, MIN_DOCUMENTS, STEPS = 0.01, 2, 100


def word_vectors(texts: list[str]) -> NDArray[np.float32]:
    """Rows of unit length: ``(1 + ln count) * idf`` of the words and pairs that two texts share, shape (N, V)."""
    counts = []
    for text in texts:
        words = re.findall(r"\b\w\w+\b", text.lower())
        counts.append(collections.Counter([*words, *map(" ".join, itertools.pairwise(words))]))
    spread = collections.Counter(word for count in counts for word in count)
    index = {word: i for i, word in enumerate(sorted(w for w, n in spread.items() if n >= MIN_DOCUMENTS))}
    rows = np.zeros((len(texts), len(index)), np.float32)
    for row, count in zip(rows, counts):
        for word, n in count.items():
            if word in index:
                row[index[word]] = (1 + np.log(n)) * (np.log((1 + len(texts)) / (1 + spread[word])) + 1)
    return rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))


def held_out_probabilities(texts: list[str], tiers: Array, origins: Array, measured: int) -> Array:
    """Probability of each tier for the first ``measured`` texts by a fit without the text's origin, shape (N, 3).

    The texts stand in the space they span, where their products are a diagonal; a constant of 1 is their intercept.
    """
    rows = word_vectors(texts)
    squares, axes = np.linalg.eigh((rows @ rows.T).astype(float) + 1.0)
    kept = squares > 1e-6 * squares.max()
    x = axes[:, kept] * np.sqrt(squares[kept])
    found = np.zeros((measured, 3))
    for origin in sorted(set(origins[:measured])):
        inside, outside = origins != origin, np.flatnonzero(origins[:measured] == origin)
        found[outside] = _softmax(x[outside] @ _fit(x[inside], tiers[inside], squares[kept]))
    return found


def _fit(x: Array, labels: Array, squares: Array) -> Array:
    """Weights by steps of fixed bound (Bohning 1992) with momentum (Nesterov 1983)."""
    step = 1.0 / (0.5 * squares + RIDGE)
    target, before = np.eye(3)[labels], np.zeros((x.shape[1], 3))
    ahead = before
    for number in range(STEPS):
        beta = ahead - step[:, None] * (x.T @ (_softmax(x @ ahead) - target) + RIDGE * ahead)
        ahead = beta + number / (number + 3) * (beta - before)
        before = beta
    return before


def _softmax(logits: Array) -> Array:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(odds / odds.sum(1, keepdims=True))
