"""What the Hub reads out of a README: card data and the tags derived from it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from .store import Commit, Repo

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)

# Card fields that become `prefix:value` tags, by repository type (hf.co/docs/hub, "Model cards", "Dataset cards").
_PREFIXED = {
    "model": {"datasets": "dataset", "license": "license"},
    "dataset": {
        "license": "license",
        "language": "language",
        "task_categories": "task_categories",
        "task_ids": "task_ids",
        "size_categories": "size_categories",
    },
    "space": {"license": "license"},
}
# Card fields whose values are tags as they are.
_PLAIN = {"model": ("library_name", "pipeline_tag", "language", "tags"), "dataset": ("tags",), "space": ("sdk", "tags")}


def front_matter(text: str) -> dict[str, Any]:
    """The YAML block at the top of a README, or ``{}``.

    Raises:
        ValueError: the block is not YAML, or not a mapping.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        raise ValueError(f"Invalid YAML metadata: {error}") from error
    if data is not None and not isinstance(data, dict):
        raise ValueError("YAML metadata must be a mapping")
    return data or {}


def card_data(repo: Repo, commit: Commit) -> dict[str, Any]:
    """Card data at a commit; ``{}`` where there is no README or its front matter is broken."""
    blob = commit.tree.get("README.md")
    if blob is None:
        return {}
    try:
        return front_matter(repo.blobs.path(blob).read_text(encoding="utf-8"))
    except ValueError:
        return {}


def tags(repo: Repo, commit: Commit, card: dict[str, Any]) -> list[str]:
    """Tags in the Hub's form, each once, in order of appearance."""
    found = [value for name in _PLAIN[repo.type] for value in _values(card.get(name))]
    for name, prefix in _PREFIXED[repo.type].items():
        found += [f"{prefix}:{value}" for value in _values(card.get(name))]
    if repo.type == "model":
        if any(path.endswith(".safetensors") for path in commit.tree):
            found.append("safetensors")
        relation = card.get("base_model_relation")
        for base in _values(card.get("base_model")):
            found += [f"base_model:{base}"] + ([f"base_model:{relation}:{base}"] if relation else [])
    return list(dict.fromkeys([*found, "region:us"]))


def _values(value: Any) -> list[str]:
    return [] if value is None else [str(item) for item in (value if isinstance(value, list) else [value])]
