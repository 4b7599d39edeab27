"""Activation, attention and LoRA layers for training on the CPU: NumPy's vectorised ``exp``, and less memory.

MLX's CPU backend computes ``exp`` one value at a time: 14 ns each where NumPy needs 0.5 (x86-64, measured), and these
two operations are then more than half of a step. Matrix products stay in MLX. The results are float32 either way and
agree to rounding; on Metal and CUDA nothing here is used.

NumPy needs values, so graphs are evaluated while they are being differentiated, and MLX then keeps every array on the
way, forwards and backwards. So the arrays that layers exchange are copied out of the graph (``apart``, ``_cut``): a
block keeps the inputs and results of its layers, and a checkpointed one its own input only.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from distrust_hub.models.runtime import mx, nn, on_cpu, tree_flatten, tree_map, tree_unflatten

from mlx_lm.models import activations, base  # isort: skip  (after the runtime has prepared MLX)
from mlx_lm.tuner import lora  # isort: skip

_ARRAY = object()
"""Stands where an array was."""

_LORA_CALL, _NORM_CALL = lora.LoRALinear.__call__, nn.RMSNorm.__call__


@contextlib.contextmanager
def fast_cpu_ops(model: nn.Module) -> Iterator[None]:
    """Let the layers of an mlx-lm model use the functions below while the context is open.

    mlx-lm's model files call ``swiglu`` and ``scaled_dot_product_attention`` by their global names; these are replaced
    in the files this model comes from, as is what a LoRA layer does, and put back at the end. Without effect where MLX
    does not compute on the CPU.
    """
    replacements = (
        ("swiglu", activations.swiglu, swiglu),
        ("scaled_dot_product_attention", base.scaled_dot_product_attention, attention),
        ("__call__", _LORA_CALL, lora_linear),
        ("__call__", _NORM_CALL, rms_norm),
    )
    files = {sys.modules[type(module).__module__] for _, module in model.named_modules()}
    changed = [(kind, "__call__", kind.__call__) for kind in {type(block) for block in model.layers} if on_cpu()]
    for kind, name, original in changed:
        setattr(kind, name, _with_cut(original))
    try:
        for place in (*files, lora.LoRALinear, nn.RMSNorm) if on_cpu() else ():
            for name, original, ours in replacements:
                if getattr(place, name, None) is original:
                    setattr(place, name, ours)
                    changed.append((place, name, original))
        yield
    finally:
        for place, name, original in changed:
            setattr(place, name, original)


def apart(function: Callable[..., Any], *arrays: Any) -> Any:
    """``function(*arrays)``, an array or a list of them, evaluated at once and differentiable in all of ``arrays``.

    Nothing it computes on the way is kept; the backward pass computes again what it needs, of a linear layer nothing.
    """

    def forward(*inputs: Any) -> Any:
        out = function(*_copies(inputs))
        mx.eval(out)
        return out

    def backward(primals: Any, cotangents: Any, outputs: Any) -> Any:
        slopes = mx.vjp(function, _copies(_listed(primals)), _copies(_listed(cotangents)))[1]
        return tuple(_copies(slopes))

    run: Any = mx.custom_function(forward)
    run.vjp(backward)
    return run(*arrays)


def checkpointed(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call``, the ``__call__`` of a block, keeping its inputs only: the backward pass computes the rest again.

    MLX's own checkpoints keep everything as soon as something inside is evaluated. Some models hand their blocks more
    than the states of the block below, such as keys and values of an earlier one: all are differentiated.
    """

    def run(block: nn.Module, *args: Any, **kwargs: Any) -> Any:
        trained = block.trainable_parameters()
        names = [name for name, _ in tree_flatten(trained)]
        given: list[Any] = []
        tree_map(lambda leaf: given.append(leaf) if _is_float(leaf) else None, [args, kwargs])
        noise: Any = mx.random.randint(0, 2**31 - 1).item()  # dropout drops the same values both times
        form: list[Any] = []  # of what the block returns, without its arrays: they would keep all they were made of

        def function(*values: Any) -> Any:
            mx.random.seed(noise)
            block.update(tree_unflatten(list(zip(names, values[len(given) :]))))
            inputs, kwinputs = _filled((args, kwargs), _is_float, values)
            found = [call(block, *inputs, **kwinputs)]
            form[:] = tree_map(lambda leaf: _ARRAY if isinstance(leaf, mx.array) else leaf, found)
            return [leaf for _, leaf in tree_flatten(found) if isinstance(leaf, mx.array)]

        try:
            arrays = apart(function, *given, *(value for _, value in tree_flatten(trained)))
        finally:
            block.update(trained)
        return _filled(form[0], lambda leaf: leaf is _ARRAY, _listed(arrays))

    return run


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, mx.array) and mx.issubdtype(leaf.dtype, mx.floating)


def _filled(tree: Any, wanted: Callable[[Any], bool], values: Sequence[Any]) -> Any:
    """A tree with its wanted leaves replaced by values, in order."""
    following = iter(values)
    return tree_map(lambda leaf: next(following) if wanted(leaf) else leaf, tree)


def _listed(arrays: Any) -> list[Any]:
    """MLX hands a function of one array that array, and one of several a list."""
    return [arrays] if isinstance(arrays, mx.array) else list(arrays)


