"""Which licences let a text be published again, and what is left of a row without its text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from distrust_hub.cli.main import main
from distrust_hub.errors import DataError, HubError
from distrust_hub.files import write_jsonl
from distrust_hub.hub.redistribution import PersonalData, Release, allows_redistribution
from distrust_hub.hub.rows import iter_rows
from distrust_hub.hub.scored_datasets import push_scored
from tests.hub.conftest import writes
from tests.hub.test_scored_datasets import row
from tests.hub_server.server import HubServer

SECRET_WORDS = "The barometer fell at Whitby"


@pytest.mark.parametrize(
    "license",
    [
        "CC BY-SA 4.0 (LICENSE)",
        "public domain (Project Gutenberg text; PD in the USA)",
        "public domain, US government work / CC0 (README)",
        "CC0 1.0 / U.S. government work (LICENSE.md)",
        "CC BY (PLOS article licence)",
        "Apache-2.0",
        "Apache License, Version 2.0",
        "cc-by-4.0",
        "CC BY 3.0 US",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "Creative Commons Attribution 4.0 International",
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        "Creative Commons CC0 1.0 Universal Public Domain Dedication",
        "GPL-3.0-or-later",
        "GPL-2.0-only",
        "MIT OR Apache-2.0",
        "Open Government Licence v3.0",
        ["mit", "cc0-1.0"],
    ],
)
def test_allows_redistribution_whatever_the_spelling(license: object) -> None:
    assert allows_redistribution(license)


@pytest.mark.parametrize(
    "license",
    [
        None,
        "",
        7,
        [],
        ["mit", "unknown"],
        "unknown",
        "other",
        "cc",
        "4.0",
        "CC BY-NC 4.0",
        "CC_BY_NC_4.0",
        "cc-by-nd-4.0",
        "https://creativecommons.org/licenses/by-nc-sa/4.0/",
        "MIT (non-commercial use)",
        "CC BY 4.0 (research only)",
        "CC BY 4.0 / proprietary",
        "not in the public domain",
        "All rights reserved",
        "arXiv.org perpetual, non-exclusive license",
        "llama3",
    ],
)
def test_does_not_allow_what_is_unknown_or_restricted(license: object) -> None:
    assert not allows_redistribution(license)


@pytest.mark.parametrize("action", ["mask", "keep"])
def test_release_masks_keys_in_every_column_whatever_happens_to_personal_data(action: PersonalData) -> None:
    secret = "hf_" + "q" * 34
    text = f"Write to ada@example.org, {secret}."
    given = {**row(1), "id": f"a-{secret}", "text": text, "tags": [secret], "source_url": f"https://x/{secret}"}
    published, _ = Release(personal_data=action).apply(given)
    assert published is not None
    assert secret not in json.dumps(published)
    assert published["id"] == "a-[secret removed]"
    assert ("ada@example.org" in published["text"]) is (action == "keep")


def test_release_leaves_out_the_places_of_evidence_in_a_text_that_it_changed() -> None:
    evidence = [{"axis": "authority_weight", "component": "style", "contribution": 0.1, "span": [40, 44]}]
    for text, kept in (("Write to ada@example.org, she saw it.", False), ("She saw it, and wrote it down.", True)):
        published, _ = Release().apply({**row(1), "text": text, "evidence": evidence})
        assert published is not None
        assert ("span" in published["evidence"][0]) is kept
        assert published["evidence"][0]["contribution"] == 0.1


@pytest.mark.hub
def test_public_push_refuses_texts_without_a_free_licence(hub: HubServer, token: str, tmp_path: Path) -> None:
    source = tmp_path / "s.jsonl"
    write_jsonl(source, [row(1), row(2, license="CC BY-NC 4.0"), row(3, license=None)])
    with pytest.raises(DataError, match=r"s\.jsonl:2: license is 'CC BY-NC 4\.0'.*\(2 of 3 rows\).*--i-have-rights"):
        push_scored(source, "ada/notes")
    assert writes(hub) == []
    push_scored(source, "ada/hidden", private=True)
    push_scored(source, "ada/hidden")
    push_scored(source, "ada/notes", i_have_rights=True)
    with pytest.raises(HubError, match="is there and public"):
        push_scored(source, "ada/notes", private=True)


@pytest.mark.hub
def test_scores_only_publishes_no_text(
    hub: HubServer, token: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"March 3, 1850. {SECRET_WORDS}, and I saw the World Health Organization (WHO 1998)."
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write_jsonl(source, [{"id": "a", "text": text, "title": SECRET_WORDS, "synthetic": True}])
    arguments = ["score", str(source), "-o", str(output), "--evidence", "--push", "ada/scores"]
    assert main([*arguments, "--scores-only"]) == 0
    scored = json.loads(output.read_text(encoding="utf-8"))
    (published,) = iter_rows("ada/scores")
    assert published.pop("text_sha256") == hashlib.sha256(text.encode()).hexdigest()
    evidence = published.pop("evidence")
    assert len(evidence) == len(scored["evidence"])
    assert any("span" in line for line in evidence)
    assert {key for line in evidence for key in line} <= {"axis", "component", "contribution", "span", "field"}
    left = {"text", "title", "evidence"}
    assert published == {key: value for key, value in scored.items() if key not in left and value is not None}
    card = hub.repo("ada/scores", "dataset").read("README.md").decode()
    assert "The texts are not here" in card
    assert '["text"]' not in card
    capsys.readouterr()
    assert main(["pull", "ada/scores"]) == 0
    assert "scores only: the texts are not in it" in (pulled := capsys.readouterr().err)
    assert "train" not in pulled
    assert "distrust-hub train" not in card
    assert "synthetic" in card
    for name in hub.repo("ada/scores", "dataset").files():
        assert b"barometer" not in hub.repo("ada/scores", "dataset").read(name).lower()
    assert main(["push", str(output), "ada/texts"]) == 1
    assert f"{output}:1: license is missing, which" in capsys.readouterr().err
    assert main(["push", str(output), "ada/texts", "--scores-only"]) == 0
    assert main(["push", str(output), "ada/texts", "--i-have-rights"]) == 0
    assert next(iter_rows("ada/texts"))["text"] == text


@pytest.mark.hub
def test_options_of_texts_are_refused_where_there_are_none(
    hub: HubServer, token: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(folder), "ada/adapter", "--scores-only"]) == 2
    assert "are for scored rows" in capsys.readouterr().err
    assert main(["score", "in.jsonl", "-o", str(tmp_path / "out.jsonl"), "--i-have-rights"]) == 2
    assert "add --push REPO_ID" in capsys.readouterr().err
    assert writes(hub) == []
