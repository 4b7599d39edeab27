"""The app's own HTML. Everything that is not a literal here goes through ``html.escape``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from distrust_hub.app.batch import BatchView, excerpt
from distrust_hub.app.plain_words import COMPONENTS
from distrust_hub.app.score_view import LOW_CONFIDENCE, LOWERS, RAISES, Gauge, ScoreView, tier_cuts

_TIER_SHAPES = {"primary": "▲", "medium": "■", "coordinated": "●"}


def verdict(view: ScoreView | None) -> str:
    """Tier, confidence, the two gauges and the facts of one scored text, or the empty state."""
    if view is None:
        return empty("Nothing scored yet.", "Paste a text, or take an example; the result appears as you type.")
    gauges = "".join(_gauge(gauge) for gauge in view.gauges)
    caution = f'<p class="dh-caution">{escape(view.caution)}</p>' if view.caution else ""
    return (
        f'<section class="dh-verdict" aria-live="polite" aria-label="Result">'
        f'<header class="dh-tier dh-text-{view.tier}"><span class="dh-badge" aria-hidden="true">'
        f'{_TIER_SHAPES[view.tier]}</span><div><h3 aria-level="2">{escape(view.tier.capitalize())}</h3>'
        f"<p>{escape(view.tier_words)}</p>{caution}</div></header>"
        f"{gauges}{facts(view.facts)}</section>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Short (name, value) pairs."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{breakable(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="dh-facts">{items}</dl>'


def breakable(value: str) -> str:
    """Escaped, with a place for a new line after the slash of a Hub id."""
    return escape(value).replace("/", "/<wbr>")


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
        '<section class="dh-marked" aria-label="The text with its evidence">'
        '<h4 aria-level="3">The text and its evidence</h4>'
        f'<p class="dh-muted"><span>{RAISES} raises trust in the source,</span> <span>{LOWERS} lowers it</span></p>'
        f'<div class="dh-marked-text" tabindex="0">{"".join(parts)}</div></section>'
    )


def contributions(view: ScoreView | None) -> str:
    """One table an axis: what each reason adds, and the value they add up to."""
    if view is None:
        return ""
    tables = []
    for axis, rows in itertools.groupby(view.contributions, key=lambda row: row[0]):
        *lines, (_, _, value, _, note) = rows
        largest = max((abs(float(line[2])) for line in lines), default=1.0) or 1.0
        body = "".join(_contribution(line, largest) for line in lines)
        note = f'<span class="dh-muted">{escape(note)}</span>' if note else ""
        tables.append(
            f"<table><caption>What adds up to the {escape(axis)}</caption><thead><tr>"
            '<th scope="col" class="dh-number">adds</th><th scope="col">because of</th></tr></thead>'
            f'<tbody>{body}</tbody><tfoot><tr><td class="dh-number">{escape(value)}</td>'
            f'<th scope="row">value {note}</th></tr></tfoot></table>'
        )
    return f'<div class="dh-contributions">{"".join(tables)}</div>'


def _contribution(line: list[str], largest: float) -> str:
    """A row: the number with a bar and a shape that says in which direction trust moves, then the reason."""
    axis, component, adds, found, reason = line
    raises = adds.startswith("-") == axis.startswith("authority")
    kind, shape = ("dh-up", RAISES) if raises else ("dh-down", LOWERS)
    if component == COMPONENTS["base"]:
        kind, shape = "dh-base", ""
    where = f'<span class="dh-found">{escape(found)}</span>' if found else ""
    return (
        f'<tr class="{kind}"><td class="dh-number">{escape(adds)}<i style="width:{abs(float(adds)) / largest:.0%}"></i>'
        f'</td><td><span class="dh-shape">{shape}</span> {escape(reason)} '
        f'<span class="dh-component">{escape(component)}</span>{where}</td></tr>'
    )


def term(view: ScoreView | None) -> str:
    """The published term's value with what it can and cannot say."""
    if view is None:
        return ""
    return (
        f'<section class="dh-term"><h4 aria-level="3">Published term: {view.term:.2f} '
        f'<span class="dh-muted">at alpha {view.alpha:g}</span></h4><p>{escape(view.term_words)}</p></section>'
    )


