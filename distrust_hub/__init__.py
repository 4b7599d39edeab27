"""Score text for primary-source authority, fine-tune models to lean on it, and show whether it worked."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "score_document": "distrust_hub.scoring.document",
    "score_documents": "distrust_hub.scoring.document",
    "score_dataset": "distrust_hub.scoring.bulk",
    "distrust_term": "distrust_hub.objective",
    "signed_core": "distrust_hub.objective",
    "example_weights": "distrust_hub.objective",
    "effective_sample_size": "distrust_hub.objective",
    "train": "distrust_hub.training.trainer",
    "evaluate": "distrust_hub.evaluation.runner",
    "push_adapter": "distrust_hub.hub.adapters",
    "pull_adapter": "distrust_hub.adapters.pull",
    "load_adapter": "distrust_hub.adapters.load",
}

__all__ = ["__version__", *_EXPORTS]

if TYPE_CHECKING:
    from distrust_hub.adapters.load import load_adapter
    from distrust_hub.adapters.pull import pull_adapter
    from distrust_hub.evaluation.runner import evaluate
    from distrust_hub.hub.adapters import push_adapter
    from distrust_hub.objective import distrust_term, effective_sample_size, example_weights, signed_core
    from distrust_hub.scoring.bulk import score_dataset
    from distrust_hub.scoring.document import score_document, score_documents
    from distrust_hub.training.trainer import train


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that ``import distrust_hub`` stays light."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'distrust_hub' has no attribute {name!r}")
    value = getattr(importlib.import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