def _with_cut(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call``, the ``__call__`` of a block, with the gradient of its states copied out of the graph."""

    def run(block: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if args:
            return call(block, _cut(args[0]), *args[1:], **kwargs)
        first = next(iter(kwargs))  # GPT-J names them
        return call(block, **{**kwargs, first: _cut(kwargs[first])})

    return run


@mx.custom_function
def _cut(x: Any) -> Any:
    return x


@_cut.vjp
def _cut_vjp(primal: Any, cotangent: Any, output: Any) -> Any:
    return _copies([cotangent])[0]


def _copies(arrays: Sequence[Any]) -> list[Any]:
    """The same values as arrays that are no part of a graph."""
    return [mx.array(view) for view in _views(*arrays)]


def lora_linear(layer: lora.LoRALinear, x: Any) -> Any:
    """What a float32 LoRA layer without dropout gives; anything else goes to mlx-lm's method."""
    if x.dtype != mx.float32 or layer.dropout._p_1 < 1.0:
        return _LORA_CALL(layer, x)

    def function(x: Any, a: Any, b: Any) -> Any:
        return mx.addmm(layer.linear(x), layer.scale * (x @ a), b)

    return apart(function, x, layer.lora_a, layer.lora_b)


def swiglu(gate: Any, x: Any) -> Any:
    """``gate * sigmoid(gate) * x`` for float32 arrays of one shape; anything else goes to mlx-lm's function."""
    if gate.dtype != mx.float32 or x.dtype != mx.float32:
        return activations.swiglu(gate, x)
    return _swiglu(gate, x)


@mx.custom_function
def _swiglu(gate: Any, x: Any) -> Any:
    g, up = _views(gate, x)
    out = _sigmoid(g)
    out *= g
    out *= up
    return mx.array(out)


@_swiglu.vjp
def _swiglu_vjp(primals: Any, cotangent: Any, output: Any) -> Any:
    g, up, c = _views(*primals, cotangent)
    sigmoid = _sigmoid(g)
    silu = sigmoid * g
    slope = sigmoid * (1.0 + g - silu)  # derivative of g * sigmoid(g)
    slope *= up
    slope *= c
    silu *= c
    return mx.array(slope), mx.array(silu)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    out = np.negative(x)
    with np.errstate(over="ignore"):  # exp(-x) is infinite below -88, where the sigmoid is 0
        np.exp(out, out=out)
    out += 1.0
    return np.reciprocal(out, out=out)


def rms_norm(layer: nn.RMSNorm, x: Any) -> Any:
    """What a norm gives, its weight taken as frozen."""
    return apart(functools.partial(_NORM_CALL, layer), x)


def attention(queries: Any, keys: Any, values: Any, cache: Any, scale: float, mask: Any, sinks: Any = None) -> Any:
    """Causal attention of float32 sequences; anything else goes to mlx-lm's function.

    Args:
        queries: Shape (B, H, T, D).
        keys, values: Shape (B, K, S, D), K a divisor of H; S >= T where a cache has put earlier positions before.
        cache: Key-value cache, None in training; a quantised one goes to mlx-lm's function.
        scale: Factor of the scores.
        mask: ``"causal"`` for the fast way.
        sinks: Attention sinks; None for the fast way.
    """
    if hasattr(cache, "bits") or sinks is not None or not isinstance(mask, str) or queries.dtype != mx.float32:
        return base.scaled_dot_product_attention(queries, keys, values, cache, scale, mask, sinks)
    return apart(functools.partial(_attention, scale), queries, keys, values)


def _attention(scale: float, queries: Any, keys: Any, values: Any) -> Any:
    batch, heads, length, width = queries.shape
    groups = keys.shape[1]
    stacked = (queries * scale).reshape(batch, groups, -1, width)  # heads of one group share keys: one product
    scores = (stacked @ keys.swapaxes(-1, -2)).reshape(batch, heads, length, -1)
    chances: Any = _causal_softmax(scores)
    return (chances.reshape(batch, groups, heads // groups * length, -1) @ values).reshape(batch, heads, length, -1)


@mx.custom_function
def _causal_softmax(scores: Any) -> Any:
    (values,) = _views(scores)
    out = values + _causal_mask(*values.shape[-2:])
    out -= out.max(axis=-1, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=-1, keepdims=True)
    return mx.array(out)


@_causal_softmax.vjp
def _causal_softmax_vjp(primals: Any, cotangent: Any, output: Any) -> Any:
    chances, slope = _views(output, cotangent)
    inner = np.einsum("...i,...i->...", chances, slope)[..., None]
    out = slope - inner
    out *= chances
    return mx.array(out)


@functools.lru_cache(maxsize=4)
def _causal_mask(queries: int, keys: int) -> np.ndarray:
    """0 where a query may look and minus infinity where it may not, shape (T, S); queries are the last positions."""
    return np.triu(np.full((queries, keys), -np.inf, dtype=np.float32), k=1 + keys - queries)


def _views(*arrays: Any) -> list[np.ndarray]:
    """Evaluate arrays and look at them from NumPy without a copy."""
    mx.eval(*arrays)
    return [np.array(array, copy=False) for array in arrays]
