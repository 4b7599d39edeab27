"""Rows encoded by several ranks, a share of them each, and exchanged: every rank then has the items of all."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from distrust_hub.training.examples import Example, Item, Pair, Scores
from distrust_hub.training.ranks import Ranks
from distrust_hub.training.rows import Row

_SHARE = 16
"""Rows that each rank encodes between two exchanges (our choice): few enough to be held beside a block."""


def encode_rows(
    rows: Iterable[tuple[int, Row]], encode: Callable[[int, Row], Sequence[Item]], ranks: Ranks
) -> Iterator[tuple[int, Sequence[Item]]]:
    """Number and items of each row, in order; every rank must go through the same rows.

    Args:
        rows: Rows with their numbers.
        encode: Number of a row and the row to its items.
        ranks: This process among those of the run; a single one encodes every row, when it is asked for.
    """
    if ranks.size == 1:
        yield from ((number, encode(number, row)) for number, row in rows)
        return
    left = iter(rows)
    while some := list(itertools.islice(left, _SHARE * ranks.size)):
        mine = [[_to_json(item) for item in encode(number, row)] for number, row in ranks.share(some)]
        found = [json.loads(share) for share in ranks.gather(json.dumps(mine).encode())]
        for i, (number, _) in enumerate(some):
            yield number, [_from_json(item) for item in found[i % ranks.size][i // ranks.size]]


def _to_json(item: Item) -> Any:
    if isinstance(item, Pair):
        return {"chosen": _to_json(item.chosen), "rejected": _to_json(item.rejected)}
    scores = None if item.scores is None else list(vars(item.scores).values())
    return [item.ids.tolist(), item.start, item.row_id, scores]


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return Pair(_from_json(value["chosen"]), _from_json(value["rejected"]))
    ids, start, row_id, scores = value
    return Example(np.array(ids, dtype=np.int32), start, row_id, None if scores is None else Scores(*scores))
