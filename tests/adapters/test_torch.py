"""The same adapter folder in transformers + PEFT."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from distrust_hub.adapters.peft_format import convert_peft_to_mlx, write_peft
from tests.adapters.conftest import logits, random_adapter, token_ids

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
pytestmark = [pytest.mark.torch, pytest.mark.mlx]


def torch_logits(model: object) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([token_ids()])).logits[0].float().numpy()  # type: ignore[operator]


def load_torch(base: Path) -> torch.nn.Module:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("dora", [False, True])
def test_peft_logits_agree_with_mlx(tiny_base: Path, tmp_path: Path, dora: bool) -> None:
    trained = random_adapter(tiny_base, tmp_path / "a", dora=dora)
    write_peft(trained.folder)
    base = load_torch(tiny_base)
    plain = torch_logits(base)
    model = peft.PeftModel.from_pretrained(base, str(trained.folder)).eval()
    assert relative_error(torch_logits(model), trained.logits) < 1e-3
    assert relative_error(plain, trained.logits) > 0.1  # the adapter is what makes the difference
    adapted = {name.removesuffix(".lora_A") for name, _ in model.named_modules() if name.endswith(".lora_A")}
    assert len(adapted) == 14


def test_peft_config_reads_ours_with_at_most_a_warning(tiny_base: Path, tmp_path: Path) -> None:
    folder = random_adapter(tiny_base, tmp_path / "a", condition_prefix="<primary> ").folder
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        config = peft.PeftConfig.from_pretrained(str(folder))
    assert (config.peft_type, config.r, config.lora_alpha) == (peft.PeftType.LORA, 4, 10)


def test_fused_model_loads_in_transformers(tiny_base: Path, tmp_path: Path) -> None:
    from distrust_hub.adapters.fuse import fuse_adapter

    trained = random_adapter(tiny_base, tmp_path / "a")
    fused = fuse_adapter(trained.folder, str(tiny_base), tmp_path / "fused")
    assert relative_error(torch_logits(load_torch(fused)), trained.logits) < 1e-3


@pytest.mark.parametrize(
    "options",
    [
        {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"]},
        {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "use_rslora": True},
        {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "use_dora": True},
        {
            "r": 4,
            "lora_alpha": 8,
            "target_modules": ["q_proj", "up_proj"],
            "layers_to_transform": [0, 2],
            "rank_pattern": {"up_proj": 2},
            "alpha_pattern": {"layers.2.self_attn.q_proj": 3},
        },
        {
            "r": 4,
            "lora_alpha": 8,
            "target_modules": ["q_proj", "up_proj"],
            "use_dora": True,
            "use_rslora": True,
            "rank_pattern": {"up_proj": 2},
            "alpha_pattern": {"layers.1.self_attn.q_proj": 3},
        },
    ],
    ids=["plain", "rslora", "dora", "patterns", "all-at-once"],
)
def test_convert_peft_to_mlx_agrees_with_peft(tiny_base: Path, tmp_path: Path, options: dict) -> None:
    from mlx_lm import load

    torch.manual_seed(0)
    config = peft.LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **options)
    model = peft.get_peft_model(load_torch(tiny_base), config).eval()
    expected = torch_logits(model)
    model.save_pretrained(tmp_path / "peft")
    convert_peft_to_mlx(tmp_path / "peft", tmp_path / "mlx")
    converted, _ = load(str(tiny_base), adapter_path=str(tmp_path / "mlx"))
    assert relative_error(logits(converted), expected) < 1e-3


@pytest.mark.parametrize("template", [True, False])
def test_the_call_of_peft_in_a_card_runs(tiny_base: Path, tmp_path: Path, template: bool) -> None:
    import contextlib
    import io
    import json
    import shutil

    from distrust_hub.cards.render import render_model_card

    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    if not template:
        settings = json.loads((base / "tokenizer_config.json").read_text())
        del settings["chat_template"]
        (base / "tokenizer_config.json").write_text(json.dumps(settings))
    folder = random_adapter(base, tmp_path / "a").folder
    write_peft(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(base)}))
    block = render_model_card(folder, "ada/x").split("```python")[2].split("```")[0]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block.replace('"ada/x"', repr(str(folder))).replace('"BASE_MODEL"', repr(str(base))))
    assert printed.getvalue().startswith("What is" if not template else "user\nWhat is")
