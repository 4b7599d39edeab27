"""The YAML block of a card: a declared set of fields, written and read back with ``huggingface_hub``."""

from __future__ import annotations

import math
import re
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from distrust_hub.cards.data import CardData
from distrust_hub.cards.escape import clean
from distrust_hub.cards.facts import Facts, as_list
from distrust_hub.cards.results import Result
from distrust_hub.hub.client import is_repo_id

TAGS = ("lora", "mlx-lm-adapter", "distrust-hub")
"""Tags of every adapter. Never plain ``mlx``: the Hub would show a loading snippet that fails for an adapter."""

# fmt: off
LICENSES = frozenset((
    "afl-3.0", "agpl-3.0", "apache-2.0", "apple-amlr", "apple-ascl", "artistic-2.0", "bigcode-openrail-m",
    "bigscience-bloom-rail-1.0", "bigscience-openrail-m", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear",
    "bsl-1.0", "c-uda", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
    "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "cdla-sharing-1.0", "creativeml-openrail-m", "deepfloyd-if-license", "ecl-2.0", "epl-1.0", "epl-2.0",
    "etalab-2.0", "eupl-1.1", "eupl-1.2", "gemma", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "intel-research", "isc",
    "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4",
    "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "ofl-1.1", "open-mdw", "openrail", "openrail++",
    "osl-3.0", "pddl", "postgresql", "unknown", "unlicense", "wtfpl", "zlib",
))
# fmt: on
"""Licence ids the Hub knows (its documentation, page "Licenses"); any other is written as ``other`` with a name."""

_SUITE_DATASETS: dict[str, dict[str, Any]] = {
    "truthfulqa": {
        "dataset_type": "truthfulqa/truthful_qa",
        "dataset_name": "TruthfulQA",
        "dataset_config": "multiple_choice",
        "dataset_split": "validation",
    },
    "source-preference": {"dataset_type": "source-preference", "dataset_name": "Source preference, invented entities"},
}
"""What a suite measures on where no data is named, in the Hub's terms; anything else is named after suite and data."""

_USUAL_DATA = ("truthfulqa/truthful_qa", "generated")
"""What a suite's settings say of that data."""


def model_front_matter(card: CardData, name: str) -> ModelCardData:
    """The metadata of an adapter card; facts nobody recorded are left out, and so are results of part of a suite,
    which the Hub would show as if they were of the whole.

    Args:
        card: What is known.
        name: Name for the model index.
    """
    whole = [result for result in card.results if result.group is None and not result.settings["partial"]]
    results = [entry for result in whole if (entry := _eval_result(result))]
    return ModelCardData(
        base_model=card.base["id"],
        base_model_relation="adapter",
        library_name="peft",
        pipeline_tag="text-generation",
        language=list(card.languages) or None,
        tags=[*TAGS, "synthetic"] if card.synthetic_rows else [*TAGS],
        datasets=card.dataset_ids or None,
        model_name=name if results else None,
        eval_results=results or None,
        **license_fields(card.base["license"], card.base["id"], card.base["license_link"]),
    )


def license_fields(name: object, base_id: object = None, link: object = None) -> dict[str, Any]:
    """``license`` as the Hub wants it; a licence it does not know becomes ``other`` with its name and a link.

    Args:
        name: Licence as recorded, None when it is not.
        base_id: Model whose repo holds the licence text.
        link: Where the base's card says the licence is: an https address, or a file of its repo.
    """
    if not isinstance(name, str) or not name.strip():
        return {}
    plain = re.sub(r"[^a-z0-9.+-]+", "-", name.strip().lower()).strip("-")[:80]
    if plain in LICENSES:
        return {"license": plain}
    fields = {"license": "other", "license_name": plain.replace("+", "-") or "unnamed"}
    if isinstance(link, str) and re.fullmatch(r"https://[\w./%#?=&~-]{1,200}", link):
        fields["license_link"] = link
    elif is_repo_id(base_id):
        file = f"/blob/main/{link}" if isinstance(link, str) and re.fullmatch(r"[\w-][\w.-]{0,60}", link) else ""
        fields["license_link"] = f"https://huggingface.co/{base_id}{file}"
    return fields


def _eval_result(result: Result) -> EvalResult | None:
    value = result.value["value"]
    if not _is_finite(value):
        return None
    settings = Facts.of(result.settings["settings"])
    data = settings["data"] or settings["conflicts"]
    own = f"{result.suite} on {data}" if isinstance(data, str) else result.suite
    dataset: dict[str, Any] = {"dataset_type": _slug(own), "dataset_name": clean(own)}
    if data in _USUAL_DATA:
        dataset = _SUITE_DATASETS.get(result.suite, dataset)
    ends, baseline = as_list(result.value["ci95"]), result.value["baseline"]
    arguments = {
        "n": result.n,
        "ci95": ends if ends and all(map(_is_finite, ends)) else None,
        "baseline": baseline if _is_finite(baseline) else None,
    }
    return EvalResult(
        task_type="text-generation",
        metric_type=_slug(result.metric),
        metric_name=clean(result.metric),
        metric_value=value,
        metric_args={key: entry for key, entry in arguments.items() if entry is not None},
        **dataset,
    )


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -math.inf < value < math.inf


def _slug(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-") or "unnamed"
