"""The training settings that ``setup --save`` keeps for this machine and ``train`` starts from."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from distrust_hub.config import TrainConfig, read_yaml_options
from distrust_hub.errors import ConfigError
from distrust_hub.files import atomic_write
from distrust_hub.hardware.recommend import Recommendation

PROFILE_FILE = "profile.yaml"


def config_dir() -> Path:
    """The platform's folder for settings; not created here.

    ``DISTRUST_HUB_CONFIG`` if set, else ``~/Library/Application Support/distrust-hub`` on macOS, else
    ``$XDG_CONFIG_HOME/distrust-hub`` (``~/.config/distrust-hub``).
    """
    if chosen := os.environ.get("DISTRUST_HUB_CONFIG"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "distrust-hub"
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "distrust-hub"


def save_profile(entry: Recommendation) -> Path:
    """Keep the settings of a recommendation as a YAML file of ``train`` options, over an older one.

    Raises:
        ConfigError: If they are for a 4-bit version of the model, whose place is not known.
    """
    profile = entry.profile
    if profile.precision == "4-bit":
        raise ConfigError(
            f"only a 4-bit version of {entry.model.id} fits, which has no known place to save; make one and train it: "
            + entry.command()
        )
    options = {
        "model": entry.model.id,
        "batch_size": profile.batch_size,
        "max_seq_length": profile.max_seq_length,
        "num_layers": profile.num_layers,
        "grad_checkpoint": profile.grad_checkpoint,
    }
    path = config_dir() / PROFILE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as stream:
        stream.write(yaml.safe_dump(options, sort_keys=False))
    return path


def saved_options(model: str | None) -> dict[str, Any]:
    """The options saved for this machine; none where there are none, or where they are for another base model.

    Args:
        model: The base model asked for, None to take the saved one.

    Raises:
        ConfigError: If the file is not YAML, or has an option that this version does not know.
    """
    path = config_dir() / PROFILE_FILE
    options = read_yaml_options(path) if path.is_file() else {}
    known = {entry.name for entry in dataclasses.fields(TrainConfig)}
    if stale := next((name for name in options if name not in known), None):
        raise ConfigError(f"{path}: unknown option {stale!r}; make the profile anew: distrust-hub setup --save")
    return options if model in (None, options.get("model")) else {}
