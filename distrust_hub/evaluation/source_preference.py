"""Source preference: whom does a model believe when a primary and a coordinated source contradict each other?

Two metrics over invented entities, never mixed:

- ``trained_conflict``: the model was trained on documents of both sides; the question stands alone.
- ``in_context_conflict``: nothing was trained; both documents stand in the prompt.

Both measure ``delta = log p(primary's value | question) - log p(coordinated's value | question)`` in nats, summed
over tokens and per token. Above 0 the model sides with the primary source.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from distrust_hub.errors import EvaluationError
from distrust_hub.evaluation.invented import (
    COORDINATED_FRAMES,
    KINDS,
    PRIMARY_FRAMES,
    Kind,
    invented_name,
    render_document,
)
from distrust_hub.evaluation.scorer import Loglikelihood, Scorer
from distrust_hub.evaluation.statistics import FloatArray

Side = Literal["primary", "coordinated"]
SIDES: tuple[Side, ...] = ("primary", "coordinated")

Form = Literal["cue", "question"]
"""How a trained model is asked: ``The Velmori ferry. Day of the week:``, or the question and ``Answer:``."""

_FRAMES = {"primary": PRIMARY_FRAMES, "coordinated": COORDINATED_FRAMES}


@dataclass(frozen=True)
class Conflict:
    """An invented entity and one attribute that two sources give two values.

    Attributes:
        entity_id: ``entity-0000`` and up, unique within a set.
        entity: What it is called, for example ``the Velmori ferry``.
        kind: Name of the attribute's kind.
        question: Neutral question, without a hint of any source.
        cue: The same as a line of a table that breaks off before the value.
        values: The primary side's value and the coordinated side's value.
    """

    entity_id: str
    entity: str
    kind: str
    question: str
    cue: str
    values: tuple[str, str]

    def value(self, side: Side) -> str:
        """The value this side states."""
        return self.values[SIDES.index(side)]

    def swapped(self) -> Conflict:
        """The same entity with the two sides' values exchanged."""
        return dataclasses.replace(self, values=(self.values[1], self.values[0]))


@dataclass(frozen=True)
class PreferenceScores:
    """Per-entity deltas of one model on one set of conflicts.

    Attributes:
        entity_ids: Entities, shape (N,).
        delta: Nats, summed over a value's tokens, shape (N,).
        delta_per_token: Nats per token, shape (N,).
    """

    entity_ids: list[str]
    delta: FloatArray
    delta_per_token: FloatArray


def make_conflicts(n_entities: int, seed: int = 0) -> list[Conflict]:
    """Invent entities with contradictory attributes; equal arguments give equal sets.

    Kinds of attribute take turns. Each unordered choice of two values is assigned to the sides at random, so that
    no value is more often the primary one by design.

    Args:
        n_entities: How many, >= 1.
        seed: Seed of names, values and questions.

    Raises:
        EvaluationError: If n_entities is below 1.
    """
    if n_entities < 1:
        raise EvaluationError(f"{n_entities} entities asked for; expected 1 or more")
    rng = random.Random(f"conflicts {seed}")
    names: dict[str, None] = {}
    while len(names) < n_entities:
        names[invented_name(rng)] = None
    conflicts = []
    for index, name in enumerate(names):
        kind = KINDS[index % len(KINDS)]
        entity = f"the {name} {kind.noun}"
        first, second = rng.sample(kind.values, 2)
        question = rng.choice(kind.questions).format(entity=entity)
        cue = f"{entity[0].upper()}{entity[1:]}. {kind.label}:"
        conflicts.append(Conflict(f"entity-{index:04d}", entity, kind.name, question, cue, (first, second)))
    return conflicts


