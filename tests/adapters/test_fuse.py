from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distrust_hub.cli.main import main
from distrust_hub.errors import AdapterError, OutputExistsError
from tests.adapters.conftest import QUANTISED, Trained, logits, random_adapter
from tests.tiny import make_tiny_model

pytestmark = pytest.mark.mlx


@pytest.mark.parametrize("dora", [False, True])
def test_fuse_adapter_equals_the_adapters_logits(tiny_base: Path, tmp_path: Path, dora: bool) -> None:
    from mlx_lm import load

    from distrust_hub.adapters.fuse import fuse_adapter

    trained = random_adapter(tiny_base, tmp_path / "a", dora=dora)
    fused = fuse_adapter(trained.folder, str(tiny_base), tmp_path / "fused")
    model, tokenizer = load(str(fused))
    np.testing.assert_allclose(logits(model), trained.logits, atol=1e-5)
    assert tokenizer.chat_template


@pytest.mark.parametrize("how", QUANTISED.values(), ids=QUANTISED)
def test_fuse_adapter_dequantises(tiny_base: Path, tmp_path: Path, how: dict[str, Any]) -> None:
    from mlx_lm import convert, load

    from distrust_hub.adapters.fuse import fuse_adapter

    convert(str(tiny_base), mlx_path=str(tmp_path / "q"), quantize=True, **how)
    trained = random_adapter(tmp_path / "q", tmp_path / "a")
    fused = fuse_adapter(trained.folder, str(tmp_path / "q"), tmp_path / "fused")
    assert "quantization" not in json.loads((fused / "config.json").read_text())
    tolerance = 0.02 if "q_mode" in how else 1e-4  # those are written in bfloat16
    np.testing.assert_allclose(
        logits(load(str(fused))[0]), trained.logits, atol=tolerance * np.abs(trained.logits).max()
    )


def test_fuse_adapter_quantises_again(adapter: Trained, tiny_base: Path, tmp_path: Path) -> None:
    from mlx_lm import load

    fused = tmp_path / "fused"
    arguments = ["export", str(adapter.folder), "--to", "fused", "--model", str(tiny_base), "-o", str(fused)]
    assert main([*arguments, "--q-bits", "8", "--q-group-size", "32"]) == 0
    config = json.loads((fused / "config.json").read_text())
    assert (config["quantization"]["bits"], config["quantization"]["group_size"]) == (8, 32)
    model, tokenizer = load(str(fused))
    assert tokenizer.chat_template
    error = np.abs(logits(model) - adapter.logits).max() / np.abs(adapter.logits).max()
    assert 0 < error < 0.05
    assert not (fused / "plain").exists()
    assert (fused / "model.safetensors").stat().st_size < (tiny_base / "model.safetensors").stat().st_size / 2
    assert main(["export", str(adapter.folder), "--to", "peft", "-o", str(tmp_path / "o"), "--q-bits", "4"]) == 2


def test_fuse_adapter_keeps_shards_and_writes_their_index(adapter: Trained, tiny_base: Path, tmp_path: Path) -> None:
    import shutil

    from mlx_lm import load
    from safetensors.numpy import load_file, save_file

    from distrust_hub.adapters.fuse import fuse_adapter

    sharded = tmp_path / "sharded"
    shutil.copytree(tiny_base, sharded)
    tensors = load_file(sharded / "model.safetensors")
    (sharded / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, chosen in parts.items():
        save_file({name: tensors[name] for name in chosen}, str(sharded / file), metadata={"format": "pt"})
    fused = fuse_adapter(adapter.folder, str(sharded), tmp_path / "fused")
    index = json.loads((fused / "model.safetensors.index.json").read_text())
    assert index["weight_map"] == {name: file for file, chosen in parts.items() for name in chosen}
    np.testing.assert_allclose(logits(load(str(fused))[0]), adapter.logits, atol=1e-5)


def test_fused_model_of_a_base_that_transformers_5_saved_is_what_mlx_lm_computes(
    tiny_base: Path, tmp_path: Path
) -> None:
    import shutil

    from mlx_lm import load

    from distrust_hub.adapters.fuse import fuse_adapter

    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    config = json.loads((base / "config.json").read_text())
    del config["rope_theta"]
    config["rope_parameters"] = {"rope_theta": 500000.0, "rope_type": "default"}
    (base / "config.json").write_text(json.dumps(config))
    trained = random_adapter(base, tmp_path / "a")
    fused = fuse_adapter(trained.folder, str(base), tmp_path / "fused")
    np.testing.assert_allclose(logits(load(str(fused))[0]), trained.logits, atol=1e-5)
    assert np.abs(logits(load(str(base), adapter_path=str(trained.folder))[0]) - trained.logits).max() > 1e-3


def test_fuse_adapter_refuses_another_base_and_writes_nothing(adapter: Trained, tmp_path: Path) -> None:
    from distrust_hub.adapters.fuse import fuse_adapter

    other = make_tiny_model(tmp_path / "other", layers=2)
    with pytest.raises(AdapterError, match="another base"):
        fuse_adapter(adapter.folder, str(other), tmp_path / "fused")
    assert not (tmp_path / "fused").exists()


def test_fuse_adapter_never_overwrites(adapter: Trained, tiny_base: Path, tmp_path: Path) -> None:
    from distrust_hub.adapters.fuse import fuse_adapter

    (tmp_path / "fused").mkdir()
    with pytest.raises(OutputExistsError, match="fused"):
        fuse_adapter(adapter.folder, str(tiny_base), tmp_path / "fused")


@pytest.mark.parametrize("to", ["peft", "mlx", "fused"])
def test_export_command_writes_a_folder_that_loads(
    adapter: Trained, tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    from distrust_hub.adapters.load import load_adapter
    from distrust_hub.models.load import load_base

    out = tmp_path / to
    assert main(["export", str(adapter.folder), "--to", to, "-o", str(out), "--model", str(tiny_base)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    loaded = load_base(str(out)) if to == "fused" else load_adapter(out, str(tiny_base))
    np.testing.assert_allclose(logits(loaded.model), adapter.logits, atol=1e-5)
    weights = {"peft": "adapter_model", "mlx": "adapters", "fused": "model"}[to]
    assert [path.name for path in out.glob("*.safetensors")] == [f"{weights}.safetensors"]


def test_export_command_checks_the_base_given(
    adapter: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_tiny_model(tmp_path / "other", layers=2)
    arguments = ["export", str(adapter.folder), "--to", "peft", "-o", str(tmp_path / "o"), "--model", str(other)]
    assert main(arguments) == 1
    assert "made for another base" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
