"""What is wrong with a card, in sentences. Works on any README.md, without the network."""

from __future__ import annotations

import re
import reprlib
from typing import Any

from huggingface_hub import ModelCardData

from distrust_hub.cards.data import CardData
from distrust_hub.cards.dataset import DatasetFacts
from distrust_hub.cards.front_matter import LICENSES, TAGS
from distrust_hub.cards.licenses import license_problems
from distrust_hub.files import parse_metadata
from distrust_hub.hub.client import is_repo_id

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LICENSE_NAME = re.compile(r"[a-z0-9.-]+")
_TEXTS = ("language", "datasets", "tags")
"""Fields that the Hub takes as text or a list of texts."""

_short = reprlib.Repr()  # a value of a stranger's card may be as large and as deep as it likes
_short.maxstring = _short.maxother = 80
_short.maxlevel = 2


def check_card(text: str, card: CardData | DatasetFacts | None = None, repo_type: str = "model") -> list[str]:
    """Problems of a card; an empty list means it is fine.

    Args:
        text: The whole README.md.
        card: What the artifacts say; then the card must not hide that the data is synthetic, nor name another base.
        repo_type: ``model`` for an adapter's card, ``dataset`` for a dataset's; facts of a dataset mean the latter.
    """
    repo_type = "dataset" if isinstance(card, DatasetFacts) else repo_type
    text = text.replace("\r\n", "\n")
    match = _FRONT_MATTER.match(text)
    if match is None:
        return ["there is no metadata: the card must begin with a YAML block between two lines of ---"]
    try:
        metadata = parse_metadata(match[1])
    except ValueError as error:
        return [f"the metadata {error}"]
    if not isinstance(metadata, dict):
        return ["the metadata is not a list of 'key: value' lines"]
    body = text[match.end() :]
    problems = [*_license_problems(metadata), *_type_problems(metadata), *_tag_problems(metadata, repo_type)]
    if repo_type == "model":
        problems += [*_model_problems(metadata), *_body_problems(body)]
    if card is not None:
        problems += _fact_problems(metadata, body, card)
    return problems


def body_of(text: str) -> str:
    """A card without its metadata."""
    return _FRONT_MATTER.sub("", text.replace("\r\n", "\n"), count=1)


def first_paragraph(text: str) -> str:
    """The first paragraph of a card that is neither metadata, nor heading, comment or warning."""
    for block in re.split(r"\n\s*\n", body_of(text)):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith(("#", "<!--", ">"))]
        if lines:
            return " ".join(lines)
    return ""


def _license_problems(metadata: dict[str, Any]) -> list[str]:
    found = metadata.get("license")
    names = found if isinstance(found, list) else [] if found is None else [found]
    problems = [
        f"license is {_short.repr(name)}; write an id the Hub knows, or 'other' with license_name and license_link"
        for name in names
        if not isinstance(name, str) or (name != "other" and name not in LICENSES)
    ]
    if "other" in names and not _LICENSE_NAME.fullmatch(str(metadata.get("license_name", ""))):
        problems.append("license is 'other'; license_name must name it with small letters, digits, '-' and '.'")
    return problems


def _type_problems(metadata: dict[str, Any]) -> list[str]:
    return [
        f"{key} is {_short.repr(value)}; it must be text or a list of texts, in quotes where YAML reads something else"
        for key in _TEXTS
        if (value := metadata.get(key)) is not None
        and not (isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value)))
    ]


def _tag_problems(metadata: dict[str, Any], repo_type: str) -> list[str]:
    found = metadata.get("tags")
    tags = found if isinstance(found, list) else []
    wanted = TAGS if repo_type == "model" else ("distrust-hub",)
    problems = [f"the tag {tag!r} is missing" for tag in wanted if tag not in tags]
    if repo_type == "model" and "mlx" in tags:
        problems.append("the tag 'mlx' stands for a full model; an adapter uses 'mlx-lm-adapter'")
    return problems


def _model_problems(metadata: dict[str, Any]) -> list[str]:
    problems = []
    if not is_repo_id(metadata.get("base_model")):
        shown = _short.repr(metadata.get("base_model"))
        problems.append(f"base_model is {shown}; it must be the Hub id of the base, owner/name")
    expected = {"base_model_relation": "adapter", "library_name": "peft", "pipeline_tag": "text-generation"}
    problems += [
        f"{key} is {_short.repr(metadata.get(key))}; it must be {value!r}"
        for key, value in expected.items()
        if metadata.get(key) != value
    ]
    try:
        ModelCardData(**metadata)
    except ValueError as error:
        problems.append(f"the model index cannot be read: {' '.join(str(error).split())[:200]}")
    except (TypeError, AttributeError) as error:
        problems.append(f"a field of the metadata cannot be read: {' '.join(str(error).split())[:200]}")
    return problems


def _body_problems(body: str) -> list[str]:
    problems = []
    if not re.search(r"^# \S", body, re.MULTILINE):
        problems.append("there is no title: a line that begins with '# '")
    block = _FENCE.search(body)
    if block is None or "mlx_lm" not in block[1]:
        problems.append("the first code block is not the MLX call; people who open the card look for it there")
    if not re.search(r"^##? .*limit", body, re.MULTILINE | re.IGNORECASE):
        problems.append("there is no section on limits")
    return problems


def _fact_problems(metadata: dict[str, Any], body: str, card: CardData | DatasetFacts) -> list[str]:
    problems = []
    if card.synthetic_rows and "synthetic" not in first_paragraph(body).lower():
        problems.append(
            f"{card.synthetic_rows} rows are synthetic and the first paragraph does not say so; "
            "write the word 'synthetic' there"
        )
    if isinstance(card, CardData):
        problems += license_problems(card.base["license"], card.repo_id)
        if card.duty and card.duty.notice not in " ".join(body.split()):
            problems.append(f"the base's licence {card.base['license']} wants this notice: {card.duty.notice}")
    base = card.base["id"] if isinstance(card, CardData) else None
    if base and metadata.get("base_model") not in (None, base):
        shown = _short.repr(metadata["base_model"])
        problems.append(f"base_model is {shown} and the adapter was trained on {base!r}")
    return problems
