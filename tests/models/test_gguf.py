from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from distrust_hub.errors import ModelError
from distrust_hub.files import sha256_file
from distrust_hub.models.gguf import import_gguf, unpermute
from distrust_hub.models.resolve import resolve_base
from tests.models.gguf_files import permute, write_gguf


def convert(path: Path) -> Path:
    return import_gguf(path, sha256_file(path))


def test_unpermute_is_the_inverse_of_the_interleaved_order():
    weight = np.arange(4 * 16 * 3, dtype=np.float32).reshape(64, 3)
    assert not np.array_equal(permute(weight, 4), weight)
    np.testing.assert_array_equal(unpermute(permute(weight, 4), 4), weight)


def test_import_of_float32_gives_back_every_weight_and_the_config(tiny, tmp_path):
    folder = convert(write_gguf(tmp_path / "tiny.gguf", tiny))
    before, after = load_file(tiny / "model.safetensors"), load_file(folder / "model.safetensors")
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    old, new = (json.loads((f / "config.json").read_text()) for f in (tiny, folder))
    assert new == {key: old[key] for key in new}


@pytest.mark.parametrize(
    ("kind", "tolerance"), [("F16", 0.0003), ("Q8_0", 0.002), ("Q4_0", 0.05), ("Q4_1", 0.05)], ids=lambda v: str(v)
)
def test_import_dequantises_each_supported_type(tiny, tmp_path, kind, tolerance):
    folder = convert(
        write_gguf(tmp_path / "tiny.gguf", tiny, types={"ffn_": kind, "attn_q": kind, "token_embd": "Q8_0"})
    )
    before, after = load_file(tiny / "model.safetensors"), load_file(folder / "model.safetensors")
    name = "model.layers.1.self_attn.q_proj.weight"
    assert after[name].dtype == np.float32
    assert 0 < np.abs(after[name] - before[name]).max() < tolerance


def test_import_is_done_once_and_names_the_most_common_type(tiny, tmp_path):
    path = write_gguf(tmp_path / "tiny.gguf", tiny, types={"ffn_": "Q4_1", "token_embd": "Q8_0", "attn_": "Q4_1"})
    base = resolve_base(str(path))
    stamp = (base.path / "model.safetensors").stat().st_mtime_ns
    assert resolve_base(str(path)).path == base.path
    assert (base.path / "model.safetensors").stat().st_mtime_ns == stamp
    assert (base.format, base.quantization, base.id) == ("gguf", "Q4_1", None)
    assert base.sha256 == sha256_file(path)


def test_untied_output_is_imported(tmp_path):
    from tests.tiny import make_tiny_model

    folder = make_tiny_model(tmp_path / "untied", tie=False)
    out = convert(write_gguf(tmp_path / "untied.gguf", folder))
    assert json.loads((out / "config.json").read_text())["tie_word_embeddings"] is False
    assert "lm_head.weight" in load_file(out / "model.safetensors")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"architecture": "qwen2"}, "'qwen2'"),
        ({"tokenizer_model": "llama"}, "'llama'"),
        ({"pre": "llama-bpe"}, "'llama-bpe'"),
        ({"types": {"ffn_up": "Q5_0"}}, "Q5_0"),
        ({"extra_tensors": {"rope_freqs.weight": np.ones(8, np.float32)}}, "rope_freqs.weight"),
        ({"extra_tensors": {"blk.7.attn_norm.weight": np.ones(64, np.float32)}}, "blk.7.attn_norm.weight"),
        ({"drop": ("blk.1.ffn_down.weight",)}, "model.layers.1.mlp.down_proj.weight"),
        ({"metadata": {"llama.rope.scaling.type": "yarn"}}, "'yarn'"),
    ],
)
def test_import_refuses_what_it_does_not_know_by_name(tiny, tmp_path, cache, wrong, named):
    path = write_gguf(tmp_path / "odd.gguf", tiny, **wrong)
    with pytest.raises(ModelError, match=named.replace(".", r"\.")) as caught:
        convert(path)
    assert "\n" not in str(caught.value)
    assert not list(cache.rglob("*"))[1:]  # at most the empty models folder


def test_import_refuses_a_tensor_of_another_shape(tiny, tmp_path):
    path = write_gguf(
        tmp_path / "odd.gguf",
        tiny,
        drop=("output_norm.weight",),
        extra_tensors={"output_norm.weight": np.ones(32, np.float32)},
    )
    with pytest.raises(ModelError, match=r"output_norm\.weight' is \(32,\), expected \(64,\)"):
        convert(path)


def test_import_refuses_every_truncation_in_one_line(tiny, tmp_path):
    whole = write_gguf(tmp_path / "tiny.gguf", tiny).read_bytes()
    path = tmp_path / "cut.gguf"
    for length in [0, 3, 4, 8, 20, 30, 100, 1000, 3000, 6000, 9000, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError) as caught:
            convert(path)
        assert "\n" not in str(caught.value)
        assert "cut.gguf" in str(caught.value)


def test_import_refuses_another_magic(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGML" + bytes(100))
    with pytest.raises(ModelError, match="not a GGUF file"):
        convert(path)


def test_import_refuses_an_array_longer_than_the_file_at_once(tmp_path):
    key = b"general.x"
    header = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", len(key)) + key
    path = tmp_path / "bomb.gguf"
    path.write_bytes(header + struct.pack("<IIQ", 9, 0, 1 << 60) + bytes(64))
    with pytest.raises(ModelError, match="metadata array of"):
        convert(path)


def test_import_refuses_a_tensor_larger_than_the_file(tmp_path):
    name = b"token_embd.weight"
    info = struct.pack("<Q", len(name)) + name + struct.pack("<IQQIQ", 2, 1 << 30, 1 << 30, 0, 0)
    path = tmp_path / "huge.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + info + bytes(256))
    with pytest.raises(ModelError, match="truncated"):
        convert(path)


def test_import_of_a_file_with_damaged_bytes_fails_in_one_line_or_not_at_all(tiny, tmp_path):
    whole = write_gguf(tmp_path / "tiny.gguf", tiny).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.gguf"
    messages = []
    for _ in range(150):
        damaged = bytearray(whole)
        for at in rng.integers(4, 12_000, size=3):  # metadata and tensor table
            damaged[at] = rng.choice([0, 1, 127, 255, rng.integers(256)])
        path.write_bytes(damaged)
        try:
            convert(path)
        except ModelError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert not any("\n" in message for message in messages)
