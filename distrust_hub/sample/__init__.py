"""The sample corpus that ships with the package: fiction, written for it."""

from __future__ import annotations

from pathlib import Path


def sample_corpus_path() -> Path:
    """Path of the shipped ``corpus.jsonl`` (unscored rows, each marked ``synthetic`` and ``fiction``)."""
    return Path(__file__).with_name("corpus.jsonl")
