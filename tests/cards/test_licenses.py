"""Names, notices and refusals that the licence of a base asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from distrust_hub.cards.check import check_card
from distrust_hub.cards.data import collect
from distrust_hub.cards.licenses import DUTIES, duty, is_non_commercial, license_problems
from distrust_hub.cards.render import render_model_card
from tests.cards.folders import adapter_folder, training_run


def with_license(folder: Path, **base: object) -> Path:
    run = training_run()
    run.base_model.update(base)
    return adapter_folder(folder / "adapters", run)


@pytest.mark.parametrize("license", sorted(DUTIES))
def test_notice_of_the_base_stands_in_the_card_and_its_absence_is_a_problem(tmp_path: Path, license: str) -> None:
    folder = with_license(tmp_path, license=license)
    card = render_model_card(folder, f"ada/{DUTIES[license].prefix or 'my'}-adapter")
    facts = collect(folder, f"ada/{DUTIES[license].prefix or 'my'}-adapter")
    assert DUTIES[license].notice in card
    assert f"([licence]({DUTIES[license].link}))" in card
    assert check_card(card, facts) == []
    (problem,) = check_card(card.replace(DUTIES[license].notice, ""), facts)
    assert "wants this notice: " in problem


@pytest.mark.parametrize(
    ("license", "name", "problem"),
    [
        ("llama3.1", "ada/notes", "wants names that begin with Llama; call it Llama-notes"),
        ("llama3", "ada/llama-notes", "wants names that begin with Llama-3; call it Llama-3-llama-notes"),
        ("llama3", "ada/Llama-3-notes", None),
        ("llama3.2", "llama-fan/notes", "wants names that begin with Llama"),
        ("llama3.2", "llama-notes", None),
        ("gemma", "ada/notes", None),
        ("apache-2.0", "ada/notes", None),
        ("cc-by-nd-4.0", "ada/notes", "forbids passing on changed versions"),
        ("CC BY-NC-ND 4.0", None, "forbids passing on changed versions"),
        ("llama3.1", None, None),
        (None, "ada/notes", None),
    ],
)
def test_license_problems(license: str | None, name: str | None, problem: str | None) -> None:
    found = license_problems(license, name)
    assert (found == []) if problem is None else (problem in found[0])


def test_licence_of_the_base_is_copied_with_its_name_and_link(tmp_path: Path) -> None:
    for link, expected in (
        ("https://example.org/terms", "https://example.org/terms"),
        ("LICENSE.md", "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct/blob/main/LICENSE.md"),
        ("javascript:alert(1)", "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"),
        (None, "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"),
    ):
        folder = with_license(tmp_path / str(hash(link)), license="tongyi-qianwen", license_link=link)
        data = ModelCard(render_model_card(folder)).data
        assert (data.license, data.license_name, data.license_link) == ("other", "tongyi-qianwen", expected)


def test_non_commercial_training_data_shows_in_the_licence_section(tmp_path: Path) -> None:
    run = training_run()
    run.data["licenses"] = {"CC-BY-NC-4.0": 3, "CC0-1.0": 105}
    card = render_model_card(adapter_folder(tmp_path / "nc", run))
    section = card.split("## Licence")[1].split("## ")[0]
    assert "**Not for commercial use as it stands:** the base, or texts " in section
    assert "are under `CC-BY-NC-4.0`." in section
    assert "Not for commercial use" not in render_model_card(adapter_folder(tmp_path / "free"))


def test_is_non_commercial_reads_names() -> None:
    assert all(map(is_non_commercial, ["cc-by-nc-4.0", "CC_BY_NC", "qwen-research", "Non-Commercial use"]))
    assert not any(map(is_non_commercial, ["apache-2.0", "CC BY 4.0", None, "public domain"]))
    assert duty("Llama3.1") is DUTIES["llama3.1"]
    assert duty("mit") is None


@pytest.mark.parametrize(
    ("license", "said"),
    [
        (None, "The base model's licence: not measured."),
        ("unknown", "The base model's licence: not measured."),
        ("other", "The base model has a licence of its own, which applies to this adapter."),
        ("gemma", "The base model's licence is `gemma` and applies to this adapter."),
    ],
)
def test_licence_section_says_what_is_known_of_the_base(tmp_path: Path, license: str | None, said: str) -> None:
    card = render_model_card(with_license(tmp_path, license=license))
    assert said in card.split("## Licence")[1].split("## ")[0]
