"""Whether the licences of the rows allow publishing them together, and on what conditions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from distrust_hub.hub.redistribution import allows_redistribution, license_names

SHARE_ALIKE = re.compile(r"\b(?:by[ -]sa|share ?alike|odbl|gfdl|gpl|lgpl|agpl|cdla[ -]sharing|mpl|epl|eupl|osl)\b")
_PUBLIC = re.compile(r"\b(?:public domain|pd|pdm|cc[ -]?0|zero|us government|pddl|unlicense|0bsd|wtfpl)\b")

CONDITIONS = {
    "attribution": "name the authors, as the columns title, author, publisher and url allow",
    "share-alike": "these rows stay under their own licence; a text made from them must be passed on under it too",
}


def licence_class(license: str) -> str:
    """``public``, ``attribution``, ``share-alike`` or ``not-allowed`` (unknown licences too)."""
    if not allows_redistribution(license):
        return "not-allowed"
    plain = license.lower().replace("_", "-").replace("u.s.", "us")
    if SHARE_ALIKE.search(plain):
        return "share-alike"
    return "public" if all(map(_PUBLIC.search, license_names(license))) else "attribution"


def check_publishing(licenses: Mapping[str, int]) -> dict[str, Any]:
    """What the manifest says about publishing the kept rows.

    Args:
        licenses: {license: rows}, ``unknown`` where a row has none.

    Returns:
        ``allowed`` (every row's licence allows passing its text on), ``classes`` {class: rows}, ``problems`` {license:
        rows} that do not, and ``conditions`` of those that do.
    """
    classes: Counter[str] = Counter()
    for license, rows in licenses.items():
        classes[licence_class(license)] += rows
    problems = {name: rows for name, rows in sorted(licenses.items()) if licence_class(name) == "not-allowed"}
    conditions = [f"{name}: {text}" for name, text in CONDITIONS.items() if classes[name]]
    families = sorted({_family(name) for name in licenses if licence_class(name) == "share-alike"})
    if len(families) > 1:
        conditions.append(
            f"share-alike licences that do not mix: {', '.join(families)}; keep each row's licence with it"
        )
    return {
        "allowed": not problems,
        "classes": dict(sorted(classes.items())),
        "problems": problems,
        "conditions": conditions,
    }


def _family(license: str) -> str:
    """A licence however it is spelled and without version, so that CC BY-SA 3.0 and 4.0 are one."""
    names = " ".join(sorted(set(license_names(license))))
    return re.sub(r"share ?alike", "sa", names.replace("creative commons attribution", "cc by"))
