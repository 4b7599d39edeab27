"""Configs know their bounds; the command line and YAML go through them."""

from __future__ import annotations

import argparse
import dataclasses
import importlib

import pytest

from distrust_hub.cli.main import main
from distrust_hub.cli.options import add_config_arguments, add_yaml_argument, config_from_args
from distrust_hub.config import PrepareConfig, TrainConfig
from distrust_hub.errors import ConfigError, InputNotFoundError

GIVEN = {"model": "m", "data": "d"}


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_config_arguments(parser, TrainConfig)
    add_yaml_argument(parser)
    return config_from_args(TrainConfig, parser.parse_args(["--model", "m", "--data", "d", *arguments]))


def test_config_precedence_command_line_over_yaml_over_default(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("learning-rate: 1e-3\nrank: 4\n")
    config = parse("-c", str(path), "--rank", "16")
    assert (config.rank, config.learning_rate, config.batch_size) == (16, 1e-3, TrainConfig(**GIVEN).batch_size)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_weight_ratio": 0.5}, "max_weight_ratio is 0.5; expected 1.0 to 1000.0"),
        ({"distrust_alpha": 2.0}, "distrust_alpha is 2.0; expected 2.3 to 3.0"),
        ({"objective": "magic"}, "expected one of reweight"),
        ({"learning_rate": "fast"}, "expected a number"),
        ({"learning_rate": float("nan")}, "finite"),
        ({"learning_rate": 10**400}, "learning_rate is '1000.*expected a number"),
        ({"batch_size": True}, "batch_size is True; expected a whole number"),
        ({"packing": "yes"}, "packing is 'yes'; expected true or false"),
        ({"target_modules": ["q_proj", False]}, "expected text"),
        ({"rank": None}, "rank is missing"),
        ({"learning_rat": 1}, "did you mean 'learning_rate'"),
        ({"train": True}, "unknown option 'train'; --help lists"),
        ({"rnk": 4, "train": True}, r"unknown options 'rnk' \('rank'\?\), 'train'; --help lists"),
        ({"iters": 3, "epochs": 1}, "give one of them"),
    ],
)
def test_config_refuses_by_name(options, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig.from_options({**GIVEN, **options})


def test_yaml_takes_lists_of_words(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("target_modules: [q_proj, v_proj]\n")
    assert TrainConfig.from_options(GIVEN, path).target_modules == "q_proj,v_proj"
    path.write_text("tier_shares: [0.3, 0.3, 0.4]\nlanguages: [en, de]\n")
    found = PrepareConfig.from_options({}, path)
    assert (found.tier_shares, found.languages) == ("0.3,0.3,0.4", "en,de")
    path.write_text("tier_shares: [1, 1, 1.5]\n")
    assert PrepareConfig.from_options({}, path).tier_shares == "1,1,1.5"


def test_config_missing_required_and_bad_yaml(tmp_path):
    with pytest.raises(ConfigError, match="data"):
        TrainConfig.from_options({"model": "m"})
    with pytest.raises(InputNotFoundError):
        PrepareConfig.from_options({}, tmp_path / "gone.yaml")
    for content in ("- a", "a: [", "a: b: c"):
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(ConfigError, match=r"bad\.yaml"):
            PrepareConfig.from_options({}, tmp_path / "bad.yaml")


def test_what_yaml_turns_on_the_command_line_turns_off(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("packing: true\n")
    assert parse("-c", str(path)).packing
    assert not parse("-c", str(path), "--no-packing").packing


def test_help_is_in_groups_and_tells_every_default(capsys):
    for verb, config in (("train", TrainConfig), ("prepare", PrepareConfig)):
        groups = importlib.import_module(f"distrust_hub.cli.{verb}")._GROUPS
        assert set(groups) < {field.name for field in dataclasses.fields(config)}
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        shown = " ".join(capsys.readouterr().out.split())
        assert all(f" {title}: --" in shown for title in groups.values())
        assert "--seed N" in shown
        assert shown.count("(default: 0") >= 1
    parser = argparse.ArgumentParser()
    add_config_arguments(parser, TrainConfig)
    told = {action.dest: action.help for action in parser._actions}
    assert told["dropout"].endswith("(default: 0.0)")
    assert told["min_trust"].endswith("(default: 1.0)")


def test_config_to_json_has_no_place_of_this_machine():
    stored = TrainConfig(model="/home/me/model", data="/home/me/data", adapter_path="/home/me/out").to_json()
    assert "/home/me" not in str(stored)
    assert stored["seed"] == 0


def test_every_option_has_help():
    for config in (TrainConfig, PrepareConfig):
        for field in dataclasses.fields(config):
            assert field.metadata["help"], field.name
