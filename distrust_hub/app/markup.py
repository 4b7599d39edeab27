"""The app's own HTML. Everything that is not a literal here goes through ``html.escape``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from html import escape

from distrust_hub.app.batch import BatchView
from distrust_hub.app.handlers import LOWERS, RAISES, Gauge, ScoreView

_TIER_SHAPES = {"primary": "▲", "medium": "■", "coordinated": "●"}


def verdict(view: ScoreView | None) -> str:
    """Tier, confidence, the two gauges and the facts of one scored text, or the empty state."""
    if view is None:
        return (
            '<div class="dh-empty" role="status"><strong>Nothing scored yet.</strong> Paste a text on the left, '
            "or take one of the examples; the result appears as you type.</div>"
        )
    gauges = "".join(_gauge(gauge) for gauge in view.gauges)
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in view.facts)
    return (
        f'<section class="dh-verdict" aria-live="polite" aria-label="Result">'
        f'<header class="dh-tier dh-text-{view.tier}"><span class="dh-badge" aria-hidden="true">'
        f"{_TIER_SHAPES[view.tier]}</span><div><h3>{escape(view.tier.capitalize())}</h3>"
        f"<p>{escape(view.tier_words)}</p></div></header>"
        f'{gauges}<dl class="dh-facts">{facts}</dl></section>'
    )


def marked(view: ScoreView | None) -> str:
    """The text with its evidence marked by colour, shape and words."""
    if view is None:
        return ""
    parts = []
    for piece, label in view.spans:
        if label is None:
            parts.append(escape(piece))
            continue
        kind = "dh-up" if label.startswith(RAISES) else "dh-down"
        parts.append(f'<mark class="{kind}">{escape(piece)}<span class="dh-tag">{escape(label)}</span></mark>')
    return (
        '<section class="dh-marked" aria-label="The text with its evidence"><h4>The text and its evidence '
        f'<span class="dh-muted">{RAISES} raises trust in the source, {LOWERS} lowers it</span></h4>'
        f'<div class="dh-marked-text" tabindex="0">{"".join(parts)}</div></section>'
    )


def contributions(view: ScoreView | None) -> str:
    """One table an axis: what each reason adds, and the value they add up to."""
    if view is None:
        return ""
    tables = []
    for axis, rows in itertools.groupby(view.contributions, key=lambda row: row[0]):
        *lines, (_, _, value, _, note) = rows
        body = "".join(
            f'<tr><td>{escape(component)}</td><td class="dh-number">{escape(adds)}</td><td>{escape(reason)}</td>'
            f"<td>{escape(found)}</td></tr>"
            for _, component, adds, found, reason in lines
        )
        tables.append(
            f"<table><caption>What adds up to the {escape(axis)}</caption><thead><tr>"
            '<th scope="col">component</th><th scope="col" class="dh-number">adds</th><th scope="col">why</th>'
            f'<th scope="col">found</th></tr></thead><tbody>{body}</tbody><tfoot><tr><th scope="row">value</th>'
            f'<td class="dh-number">{escape(value)}</td><td colspan="2">{escape(note)}</td></tr></tfoot></table>'
        )
    return f'<div class="dh-contributions">{"".join(tables)}</div>'


def term(view: ScoreView | None) -> str:
    """The published term's value with what it can and cannot say."""
    if view is None:
        return ""
    return (
        f'<section class="dh-term"><h4>Published term: {view.term:.2f} '
        f'<span class="dh-muted">at alpha {view.alpha:g}</span></h4><p>{escape(view.term_words)}</p></section>'
    )


def notice(message: str, kind: str = "info") -> str:
    """A short message: ``kind`` is ``info`` or ``error``."""
    role = "alert" if kind == "error" else "status"
    return f'<div class="dh-notice dh-{kind}" role="{role}">{escape(message)}</div>' if message else ""


def batch_summary(view: BatchView) -> str:
    """How many rows there are and which two to look at first."""
    return notice(
        f"{len(view.records):,} scored. Most primary: row {view.most_primary}. "
        f"Most coordinated: row {view.most_coordinated}."
    )


def figures(plots: Mapping[str, str]) -> str:
    """Titled plots side by side, one below the other on a narrow page."""
    parts = (f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>" for title, svg in plots.items())
    return f'<div class="dh-figures">{"".join(parts)}</div>'


def _gauge(gauge: Gauge) -> str:
    share = min(max(gauge.value / gauge.maximum, 0.0), 1.0)
    return (
        f'<div class="dh-gauge"><div class="dh-gauge-head"><span>{escape(gauge.name)}</span>'
        f"<strong>{escape(gauge.shown)}</strong></div>"
        f'<div class="dh-meter" role="meter" aria-label="{escape(gauge.name)}" aria-valuemin="0" '
        f'aria-valuemax="{gauge.maximum:g}" aria-valuenow="{gauge.value:.3f}" aria-valuetext="'
        f'{escape(gauge.shown)}: {escape(gauge.words)}"><i style="width:{share:.1%}"></i></div>'
        f'<div class="dh-gauge-foot"><span>0</span><em>{escape(gauge.words)}</em>'
        f"<span>{gauge.maximum:g}</span></div></div>"
    )
