"""From rows to a documented training folder."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from distrust_hub.artifacts import Manifest
from distrust_hub.cli.main import main
from distrust_hub.config import PrepareConfig
from distrust_hub.errors import ConfigError, DataError, InputNotFoundError, OutputExistsError
from distrust_hub.files import iter_jsonl, sha256_file, write_jsonl
from distrust_hub.preparation.balance import parse_shares
from distrust_hub.preparation.export import prepare
from distrust_hub.preparation.inspect import inspect_inputs
from distrust_hub.preparation.recipe import resolve_recipe
from distrust_hub.sample import sample_corpus_path
from distrust_hub.schema import ScoredDocument


def scored(number, w=0.1, h=6.0, **more):
    text = f"Document number {number} says that the tide stood {number} inches above the mark"
    return {"id": str(number), "text": text, "authority_weight": w, "provenance_entropy": h, "scorer": 1, **more}


@pytest.fixture
def rows():
    levels = [(0.05, 7.0), (0.55, 3.0), (0.95, 0.5)]
    return [scored(n, *levels[n % 3], title=f"title {n}", license="CC0-1.0") for n in range(60)]


@pytest.fixture
def source(tmp_path, rows):
    path = tmp_path / "scored.jsonl"
    write_jsonl(path, rows)
    return path


def read(path):
    return [row for _, row in iter_jsonl(path)]


def test_prepare_counts_add_up_and_rows_stay_valid(source, tmp_path, rows):
    write_jsonl(source, [*rows, {**rows[0], "id": "again"}, {**scored(99), "text": "two words"}])
    manifest = prepare([str(source)], tmp_path / "out")
    counts = manifest.counts
    assert counts == {"in": 62, "kept": 60, "removed": {"duplicate": 1, "too_short": 1}}
    assert Manifest.load(tmp_path / "out") == manifest
    for name in ("train", "valid"):
        written = read(tmp_path / "out" / f"{name}.jsonl")
        assert len(written) == manifest.splits[name]["rows"]
        assert manifest.splits[name]["sha256"] == sha256_file(tmp_path / "out" / f"{name}.jsonl")
        assert manifest.splits[name]["tiers"] == Counter(row["tier"] for row in written)
        assert all(ScoredDocument.from_row(row).id == row["id"] for row in written)
    assert manifest.licenses == {"CC0-1.0": 60}
    assert manifest.inputs[0]["name"] == "scored.jsonl"
    assert manifest.inputs[0]["sha256"] == sha256_file(source)
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


def test_prepare_same_seed_same_bytes(source, tmp_path):
    hashes = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        prepare([str(source)], tmp_path / name, PrepareConfig(seed=seed))
        hashes.append(sha256_file(tmp_path / name / "valid.jsonl"))
    assert hashes[0] == hashes[1] != hashes[2]
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


def test_prepare_scores_plain_rows_from_differently_shaped_files(tmp_path):
    sample = read(sample_corpus_path())
    write_jsonl(tmp_path / "a.jsonl", sample[:20])
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in sample[20:30])
    manifest = prepare([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl.gz")], tmp_path / "out")
    assert [entry["scored_here"] for entry in manifest.inputs] == [20, 10]
    assert manifest.synthetic == manifest.counts["kept"] == 30
    assert manifest.scorer is not None


def test_prepare_reads_a_folder_as_one_input(source, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    source.rename(folder / "one.jsonl")
    write_jsonl(folder / "two.jsonl", [scored(500)])
    manifest = prepare([str(folder)], tmp_path / "out")
    assert [(entry["name"], entry["rows"]) for entry in manifest.inputs] == [("folder", 61)]


def test_prepare_keeps_a_given_split(tmp_path, rows):
    path = tmp_path / "split.jsonl"
    write_jsonl(path, [{**row, "split": "valid" if n < 5 else "train"} for n, row in enumerate(rows)])
    prepare([str(path)], tmp_path / "out")
    assert [row["id"] for row in read(tmp_path / "out" / "valid.jsonl")] == ["0", "1", "2", "3", "4"]


def test_prepare_reads_other_names_of_splits_and_leaves_test_rows_out(tmp_path, rows):
    names = ["validation", "Dev", "test", "train", "A"]
    path = tmp_path / "split.jsonl"
    write_jsonl(path, [{**row, "split": names[n % 5]} for n, row in enumerate(rows)])
    manifest = prepare([str(path)], tmp_path / "out", PrepareConfig(valid_share=0.0))
    written = [{row["split"] for row in read(tmp_path / "out" / f"{name}.jsonl")} for name in ("train", "valid")]
    assert written == [{"train", "A"}, {"validation", "Dev"}]
    assert manifest.counts["removed"]["test_split"] == 12


def test_prepare_tier_shares_are_drawn(source, tmp_path):
    config = PrepareConfig(tier_shares="1,1,2", valid_share=0.0)
    manifest = prepare([str(source)], tmp_path / "out", config)
    assert manifest.splits["train"]["tiers"] == {"primary": 10, "medium": 10, "coordinated": 20}
    assert manifest.counts["removed"] == {"tier_balance": 20}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (scored(1, w=1.4), r"bad.jsonl:2: authority_weight is 1.4; expected 0 to 0.99"),
        (scored(1, h=-1), r"bad.jsonl:2: provenance_entropy is -1"),
        ({**scored(1), "provenance_entropy": None}, r"bad.jsonl:2: provenance_entropy is missing"),
        ({"title": "no text"}, r"bad.jsonl:2: column 'text' is missing"),
        ({**scored(1), "scorer": 7}, r"different scorer versions \(1, 7\)"),
    ],
)
def test_prepare_names_the_bad_row_and_writes_nothing(tmp_path, row, message):
    write_jsonl(tmp_path / "bad.jsonl", [scored(0), row])
    with pytest.raises(DataError, match=message):
        prepare([str(tmp_path / "bad.jsonl")], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_prepare_nan_is_named(tmp_path):
    (tmp_path / "nan.jsonl").write_text('{"text": "a b c d e f", "authority_weight": NaN, "provenance_entropy": 1}\n')
    with pytest.raises(DataError, match=r"nan.jsonl:1: authority_weight is nan"):
        prepare([str(tmp_path / "nan.jsonl")], tmp_path / "out")


def test_prepare_rescore_mends_mixed_versions(tmp_path):
    write_jsonl(tmp_path / "mixed.jsonl", [scored(0), {**scored(1), "scorer": 7}, *map(scored, range(2, 9))])
    manifest = prepare([str(tmp_path / "mixed.jsonl")], tmp_path / "out", PrepareConfig(rescore=True))
    assert manifest.inputs[0]["scored_here"] == 9


def test_prepare_refuses_a_complete_folder_unless_told(source, tmp_path):
    prepare([str(source)], tmp_path / "out")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        prepare([str(source)], tmp_path / "out")
    prepare([str(source)], tmp_path / "out", overwrite=True)


def test_prepare_refuses_inputs_with_nothing_in_them(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataError, match="no row left"):
        prepare([str(tmp_path / "empty.jsonl")], tmp_path / "out")
    with pytest.raises(InputNotFoundError, match=r"gone\.jsonl"):
        prepare([str(tmp_path / "gone.jsonl")], tmp_path / "out")


def test_prepare_never_replaces_what_it_reads_nor_other_files_unasked(tmp_path, rows):
    own = tmp_path / "own" / "train.jsonl"
    own.parent.mkdir()
    write_jsonl(own, rows)
    before = own.read_bytes()
    with pytest.raises(OutputExistsError, match=r"own: holds train\.jsonl already"):
        prepare([str(own)], own.parent)
    for inputs, against in (([str(own)], []), ([str(own.parent)], []), ([str(sample_corpus_path())], [str(own)])):
        with pytest.raises(OutputExistsError, match=r"train\.jsonl: is an input"):
            prepare(inputs, own.parent, against=against, overwrite=True)
    assert own.read_bytes() == before
    prepare([str(sample_corpus_path())], own.parent, overwrite=True)


def test_parse_shares_knows_the_published_ones():
    primary, medium, coordinated = parse_shares("published")
    assert 0.25 <= primary <= 0.3
    assert 0.25 <= medium <= 0.35
    assert 0.35 <= coordinated <= 0.4
    assert primary + medium + coordinated == pytest.approx(1)


@pytest.mark.parametrize("text", ["1,1", "a,b,c", "1,0,1", "nan,1,1"])
def test_parse_shares_refuses(text):
    with pytest.raises(ConfigError, match="tier_shares is"):
        parse_shares(text)


@pytest.mark.parametrize("options", [{"tier_shares": "1,1"}, {"languages": "English"}])
def test_prepare_refuses_options_before_it_reads_anything(tmp_path, options):
    with pytest.raises(ConfigError, match=f"{next(iter(options))} is"):
        prepare([str(tmp_path / "gone.jsonl")], tmp_path / "out", PrepareConfig(**options))


def test_resolve_recipe_reads_inputs_beside_it_and_options_win(source, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("inputs: [scored.jsonl]\nvalid-share: 0.2\nseed: 5\n")
    found = resolve_recipe(str(recipe), ["more.jsonl"], {"seed": 6})
    assert [spec.source for spec in found.inputs] == [str(source), "more.jsonl"]
    assert (found.config.valid_share, found.config.seed) == (0.2, 6)
    recipe.write_text("inputs: [scored.jsonl]\nvalid_shares: 0.2\n")
    with pytest.raises(ConfigError, match="did you mean 'valid_share'"):
        resolve_recipe(str(recipe), [], {})
    with pytest.raises(ConfigError, match="no input"):
        resolve_recipe(None, [], {})
    with pytest.raises(InputNotFoundError, match="no such recipe"):
        resolve_recipe("nonsense", [], {})


def test_prepare_command_writes_and_inspects(source, tmp_path, capsys):
    assert main(["prepare", str(source), "-o", str(tmp_path / "out"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["kept"] == 60
    assert main(["prepare", str(source), "--inspect"]) == 0
    shown = capsys.readouterr().out
    assert "most primary" in shown
    assert "CC0-1.0" in shown
    assert re.search(r"yes +their licences set no condition +60", shown)
    assert re.search(r"in +60 +rows read", shown)
    assert main(["prepare", str(source), "--inspect", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["tiers"] == {"primary": 20, "medium": 20, "coordinated": 20}
    assert report["scores"]["authority_weight"]["max"] == 0.95
    assert sum(count for _, _, count in report["histograms"]["authority_weight"]) == 60
    assert report["columns"]["title"] == {
        "rows": 60,
        "share": 1.0,
        "types": {"str": 60},
        "scoring": None,
        "example": "title 0",
    }
    assert report["columns"]["text"]["scoring"] == "read"
    assert report["columns"]["tier"]["scoring"] == "written"
    assert report["languages"] == {"en": 60}
    assert report["publishing"]["allowed"] is True
    assert report["contamination"]["truthfulqa"]["items"] == 817
    assert {entry["end"] for entry in report["extremes"]} == {"most primary", "most coordinated", "worst read"}
    assert main(["prepare", str(source)]) == 2


def test_inspect_says_what_prepare_would_do(source, tmp_path, rows):
    write_jsonl(
        source, [*rows, {**rows[0], "id": "again"}, {**scored(70), "lang": ["en", "fr"]}, {**scored(71), "lang": "en"}]
    )
    config = PrepareConfig(tier_shares="1,1,2", max_per_source=50)
    report = inspect_inputs([str(source)], config)
    manifest = prepare([str(source)], tmp_path / "out", config)
    assert report["removed"] == manifest.counts["removed"]
    assert report["in"] == manifest.counts["in"] == report["kept"] + sum(report["removed"].values())
    assert report["kept"] == manifest.counts["kept"]
    assert report["inputs"] == manifest.inputs
    assert report["splits"] == {name: split["rows"] for name, split in manifest.splits.items()}


def test_inspect_says_what_publishing_the_texts_asks_for(source, rows, capsys):
    licenses = ["proprietary", "CC BY-SA 4.0", "CC BY 4.0", None]
    write_jsonl(source, [{**row, "license": licenses[n % 4]} for n, row in enumerate(rows)])
    assert main(["prepare", str(source), "--inspect"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"no +licence is proprietary +15", shown)
    assert re.search(r"no +licence is unknown +15", shown)
    assert re.search(r"with a condition +share-alike: .* 15\n", shown)


def test_prepare_command_compares_with_evaluation_data(source, tmp_path, rows, capsys):
    write_jsonl(tmp_path / "exam.jsonl", [{"text": rows[7]["text"]}, {"question": "Who stood there at the time?"}])
    command = ["prepare", str(source), "-o", str(tmp_path / "out"), "--against", str(tmp_path / "exam.jsonl")]
    assert main(command) == 0
    assert "exam.jsonl: 1 rows held text of 1 of 2 items" in capsys.readouterr().err
    assert main([*command[:2], *command[4:], "--inspect"]) == 0
    assert "it shares word sequences with evaluation data" in capsys.readouterr().out
    assert main([*command, "--overwrite", "--no-contamination"]) == 2
    assert "--against is given with --no-contamination" in capsys.readouterr().err


def test_prepare_tells_evaluation_data_of_one_name_apart(source, tmp_path, rows):
    files = [tmp_path / part / "valid.jsonl" for part in ("one", "two")]
    for file, number in zip(files, (7, 8)):
        file.parent.mkdir()
        write_jsonl(file, [{"text": rows[number]["text"]}])
    known = prepare([str(source)], tmp_path / "out", against=[str(file) for file in files]).contamination
    assert {name: entry["documents_removed"] for name, entry in known.items() if name != "held-out"} == {
        "truthfulqa": 0,
        "valid.jsonl": 1,
        "valid.jsonl~2": 1,
    }


def test_prepare_stops_or_counts_where_evaluation_data_cannot_be_read(source, tmp_path, rows):
    exam = tmp_path / "exam.jsonl"
    exam.write_text(json.dumps({"text": rows[7]["text"]}) + "\n{oops\n")
    with pytest.raises(DataError, match=r"exam\.jsonl:2: not valid JSON"):
        prepare([str(source)], tmp_path / "out", against=[str(exam)])
    manifest = prepare([str(source)], tmp_path / "out", PrepareConfig(on_error="skip"), against=[str(exam)])
    assert manifest.contamination["exam.jsonl"]["bad_rows"] == 1


def test_recipe_says_which_split_of_evaluation_data_is_read(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("inputs: [a/b]\nagainst: [c/d, {source: e/f, split: test, config: main}]\n")
    found = resolve_recipe(str(recipe), [], {}).against
    assert [(spec.source, spec.split, spec.config) for spec in found] == [("c/d", None, None), ("e/f", "test", "main")]
    recipe.write_text("inputs: [a/b]\nagainst: [{source: e/f, cap: 3}]\n")
    with pytest.raises(ConfigError, match="has 'cap'; known: source, text, split, config"):
        resolve_recipe(str(recipe), [], {})


def test_inspect_shows_a_column_of_several_types(source, rows):
    write_jsonl(source, [*rows, {**scored(70), "lang": ["en", "fr"]}, {**scored(71), "lang": "en"}])
    report = inspect_inputs([str(source)], PrepareConfig())
    assert report["columns"]["lang"]["types"] == {"list": 1, "str": 1}
    assert report["columns"]["lang"]["share"] == 2 / 62


@pytest.mark.hub
def test_prepare_reads_a_hub_dataset_and_pins_its_revision(hub, monkeypatch, source, tmp_path):
    monkeypatch.setenv("HF_TOKEN", hub.add_user("ada"))
    api = HfApi()
    api.create_repo("ada/notes", repo_type="dataset")
    info = api.upload_file(path_or_fileobj=source, path_in_repo="train.jsonl", repo_id="ada/notes", repo_type="dataset")
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="train.jsonl", repo_id="ada/notes", repo_type="dataset")
    manifest = prepare([f"ada/notes@{info.oid}"], tmp_path / "out")
    assert manifest.counts["kept"] == 60
    assert [(entry["name"], entry["revision"]) for entry in manifest.inputs] == [("ada/notes", info.oid)]


def test_a_run_that_is_killed_while_it_writes_leaves_nothing_in_the_way(source, tmp_path, monkeypatch):
    out, replace = tmp_path / "out", os.replace

    def killed(old, new):
        if out in (Path(new), Path(new).parent):
            raise KeyboardInterrupt
        replace(old, new)

    whole = prepare([str(source)], tmp_path / "whole")
    (tmp_path / ".out.draft").mkdir()
    (tmp_path / ".out.draft" / "train.jsonl").write_text("left by a kill")
    with monkeypatch.context() as patch:
        patch.setattr("distrust_hub.preparation.export.os.rename", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare([str(source)], out)
    assert not out.exists()
    assert prepare([str(source)], out) == whole
    with monkeypatch.context() as patch:
        patch.setattr("distrust_hub.preparation.export.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare([str(source)], out, PrepareConfig(seed=2), overwrite=True)
    assert not (out / "manifest.json").exists()
    prepare([str(source)], out, overwrite=True)
    for name in ("train.jsonl", "valid.jsonl", "manifest.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_folder_on_a_disk_of_its_own_is_written(source, tmp_path, monkeypatch):
    out = tmp_path / "disk"
    out.mkdir()
    replace = os.replace

    def on_one_disk(old, new):
        if (out in Path(old).parents) != (out in Path(new).parents):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(old))
        replace(old, new)

    monkeypatch.setattr(os, "replace", on_one_disk)
    prepare([str(source)], out)
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "train.jsonl", "valid.jsonl"]


@pytest.mark.parametrize(
    ("origins", "more", "warned"),
    [
        (["a"] * 40, {}, "0 of 40 rows are held out, not 10 %: rows of one origin stay together"),
        ([*"ab"], {}, "0 of 2 rows are held out, not 10 %: a tier's share is less than a row"),
        ([*map(str, range(40))], {}, None),
        (["a"] * 40, {"split": "train"}, None),
    ],
)
def test_too_few_rows_held_out_are_named(tmp_path, caplog, origins, more, warned):
    rows = [{"text": f"On day {n} I saw boat {n * n} at the quay.", "origin": o, **more} for n, o in enumerate(origins)]
    write_jsonl(tmp_path / "in.jsonl", rows)
    prepare([str(tmp_path / "in.jsonl")], tmp_path / "out", PrepareConfig(near_duplicates=False))
    assert warned in caplog.text if warned else "held out, not" not in caplog.text