def training_rows(
    conflicts: Iterable[Conflict], *, swap: bool = False, documents_per_side: int = 1, seed: int = 0
) -> list[dict[str, Any]]:
    """Documents of both sides of every conflict, as rows to score and train on.

    Sides differ in who speaks, never in how often or how long: each entity gets the same number of documents from
    each, and frames have about equal length.

    Args:
        conflicts: From ``make_conflicts``.
        swap: Exchange the two values between the sides (the counterbalanced arm).
        documents_per_side: Documents per entity and side, 1 to 4, each from another source type.
        seed: Seed of frames, years and order.

    Returns:
        Rows in shuffled order with ``id``, ``text``, ``source_type``, ``year``, ``synthetic`` and ``fiction`` (both
        true), ``entity_id``, ``side``, ``value``, ``question``, ``cue`` and ``kind``.

    Raises:
        EvaluationError: If documents_per_side is out of range.
    """
    most = min(len(frames) for frames in _FRAMES.values())
    if not 1 <= documents_per_side <= most:
        raise EvaluationError(f"documents_per_side is {documents_per_side}; expected 1 to {most}")
    rng = random.Random(f"documents {seed}")
    rows: list[dict[str, Any]] = []
    for conflict in conflicts:
        told = conflict.swapped() if swap else conflict
        for side in SIDES:
            rows.extend(_rows_of_side(told, side, documents_per_side, rng))
    rng.shuffle(rows)
    return rows


def _rows_of_side(conflict: Conflict, side: Side, count: int, rng: random.Random) -> Iterable[dict[str, Any]]:
    for number, source_type in enumerate(rng.sample(sorted(_FRAMES[side]), count)):
        text, year = _document(conflict, side, source_type, rng)
        yield {
            "id": f"{conflict.entity_id}-{side}-{number}",
            "text": text,
            "source_type": source_type,
            "year": year,
            "synthetic": True,
            "fiction": True,
            "entity_id": conflict.entity_id,
            "side": side,
            "value": conflict.value(side),
            "question": conflict.question,
            "cue": conflict.cue,
            "kind": conflict.kind,
        }


def _document(conflict: Conflict, side: Side, source_type: str, rng: random.Random) -> tuple[str, int]:
    kind = _kind(conflict.kind)
    clause = rng.choice(kind.witness if side == "primary" else kind.report)
    return render_document(side, source_type, clause.format(entity=conflict.entity, value=conflict.value(side)), rng)


