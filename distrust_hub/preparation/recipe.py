"""Recipes: inputs and options of a preparation in one YAML file, or under a shipped name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distrust_hub.config import PrepareConfig, read_yaml_options
from distrust_hub.errors import ConfigError, InputNotFoundError
from distrust_hub.sample import sample_corpus_path

NAMED_RECIPES = ("sample",)


def resolve_recipe(
    recipe: str | None, inputs: Sequence[str], options: dict[str, Any]
) -> tuple[list[str], PrepareConfig]:
    """Combine a recipe with what was given on the command line.

    Args:
        recipe: ``sample`` (the shipped corpus), a YAML file with ``inputs`` and PrepareConfig options, or None.
        inputs: Inputs given besides the recipe.
        options: Options given on the command line; they win over the recipe's.

    Raises:
        ConfigError: If there is no input, or the recipe has an unknown key.
        InputNotFoundError: If the recipe is neither a file nor a known name.
    """
    listed: list[str] = []
    settings: dict[str, Any] = {}
    if recipe == "sample":
        listed = [str(sample_corpus_path())]
    elif recipe is not None:
        if not Path(recipe).is_file():
            raise InputNotFoundError(
                f"{recipe}: no such recipe; give a YAML file or one of: {', '.join(NAMED_RECIPES)}"
            )
        settings = read_yaml_options(recipe)
        found = settings.pop("inputs", [])
        if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
            raise ConfigError(f"{recipe}: inputs is {found!r}; expected a list of files, folders or Hub ids")
        listed = [_beside(recipe, entry) for entry in found]
    if not listed and not inputs:
        raise ConfigError("no input; name scored files, folders or Hub datasets, or a --recipe")
    return [*listed, *inputs], PrepareConfig.from_options({**settings, **options})


def _beside(recipe: str, entry: str) -> str:
    """A relative path in a recipe counts from the recipe's folder."""
    path = Path(recipe).parent / entry
    return str(path) if path.exists() else entry
