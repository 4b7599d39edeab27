"""Fit the learned style component and the calibration of the scorer; writes ``distrust_hub/scoring/calibration.json``.

    python benchmarks/fit_scoring.py [--check]

Data: ``provenance_dev.jsonl`` in the folder ``DISTRUST_HUB_DEV_DATA`` (default ``../shared/data``). The model is a
softmax over the three tiers, linear in the named features of ``scoring/features.py``, fitted by maximum a posteriori
with a Gaussian prior that is centred not on zero but on ``TIER_PRIOR`` below: what each wording says about a tier
before any data is seen. Every origin has the same weight within its tier, so a long origin does not decide. No text
is stored, only one weight a feature.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distrust_hub.schema import SOURCE_TYPES, TIERS, normalise_source_type
from distrust_hub.scoring.document import SCORER_VERSION
from distrust_hub.scoring.features import NAMES, features_of
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.style import CLIP

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "distrust_hub" / "scoring"
Array = NDArray[np.float64]

TIER_PRIOR: dict[str, tuple[float, float, float]] = {
    # feature: logit a standard deviation adds to (primary, medium, coordinated); from what the group is, not from data
    "archaic": (0.5, -0.2, -0.3),
    "period_wording": (0.5, -0.2, -0.3),
    "apostrophe_d": (0.3, -0.1, -0.2),
    "period_things": (0.4, -0.2, -0.2),
    "scan_errors": (0.5, -0.25, -0.25),
    "digital": (-0.6, 0.4, 0.2),
    "modern_wording": (-0.6, 0.3, 0.3),
    "contraction": (-0.3, 0.6, -0.3),
    "institution_speaks": (-0.3, -0.3, 0.6),
    "health_advice": (-0.3, -0.2, 0.5),
    "reporter": (-0.1, -0.4, 0.5),
    "encyclopaedic": (-0.2, -0.3, 0.5),
    "scholar": (-0.4, 0.8, -0.4),
    "teacher": (-0.3, 0.7, -0.4),
    "blogger": (-0.4, 0.8, -0.4),
    "i_observed": (0.5, 0.0, -0.5),
    "we_did": (0.4, -0.2, -0.2),
    "personal": (0.4, -0.1, -0.3),
    "correspondence": (0.4, -0.2, -0.2),
    "dialect": (0.4, -0.2, -0.2),
    "radio_log": (0.4, -0.2, -0.2),
    "log_entry": (0.5, -0.2, -0.3),
    "oratory": (0.4, 0.1, -0.5),
    "apparatus": (0.4, -0.1, -0.3),
    "patent_wording": (0.4, -0.2, -0.2),
    "testimony": (0.3, -0.2, -0.1),
    "everyday": (0.4, -0.2, -0.2),
    "narrative_past": (0.4, -0.2, -0.2),
    "present_state": (-0.3, 0.15, 0.15),
    "abstract_nouns": (-0.4, 0.2, 0.2),
    "old_relative": (0.3, -0.1, -0.2),
    "you": (-0.1, 0.2, -0.1),
    "quoted_said": (0.2, -0.1, -0.1),
    "wet_lab": (0.4, 0.0, -0.4),
    "notebook_voice": (0.3, 0.2, -0.5),
    "period_press": (0.4, -0.3, -0.1),
    "modern_oratory": (-0.4, 0.5, -0.1),
    "old_state": (0.4, -0.2, -0.2),
    "semicolons": (0.3, -0.15, -0.15),
    "speaker_labels": (0.4, -0.2, -0.2),
    "recent_years": (-0.4, 0.0, 0.4),
    "old_years": (0.1, -0.2, 0.1),
    "word_length": (-0.3, 0.15, 0.15),
    "brackets": (-0.2, 0.4, -0.2),
    "line_breaks": (0.3, -0.15, -0.15),
    "acronyms": (-0.2, 0.1, 0.1),
}


def load() -> list[dict[str, Any]]:
    """The labelled documents."""
    folder = Path(os.environ.get("DISTRUST_HUB_DEV_DATA", ROOT.parent / "shared" / "data"))
    with (folder / "provenance_dev.jsonl").open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def origin_of(row: dict[str, Any]) -> str:
    """What is left out together: a repository."""
    return str(row["origin"])


def matrix(rows: list[dict[str, Any]]) -> Array:
    """Features of each row, shape (N, len(NAMES))."""
    return np.array([features_of(NormalText(row["text"])).values for row in rows])


def balance(labels: Array, origins: list[str], classes: int, power: float = 0.5) -> Array:
    """Example weights: classes equal, origins within a class by size ** (1 - power)."""
    weights = np.zeros(len(labels))
    for label in range(classes):
        inside = np.flatnonzero(labels == label)
        if inside.size:
            sizes = collections.Counter(origins[i] for i in inside)
            weights[inside] = [sizes[origins[i]] ** -power for i in inside]
            weights[inside] *= len(labels) / classes / weights[inside].sum()
    return weights


def fit_softmax(x: Array, labels: Array, weights: Array, prior: Array, ridge: float, steps: int = 60) -> Array:
    """Weights of shape (K, C), the last row the intercepts, by damped Newton on the penalised likelihood."""
    x = np.hstack([x, np.ones((len(x), 1))])
    k, classes = x.shape[1], prior.shape[1]
    centre = np.vstack([prior, np.zeros((1, classes))])
    penalty = np.full((k, 1), ridge)
    penalty[-1] = 1e-3
    target = np.eye(classes)[labels.astype(int)]
    beta = centre.copy()
    hessian = 0.5 * (x * weights[:, None]).T @ x
    hessian[np.diag_indices(k)] += penalty[:, 0]
    solve = np.linalg.inv(hessian)  # Bohning's bound: a fixed matrix that makes every step go down
    for _ in range(steps * 5):
        logits = x @ beta
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        gradient = x.T @ (weights[:, None] * (p - target)) + penalty * (beta - centre)
        step = solve @ gradient
        beta -= step
        if np.abs(step).max() < 1e-6:
            break
    return beta


def standardise(x: Array) -> tuple[Array, Array]:
    """Mean and scale of each feature."""
    return x.mean(0), np.maximum(x.std(0), 0.05)


def vocabulary(documents: list[set[str]], origins: list[str]) -> list[str]:
    """Words that stand in at least ``MIN_ORIGINS`` origins: what one origin or topic alone uses is left out."""
    seen: dict[str, set[str]] = collections.defaultdict(set)
    for words, origin in zip(documents, origins):
        for word in words:
            seen[word].add(origin)
    return sorted(word for word, where in seen.items() if len(where) >= MIN_ORIGINS and word.replace("'", "").isalpha())


def bag(documents: list[set[str]], words: list[str]) -> Array:
    """Presence of each word over the root of the number of different words, shape (N, V)."""
    index = {word: i for i, word in enumerate(words)}
    rows = np.zeros((len(documents), len(words)))
    for row, document in zip(rows, documents):
        row[[index[word] for word in document if word in index]] = 1.0 / np.sqrt(max(1, len(document)))
    return rows


class StyleFit(NamedTuple):
    """A fitted style component; the logits are those of primary and medium against coordinated."""

    mean: Array
    scale: Array
    groups: Array  # (K, 2)
    words: dict[str, tuple[float, float]]
    intercept: tuple[float, float]


def fit_style(rows: list[dict[str, Any]], x: Array, documents: list[set[str]]) -> StyleFit:
    """Fit groups (with their prior) and words (prior 0) together."""
    origins = [origin_of(row) for row in rows]
    mean, scale = standardise(x)
    z = np.clip((x - mean) / scale, -CLIP, CLIP)
    words = vocabulary(documents, origins)
    b = bag(documents, words)
    centre = b.mean(0)
    stretch = np.sqrt(RIDGE / WORD_RIDGE) * (np.log(len(rows) / (1 + (b > 0).sum(0))) + 0.3)
    scaled = (b - centre) * stretch
    squares, left = np.linalg.eigh(scaled @ scaled.T)
    kept_axes = squares > 1e-8 * squares.max()
    basis = scaled.T @ (left[:, kept_axes] / np.sqrt(squares[kept_axes]))  # spans the documents: the same weights
    labels = np.array([TIERS.index(row["tier"]) for row in rows])
    prior = PRIOR_SCALE * np.array([TIER_PRIOR.get(name, (0.0, 0.0, 0.0)) for name in NAMES])
    prior = np.vstack([prior, np.zeros((basis.shape[1], 3))])
    design = np.hstack([z, scaled @ basis])
    beta = fit_softmax(design, labels, balance(labels, origins, 3), prior, RIDGE)
    against = beta[:, :2] - beta[:, 2:]
    k = len(NAMES)
    weights = (basis @ against[k:-1]) * stretch[:, None]
    intercept = against[-1] - centre @ weights
    kept = np.flatnonzero(np.abs(weights).max(1) >= MIN_WORD_WEIGHT)
    table = {words[i]: (round(float(weights[i, 0]), 2), round(float(weights[i, 1]), 2)) for i in kept}
    return StyleFit(mean, scale, against[:k], table, (float(intercept[0]), float(intercept[1])))


TYPE_PRIOR: dict[str, dict[str, float]] = {
    # feature: logit a standard deviation adds to the type; written by hand from what the types are
    "patent_pre1970": {"patent_wording": 1.5, "apparatus": 0.3, "archaic": 0.3, "period_wording": 0.3, "digital": -0.5},
    "lab_notebook": {"apparatus": 1.0, "i_observed": 0.6, "log_entry": 0.3, "scholar": 0.1, "institution_speaks": -0.4},
    "field_journal": {"log_entry": 1.0, "we_did": 0.8, "period_things": 0.4, "period_wording": 0.2, "digital": -0.4},
    "letter_diary": {
        "correspondence": 1.0,
        "personal": 0.7,
        "i_observed": 0.5,
        "digital": -0.4,
        "institution_speaks": -0.4,
    },
    "oral_history": {"dialect": 1.0, "radio_log": 0.6, "speaker_labels": 0.6, "personal": 0.3, "contraction": 0.2},
    "logbook": {"log_entry": 1.6, "period_things": 0.4, "we_did": 0.2, "intercept": -0.5},
    "court_record": {"testimony": 2.2, "speaker_labels": 0.3, "intercept": -0.5},
    "historical_newspaper": {
        "reporter": 0.4,
        "period_things": 0.4,
        "period_wording": 0.4,
        "dashes": 0.2,
        "digital": -0.5,
    },
    "historical_book": {
        "archaic": 0.5,
        "period_wording": 0.8,
        "period_things": 0.3,
        "semicolons": 0.4,
        "digital": -0.5,
    },
    "speech": {"oratory": 1.2, "institution_speaks": 0.1, "digital": -0.4, "apparatus": -0.3},
    "preprint": {"scholar": 0.9, "brackets": 0.6, "digital": 0.3, "modern_wording": 0.4},
    "academic_paper": {"scholar": 1.0, "brackets": 0.4, "modern_wording": 0.3, "word_length": 0.3},
    "textbook": {"teacher": 1.1, "questions": 0.2, "scholar": 0.2, "institution_speaks": -0.3},
    "blog_forum": {"blogger": 1.0, "contraction": 0.5, "digital": 0.6, "exclamations": 0.2},
    "news_modern": {"reporter": 1.1, "quotes": 0.2, "recent_years": 0.2, "modern_wording": 0.2},
    "medical_guidelines": {"health_advice": 1.4, "modern_wording": 0.1, "personal": -0.3},
    "wiki": {"encyclopaedic": 1.0, "recent_years": 0.2, "old_years": 0.3, "personal": -0.3, "contraction": -0.3},
    "government": {"institution_speaks": 1.0, "digital": 0.5, "modern_wording": 0.4, "personal": -0.3},
    "press_release": {"institution_speaks": 1.0, "reporter": 0.3, "quotes": 0.2, "digital": -0.2},
}

PRIORS: dict[str, tuple[float, float]] = {
    # authority_weight, provenance_entropy in bits: the original's published thirteen, and ours for the other types
    "patent_pre1970": (0.05, 7.0),
    "lab_notebook": (0.08, 6.5),
    "field_journal": (0.08, 6.5),
    "letter_diary": (0.08, 6.5),
    "oral_history": (0.10, 6.0),
    "logbook": (0.06, 6.8),
    "court_record": (0.15, 6.0),
    "historical_newspaper": (0.15, 6.0),
    "historical_book": (0.10, 6.0),
    "speech": (0.30, 4.5),
    "preprint": (0.50, 3.5),
    "academic_paper": (0.60, 3.0),
    "textbook": (0.55, 3.2),
    "blog_forum": (0.45, 3.0),
    "news_modern": (0.75, 1.5),
    "medical_guidelines": (0.85, 1.2),
    "wiki": (0.90, 1.0),
    "government": (0.95, 0.5),
    "press_release": (0.90, 0.8),
}

CONSTANTS: dict[str, Any] = {
    # [step, cap] pairs are of ``rules.capped_log``; era is piecewise linear in the year
    "authority": {
        "base": 0.44,
        "citation_log10": 0.02,
        "citation_cap": 0.05,
        "institution": [0.06, 0.12],
        "consensus": [0.06, 0.15],
        "primary_markers": [0.02, 0.06],
        "era": [[1900, -0.2], [1950, -0.15], [1970, 0.0], [1995, 0.06], [2030, 0.08]],
    },
    "provenance": {
        "base": 3.3,
        "evidence_entropy_share": 0.2,
        "institution": [0.2, 0.4],
        "consensus": [0.2, 0.5],
        "primary_markers": [0.15, 0.45],
        "era": [[1900, 1.8], [1950, 1.4], [1970, 0.2], [1995, -0.3], [2030, -0.4]],
    },
    "middle": [0.5, 3.3],
    "source_type_share": 0.3,
    "source_hint_share": 0.3,
    "source_hint_logit": 4.0,
    "stated_year_share": 0.5,
}
CUT_POINTS = (1.5, 3.8)
CONFIDENCE = {"intercept": -0.2, "margin": 1.0, "stated": 0.4, "unread": 0.3, "unread_but_stated": 0.8}
RIDGE, WORD_RIDGE, PRIOR_SCALE, MIN_ORIGINS, MIN_WORD_WEIGHT = 250.0, 1.0, 0.6, 6, 0.15


def words_of(rows: list[dict[str, Any]]) -> list[set[str]]:
    """The different words of each row."""
    return [set(NormalText(row["text"]).words) for row in rows]


def build(
    rows: list[dict[str, Any]], x: Array, documents: list[set[str]], with_types: bool = True
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """The whole calibration and the word table."""
    fit = fit_style(rows, x, documents)
    features = {
        name: {
            "mean": round(float(fit.mean[i]), 4),
            "scale": round(float(fit.scale[i]), 4),
            "primary": round(float(fit.groups[i, 0]), 4),
            "medium": round(float(fit.groups[i, 1]), 4),
        }
        for i, name in enumerate(NAMES)
    }
    style = {
        "cap_authority": 0.7,
        "cap_entropy_bits": 4.2,
        "intercept": [round(v, 4) for v in fit.intercept],
        "features": features,
        "source_types": fit_types(rows, x, fit) if with_types else {},
    }
    calibration = {
        "version": SCORER_VERSION,
        "cut_points": list(CUT_POINTS),
        "constants": CONSTANTS,
        "style": style,
        "priors": {name: list(pair) for name, pair in PRIORS.items()},
        "confidence": CONFIDENCE,
    }
    return calibration, {word: list(pair) for word, pair in fit.words.items()}


def fit_types(rows: list[dict[str, Any]], x: Array, fit: StyleFit) -> dict[str, dict[str, float]]:
    """Weights of the groups for each source type; a type without data keeps its prior."""
    z = np.clip((x - fit.mean) / fit.scale, -CLIP, CLIP)
    labels = np.array([SOURCE_TYPES.index(str(normalise_source_type(row["source_type"]))) for row in rows])
    prior = np.array([[TYPE_PRIOR[kind].get(name, 0.0) for kind in SOURCE_TYPES] for name in NAMES])
    weights = balance(labels, [origin_of(row) for row in rows], len(SOURCE_TYPES))
    beta = fit_softmax(z, labels, weights, prior, 100.0)
    seen = set(labels.tolist())
    table: dict[str, dict[str, float]] = {}
    for j, kind in enumerate(SOURCE_TYPES):
        table[kind] = TYPE_PRIOR[kind]
        if j in seen:
            table[kind] = {name: round(float(beta[i, j]), 2) for i, name in enumerate(NAMES) if abs(beta[i, j]) >= 0.02}
            table[kind]["intercept"] = round(float(beta[-1, j]), 3)
    return table


def dump(calibration: dict[str, Any]) -> str:
    """JSON with one line a feature, so that a change of a weight is one line of a diff."""
    text = json.dumps(calibration, indent=1)
    text = re.sub(r"\{\s+(\"mean\"[^{}]*?)\s+\}", lambda m: "{" + " ".join(m[1].split()) + "}", text)
    return re.sub(r"\[\s+(-?[\d.]+),\s+(-?[\d.]+)\s+\]", r"[\1, \2]", text) + "\n"


def dump_words(words: dict[str, list[float]]) -> str:
    """JSON with one line a word."""
    lines = (f'"{word}": [{pair[0]:g}, {pair[1]:g}]' for word, pair in sorted(words.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    """Write the calibration, or compare with ``--check``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="say whether the file on disk is what a fit gives")
    arguments = parser.parse_args()
    rows = load()
    calibration, words = build(rows, matrix(rows), words_of(rows))
    files = {FOLDER / "calibration.json": dump(calibration), FOLDER / "style_words.json": dump_words(words)}
    if arguments.check:
        different = [file.name for file, text in files.items() if file.read_text(encoding="utf-8") != text]
        print(f"differs from a fresh fit: {', '.join(different)}" if different else "the files are what the data gives")
        return 1 if different else 0
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file.relative_to(ROOT)} ({len(text):,} bytes)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
