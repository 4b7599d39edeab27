from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.adapters.conftest import random_adapter, token_ids
from tests.tiny import make_tiny_model

pytestmark = pytest.mark.mlx


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def base(request, tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "tiny", scale=0.3, tie=request.param)


def last_logits(model, ids: list[int]) -> np.ndarray:
    """Logits after each of the last three tokens, which are fed one by one to a filled cache, as decoding does."""
    from mlx_lm.models.cache import make_prompt_cache

    from distrust_hub.models.runtime import mx

    cache = make_prompt_cache(model)
    model(mx.array([ids[:-3]]), cache=cache)
    return np.stack([np.array(model(mx.array([[token]]), cache=cache)[0, -1]) for token in ids[-3:]])


@pytest.mark.parametrize("kind", [None, "lora", "dora"])
def test_speed_up_decoding_agrees_with_mlx(base: Path, tmp_path: Path, kind: str | None) -> None:
    from distrust_hub.adapters.load import apply_adapter
    from distrust_hub.chat.decoding import speed_up_decoding
    from distrust_hub.models.load import load_base

    loaded, fast = load_base(str(base)), load_base(str(base))
    speed_up_decoding(fast.model)
    if kind:
        folder = random_adapter(base, tmp_path / "a", dora=kind == "dora").folder
        apply_adapter(loaded, folder)
        apply_adapter(fast, folder)
    expected, found = (last_logits(each.model, token_ids()) for each in (loaded, fast))
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert type(fast.model.layers[0]).__name__ == "_Block"


def test_speed_up_decoding_leaves_other_rotary_embeddings_to_mlx(base: Path) -> None:
    from distrust_hub.chat.decoding import speed_up_decoding
    from distrust_hub.models.load import load_base

    loaded, fast = load_base(str(base)), load_base(str(base))
    speed_up_decoding(fast.model)
    for each in (loaded, fast):
        for layer in each.model.layers:
            layer.self_attn.rope.traditional = True
    expected, found = (last_logits(each.model, token_ids()) for each in (loaded, fast))
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_speed_up_decoding_adds_the_bias_and_changes_nothing_else() -> None:
    from distrust_hub.chat.decoding import speed_up_decoding
    from distrust_hub.models.runtime import mx, nn

    model = nn.Sequential(nn.Linear(8, 4), nn.LayerNorm(4))
    one, many = mx.random.normal((1, 1, 8)), mx.random.normal((1, 3, 8))
    before = [np.array(model(x)) for x in (one, many)]
    speed_up_decoding(model)
    after = [np.array(model(x)) for x in (one, many)]
    assert np.allclose(after[0], before[0], atol=1e-5)
    assert (after[1] == before[1]).all()
    assert [type(layer).__name__ for layer in model.layers] == ["_Linear", "LayerNorm"]
    half = model.layers[0]
    half.set_dtype(mx.float16)
    assert half(one.astype(mx.float16)).dtype == mx.float16
