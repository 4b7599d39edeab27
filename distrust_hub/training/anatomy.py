"""Running a part of an mlx-lm model: up to its hidden states, from them on, or without some of its blocks.

Model files differ in what they call their parts and in what they do around them: scaled embeddings, capped logits,
wrappers for other modalities. So a part is found by where the blocks are, and run by running the model itself with
stand-ins for the rest; that this gives what the whole model gives is tried before it is relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from distrust_hub.models.runtime import mx, nn
from distrust_hub.training.parallel import replica, small_products

Head = Callable[[Any], Any]
"""From hidden states (m, D) to logits (m, V)."""

PROBE = [[0, 1, 2, 3] * 2]
"""Token ids that every model has, for trying a model out."""

_TOLERANCE, _TOLERANCE_16_BIT = 1e-4, 2e-2
"""Largest relative distance of two ways to compute the same thing (our choice)."""

UNLIKE = (TypeError, ValueError, AttributeError, LookupError, RuntimeError)
"""What a model raises that is not built as expected."""


class StandIn:
    """Takes the place of a module, with its attributes (which models ask for the kind of attention)."""

    def __init__(self, module: nn.Module, run: Callable[..., Any]) -> None:
        self._module, self._run = module, run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._run(*args, **kwargs)


class _Reached(Exception):
    """Ends a forward pass at the place whose value was wanted."""

    def __init__(self, value: Any) -> None:
        self.value = value


def stop_before(states: Any, *args: Any, **kwargs: Any) -> Any:
    """The call of a block in whose place a forward pass ends with the states that would enter it."""
    raise _Reached(states)


def block_paths(model: nn.Module) -> list[str]:
    """Where the blocks are, such as ``model.layers.3``; empty where they are not listed in the model."""
    names = {id(module): name for name, module in model.named_modules()}
    return [names[id(block)] for block in getattr(model, "layers", ()) if id(block) in names]


def is_called(model: nn.Module, path: str) -> bool:
    """Whether a model calls one of its modules when it is given token ids, and not for another modality only."""
    part = replica(model)
    _replace(part, path, stop_before)
    try:
        part(mx.array(PROBE))
    except _Reached:
        return True
    return False


class Body:
    """The part of a model that makes hidden states of token ids; what it does with them then is its head.

    Args:
        model: mlx-lm model.

    Attributes:
        path: Where the body is, such as ``model``; None where it cannot be told from the head. Then the body is the
            whole model, its states are logits, and the head returns them.
    """

    def __init__(self, model: nn.Module) -> None:
        with small_products():
            self.path = next((path for path in _holders(model) if _is_body(model, path)), None)

    def states(self, model: nn.Module, tokens: Any, calls: Mapping[str, Callable[..., Any]] | None = None) -> Any:
        """Hidden states, shape (B, T, D), or what ``stop_before`` stopped at; the head is not run.

        Args:
            model: The model or a replica.
            tokens: Token ids, shape (B, T).
            calls: {path of a block: what is called in its place}.
        """
        return _run(model, self.path, tokens, calls or {})

    def head(self, model: nn.Module) -> Head:
        """What the model does with the hidden states of single tokens."""
        return _copy if self.path is None else _head(model, self.path)


def _run(model: nn.Module, path: str | None, tokens: Any, calls: Mapping[str, Callable[..., Any]]) -> Any:
    part = replica(model)
    for place, call in calls.items():
        _replace(part, place, call)
    if path is not None:
        body = _at(part, path)

        def run(*args: Any, **kwargs: Any) -> Any:
            raise _Reached(body(*args, **kwargs))

        _replace(part, path, run)
    try:
        logits = part(tokens)
    except _Reached as reached:
        return reached.value
    if path is not None:
        raise LookupError(f"{type(model).__module__} does not call {path}")
    return logits


def _head(model: nn.Module, path: str) -> Head:
    given: list[Any] = []
    part = replica(model)
    _replace(part, path, lambda *args, **kwargs: given.pop())

    def head(rows: Any) -> Any:
        given.append(rows[None])
        return part(mx.zeros((1, len(rows)), dtype=mx.int32)).reshape(len(rows), -1)

    return head


def _copy(logits: Any) -> Any:
    """The head for states that are logits already; a new array, since it is changed in place."""
    return logits + 0.0


def _holders(model: nn.Module) -> Iterator[str]:
    """Paths of the modules that hold the blocks, the innermost first; without the model itself."""
    path = next(iter(block_paths(model)), "")
    while path := path.rpartition(".")[0]:
        if isinstance(_at(model, path), nn.Module):
            yield path


def _is_body(model: nn.Module, path: str) -> bool:
    """Whether head after body is the model, and the head treats each token alone, tried on a few tokens."""
    probe = mx.array(PROBE)
    try:
        logits, states = model(probe)[0], _run(model, path, probe, {})[0]
        head = _head(model, path)
        found, some = head(states), head(states[::-3])
        return states.shape != logits.shape and same(found, logits) and same(some, logits[::-3])
    except UNLIKE:
        return False


def same(one: Any, other: Any) -> bool:
    """Whether two arrays agree up to rounding; never where a value is not finite."""
    if one.shape != other.shape:
        return False
    tolerance = _TOLERANCE if other.dtype == mx.float32 else _TOLERANCE_16_BIT
    one, other = one.astype(mx.float32), other.astype(mx.float32)
    return bool((mx.linalg.norm(one - other) <= tolerance * mx.linalg.norm(other)).item())


def _at(model: nn.Module, path: str) -> Any:
    node: Any = model
    for name in path.split(".") if path else ():
        node = node[int(name)] if isinstance(node, list) else node[name]
    return node


def _replace(model: nn.Module, path: str, call: Callable[..., Any]) -> None:
    """Put a stand-in with that call where a module is."""
    parent, _, name = path.rpartition(".")
    node = _at(model, parent)
    key: Any = int(name) if isinstance(node, list) else name
    node[key] = StandIn(node[key], call)
