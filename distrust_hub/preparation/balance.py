"""Which rows go where: shares per tier, and the split into training and held-out rows."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from distrust_hub.errors import ConfigError
from distrust_hub.objective import example_weights
from distrust_hub.schema import TIERS, ScoredDocument, Tier, whole

logger = logging.getLogger(__name__)

ORIGIN_COLUMNS = ("entity_id", "origin", "url", "document_id", "title", "prompt")
"""Columns that say what a document was cut from, most telling first; documents that share one stay together."""

_WEAK_COLUMNS = ("title", "prompt")
"""Often the same for unrelated documents (a newspaper, an instruction), so read only where nothing else says it."""

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of splits, as data sets have them."""

PUBLISHED_SHARES = "27.5,30,37.5"
"""Middle of the published target shares: 25-30 % primary, 25-35 % medium, 35-40 % coordinated."""


def origins_of(documents: Sequence[ScoredDocument]) -> list[str]:
    """For each document the name of its origin.

    Documents that share the value of one of ORIGIN_COLUMNS, directly or through others, have the same. It is named
    after the most telling column of its first document, or that document's id.
    """
    leaders = list(range(len(documents)))
    first_with: dict[str, int] = {}
    for index, document in enumerate(documents):
        for value in _origin_values(document):
            one, other = sorted((_leader(leaders, index), _leader(leaders, first_with.setdefault(value, index))))
            leaders[other] = one
    names = [next(_origin_values(document), f"id:{document.id}") for document in documents]
    return [names[_leader(leaders, index)] for index in range(len(documents))]


def _origin_values(document: ScoredDocument) -> Iterator[str]:
    found = False
    for column in ORIGIN_COLUMNS:
        name = origin_name(document.metadata.get(column))
        if name is not None and not (found and column in _WEAK_COLUMNS):
            found = True
            yield f"{column}:{name}"


def origin_name(value: object) -> str | None:
    """A text or whole number of a column as the name of an origin; None where it holds neither."""
    value = whole(value)
    return str(value) if isinstance(value, (str, int)) and str(value).strip() else None


def split_of(row: Mapping[str, Any]) -> str | None:
    """The split that a row's ``split`` column names: ``train``, ``valid`` or ``test``; None where it names none."""
    return _SPLITS.get(str(row.get("split")).strip().lower())


def _leader(leaders: list[int], index: int) -> int:
    """The first document that this one hangs together with; ways there get shorter as they are gone."""
    while leaders[index] != index:
        leaders[index] = leaders[leaders[index]]
        index = leaders[index]
    return index


def cap_inputs(documents: Iterable[tuple[str, int]], caps: Sequence[int | None], seed: int) -> set[str]:
    """Ids of the documents to keep where an input may give only so many.

    Args:
        documents: (id, number of its input); ids are unique.
        caps: Most documents of each input, None for no limit.
        seed: Seed of the draw; which documents an input gives depends on its own documents only.
    """
    by_input: dict[int, list[str]] = {}
    for identity, number in documents:
        by_input.setdefault(number, []).append(identity)
    kept: set[str] = set()
    for number, identities in by_input.items():
        cap = caps[number]
        if cap is not None and cap < len(identities):
            identities = sorted(identities, key=lambda identity: _draw(seed, identity))[:cap]
        kept.update(identities)
    return kept


def parse_shares(text: str) -> tuple[float, float, float]:
    """``"published"`` or ``"0.3,0.3,0.4"`` to shares of primary, medium and coordinated, scaled to sum to 1.

    Raises:
        ConfigError: If the text is anything else.
    """
    try:
        shares = [float(part) for part in (PUBLISHED_SHARES if text == "published" else text).split(",")]
    except ValueError:
        shares = []
    if len(shares) != 3 or not all(0 < share < float("inf") for share in shares):
        raise ConfigError(f"tier_shares is {text!r}; expected three positive numbers: primary,medium,coordinated")
    total = sum(shares)
    return shares[0] / total, shares[1] / total, shares[2] / total


