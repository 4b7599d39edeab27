"""The registry of public datasets, and the default recipe on a test Hub that has some of them."""

from __future__ import annotations

import io
import json

import pytest
from huggingface_hub import HfApi

from distrust_hub.cli.main import main
from distrust_hub.config import PrepareConfig
from distrust_hub.files import iter_jsonl
from distrust_hub.preparation.recipe import resolve_recipe
from distrust_hub.preparation.sources import registry
from distrust_hub.preparation.specs import InputSpec, read_spec
from distrust_hub.schema import SOURCE_TYPES, TIERS
from tests.preparation.test_fetch import publish, row


def test_registry_entries_are_whole():
    sources = registry()
    assert len(sources) >= 12
    assert {source.tier for source in sources.values()} == set(TIERS)
    for source in sources.values():
        assert source.source_type in SOURCE_TYPES
        assert source.hub_id.count("/") == 1
        assert source.verified_live is False
        assert all(page.startswith("https://") for page in source.pages)
        assert source.license
        assert source.size
        assert source.why
        assert source.read_on == "2026-11-23"
        assert isinstance(read_spec(source.spec(), source.name), InputSpec)


def test_default_recipe_reads_part_of_each_source():
    recipe = resolve_recipe("default", [], {"seed": 4})
    assert recipe.config.seed == 4
    assert recipe.config.on_error == "skip"
    assert all(spec.rows and spec.cap for spec in recipe.inputs)
    patents = next(spec for spec in recipe.inputs if "uspto" in spec.source)
    assert patents.years == "1700-1969"
    assert patents.values["source_type"] == "patent_pre1970"


def upload(hub, repo_id, rows, path="train.jsonl", **names):
    """Publish rows under another owner's name; ``names`` maps our columns to theirs, None drops one."""
    renamed = [{names.get(k, k): v for k, v in entry.items() if names.get(k, k) is not None} for entry in rows]
    publish(HfApi(token=hub.add_user(repo_id.split("/")[0])), repo_id, renamed, path)


@pytest.fixture
def public(hub):
    upload(hub, "biglam/hmd_newspapers", [row(n, date="1851-02-03T00:00:00", title="Gazette") for n in range(30)])
    upload(hub, "sedthh/gutenberg_english", [row(n) for n in range(30, 40)], text="TEXT", id=None)
    patents = [row(n, created=f"{1950 + n}-01-01") for n in range(40, 45)] + [row(45, created="1891"), row(46)]
    upload(hub, "common-pile/uspto_filtered", patents)
    upload(hub, "wikimedia/wikipedia", [row(n) for n in range(50, 80)], path="20231101.en/train.jsonl")
    upload(hub, "epfl-llm/guidelines", [row(n) for n in range(80, 90)])
    upload(hub, "common-pile/usgpo_filtered", [row(90)])
    hub.repo("common-pile/usgpo_filtered", "dataset").gated = "auto"
    card = "---\nconfigs:\n- config_name: 20231101.en\n  data_files: 20231101.en/*\n---\n"
    HfApi(token=hub.add_user("wikimedia")).upload_file(
        path_or_fileobj=io.BytesIO(card.encode()),
        path_in_repo="README.md",
        repo_id="wikimedia/wikipedia",
        repo_type="dataset",
    )
    return hub


@pytest.mark.hub
def test_check_sources_tells_what_can_be_read_and_why_not(public, capsys):
    assert main(["prepare", "--check-sources", "--format", "json"]) == 1
    captured = capsys.readouterr()
    problems = {entry["name"]: entry["problem"] for entry in json.loads(captured.out)}
    assert list(problems) == list(registry())
    assert problems["newspapers-uk-1800"] is None
    assert problems["encyclopaedia-wikipedia"] is None
    assert "no column 'clean_text', 'source'" in problems["medical-guidelines"]
    assert "gated" in problems["government-gpo"]
    assert "is not on the Hub" in problems["news-open"]
    readable = sum(problem is None for problem in problems.values())
    assert f"{readable} of {len(problems)} sources can be read as described" in captured.err


@pytest.mark.hub
def test_default_recipe_goes_on_with_what_is_there(public, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["prepare", "--recipe", "default", "-o", str(out), "--min-words", "5", "--no-near-duplicates"]
    assert main([*command, "--languages", "en", "--min-ocr-quality", "0"]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    read = {entry["name"]: entry for entry in manifest["inputs"]}
    assert "biglam/hmd_newspapers" in read
    assert all(len(entry["revision"]) == 40 for entry in read.values())
    assert len(manifest["failed"]) + len(read) == 13
    assert manifest["counts"]["removed"]["outside_years"] == 6
    assert read["epfl-llm/guidelines"]["bad_rows"] == 10
    assert manifest["counts"]["in"] == manifest["counts"]["kept"] + sum(manifest["counts"]["removed"].values())
    rows = [entry for name in ("train", "valid") for _, entry in iter_jsonl(out / f"{name}.jsonl")]
    newspaper = next(entry for entry in rows if entry.get("publisher") == "Gazette")
    assert (newspaper["source_type"], newspaper["year"], newspaper["license"]) == (
        "historical_newspaper",
        1851,
        "CC0-1.0",
    )
    assert "common-pile/news_filtered" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("years", "row", "covered"),
    [
        (None, {}, True),
        ("1700-1969", {"year": 1969}, True),
        ("1700-1969", {"date": "1970-01-01"}, False),
        ("1700-1969", {"published": "3 May 1861"}, True),
        ("1700-1969", {}, False),
    ],
)
def test_spec_covers_the_years_asked_for(years, row, covered):
    assert InputSpec("x", years=years).covers(row) is covered


def test_recipe_option_of_the_command_line_wins_over_the_default_recipe():
    assert resolve_recipe("default", [], {"on_error": "stop"}).config == PrepareConfig(
        languages="en", min_words=50, max_words=1000, tier_shares="published", on_error="stop"
    )
