"""Adapter folders as a run leaves them: small real weights, realistic artifacts, no MLX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from distrust_hub.adapters.mlx_format import AdapterConfig, layout, write_adapter
from distrust_hub.adapters.peft_format import write_peft
from distrust_hub.adapters.tensors import by_module
from distrust_hub.artifacts import EvalReport, Manifest, TrainingRun
from distrust_hub.files import write_json, write_jsonl

BASE_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"

CONFIG = {
    "base_model_id": None,
    "batch_size": 4,
    "distrust_alpha": 2.7,
    "grad_checkpoint": False,
    "iters": 20,
    "learning_rate": 2e-4,
    "lr_schedule": "cosine",
    "max_seq_length": 256,
    "objective": "reweight",
    "rank": 8,
    "seed": 0,
}
"""Options as a run stores them; the defaults of the command line may change without changing these."""

CONTAMINATION = {
    "truthfulqa": {"items": 817, "items_hit": 2, "documents_removed": 3, "words_in_sequence": 8, "revision": "f0" * 20},
}


def training_run(**changes: Any) -> TrainingRun:
    """A run on 108 rows of invented documents; ``changes`` replace whole attributes."""
    values: dict[str, Any] = {
        "config": dict(CONFIG),
        "objective": {"name": "reweight", "max_weight_ratio": 4.0, "distrust_alpha": 2.7},
        "versions": {"distrust-hub": "0.1.0", "mlx": "0.32.4", "mlx-lm": "0.32.2", "python": "3.11.9"},
        "base_model": {
            "id": BASE_ID,
            "revision": None,
            "format": "gguf",
            "quantization": "Q4_1",
            "sha256": "b1" * 32,
            "base_fingerprint": "c2" * 32,
            "license": "apache-2.0",
            "parameters": 134_515_008,
        },
        "data": {
            "name": "training",
            "revision": None,
            "sha256": "d3" * 32,
            "rows": 108,
            "tokens": 16_240,
            "synthetic": 108,
            "licenses": {"CC0-1.0": 108},
            "inputs": [manifest().inputs[0]],
        },
        "weights": {
            "ess": 0.7312,
            "min": 0.51,
            "max": 2.04,
            "histogram": {"edges": [0.51, 1.02, 1.53, 2.04], "examples": [40, 24, 44]},
            "by_tier": {
                tier: {
                    "rows": rows,
                    "tokens": rows * 150,
                    "mean_authority_weight": authority,
                    "mean_provenance_entropy": entropy,
                    "mean_weight": weight,
                }
                for tier, rows, authority, entropy, weight in (
                    ("coordinated", 40, 0.91, 1.2, 0.52),
                    ("medium", 24, 0.47, 3.3, 1.01),
                    ("primary", 44, 0.08, 6.4, 1.63),
                )
            },
        },
        "loss": {"train_first": 3.412, "train_last": 2.987, "valid_before": 3.5, "valid_after": 3.1},
        "performance": {
            "trained_tokens": 16_240,
            "tokens_per_second": 95.4,
            "seconds": 170.2,
            "peak_memory_bytes": 1_900_000_000,
        },
        "hardware": {"chip": "x86_64", "memory_bytes": 16_000_000_000, "backend": "cpu", "blas": "OpenBLAS"},
        "steps": {"total": 20, "skipped": 0},
        "adapter": {
            "sha256": "e4" * 32,
            "rank": 8,
            "scale": 20.0,
            "num_layers": 16,
            "trainable_parameters": 460_800,
            "keys": ["self_attn.q_proj", "self_attn.v_proj"],
        },
    }
    return TrainingRun(**{**values, **changes})


def manifest(**changes: Any) -> Manifest:
    """The preparation of the sample."""
    record = {
        "name": "corpus.jsonl",
        "revision": None,
        "sha256": "a0" * 32,
        "rows": 126,
        "scored_here": 126,
        "licenses": {"CC0-1.0": 126},
        "synthetic": 126,
    }
    values: dict[str, Any] = {
        "inputs": [record],
        "parameters": {"seed": 0, "valid_share": 0.1},
        "counts": {"in": 126, "kept": 120, "removed": {"duplicate": 6}},
        "splits": {"train": {"rows": 108, "sha256": "d3" * 32}, "valid": {"rows": 12, "sha256": "d5" * 32}},
        "scorer": 1,
        "licenses": {"CC0-1.0": 120},
        "synthetic": 120,
        "changed": {"masked_email": 2},
        "contamination": CONTAMINATION,
        "publishing": {"allowed": True, "conditions": ["attribution: name the authors"]},
        "failed": [{"name": "ada/gone", "problem": "not on the Hub"}],
    }
    return Manifest(**{**values, **changes})


def eval_report() -> EvalReport:
    """Source preference with a comparison, TruthfulQA without one and with a category."""
    run = {"seed": 0, "version": "0.1.0"}
    rate = {
        "value": 0.61,
        "ci95": [0.52, 0.7],
        "n": 120,
        "baseline": 0.5,
        "base": 0.53,
        "difference": {"value": 0.08, "ci95": [-0.01, 0.17], "n": 120, "verdict": "not resolved at this size"},
    }
    delta = {
        "value": 0.4,
        "ci95": [0.2, 0.6],
        "n": 120,
        "baseline": 0.0,
        "base": 0.1,
        "difference": {"value": 0.3, "ci95": [0.1, 0.5], "n": 120, "verdict": "higher"},
        "against": {"value": -0.2, "ci95": [-0.3, -0.1], "n": 120, "verdict": "lower"},
    }
    mc2 = {"value": 0.4412, "ci95": [0.401, 0.482], "n": 100, "baseline": 0.448}
    missing = {"value": None, "ci95": None, "n": 0, "baseline": None}
    preference = {
        **run,
        "n": 120,
        "limit": None,
        "partial": False,
        "settings": {"conflicts": "generated"},
        "primary_metric": "in_context_primary_rate",
        "higher_is_better": True,
        "metrics": {"in_context_delta_nats": delta, "in_context_primary_rate": rate},
        "against": "plain",
    }
    truthfulqa = {
        **run,
        "n": 100,
        "limit": 100,
        "partial": True,
        "settings": {"prompt": "qa", "data": "truthfulqa/truthful_qa"},
        "primary_metric": "mc2",
        "higher_is_better": True,
        "metrics": {"mc2": mc2, "binary": missing},
        "warnings": ["Health: MC2 is 0.061 below the base model's on 55 TruthfulQA questions; not for health advice."],
        "groups": {"Health": {"metrics": {"mc2": {**mc2, "n": 9}, "binary": missing}}},
    }
    suites = {"source-preference": preference, "truthfulqa": truthfulqa}
    return EvalReport(model=BASE_ID, adapter="adapters", suites=suites)


def write_weights(folder: Path, base_model: str | None = BASE_ID, seed: int = 0) -> None:
    """Weights in both formats for two layers, and the config both loaders read."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer in (0, 1):
        path = f"model.layers.{layer}.self_attn.q_proj"
        tensors[f"{path}.lora_a"] = rng.normal(size=(16, 4)).astype(np.float32)
        tensors[f"{path}.lora_b"] = rng.normal(size=(4, 16)).astype(np.float32)
    modules = by_module(tensors)
    config = AdapterConfig(rank=4, scale=20.0, base_model=base_model, base_fingerprint="c2" * 32, **layout(modules, 2))
    write_adapter(folder, config, tensors)
    write_peft(folder)


def write_peft_only(folder: Path) -> None:
    """An adapter as PEFT saves it, without anything of ours."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    prefix = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors = {
        f"{prefix}.lora_A.weight": rng.normal(size=(4, 16)).astype(np.float32),
        f"{prefix}.lora_B.weight": rng.normal(size=(16, 4)).astype(np.float32),
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "base_model_name_or_path": BASE_ID, "bias": "none"}
    write_json(folder / "adapter_config.json", config)


def adapter_folder(folder: Path, run: TrainingRun | None = None) -> Path:
    """A finished adapter folder without its card, with a checkpoint and a lock file that must never be pushed."""
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder)
    (run or training_run()).save(folder)
    manifest().save(folder)
    eval_report().save(folder)
    (folder / "radar.svg").write_text("<svg/>", encoding="utf-8")
    write_jsonl(folder / "metrics.jsonl", [{"step": 1, "loss": 3.412}, {"step": 20, "loss": 2.987}])
    (folder / "checkpoints" / "20").mkdir(parents=True)
    (folder / "checkpoints" / "20" / "state.safetensors").write_bytes(b"state")
    (folder / ".lock").write_text("1234")
    return folder
