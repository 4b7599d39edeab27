"""The plainest learner as a bar for the scorer: tf-idf words and a ridge-penalised softmax over the three tiers.

Measured by ``scoring_quality.py`` in the same way as the scorer: each document by a fit without its origin.
"""

from __future__ import annotations

import collections
import re

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RIDGE, MIN_DOCUMENTS, STEPS = 1.0, 2, 150


def word_vectors(texts: list[str]) -> Array:
    """Rows of unit length: ``(1 + ln count) * idf`` of the words that two texts share, shape (N, V)."""
    counts = [collections.Counter(re.findall(r"\b\w\w+\b", text.lower())) for text in texts]
    spread = collections.Counter(word for count in counts for word in count)
    index = {word: i for i, word in enumerate(sorted(w for w, n in spread.items() if n >= MIN_DOCUMENTS))}
    rows = np.zeros((len(texts), len(index)))
    for row, count in zip(rows, counts):
        for word, n in count.items():
            if word in index:
                row[index[word]] = (1 + np.log(n)) * (np.log((1 + len(texts)) / (1 + spread[word])) + 1)
    return rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))


def held_out_probabilities(texts: list[str], tiers: Array, origins: Array) -> Array:
    """Probability of each tier by a fit without the document's origin, shape (N, 3)."""
    rows = word_vectors(texts)
    gram = rows @ rows.T
    found = np.zeros((len(texts), 3))
    for origin in sorted(set(origins)):
        inside, outside = np.flatnonzero(origins != origin), np.flatnonzero(origins == origin)
        logits = _fit_and_apply(gram[np.ix_(inside, inside)], tiers[inside], gram[np.ix_(outside, inside)])
        found[outside] = _softmax(logits)
    return found


def _fit_and_apply(gram: Array, labels: Array, others: Array) -> Array:
    """Logits of other documents: the fit in the space that the documents span, where its weights lie."""
    squares, axes = np.linalg.eigh(gram)
    kept = squares > 1e-6 * squares.max()
    basis = axes[:, kept] / np.sqrt(squares[kept])
    x = np.hstack([gram @ basis, np.ones((len(gram), 1))])
    penalty = np.full(x.shape[1], RIDGE)
    penalty[-1] = 1e-3
    step = np.linalg.inv(0.5 * x.T @ x + np.diag(penalty))
    target, beta = np.eye(3)[labels], np.zeros((x.shape[1], 3))
    for _ in range(STEPS):
        beta -= step @ (x.T @ (_softmax(x @ beta) - target) + penalty[:, None] * beta)
    return np.asarray(others @ basis @ beta[:-1] + beta[-1])


def _softmax(logits: Array) -> Array:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(odds / odds.sum(1, keepdims=True))
