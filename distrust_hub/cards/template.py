"""Find a card template and give it the filters that make values safe."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined

from distrust_hub.cards import escape
from distrust_hub.cards.facts import Facts
from distrust_hub.cards.histogram import histogram_rows
from distrust_hub.files import shipped_text
from distrust_hub.hub.client import is_repo_id

MODEL_TEMPLATE = "model_card_template.md"
DATASET_TEMPLATE = "dataset_card_template.md"


def load_template(name: str = MODEL_TEMPLATE) -> str:
    """The text of a card template; raises TemplateNotFoundError if it is missing."""
    return shipped_text(f"cards/{name}", name)


def render_template(template: str, **values: Any) -> str:
    """Fill a template; every printed value is escaped unless a filter made it safe."""
    environment = Environment(
        autoescape=False,  # the output is Markdown: escape.finalize escapes for Markdown and HTML
        finalize=escape.finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        assignments=_assignments,
        code=escape.code,
        counts=_counts,
        histogram=_histogram,
        interval=escape.interval,
        listed=_listed,
        names=_names,
        percent=_percent,
        py=escape.python_literal,
        setting=_setting,
        sh=escape.shell_word,
        size=escape.size,
        without=_without,
    )
    environment.tests["repo_id"] = is_repo_id
    return environment.from_string(template).render(**values)


def _assignments(pairs: list[tuple[str, Any]]) -> escape.Safe:
    """(name, value) pairs as "`name` value, ..."."""
    return escape.Safe(", ".join(f"{escape.code(name)} {_setting(value)}" for name, value in pairs))


def _counts(value: object) -> escape.Safe:
    """``{name: rows}`` as "`name` (rows), ..."; "not measured" when empty."""
    if not isinstance(value, dict) or not value:
        return escape.Safe(escape.NOT_MEASURED)
    parts = (f"{escape.code(name)} ({escape.number(count)})" for name, count in sorted(value.items()))
    return escape.Safe(", ".join(parts))


def _histogram(value: object, counts: str) -> list[tuple[escape.Safe, int, escape.Safe]]:
    """Rows of a histogram with ``edges`` and the counts of that name."""
    facts = Facts.of(value)
    return histogram_rows(facts["edges"], facts[counts])


def _listed(value: object) -> list[Any]:
    """A list's entries, objects as Facts; nothing for anything else."""
    found = value if isinstance(value, list) else []
    return [Facts.of(entry) if isinstance(entry, dict) else entry for entry in found]


def _names(value: object) -> escape.Safe:
    if not isinstance(value, (list, tuple)) or not value:
        return escape.Safe(escape.NOT_MEASURED)
    return escape.Safe(", ".join(map(escape.code, value)))


def _percent(value: object) -> escape.Safe:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        return escape.Safe(escape.NOT_MEASURED)
    return escape.Safe(f"{escape.number(round(100.0 * value, 1))} %")


def _setting(value: object) -> escape.Safe:
    """A configuration value: numbers exactly, anything else as code."""
    if isinstance(value, bool):
        return escape.number(value)
    if isinstance(value, (int, float)):
        return escape.Safe(repr(value))
    return _names(value) if isinstance(value, (list, tuple)) else escape.code(value)


def _without(value: Facts, *names: str) -> list[tuple[str, Any]]:
    """Sorted items that are known, except the named ones."""
    return sorted((key, entry) for key, entry in value.items() if key not in names and entry is not None)
