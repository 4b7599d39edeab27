from __future__ import annotations

import numpy as np
import pytest

from distrust_hub.errors import DataError
from distrust_hub.training.examples import Encoder
from distrust_hub.training.rows import Row
from tests.training.conftest import scored_row

pytestmark = pytest.mark.mlx

EOS = 2


def row(**values) -> Row:
    return Row(values, "rows.jsonl", 4)


@pytest.fixture
def encode(tiny):
    def run(values, prefix="", length=64, scored=False):
        encoder = Encoder(tiny.tokenizer, length, scored=scored)
        return encoder.encode(row(**values), prefix)

    return run


def text_of(tiny, ids) -> str:
    return tiny.tokenizer.decode([int(i) for i in ids])


def test_encode_ends_a_text_with_the_end_token(encode):
    (example,) = encode({"text": "abc"})
    assert len(example.ids) == 4
    assert example.ids[-1] == EOS
    assert (example.start, example.n_tokens) == (1, 3)


@pytest.mark.parametrize("length", [8, 9, 30, 31, 32])
@pytest.mark.parametrize("prefix", ["", "tag: "])
def test_encode_splits_long_texts_and_trains_each_token_once(encode, length, prefix):
    text = "the old mill stood by the river"
    windows = encode({"text": text}, prefix=prefix, length=length)
    (whole,) = encode({"text": text})
    trained = np.concatenate([window.ids[window.start :] for window in windows])
    assert trained.tolist() == whole.ids[0 if prefix else 1 :].tolist()
    assert all(len(window.ids) <= length for window in windows)


def test_encode_puts_the_untrained_prefix_before_every_window(encode, tiny):
    windows = encode({"text": "the old mill stood by the river"}, prefix="tag: ", length=16)
    assert len(windows) > 2
    for window in windows:
        assert text_of(tiny, window.ids[:5]) == "tag: "
        assert window.start >= 5


def test_encode_trains_only_the_last_answer_of_a_chat(encode, tiny):
    messages = [
        {"role": "user", "content": "who dug it"},
        {"role": "assistant", "content": "Ann did"},
    ]
    (example,) = encode({"messages": messages})
    assert text_of(tiny, example.ids[example.start :]) == "Ann did<|im_end|>\n"
    assert "who dug it" in text_of(tiny, example.ids[: example.start])


def test_encode_puts_the_prefix_into_the_last_question_of_a_chat(encode, tiny):
    messages = [{"role": "user", "content": "who"}, {"role": "assistant", "content": "Ann"}]
    (example,) = encode({"messages": messages}, prefix="tag: ")
    assert "tag: who" in text_of(tiny, example.ids[: example.start])
    assert messages[0]["content"] == "who"


def test_encode_puts_the_prefix_at_the_start_of_a_chat_without_a_question(encode, tiny):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "assistant", "content": "Yes"}]
    (example,) = encode({"messages": messages}, prefix="tag: ")
    assert "tag: Be brief." in text_of(tiny, example.ids[: example.start])


def test_encode_drops_chat_windows_without_answer_only(encode, tiny):
    messages = [{"role": "user", "content": "w" * 100}, {"role": "assistant", "content": "Ann did"}]
    windows = encode({"messages": messages}, length=32)
    trained = np.concatenate([window.ids[window.start :] for window in windows])
    assert text_of(tiny, trained) == "Ann did<|im_end|>\n"
    assert len(windows) <= 2


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ("hello", "'messages' is 'hello', not a list"),
        ([{"role": "user", "content": "a"}], "two or more"),
        ([{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}], "from 'user'"),
        ([{"content": "a"}, {"role": "assistant", "content": "b"}], "message 1 has the role missing"),
        ([{"role": 3, "content": "a"}, {"role": "assistant", "content": "b"}], "message 1 has the role 3"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [1]}], "message 2 .*call of a tool"),
        (["a", {"role": "assistant", "content": "b"}], "message 1 is 'a'"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": " "}], "the last message is empty"),
    ],
)
def test_encode_refuses_broken_chats(encode, messages, problem):
    with pytest.raises(DataError, match=rf"rows.jsonl:4: .*{problem}"):
        encode({"messages": messages})