def empty(title: str, words: str) -> str:
    """What a place for results shows before there are any."""
    return f'<div class="dh-empty" role="status"><strong>{escape(title)}</strong> {escape(words)}</div>'


def plane(svg: str) -> str:
    """The plane with what its dots and lines are."""
    return (
        f'<figure class="dh-figure">{svg}<figcaption>Each grey dot is where a kind of source usually lies. Up: more '
        "evidence of its own. Right: more institutional voice. Lines join places with the same signed core "
        "<em>s</em>; on the dashed one the published term is 0.</figcaption></figure>"
    )


def notice(message: str, kind: str = "info") -> str:
    """A short message: ``kind`` is ``info`` or ``error``."""
    role = "alert" if kind == "error" else "status"
    return f'<div class="dh-notice dh-{kind}" role="{role}">{escape(message)}</div>' if message else ""


def batch_summary(view: BatchView, total: int) -> str:
    """How many rows of ``total`` there are, and those to look at first."""
    unsure = sum(record["confidence"] <= LOW_CONFIDENCE for record in view.records)
    guessed = f" {unsure:,} with so little to go by that the score is hardly more than a guess." if unsure else ""
    done = f"{len(view.records):,} scored.{guessed}"
    if view.stopped:
        done = f"Stopped ({view.stopped}): {len(view.records):,} of {total:,} scored.{guessed}"
    extremes = "".join(
        _extremes(title, [view.records[row - 1] for row in rows])
        for title, rows in (("Most primary", view.most_primary), ("Most coordinated", view.most_coordinated))
        if rows
    )
    low, high = tier_cuts()
    legend = (
        '<p class="dh-muted dh-legend">The signed core puts both axes into one number: from '
        f"{high:.1f} on a text reads as primary, below {low:.1f} as coordinated.</p>"
    )
    return f'{notice(done)}{legend}<div class="dh-figures dh-extremes">{extremes}</div>'


def _extremes(title: str, records: Iterable[Mapping[str, Any]]) -> str:
    items = "".join(
        f'<li class="dh-text-{record["tier"]}">{_TIER_SHAPES[record["tier"]]} row {record["row"]:,}, {record["tier"]}, '
        f"signed core {record['signed_core']:+.2f}<blockquote>{escape(excerpt(record['text']))}</blockquote></li>"
        for record in records
    )
    return f"<figure><figcaption>{title}</figcaption><ol>{items}</ol></figure>"


def row_count(shown: int, total: int) -> str:
    """How many rows of the table a filter leaves."""
    if not shown:
        return empty("No row is like that.", "Take another tier or other words.")
    rows = "1 row" if total == 1 else f"{total:,} rows"
    return f'<p class="dh-muted" role="status">{rows if shown == total else f"{shown:,} of {rows}"}</p>'


def figures(plots: Mapping[str, str]) -> str:
    """Titled plots side by side, one below the other on a narrow page."""
    parts = (f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>" for title, svg in plots.items())
    return f'<div class="dh-figures">{"".join(parts)}</div>'


def _gauge(gauge: Gauge) -> str:
    share = min(max(gauge.value / gauge.maximum, 0.0), 1.0)
    return (
        f'<div class="dh-gauge"><div class="dh-gauge-head"><span>{escape(gauge.name)}</span>'
        f'<strong>{escape(gauge.shown)}</strong></div><p class="dh-muted">{escape(gauge.means)}</p>'
        f'<div class="dh-meter" role="meter" aria-label="{escape(gauge.name)}" aria-valuemin="0" '
        f'aria-valuemax="{gauge.maximum:g}" aria-valuenow="{gauge.value:.3f}" aria-valuetext="'
        f'{escape(gauge.shown)}: {escape(gauge.words)}"><i style="width:{share:.1%}"></i></div>'
        f'<div class="dh-gauge-foot"><span>0</span><em>{escape(gauge.words)}</em>'
        f"<span>{gauge.maximum:g}</span></div></div>"
    )