def balance_tiers(
    documents: Sequence[ScoredDocument], shares: Sequence[float], seed: int
) -> tuple[list[ScoredDocument], int]:
    """Draw the largest set whose tiers have the given shares.

    Args:
        documents: Scored documents with a ``tier``.
        shares: Target share per tier in the order primary, medium, coordinated; positive, summing to 1.
        seed: Seed of the draw.

    Returns:
        The kept documents in their old order, and how many were left out. A tier without any document cannot be
        filled: it is warned about and the other shares keep their proportion.
    """
    by_tier: dict[str, list[int]] = {tier: [] for tier in TIERS}
    for index, document in enumerate(documents):
        by_tier[document.metadata["tier"]].append(index)
    present = {tier: share for tier, share in zip(TIERS, shares) if by_tier[tier]}
    for tier in sorted(set(TIERS) - set(present)):
        logger.warning("no %s document: the %s share stays empty and the weights cannot make up for it", tier, tier)
    total = min((len(by_tier[tier]) / share for tier, share in present.items()), default=0.0)
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    for tier, share in present.items():
        wanted = min(len(by_tier[tier]), round(total * share))
        kept.extend(rng.permutation(by_tier[tier])[:wanted].tolist())
    _warn_of_the_scarce(documents, {tier: len(by_tier[tier]) for tier in present}, present, len(kept))
    return [documents[index] for index in sorted(kept)], len(documents) - len(kept)


def _warn_of_the_scarce(
    documents: Sequence[ScoredDocument], sizes: Mapping[Tier, int], shares: Mapping[Tier, float], kept: int
) -> None:
    """Say which tier sets the size where a tenth or more has to go, and what weighting all rows would do instead."""
    if kept >= 0.9 * len(documents):
        return
    scarce = min(sizes, key=lambda tier: sizes[tier] / shares[tier])
    words = [max(1, len(document.text.split())) for document in documents]
    axes = ([d.authority_weight for d in documents], [d.provenance_entropy for d in documents])
    weighted = example_weights(*axes, words) * words
    share = sum(w for w, d in zip(weighted, documents) if d.metadata["tier"] == scarce) / weighted.sum()
    logger.warning(
        "%d %s documents fill the share of %.0f %% of only %d rows, so %d rows are left out; "
        "without tier_shares all stay and the default weights give %s %.0f %% of the training signal",
        sizes[scarce], scarce, 100 * shares[scarce], kept, len(documents) - kept, scarce, 100 * share,
    )  # fmt: skip


def split_by_origin(
    documents: Sequence[ScoredDocument], valid_share: float, seed: int
) -> tuple[list[ScoredDocument], list[ScoredDocument]]:
    """Split into (train, valid) so that no origin is in both.

    A document that names ``train`` or ``valid`` (``split_of``) goes there, and the others of its origin with it; to
    ``train`` where they name both. Of the rest, within each tier, whole origins go to ``valid`` in an order drawn from
    the seed until the tier's share is reached; one that would overshoot by more than it helps stays in ``train``.

    Args:
        documents: Scored documents with a ``tier``.
        valid_share: Target share of held-out documents, 0 to 0.5.
        seed: Seed of the order.
    """
    origins = origins_of(documents)
    given = [split_of(document.metadata) for document in documents]
    sides = {origin: side for wanted in ("valid", "train") for origin, side in zip(origins, given) if side == wanted}
    free = [(document, origin) for document, origin in zip(documents, origins) if origin not in sides]
    sides.update(dict.fromkeys(_held_out(free, valid_share, seed), "valid"))
    parts: dict[str, list[ScoredDocument]] = {"train": [], "valid": []}
    for document, origin, side in zip(documents, origins, given):
        parts[side if side in ("train", "valid") else sides.get(origin, "train")].append(document)
    return parts["train"], parts["valid"]


def _held_out(documents: Sequence[tuple[ScoredDocument, str]], valid_share: float, seed: int) -> set[str]:
    """Origins to hold out of documents with their origins."""
    tier_of_origin: dict[str, str] = {}
    sizes: dict[str, Counter[str]] = {tier: Counter() for tier in TIERS}
    for document, origin in documents:
        sizes[tier_of_origin.setdefault(origin, document.metadata["tier"])][origin] += 1
    held_out: set[str] = set()
    for origin_sizes in sizes.values():
        missing = valid_share * origin_sizes.total()
        for origin in sorted(origin_sizes, key=lambda name: _draw(seed, name)):
            if 0 < origin_sizes[origin] < 2 * missing:
                held_out.add(origin)
                missing -= origin_sizes[origin]
    if valid_share * len(documents) >= 1 and not held_out and len(tier_of_origin) < len(documents):
        logger.warning(
            "no row is held out: %d rows are of %d origins (%s) and each is too large for a share of %g",
            len(documents), len(tier_of_origin), ", ".join(ORIGIN_COLUMNS), valid_share,
        )  # fmt: skip
    return held_out


def _draw(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}:{name}".encode("utf-8", "replace"), digest_size=16).digest()