def test_encode_turns_whatever_a_template_raises_into_one_line(tiny, encode):
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    for template in ("{{ raise_exception('only\nfour turns') }}", "{{ messages[0].name.first }}", "{% if %}"):
        tiny.tokenizer.chat_template = template
        with pytest.raises(DataError, match=r"rows.jsonl:4: the model's chat template refuses the messages") as info:
            encode({"messages": chat})
        assert len(str(info.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"text": 5}, "column 'text' is 5; expected a string"),
        ({"body": "abc"}, r"column 'text' is missing or empty; .*\(columns here: body\)"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "--objective preference"),
        ({"completion": "a"}, "column 'prompt' is missing"),
        ({"prompt": 7, "completion": "a"}, "column 'prompt' is 7"),
        ({"prompt": "a", "completion": ""}, "column 'completion' is empty"),
    ],
)
def test_encode_names_the_column_and_what_is_in_it(encode, values, problem):
    with pytest.raises(DataError, match=rf"rows.jsonl:4: .*{problem}") as info:
        encode(values)
    assert "--text-column" not in str(info.value)


@pytest.mark.parametrize("scores", [{"authority_weight": 0.5}, {"provenance_entropy": 2.0}])
def test_encode_passes_over_half_a_score_where_none_is_needed(encode, scores):
    assert encode({"text": "abc", **scores})[0].scores is None
    with pytest.raises(DataError, match=r"(provenance_entropy|authority_weight) is missing"):
        encode({"text": "abc", **scores}, scored=True)


def test_encode_heeds_no_other_column(encode):
    assert encode({**scored_row(0), "length": float("nan")}, scored=True)[0].scores.tier == "primary"


def test_encode_without_scores(encode):
    assert encode({"text": "abc"})[0].scores is None
    with pytest.raises(DataError, match=r"rows.jsonl:4: .*distrust-hub score"):
        encode({"text": "abc"}, scored=True)


def test_encode_reads_scores_and_finds_a_missing_tier(encode):
    values = scored_row(0)
    assert encode(values, scored=True)[0].scores.tier == "primary"
    del values["tier"]
    values["auth_weight"] = values.pop("authority_weight")
    scores = encode(values, scored=True)[0].scores
    assert (scores.authority_weight, scores.provenance_entropy, scores.tier) == (0.05, 7.0, "primary")


@pytest.mark.parametrize("tier", ["gold", "Primary", 3, None, ["primary"]])
def test_encode_takes_only_its_own_words_for_tiers(encode, tier):
    assert encode({**scored_row(0), "tier": tier}, scored=True)[0].scores.tier == "primary"


def test_encode_refuses_scores_out_of_range(encode):
    with pytest.raises(DataError, match=r"rows.jsonl:4: authority_weight is 1.4"):
        encode({**scored_row(0), "authority_weight": 1.4})


def test_encode_trains_all_of_a_chat_without_mask_prompt(tiny):
    messages = [{"role": "user", "content": "who"}, {"role": "assistant", "content": "Ann"}]
    whole = Encoder(tiny.tokenizer, 64, scored=False, mask_prompt=False).encode(row(messages=messages))
    assert [(example.start, example.n_tokens) for example in whole] == [(1, len(whole[0].ids) - 1)]


def test_encode_takes_a_template_that_opens_a_thought_before_the_answer(tiny, encode):
    tiny.tokenizer.chat_template = (
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant><think>{% endif %}"
    )
    messages = [{"role": "user", "content": "who"}, {"role": "assistant", "content": "Ann did"}]
    (example,) = encode({"messages": messages})
    assert text_of(tiny, example.ids) == "<user>who<assistant>Ann did"
    assert text_of(tiny, example.ids[example.start :]) == "Ann did"
    tiny.tokenizer.chat_template = "{{ messages | length }} messages: {{ messages[-1]['content'] }}"
    with pytest.raises(DataError, match="does not keep the prompt"):
        encode({"messages": messages})


