"""Recipes: inputs and options of a preparation in one YAML file, or under a shipped name."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distrust_hub.config import PrepareConfig, read_yaml_options
from distrust_hub.errors import ConfigError, InputNotFoundError, UsageError
from distrust_hub.preparation.sources import registry
from distrust_hub.preparation.specs import InputSpec, read_spec
from distrust_hub.sample import sample_corpus_path

_DEFAULT = Path(__file__).with_name("default_recipe.yaml")
NAMED_RECIPES = ("default", "sample")


@dataclass(frozen=True)
class Recipe:
    """What to prepare and how.

    Attributes:
        inputs: Inputs, at least one.
        config: Options.
        against: Evaluation data that must not be in the result.
    """

    inputs: list[InputSpec]
    config: PrepareConfig
    against: list[str | InputSpec]


def resolve_recipe(
    recipe: str | None, inputs: Sequence[str], options: dict[str, Any], against: Sequence[str] = ()
) -> Recipe:
    """Combine a recipe with what was given on the command line.

    Args:
        recipe: ``default`` (public Hub datasets), ``sample`` (the shipped corpus), a YAML file with ``inputs``,
            ``against`` and PrepareConfig options, or None.
        inputs: Inputs given besides the recipe.
        options: Options given on the command line; they win over the recipe's.
        against: Evaluation data given besides the recipe's.

    Raises:
        ConfigError: If the recipe has an unknown key.
        UsageError: If there is no input.
        InputNotFoundError: If the recipe is neither a file nor a known name.
    """
    if recipe == "sample":
        found = Recipe([InputSpec(str(sample_corpus_path()))], PrepareConfig.from_options(options), [])
    elif recipe is not None:
        found = _read(recipe, options)
    else:
        found = Recipe([], PrepareConfig.from_options(options), [])
    if not found.inputs and not inputs:
        raise UsageError("no input; name scored files, folders or Hub datasets, or a --recipe")
    return dataclasses.replace(
        found,
        inputs=[*found.inputs, *map(InputSpec, inputs)],
        against=[*found.against, *against],
    )


def _read(recipe: str, options: dict[str, Any]) -> Recipe:
    file = _DEFAULT if recipe == "default" else Path(recipe)
    if not file.is_file():
        known = ", ".join(NAMED_RECIPES)
        raise InputNotFoundError(f"{recipe}: no such recipe; give a YAML file or one of: {known}")
    settings = read_yaml_options(file)
    listed, against = settings.pop("inputs", []), settings.pop("against", [])
    names = [one.name for one in dataclasses.fields(PrepareConfig)]
    if odd := next((key for key in settings if key not in names), None):
        near = difflib.get_close_matches(odd, [*names, "inputs", "against"], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "known: inputs, against and the options that --help lists"
        raise ConfigError(f"{recipe}: unknown key {odd!r}; {hint}")
    if not isinstance(listed, list):
        raise ConfigError(f"{recipe}: inputs is {listed!r}; expected a list of files, folders or Hub ids")
    if not isinstance(against, list):
        raise ConfigError(f"{recipe}: against is {against!r}; expected a list of files, folders or Hub ids")
    return Recipe(
        inputs=[_input(entry, recipe, file.parent) for entry in listed],
        config=PrepareConfig.from_options({**settings, **options}),
        against=[_against(entry, recipe, file.parent) for entry in against],
    )


def _input(entry: object, recipe: str, folder: Path) -> InputSpec:
    """An input of a recipe: a name, a mapping, or ``registry: NAME`` with what to change of the shipped source."""
    if isinstance(entry, dict) and "registry" in entry:
        known = registry()
        name = entry["registry"]
        if not isinstance(name, str) or name not in known:
            raise ConfigError(f"{recipe}: no source {name!r} in the registry; known: {', '.join(known)}")
        changes = {key: value for key, value in entry.items() if key != "registry"}
        return read_spec({**known[name].spec(), **changes}, recipe)
    spec = read_spec(entry, recipe)
    return dataclasses.replace(spec, source=_beside(folder, spec.source, recipe))


def _against(entry: object, recipe: str, folder: Path) -> InputSpec:
    """Evaluation data of a recipe: a name, or a mapping of where and what to read; all splits unless one is named."""
    given = entry if isinstance(entry, dict) else {"source": entry}
    if odd := sorted(map(str, set(given) - {"source", "text", "split", "config"})):
        raise ConfigError(f"{recipe}: against {entry!r} has {odd[0]!r}; known: source, text, split, config")
    spec = read_spec(given, recipe)
    split = spec.split if "split" in given else None
    return dataclasses.replace(spec, source=_beside(folder, spec.source, recipe), split=split)


def _beside(folder: Path, entry: str, recipe: str) -> str:
    """A relative path in a recipe counts from the recipe's folder; globs too."""
    path = folder / entry
    try:
        here = path.exists() or any(folder.glob(entry) if not Path(entry).is_absolute() else ())
    except ValueError as error:
        raise ConfigError(f"{recipe}: {entry!r} is neither a name nor a pattern ({error})") from error
    return str(path) if here else entry
