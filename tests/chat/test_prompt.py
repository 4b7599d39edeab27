from __future__ import annotations

import json
from pathlib import Path

import pytest

from distrust_hub.adapters.mlx_format import AdapterConfig
from distrust_hub.chat.engine import ChatRequest
from distrust_hub.chat.prompt import encode_prompt, room_for_answer
from distrust_hub.errors import ConfigError
from tests.tiny import make_tiny_model

transformers = pytest.importorskip("transformers")

REQUEST = ChatRequest(({"role": "user", "content": "hi"},))
CONFIG = AdapterConfig(rank=4, scale=1.0, extra={"condition_prefix": "Source tier: primary\n\n"})


def tokenizer(folder: Path, template: str | None = None):
    base = make_tiny_model(folder / "base")
    if template is not None:
        path = base / "tokenizer_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": template}))
    return transformers.AutoTokenizer.from_pretrained(base)


def test_encode_prompt_puts_the_tag_before_the_question_unless_told_not_to(tmp_path):
    made = tokenizer(tmp_path)
    tagged, plain = (
        made.decode(encode_prompt(made, True, request, CONFIG))
        for request in (REQUEST, ChatRequest(REQUEST.messages, use_tag=False))
    )
    assert "user\nSource tier: primary\n\nhi" in tagged
    assert tagged.replace("Source tier: primary\n\n", "") == plain


def test_encode_prompt_replaces_what_no_tokenizer_takes(tmp_path):
    made = tokenizer(tmp_path)
    cut = ChatRequest(({"role": "user", "content": "hi \ud83d"},))
    assert "user\nhi ?" in made.decode(encode_prompt(made, True, cut, None))


ESCAPE = "{{ ''.__class__.__mro__[1].__subclasses__() }}"


@pytest.mark.parametrize("template", [ESCAPE, "{{ messages.append(1) }}", "{{ raise_exception('no') }}"])
def test_encode_prompt_runs_templates_in_a_sandbox(tmp_path, template):
    made = tokenizer(tmp_path, template)
    with pytest.raises(ConfigError, match="chat template refuses"):
        encode_prompt(made, True, REQUEST, None)


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ 'a' + 1 }}", "TypeError"),
        ("{% for i in range(10 ** 9) %}x{% endfor %}", "OverflowError"),
        ("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "RecursionError"),
        ("{% break %}", "SyntaxError"),
        ("{% include '/etc/passwd' %}", "TypeError"),
    ],
)
def test_encode_prompt_of_a_template_that_fails_is_one_line(tmp_path, template, kind):
    with pytest.raises(ConfigError, match=f"chat template fails on this conversation \\({kind}"):
        encode_prompt(tokenizer(tmp_path, template), True, REQUEST, None)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ messages | map(attribute='content') | join(', ') }}", "hi"),
        ("{% generation %}x{% endgeneration %}", "x"),
        ("{{ messages | tojson }}", '[{"role": "user", "content": "hi"}]'),
        ("{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.content }}{% endfor %}", "hi"),
    ],
)
def test_encode_prompt_takes_what_templates_on_the_hub_use(tmp_path, template, text):
    made = tokenizer(tmp_path, template)
    assert made.decode(encode_prompt(made, True, REQUEST, None)) == text


@pytest.mark.parametrize("has_template", [True, False])
def test_encode_prompt_refuses_an_empty_prompt(tmp_path, has_template):
    made = tokenizer(tmp_path, "{{ messages.__class__ }}")
    request = ChatRequest(({"role": "user", "content": ""},))
    with pytest.raises(ConfigError, match="nothing of the conversation"):
        encode_prompt(made, has_template, request, None)


def test_room_for_answer_is_what_the_prompt_leaves(tmp_path):
    base = make_tiny_model(tmp_path / "base")
    assert room_for_answer(base, 2000) == 48
    with pytest.raises(ConfigError, match="2048 tokens, 1 too many"):
        room_for_answer(base, 2048)