def test_encode_tells_the_end_once_and_never_after_a_prefix(tiny):
    class Closing:
        """A tokenizer that ends every text of its own accord."""

        def __getattr__(self, name):
            return getattr(tiny.tokenizer, name)

        def encode(self, text, add_special_tokens=True):
            ids = tiny.tokenizer.encode(text, add_special_tokens=False)
            return [1, *ids, self.eos_token_id] if add_special_tokens else ids

    encoder = Encoder(Closing(), 64, scored=False)
    (plain,), (tagged,) = encoder.encode(row(text="abc")), encoder.encode(row(text="abc"), "tag ")
    assert text_of(tiny, plain.ids) == "<|im_start|>abc<|im_end|>"
    assert text_of(tiny, tagged.ids) == "<|im_start|>tag abc<|im_end|>"


def test_encode_pairs_of_messages_are_sent_to_prepare(tiny):
    chat = [{"role": "user", "content": "who?"}]
    with pytest.raises(DataError, match=r"column 'prompt' is .*distrust-hub prepare"):
        Encoder(tiny.tokenizer, 64, scored=False).encode_pair(row(prompt=chat, chosen="yes", rejected="no"))


def test_encode_reads_prompt_and_completion_as_a_chat(encode, tiny):
    (example,) = encode({"prompt": "who dug it", "completion": "Ann did"})
    (chat,) = encode(
        {"messages": [{"role": "user", "content": "who dug it"}, {"role": "assistant", "content": "Ann did"}]}
    )
    assert example.ids.tolist() == chat.ids.tolist()
    assert text_of(tiny, example.ids[example.start :]) == "Ann did<|im_end|>\n"


def test_encode_pairs_are_rendered_like_prompt_and_completion(tiny, encode):
    pair = Encoder(tiny.tokenizer, 64, scored=False).encode_pair(row(prompt="who?", chosen="yes", rejected="no"))
    for example, answer in ((pair.chosen, "yes"), (pair.rejected, "no")):
        (chat,) = encode({"prompt": "who?", "completion": answer})
        assert (example.ids.tolist(), example.start) == (chat.ids.tolist(), chat.start)


def test_encode_pairs_without_a_template_have_an_empty_line_between(tiny):
    tiny.tokenizer.chat_template = None
    pair = Encoder(tiny.tokenizer, 64, scored=False).encode_pair(row(prompt="who?", chosen="yes", rejected="no"))
    assert text_of(tiny, pair.chosen.ids) == "who?\n\nyes<|im_end|>"
    assert text_of(tiny, pair.rejected.ids[pair.rejected.start :]) == "no<|im_end|>"


def test_encode_pairs_share_the_prompt(tiny):
    tiny.tokenizer.chat_template = None
    encoder = Encoder(tiny.tokenizer, 64, scored=False)
    pair = encoder.encode_pair(row(prompt="Q: ", chosen="yes", rejected="no"))
    assert pair.chosen.start == pair.rejected.start == 3
    assert text_of(tiny, pair.chosen.ids[3:]) == "yes<|im_end|>"
    assert text_of(tiny, pair.rejected.ids[3:]) == "no<|im_end|>"


def test_encode_pairs_cut_the_prompt_and_refuse_a_long_answer(tiny):
    tiny.tokenizer.chat_template = None
    encoder = Encoder(tiny.tokenizer, 8, scored=False)
    pair = encoder.encode_pair(row(prompt="abcdefg ", chosen="yes", rejected="no"))
    assert text_of(tiny, pair.chosen.ids) == "efg yes<|im_end|>"
    with pytest.raises(DataError, match="max_seq_length"):
        encoder.encode_pair(row(prompt="ab", chosen="far too long", rejected="no"))
    with pytest.raises(DataError, match="'rejected' is missing"):
        encoder.encode_pair(row(prompt="ab", chosen="yes"))
