"""What the Adapters tab shows: published adapters, and the facts one of them was published with. No gradio here.

Everything read here was written by others. It is only ever shown as text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from distrust_hub.adapters.pull import ADAPTER_FILES
from distrust_hub.app import plain_words
from distrust_hub.app.limits import Limits
from distrust_hub.artifacts import ADAPTER_CONFIG_FILE, CARD_FILE, EvalReport, Manifest, TrainingRun
from distrust_hub.cards.check import body_of
from distrust_hub.cards.data import CardData, collect
from distrust_hub.cards.results import Comparison, Result
from distrust_hub.errors import AdapterError
from distrust_hub.hub.adapters import PublishedRepo, list_published
from distrust_hub.hub.client import hub_api, hub_errors, is_repo_id, snapshot, split_revision
from distrust_hub.hub.refusals import repo_page

_FACT_FILES = (CARD_FILE, ADAPTER_CONFIG_FILE, TrainingRun.FILE_NAME, EvalReport.FILE_NAME, Manifest.FILE_NAME)
_FACT_BYTES = 2_000_000
"""All files of facts together; ours have some ten thousand bytes."""
_RESULTS_SHOWN = 40


@dataclass(frozen=True)
class PublishedView:
    """What is known about one adapter.

    Attributes:
        name: Its Hub id, or the name it is offered under.
        facts: Short (name, value) pairs.
        tiers: Rows (tier, rows, tokens, mean authority weight, mean entropy, mean training weight).
        results: Rows (suite, metric, value with interval, base model, difference with interval, n, verdict).
        comparisons: Rows (suite, metric, other adapter, difference with interval, n, verdict).
        card: The card's text without its front matter.
        url: Its page on the Hub; empty for a folder.
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    tiers: tuple[tuple[str, ...], ...]
    results: tuple[tuple[str, ...], ...]
    comparisons: tuple[tuple[str, ...], ...]
    card: str
    url: str = ""


def search(words: str = "") -> list[PublishedRepo]:
    """Adapters on the Hub with our tag whose id or base model contains every word.

    Raises:
        HubError: If the Hub cannot be asked.
    """
    wanted = words.lower().split()
    models = [repo for repo in list_published() if repo.repo_type == "model"]
    return [repo for repo in models if all(word in f"{repo.repo_id} {repo.base_model}".lower() for word in wanted)]


def read_published(source: str, limits: Limits) -> PublishedView:
    """The facts of one adapter: a Hub id with an optional ``@revision``, whose weights are not fetched, or a folder.

    Raises:
        HubError: If the Hub does not give them.
        AdapterError: If the repo is larger than the app fetches.
        ArtifactError: If a file of facts is damaged.
    """
    if not is_repo_id(split_revision(source)[0]) or Path(source).is_dir():
        return _view(Path(source).resolve().name, Path(source))
    repo_id, revision = split_revision(source)
    sizes = check_adapter_size(source, limits)
    if (size := sum(sizes.get(name, 0) for name in _FACT_FILES)) > _FACT_BYTES:
        raise AdapterError(f"{repo_id}: its card and records have {size:,} bytes and the app reads {_FACT_BYTES:,}")
    folder, _ = snapshot(repo_id, revision=revision, allow_patterns=_FACT_FILES)
    return replace(_view(source, folder), url=repo_page(repo_id, "model"))


def check_adapter_size(source: str, limits: Limits) -> dict[str, int]:
    """Sizes in bytes of the files of a repo that would be fetched.

    Raises:
        AdapterError: If they are more than the app fetches for a visitor.
        HubError: If the Hub does not say.
    """
    repo_id, revision = split_revision(source)
    with hub_errors(repo_id, "model", revision):
        info = hub_api().model_info(repo_id, revision=revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    total = sum(sizes.get(name, 0) for name in ADAPTER_FILES)
    if total > limits.adapter_bytes:
        raise AdapterError(
            f"{repo_id}: has {total / 1e6:,.0f} MB and the app fetches {limits.adapter_bytes / 1e6:,.0f} MB; run it on "
            f"your machine: distrust-hub chat --adapter-path {repo_id}"
        )
    return sizes


def _view(name: str, folder: Path) -> PublishedView:
    card = collect(folder)
    path = folder / CARD_FILE
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return PublishedView(
        name=name,
        facts=tuple((label, value) for label, value in _facts(card) if value),
        tiers=tuple(_tier_row(tier) for tier in card.tiers),
        results=tuple(_result_row(result) for result in card.results[:_RESULTS_SHOWN]),
        comparisons=tuple(_comparison_row(entry) for entry in card.comparisons[:_RESULTS_SHOWN]),
        card=body_of(text).strip(),
    )


def _facts(card: CardData) -> list[tuple[str, str]]:
    return [
        ("Base model", str(card.base["id"] or "not stated")),
        ("Way of training (objective)", plain_words.objective(str(card.objective["name"] or "not stated"))),
        ("Training rows", _number(card.data["rows"])),
        ("Training tokens", _number(card.data["tokens"])),
        ("Size (rank)", _number(card.adapter["rank"])),
        ("Surprise at unseen text (held-out loss)", _arrow(card.loss["valid_before"], card.loss["valid_after"])),
        ("Source tag before a question", str(card.condition_prefix or "")),
        ("Licence of the data", ", ".join(sorted(card.licenses))),
    ]


def _tier_row(tier: dict[str, object]) -> tuple[str, ...]:
    means = ("mean_authority_weight", "mean_provenance_entropy", "mean_weight")
    counts = (_number(tier.get(name)) or "-" for name in ("rows", "tokens"))
    return (str(tier["tier"]), *counts, *(_number(tier.get(name)) or "-" for name in means))


def _result_row(result: Result) -> tuple[str, ...]:
    value, difference = result.value, result.value["difference"]
    return (
        _suite(result),
        result.metric.replace("_", " "),
        _with_interval(value["value"], value["ci95"]),
        _number(value["base"]) or "-",
        _with_interval(difference["value"], difference["ci95"]) if isinstance(difference, dict) else "-",
        _number(result.n) or "-",
        result.verdict or "not compared",
    )


def _suite(entry: Result | Comparison) -> str:
    mark, group = " (partial)" if entry.partial else "", f": {entry.group}" if entry.group else ""
    return f"{entry.suite}{mark}{group}".replace("_", " ")


def _comparison_row(comparison: Comparison) -> tuple[str, ...]:
    difference = comparison.difference
    return (
        _suite(comparison),
        comparison.metric.replace("_", " "),
        str(comparison.against or "not stated"),
        _with_interval(difference["value"], difference["ci95"]),
        _number(comparison.n) or "-",
        comparison.verdict or "not compared",
    )


def _with_interval(value: object, ci95: object) -> str:
    ends = [_number(end) for end in ci95] if isinstance(ci95, list) and len(ci95) == 2 else []
    return f"{_number(value) or '-'} ({ends[0]} to {ends[1]})" if all(ends) and ends else _number(value) or "-"


def _arrow(before: object, after: object) -> str:
    return f"{_number(before)} → {_number(after)}" if _number(before) and _number(after) else ""


def _number(value: object) -> str:
    """A count with separators, a float with three decimals, and nothing for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
