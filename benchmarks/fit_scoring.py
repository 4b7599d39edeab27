"""Fit the learned style component and write the calibration of the scorer: ``distrust_hub/scoring/calibration.json``.

The golden scores of the tests are renewed with it when ``SCORER_VERSION`` was raised before.

    python benchmarks/fit_scoring.py [--check]

Data: ``provenance_dev.jsonl`` in the folder ``DISTRUST_HUB_DEV_DATA`` (default ``../shared/data``). The model is a
softmax over kinds of source, linear in the named features of ``scoring/features.py``, fitted by maximum a posteriori
with a Gaussian prior that is centred not on zero but on ``kind_prior.py``: what each kind of source looks like before
any data is seen. Every kind has the same weight, and so has every origin within its kind to the root of its size. A
kind without documents keeps its prior. No text is stored, only one weight a feature and kind.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kind_prior import KINDS

from distrust_hub.schema import normalise_source_type
from distrust_hub.scoring.document import SCORER_VERSION, score_document
from distrust_hub.scoring.features import NAMES, features_of
from distrust_hub.scoring.normalise import NormalText
from distrust_hub.scoring.style import CLIP_HIGH, CLIP_LOW

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "distrust_hub" / "scoring" / "calibration.json"
GOLDEN = ROOT / "tests" / "scoring" / "golden_scores.json"
Array = NDArray[np.float64]

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
        "primary_markers": [0.02, 0.08],
        "coordinated_markers": [0.02, 0.08],
        "era": [[1900, -0.2], [1950, -0.15], [1970, 0.0], [1995, 0.06], [2030, 0.08]],
        "internal_date": [[1930, 0.01], [1970, 0.03], [2030, 0.04]],
    },
    "provenance": {
        "base": 3.3,
        "evidence_entropy_share": 0.2,
        "institution": [0.2, 0.4],
        "consensus": [0.2, 0.5],
        "primary_markers": [0.12, 0.5],
        "coordinated_markers": [0.12, 0.5],
        "era": [[1900, 1.8], [1950, 1.4], [1970, 0.2], [1995, -0.3], [2030, -0.4]],
        "internal_date": [[1930, -0.05], [1970, -0.25], [2030, -0.35]],
    },
    "middle": [0.5, 3.3],
    "unread_marks": 4.5,
    "source_hint_share": 0.3,
    "source_hint_logit": 4.0,
    "stated_year_share": 0.5,
}
CUT_POINTS = (1.7, 4.0)
CONFIDENCE = {"intercept": -0.3, "margin": 1.3, "margin_cap": 2.7, "unread": 0.3, "unread_but_helped": 0.8}
CAP_AUTHORITY, CAP_ENTROPY_BITS = 0.75, 4.5
RIDGE, SMALL_WEIGHT = 200.0, 0.02
SCALE_LEAST = 0.35
"""Scale of a feature that hardly varies in the labelled documents: one hit in a page is then two scales, not a cap."""

SHARPNESS = 1.3
"""What the fitted predictors are multiplied by, so that a doubt between the two ends is not read as the middle; between
1 and 1.5 the tier accuracy of origins left out was best here."""


def load(name: str = "provenance_dev.jsonl") -> list[dict[str, Any]]:
    """The labelled documents; the fit rests on those of the default file alone."""
    folder = Path(os.environ.get("DISTRUST_HUB_DEV_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / name).is_file():
        raise SystemExit(
            f"{folder / name}: no such file; the labelled documents are not part of the repository: set "
            "DISTRUST_HUB_DEV_DATA to the folder that holds them (benchmarks/provenance_sources.yaml lists them)"
        )
    with (folder / name).open(encoding="utf-8") as stream:
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


class StyleFit(NamedTuple):
    """A fitted style component for K features and C kinds."""

    mean: Array  # (K,)
    scale: Array  # (K,)
    weights: Array  # (K, C)
    intercepts: Array  # (C,)


def kinds_of(rows: list[dict[str, Any]]) -> Array:
    """1 where a row may be of a kind, shape (N, C): its source type and tier fit."""
    types = [(normalise_source_type(row["source_type"]), row["tier"]) for row in rows]
    return np.array([[float(of == (kind.source_type, kind.tier)) for kind in KINDS.values()] for of in types])


def fit_style(rows: list[dict[str, Any]], x: Array) -> StyleFit:
    """Maximum a posteriori by fixed-bound steps on the likelihood that a row is of one of its kinds (Bohning 1992)."""
    unknown = {name for kind in KINDS.values() for name in kind.weights} - set(NAMES)
    if unknown:
        raise SystemExit(f"kind_prior.py names features that do not exist: {', '.join(sorted(unknown))}")
    mean, scale = x.mean(0), np.maximum(x.std(0), SCALE_LEAST)
    z = np.hstack([np.clip((x - mean) / scale, CLIP_LOW, CLIP_HIGH), np.ones((len(x), 1))])
    allowed = kinds_of(rows)
    seen = np.flatnonzero(allowed.any(0))
    weights = balance(allowed.argmax(1), [origin_of(row) for row in rows], len(KINDS))
    weights *= len(rows) / weights.sum()
    prior = np.array([[kind.weights.get(name, 0.0) for kind in KINDS.values()] for name in (*NAMES, "intercept")])
    centre, beta = prior[:, seen], prior[:, seen]
    step = np.linalg.inv(0.5 * (z * weights[:, None]).T @ z + RIDGE * np.eye(z.shape[1]))
    for _ in range(300):
        p = z @ beta
        p = np.exp(p - p.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        target = p * allowed[:, seen]
        target /= target.sum(1, keepdims=True)
        change = step @ (z.T @ (weights[:, None] * (p - target)) + RIDGE * (beta - centre))
        beta = beta - change
        if np.abs(change).max() < 1e-5:
            break
    fitted = prior.copy()
    fitted[:, seen] = beta
    return StyleFit(mean, scale, fitted[:-1], fitted[-1])


def build(rows: list[dict[str, Any]], x: Array) -> dict[str, Any]:
    """The whole calibration."""
    fit = fit_style(rows, x)
    kinds = {}
    for j, (name, kind) in enumerate(KINDS.items()):
        weights = {
            n: round(SHARPNESS * float(w), 2) for n, w in zip(NAMES, fit.weights[:, j]) if abs(w) >= SMALL_WEIGHT
        }
        kinds[name] = {
            "source_type": kind.source_type,
            "tier": kind.tier,
            "intercept": round(SHARPNESS * float(fit.intercepts[j]), 3),
            "weights": weights,
        }
    features = {n: [round(float(m), 4), round(float(s), 4)] for n, m, s in zip(NAMES, fit.mean, fit.scale)}
    return {
        "version": SCORER_VERSION,
        "cut_points": list(CUT_POINTS),
        "constants": CONSTANTS,
        "style": {
            "cap_authority": CAP_AUTHORITY,
            "cap_entropy_bits": CAP_ENTROPY_BITS,
            "features": features,
            "kinds": kinds,
        },
        "priors": {name: list(pair) for name, pair in PRIORS.items()},
        "confidence": CONFIDENCE,
    }


def dump(calibration: dict[str, Any]) -> str:
    """JSON with one line a feature, so that a change of a weight is one line of a diff."""
    text = json.dumps(calibration, indent=1)
    return re.sub(r"\[\s+(-?[\d.]+),\s+(-?[\d.]+)\s+\]", r"[\1, \2]", text) + "\n"


def renew_golden() -> None:
    """Score the golden texts anew where their file is of another version of the scorer."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    if golden["scorer"] == SCORER_VERSION:
        return
    for case in golden["cases"]:
        score = score_document(case["text"], case["metadata"])
        case.update(scores=[score.authority_weight, score.provenance_entropy], tier=score.tier)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in golden["cases"])
    GOLDEN.write_text(f'{{"scorer": {SCORER_VERSION}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"wrote {GOLDEN.relative_to(ROOT)}")


def main() -> int:
    """Write the calibration, or compare with ``--check``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="say whether the file on disk is what a fit gives")
    arguments = parser.parse_args()
    rows = load()
    text = dump(build(rows, matrix(rows)))
    if arguments.check:
        same = FILE.read_text(encoding="utf-8") == text
        print("the file is what the data gives" if same else f"{FILE.name} differs from a fresh fit")
        return 0 if same else 1
    FILE.write_text(text, encoding="utf-8")
    print(f"wrote {FILE.relative_to(ROOT)} ({len(text):,} bytes)")
    renew_golden()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
