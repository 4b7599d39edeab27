"""HTML of the Adapters tab. Everything that is not a literal here goes through ``html.escape``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from distrust_hub.app.markup import breakable, empty, facts, notice
from distrust_hub.app.plain_words import measure
from distrust_hub.app.published import PublishedView
from distrust_hub.hub.adapters import PublishedRepo

_TIERS = ("tier", "rows", "tokens", "authority weight", "entropy, bits", "training weight")
_RESULTS = ("test", "measure", "adapter (95 %)", "base model", "difference (95 %)", "items", "read as")
_COMPARISONS = ("test", "measure", "against", "difference (95 %)", "items", "read as")
_LEGEND = (
    "In brackets: the 95 % interval, how far chance alone may carry a value. Where that of a difference holds 0, the "
    "test does not show that the adapter changes anything. source-preference asks whether the model now leans on what "
    "primary sources say; the other tests guard against harm."
)


def search_result(repos: Sequence[PublishedRepo], words: str) -> str:
    """How many adapters were found, or what to do when there are none."""
    if not repos:
        looked = f" for “{words}”" if words.strip() else ""
        return empty(
            f"Nothing published{looked}.",
            "Search for another word, or publish the first one: distrust-hub train --push you/my-adapter",
        )
    found = "1 adapter" if len(repos) == 1 else f"{len(repos):,} adapters"
    return notice(f"{found} found on the Hub. Choose one to see how it was made.")


def adapter(view: PublishedView) -> str:
    """Facts, training data by tier, results with intervals, and the card's text."""
    card = f"<details><summary>The card</summary><pre>{escape(view.card)}</pre></details>" if view.card else ""
    tiers = _table("Training data by tier", _TIERS, view.tiers, "not recorded")
    results = _table("Results", _RESULTS, view.results, "not evaluated, so nothing says that it does anything")
    if view.results:
        told = {row[1]: measure(row[1]) for row in view.results}
        meanings = "; ".join(f"<em>{escape(name)}</em>, {escape(words)}" for name, words in told.items() if words)
        results += f'<p class="dh-muted">{_LEGEND}</p><p class="dh-muted">Measures: {meanings}.</p>'
    if view.comparisons:
        results += _table("Against another adapter on the same items", _COMPARISONS, view.comparisons, "")
    link = f' <a href="{escape(view.url)}" target="_blank" rel="noopener noreferrer">Hub page</a>' if view.url else ""
    return (
        f'<section class="dh-verdict" aria-label="How it was made"><h3 aria-level="2">{breakable(view.name)}{link}</h3>'
        f"{facts(view.facts)}{tiers}{results}{card}</section>"
    )


def _table(caption: str, headers: Iterable[str], rows: Sequence[Sequence[str]], otherwise: str) -> str:
    if not rows:
        return f'<p class="dh-muted">{escape(caption)}: {escape(otherwise)}</p>'
    head = "".join(f'<th scope="col">{escape(name).replace(" %", "&nbsp;%")}</th>' for name in headers)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    title = f"<caption><span>{escape(caption)}</span></caption>"
    return (
        f'<div class="dh-scroll" tabindex="0"><table class="dh-facts-table">{title}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