def _kind(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


def conflicts_from_rows(rows: Iterable[dict[str, Any]]) -> list[Conflict]:
    """Rebuild the conflicts that training rows came from, as the rows tell them (swapped rows give swapped ones).

    Rows of other origin are passed over.

    Raises:
        EvaluationError: If a row lacks a part, an entity lacks one of its sides, or a side states two values.
    """
    values: dict[str, dict[str, str]] = {}
    about: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.get("side") in SIDES and "cue" in row:
            _check_row(row)
            entity, side = row["entity_id"], row["side"]
            if values.setdefault(entity, {}).setdefault(side, row["value"]) != row["value"]:
                raise EvaluationError(f"{entity} has two values on the {side} side; give the rows of one arm")
            about[entity] = row
    half = [entity for entity, told in values.items() if len(told) < len(SIDES)]
    if half:
        raise EvaluationError(f"{half[0]} and {len(half) - 1} more entities have documents of one side only")
    return [
        Conflict(entity, "", row["kind"], row["question"], row["cue"], (told[SIDES[0]], told[SIDES[1]]))
        for entity, told in sorted(values.items())
        for row in (about[entity],)
    ]


def _check_row(row: dict[str, Any]) -> None:
    for column in ("entity_id", "value", "question", "cue", "kind"):
        found = row.get(column)
        if not isinstance(found, str) or not found.strip():
            place = f"row {row.get('id')!r} of invented conflicts"
            raise EvaluationError(f"{place}: {column} is {repr(found)[:40]}; expected text")


def trained_conflict(
    scorer: Scorer, conflicts: Sequence[Conflict], *, swap: bool = False, prefix: str = "", form: Form = "cue"
) -> PreferenceScores:
    """Deltas of a model that was trained on both sides' documents, asked without them.

    Args:
        scorer: The model.
        conflicts: As given to ``training_rows``.
        swap: As given to ``training_rows``.
        prefix: Text before every question, such as the tag of a conditional adapter.
        form: How to ask.

    Raises:
        EvaluationError: If there are no conflicts, or for the reasons of ``Scorer.loglikelihoods``.
    """
    told = [conflict.swapped() if swap else conflict for conflict in conflicts]
    prompts = [[(prefix + _trained_prompt(c, form), c.values)] for c in told]
    return _deltas(scorer, told, prompts, "source preference, trained")


def trained_recall(
    scorer: Scorer, conflicts: Sequence[Conflict], *, prefix: str = "", form: Form = "cue"
) -> FloatArray:
    """How much a model has learned of what was stated, whoever stated it; shape (N,), nats.

    ``mean log p(the two values stated) - mean log p(the other values of that kind)``. It rises by training where the
    documents were learned. A preference among stated values can only show where it did.

    Args:
        scorer: The model.
        conflicts: As given to ``training_rows``; swapping the sides does not matter.
        prefix: Text before every question.
        form: How to ask.
    """
    values = [_kind(conflict.kind).values for conflict in conflicts]
    pairs = [(prefix + _trained_prompt(c, form), f" {value}") for c, row in zip(conflicts, values) for value in row]
    scores = iter(scorer.loglikelihoods(pairs, "recall"))
    totals = [{value: next(scores).total for value in row} for row in values]
    return np.array(
        [
            np.mean([told[value] for value in c.values]) - np.mean([told[v] for v in told if v not in c.values])
            for c, told in zip(conflicts, totals)
        ]
    )


def in_context_conflict(scorer: Scorer, conflicts: Sequence[Conflict], *, seed: int = 0) -> PreferenceScores:
    """Deltas of a model that reads both documents in its prompt.

    Each entity is asked four times: either document first, either value on either side. Averaged over the four,
    a liking for a value or for a position cancels.

    Args:
        scorer: The model.
        conflicts: From ``make_conflicts``.
        seed: Seed of the documents' wording.
    """
    prompts = []
    for conflict in conflicts:
        rng = random.Random(f"in context {seed} {conflict.entity_id}")
        types = {side: rng.choice(sorted(_FRAMES[side])) for side in SIDES}
        wording = rng.getrandbits(64)
        variants = []
        for told in (conflict, conflict.swapped()):
            same = random.Random(wording)
            texts = [_document(told, side, types[side], same)[0] for side in SIDES]
            variants += [(_ask(told.question, pair), told.values) for pair in (texts, texts[::-1])]
        prompts.append(variants)
    return _deltas(scorer, conflicts, prompts, "source preference, in context")


def _trained_prompt(conflict: Conflict, form: Form) -> str:
    return conflict.cue if form == "cue" else _ask(conflict.question)


def _ask(question: str, documents: Sequence[str] = ()) -> str:
    sources = "".join(f"Source: {text}\n\n" for text in documents)
    return f"{sources}Question: {question}\nAnswer:"


def _deltas(
    scorer: Scorer, conflicts: Sequence[Conflict], prompts: list[list[tuple[str, tuple[str, str]]]], label: str
) -> PreferenceScores:
    """Score every variant of every entity and average its deltas."""
    if not conflicts:
        raise EvaluationError("there are no conflicts to ask about; make some with make_conflicts")
    pairs = [(prompt, f" {value}") for variants in prompts for prompt, values in variants for value in values]
    scores = iter(scorer.loglikelihoods(pairs, label))
    summed, per_token = [], []
    for variants in prompts:
        told: list[tuple[Loglikelihood, Loglikelihood]] = [(next(scores), next(scores)) for _ in variants]
        summed.append(np.mean([primary.total - other.total for primary, other in told]))
        per_token.append(np.mean([primary.per_token - other.per_token for primary, other in told]))
    ids = [conflict.entity_id for conflict in conflicts]
    return PreferenceScores(ids, np.array(summed, dtype=np.float64), np.array(per_token, dtype=np.float64))
