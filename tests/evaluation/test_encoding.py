"""Where a prompt ends and an answer begins, for the kinds of tokenizers there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.encoding import Encoder

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

PROMPT = "Q: What is it?\nA:"
ANSWERS = (" It is a dream.", " yes", " ü✓ 中文", " no", "\n", "  two", "glued", " A: A:")


def byte_level() -> Any:
    """BPE over bytes whose merges may cross the end of a prompt (``:`` and a space are one token)."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    merges = [(":", "Ġ"), ("n", "o"), ("y", "e"), ("Ġ", "I")]
    pieces = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, merges)]
    made = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return made


def word_marks() -> Any:
    """Unigram with a mark for a leading space, and a token a byte for what it does not know."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = ["▁", "▁Q", ":", "▁What", "▁is", "▁it", "?", "A", "▁A", "▁yes", "▁no", "▁It", "▁a", "▁dream", "."]
    pieces = ["<s>", "</s>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    made = Tokenizer(models.Unigram([(piece, -float(i)) for i, piece in enumerate(pieces)], 2, byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    made.decoder = decoders.Metaspace(prepend_scheme="first")
    return made


def wrapped(made: Any, before: str, after: str) -> Any:
    """As a tokenizer of transformers that puts special tokens around a text."""
    from tokenizers.processors import TemplateProcessing

    special = [(token, made.token_to_id(token)) for token in ("<s>", "</s>")]
    if before or after:
        made.post_processor = TemplateProcessing(single=f"{before} $A {after}".strip(), special_tokens=special)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")


def encoder(tokenizer: Any, folder: Path, **config: Any) -> Encoder:
    (folder / "config.json").write_text(json.dumps(config))
    return Encoder(tokenizer, folder)


def harness_pair(tokenizer: Any, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """The rule of lm-evaluation-harness for causal models."""
    spaces = len(context) - len(context.rstrip())
    if spaces:
        context, continuation = context[:-spaces], context[-spaces:] + continuation
    start = tokenizer.encode(context)
    return start, tokenizer.encode(context + continuation)[len(start) :]


@pytest.mark.parametrize("made", [byte_level, word_marks])
@pytest.mark.parametrize("before", ["", "<s>"])
@pytest.mark.parametrize("prompt", [PROMPT, f"{PROMPT} "])
def test_pair_splits_as_the_harness_does(made: Any, before: str, prompt: str, tmp_path: Path) -> None:
    tokenizer = wrapped(made(), before, "")
    ours = encoder(tokenizer, tmp_path)
    for answer in ANSWERS:
        context, rest = ours.pair(prompt, answer)
        assert (list(context), list(rest)) == harness_pair(tokenizer, prompt, answer)
        assert context.count(0) == len(before and "1")


def test_pair_counts_by_the_prompt_where_the_boundary_merges(tmp_path: Path) -> None:
    tokenizer = wrapped(byte_level(), "", "")
    (merged,) = tokenizer.encode(": ")
    context, rest = encoder(tokenizer, tmp_path).pair(PROMPT, " no")
    whole = tokenizer.encode(f"{PROMPT} no")
    assert merged != context[-1]
    assert rest == tuple(whole[len(context) :])


@pytest.mark.parametrize("made", [byte_level, word_marks])
def test_tokens_put_after_a_text_are_no_part_of_it(made: Any, tmp_path: Path) -> None:
    plain, closing = wrapped(made(), "<s>", ""), wrapped(made(), "<s>", "</s>")
    for answer in ANSWERS:
        assert encoder(closing, tmp_path).pair(PROMPT, answer) == encoder(plain, tmp_path).pair(PROMPT, answer)
    assert encoder(closing, tmp_path).encode("A: yes")[-1] != closing.eos_token_id


@pytest.mark.parametrize("before", ["", "<s>"])
def test_an_empty_prompt_is_one_token_that_is_not_scored(before: str, tmp_path: Path) -> None:
    tokenizer = wrapped(byte_level(), before, "")
    context, rest = encoder(tokenizer, tmp_path).pair("", "A: yes")
    assert context == (tokenizer.bos_token_id,)
    assert rest == tuple(tokenizer.encode("A: yes", add_special_tokens=False))


def test_a_bos_in_the_text_is_not_doubled(tmp_path: Path) -> None:
    tokenizer = wrapped(byte_level(), "<s>", "")
    assert encoder(tokenizer, tmp_path).encode(f"<s>{PROMPT}") == encoder(tokenizer, tmp_path).encode(PROMPT)


def test_an_answer_without_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="answer '' has no tokens of its own"):
        encoder(wrapped(byte_level(), "<s>", "</s>"), tmp_path).pair(PROMPT, "")


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({"max_position_embeddings": 8}, 8),
        ({"n_positions": 8}, 8),
        ({"max_position_embeddings": 4, "text_config": {"max_position_embeddings": 8}}, 8),
        ({"max_position_embeddings": None, "text_config": None}, None),
    ],
)
def test_the_number_of_positions_is_read_from_the_config(
    config: dict[str, Any], limit: int | None, tmp_path: Path
) -> None:
    ours = encoder(wrapped(byte_level(), "", ""), tmp_path, **config)
    assert ours.max_tokens == limit
    ours.check_length(8)
    if limit:
        with pytest.raises(EvaluationError, match="need 9 positions; the model has 8"):
            ours.check_length(9)


def test_a_chat_template_that_refuses_is_named_in_a_line(tmp_path: Path) -> None:
    tokenizer = wrapped(byte_level(), "", "")
    with pytest.raises(EvaluationError, match="no chat template; use the prompt preset qa"):
        encoder(tokenizer, tmp_path).chat_prompt("Why?")
    tokenizer.chat_template = "{{ raise_exception('a system message\nis needed') }}"
    with pytest.raises(EvaluationError, match=r"refuses a question \(TemplateError: a system message is needed\)"):
        encoder(tokenizer, tmp_path).chat_prompt("Why?")
