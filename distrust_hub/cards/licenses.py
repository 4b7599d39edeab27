"""What the licence of a base model asks of whoever publishes an adapter for it: name, notice, or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from distrust_hub.cards.escape import Safe


@dataclass(frozen=True)
class Duty:
    """What must be done to publish.

    Attributes:
        prefix: What the name of the published model must begin with.
        notice: Sentence that the card must carry.
        link: Where the licence stands.
    """

    notice: Safe
    link: Safe
    prefix: str | None = None


def _llama(version: str, holder: str = "Llama") -> Duty:
    """Section 1.b of the Llama 3.1 to 4 licences: name, "Built with Llama" and the notice."""
    name = f"{holder} {version}"
    notice = (
        f"Built with {'Llama' if holder == 'Llama' else name}. {name} is licensed under the {name} Community License, "
        "Copyright © Meta Platforms, Inc. All Rights Reserved."
    )
    link = f"https://www.llama.com/llama{version.replace('.', '_')}/license/"
    return Duty(Safe(notice), Safe(link), "Llama" if holder == "Llama" else f"Llama-{version}")


_QWEN = Duty(Safe("Built with Qwen."), Safe("https://huggingface.co/Qwen"))

DUTIES = {
    "llama2": Duty(
        Safe(
            "Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms, Inc. "
            "All Rights Reserved."
        ),
        Safe("https://ai.meta.com/llama/license/"),
    ),
    "llama3": _llama("3", "Meta Llama"),
    "llama3.1": _llama("3.1"),
    "llama3.2": _llama("3.2"),
    "llama3.3": _llama("3.3"),
    "llama4": _llama("4"),
    "gemma": Duty(
        Safe("Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"),
        Safe("https://ai.google.dev/gemma/terms"),
    ),
    "qwen": _QWEN,
    "qwen-research": _QWEN,
    "tongyi-qianwen": _QWEN,
}
"""By licence id: Llama 2 section 1.b.ii; Llama 3 to 4 section 1.b.i and iii; Gemma Terms of Use section 3.1; Qwen
(Research) License Agreement, "Restrictions"."""

_NO_DERIVATIVES = re.compile(r"\bnd\b|no[- ]?deriv", re.IGNORECASE)
_NON_COMMERCIAL = re.compile(r"\bnc\b|non[- ]?commercial|research", re.IGNORECASE)


def duty(license: object) -> Duty | None:
    """What the licence of the base asks for, where this package knows it."""
    return DUTIES.get(str(license).strip().lower().replace("_", "-").replace(" ", "-"))


def is_non_commercial(license: object) -> bool:
    """Whether a licence, by its name, allows no commercial use."""
    return isinstance(license, str) and _NON_COMMERCIAL.search(license.replace("_", "-")) is not None


def license_problems(license: object, repo_id: str | None) -> list[str]:
    """Why an adapter of a base under this licence must not be published, or not under this name.

    Args:
        license: Licence id or name of the base, None where it is not known.
        repo_id: Where it would go, None where that is open.
    """
    if not isinstance(license, str):
        return []
    if _NO_DERIVATIVES.search(license):
        return [f"the base's licence {license} forbids passing on changed versions; the adapter cannot be published"]
    found, name = duty(license), (repo_id or "").split("/")[-1]
    if found and found.prefix and name and not name.lower().startswith(found.prefix.lower()):
        return [
            f"the base's licence {license} wants names that begin with {found.prefix}; call it {found.prefix}-{name}"
        ]
    return []
