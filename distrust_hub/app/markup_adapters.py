"""HTML of the Adapters tab. Everything that is not a literal here goes through ``html.escape``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from distrust_hub.app.published import PublishedView
from distrust_hub.hub.adapters import PublishedRepo

_TIERS = ("tier", "rows", "tokens", "authority weight", "entropy, bits", "training weight")
_RESULTS = ("suite", "metric", "adapter (95 %)", "base model", "difference (95 %)", "n", "read as")
_COMPARISONS = ("suite", "metric", "against", "difference (95 %)", "n", "read as")


def search_result(repos: Sequence[PublishedRepo], words: str) -> str:
    """How many adapters were found, or what to do when there are none."""
    if not repos:
        looked = f" for “{escape(words)}”" if words.strip() else ""
        return (
            f'<div class="dh-empty" role="status"><strong>Nothing published{looked}.</strong> Search for another word, '
            "or publish the first one: distrust-hub train --push you/my-adapter</div>"
        )
    found = "1 adapter" if len(repos) == 1 else f"{len(repos):,} adapters"
    return f'<div class="dh-notice dh-info" role="status">{found} found. Choose one to see how it was made.</div>'


def adapter(view: PublishedView) -> str:
    """Facts, training data by tier, results with intervals, and the card's text."""
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in view.facts)
    card = f"<details><summary>The card</summary><pre>{escape(view.card)}</pre></details>" if view.card else ""
    tiers = _table("Training data by tier", _TIERS, view.tiers, "not recorded")
    results = _table("Results", _RESULTS, view.results, "not evaluated, so nothing says that it does anything")
    if view.comparisons:
        results += _table("Against another adapter on the same items", _COMPARISONS, view.comparisons, "")
    return (
        f'<section class="dh-verdict" aria-label="How it was made"><h3>{escape(view.name)}</h3>'
        f'<dl class="dh-facts">{facts}</dl>{tiers}{results}{card}</section>'
    )


def _table(caption: str, headers: Iterable[str], rows: Sequence[Sequence[str]], empty: str) -> str:
    if not rows:
        return f'<p class="dh-muted">{escape(caption)}: {escape(empty)}</p>'
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headers)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="dh-scroll" tabindex="0"><table class="dh-facts-table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
