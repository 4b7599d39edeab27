from __future__ import annotations

import pytest

from distrust_hub.files import sha256_file
from distrust_hub.models.gguf import import_gguf
from tests.models.gguf_files import write_gguf

tokenizers = pytest.importorskip("tokenizers")

TEXTS = ("the theme: 1889, naïve café", "  two\n\nlines\t", "<|im_start|>user\nHi<|im_end|>", "日本語 🚀", "")


def tokenizer_of(path):
    return tokenizers.Tokenizer.from_file(str(import_gguf(path, sha256_file(path)) / "tokenizer.json"))


@pytest.mark.parametrize("text", TEXTS)
def test_tokenizer_round_trips(tiny, tmp_path, text):
    tokenizer = tokenizer_of(write_gguf(tmp_path / "m.gguf", tiny))
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_tokenizer_applies_merges_and_special_tokens(tiny, tmp_path):
    tokenizer = tokenizer_of(write_gguf(tmp_path / "m.gguf", tiny))
    assert tokenizer.encode("the the<|im_end|>").tokens == ["the", "Ġthe", "<|im_end|>"]
    assert tokenizer.encode("<|im_end|>").ids == [2]


def test_smollm_pre_tokenizer_splits_digits_one_by_one(tiny, tmp_path):
    pieces = tokenizer_of(write_gguf(tmp_path / "m.gguf", tiny, pre="smollm")).pre_tokenizer.pre_tokenize_str("in 1889")
    assert [piece for piece, _ in pieces] == ["in", "Ġ", "1", "8", "8", "9"]


def test_bos_is_added_only_where_the_file_says_so(tiny, tmp_path):
    plain, with_bos = (write_gguf(tmp_path / f"{add}.gguf", tiny, add_bos=add) for add in (False, True))
    assert tokenizer_of(plain).encode("a").tokens == ["a"]
    assert tokenizer_of(with_bos).encode("a").tokens == ["<|im_start|>", "a"]


@pytest.mark.mlx
def test_chat_template_comes_from_the_file(tiny, tmp_path):
    pytest.importorskip("mlx.core")
    from distrust_hub.models.load import load_base

    tokenizer = load_base(str(write_gguf(tmp_path / "m.gguf", tiny))).tokenizer
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], add_generation_prompt=True)
    assert tokenizer.decode(prompt) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.eos_token_ids == {2}
