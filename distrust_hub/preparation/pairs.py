"""Preference pairs from documents that contradict each other on one question about one thing, and from no others."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from distrust_hub.preparation.balance import origin_name
from distrust_hub.preparation.conversations import is_conversation, with_text
from distrust_hub.schema import TIERS, ScoredDocument

PRIMARY, COORDINATED = TIERS[0], TIERS[-1]


def make_pairs(documents: Sequence[ScoredDocument]) -> tuple[list[ScoredDocument], Counter[str]]:
    """Turn documents into pairs whose chosen answer is the primary source.

    Two documents are related only if both state the same ``entity_id`` and the same ``question``; which side each is
    on says its ``side`` column, else its tier. Rows that are pairs already stay.

    Args:
        documents: Scored documents.

    Returns:
        Pairs, with the scores and columns of their primary document, in its place; and why the other documents are
        gone: ``paired`` (the rejected answer of a pair) or ``no_pair``.
    """
    rejected: dict[tuple[str, str], list[ScoredDocument]] = {}
    for document in documents:
        if is_conversation(document.metadata):
            continue
        if _side(document) == COORDINATED and (topic := _topic(document)):
            rejected.setdefault(topic, []).append(document)
    pairs: list[ScoredDocument] = []
    made = 0
    for document in documents:
        if is_conversation(document.metadata):
            pairs.append(document)
        elif _side(document) == PRIMARY and (topic := _topic(document)) and rejected.get(topic):
            pairs.append(_pair(document, rejected[topic].pop(0)))
            made += 1
    return pairs, Counter(paired=made, no_pair=len(documents) - len(pairs) - made)


def _topic(document: ScoredDocument) -> tuple[str, str] | None:
    entity, question = origin_name(document.metadata.get("entity_id")), document.metadata.get("question")
    if entity is not None and isinstance(question, str) and question.strip():
        return entity, question.strip()
    return None


def _side(document: ScoredDocument) -> str:
    return str(document.metadata.get("side") or document.metadata["tier"])


def _pair(chosen: ScoredDocument, rejected: ScoredDocument) -> ScoredDocument:
    columns = {"prompt": chosen.metadata["question"].strip(), "chosen": chosen.text, "rejected": rejected.text}
    row = with_text({**chosen.metadata, **columns, "paired_with": rejected.id})
    return dataclasses.replace(chosen, text=row.pop("text"), metadata=row)
