"""Each problem of a card is found and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from distrust_hub.cards.check import check_card, first_paragraph
from distrust_hub.cards.data import collect
from distrust_hub.cards.render import render_model_card
from tests.cards.folders import adapter_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapter_folder(tmp_path_factory.mktemp("run") / "adapters")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("---\nbase_model", "base_model", "there is no metadata"),
        ("base_model: HuggingFaceTB/SmolLM2-135M-Instruct", "base_model: [", "the metadata is not YAML"),
        ("base_model: HuggingFaceTB/SmolLM2-135M-Instruct", "base_model: /home/ada/model", "it must be the Hub id"),
        ("base_model: HuggingFaceTB/SmolLM2-135M-Instruct", "base_model: ada/other", "was trained on"),
        ("base_model_relation: adapter", "base_model_relation: finetune", "it must be 'adapter'"),
        ("library_name: peft", "library_name: mlx", "library_name is 'mlx'; it must be 'peft'"),
        ("- lora\n", "", "the tag 'lora' is missing"),
        ("- lora\n", "- lora\n- mlx\n", "the tag 'mlx' stands for a full model"),
        ("license: apache-2.0", "license: Apache 2", "license is 'Apache 2'; write an id the Hub knows"),
        ("license: apache-2.0", "license: other", "license_name must name it"),
        ("  results:", "  result:", "the model index cannot be read"),
        ("# my-adapter", "my-adapter", "there is no title"),
        ("## Limits, risks and intended use", "## Other", "there is no section on limits"),
    ],
)
def test_check_card_names_the_problem(folder: Path, old: str, new: str, problem: str) -> None:
    text = render_model_card(folder, "ada/my-adapter")
    assert old in text
    assert problem in " ".join(check_card(text.replace(old, new, 1), collect(folder)))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("license: {a: b}", "license is {'a': 'b'}; write an id the Hub knows"),
        ("license: [[mit]]", "license is ['mit']; write an id"),
        ("1: x", "a field of the metadata cannot be read"),
        ("self: 3", "a field of the metadata cannot be read"),
        ("model-index: [{name: x, results: [{task: 1}]}]", "cannot be read"),
        ("date: 9999-99-99", "the metadata is not YAML: month must be in 1..12"),
        ("deep: " + "[" * 2000, "the metadata is not YAML"),
        ("odd: !!bool x", "the metadata is not YAML"),
        ("odd: !!timestamp x", "the metadata is not YAML"),
        ("odd: !!int ''", "the metadata is not YAML"),
        ("license: " + "a b " * 60_000, "the metadata has 240,0"),
        ("language: no", "language is False; it must be text or a list of texts, in quotes where"),
        ("datasets: 5", "datasets is 5; it must be text"),
        ("tags: [2024-01-01]", "tags is [datetime.date(2024, 1, 1)]; it must be text"),
        ("base_model: [a, b]", "base_model is ['a', 'b']; it must be the Hub id"),
    ],
)
def test_check_card_of_a_strange_card_is_a_sentence(line: str, problem: str) -> None:
    found = check_card(f"---\n{line}\n---\n# T\n")
    assert problem in " ".join(found)
    assert all(len(sentence) < 400 for sentence in found)


def test_check_card_of_aliases_within_aliases_is_short() -> None:
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    card = "\n".join(["---", "a0: &a0 [x, x, x]", *levels, "tags: *a8", "license: *a8", "---", "# x"])
    assert max(map(len, check_card(card))) < 500


def test_check_card_wants_the_mlx_call_first_and_the_word_synthetic(folder: Path) -> None:
    text = render_model_card(folder, "ada/my-adapter")
    assert check_card(text.replace("mlx_lm", "torch")) == [
        "the first code block is not the MLX call; people who open the card look for it there"
    ]
    hidden = text.replace("**This adapter was trained on synthetic text:**", "Hello.\n\nBut", 1)
    assert "the first paragraph does not say so" in check_card(hidden, collect(folder))[0]
    assert check_card(hidden) == []


def test_first_paragraph_skips_metadata_headings_and_comments() -> None:
    assert first_paragraph("---\na: 1\n---\n\n# T\n\n<!-- c -->\n\nOne\ntwo.\n\nThree.") == "One two."
    assert first_paragraph("# T\n\n> **Warning:** x\n\nOne.") == "One."
    assert first_paragraph("---\nlicense: mit\n---\n") == ""
