"""Talk to a model, with or without an adapter: one answer with --prompt, else a conversation."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from distrust_hub.cli.options import positive_int, seed_int
from distrust_hub.cli.output import note, status

if TYPE_CHECKING:
    from distrust_hub.chat.engine import ChatEngine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--model", metavar="M", help="base model: Hub id, folder or .gguf (default: the adapter's)")
    parser.add_argument("--adapter-path", metavar="A", help="adapter: folder or Hub id [@revision]")
    parser.add_argument("--prompt", metavar="TEXT", help="answer this and leave")
    parser.add_argument("--system", metavar="TEXT", help="system message at the start of the conversation")
    parser.add_argument(
        "--max-tokens", metavar="N", type=positive_int, default=256, help="longest answer (default: 256)"
    )
    parser.add_argument("--temperature", metavar="X", type=float, default=0.0, help="0 is greedy (default: 0)")
    parser.add_argument("--seed", metavar="N", type=seed_int, default=0, help="seed of the sampling (default: 0)")


def run(args: argparse.Namespace) -> int | None:
    """Load, then answer once or converse until the input ends."""
    from distrust_hub.adapters.folder import read_adapter, resolve_adapter_base
    from distrust_hub.adapters.locate import locate_adapter
    from distrust_hub.chat.backends import MlxBackend
    from distrust_hub.chat.engine import ChatEngine
    from distrust_hub.models.registry import default_model
    from distrust_hub.models.resolve import resolve_base

    adapter = locate_adapter(args.adapter_path) if args.adapter_path else None
    if adapter is None:
        base = resolve_base(args.model or default_model())
    else:
        base = resolve_adapter_base(read_adapter(adapter)[0], args.model, args.adapter_path)
    with ChatEngine(MlxBackend(base)) as engine:
        status(f"loading {base.id or base.path.name} ...")
        engine.wait_until_loaded()
        history = [{"role": "system", "content": args.system}] if args.system else []
        if args.prompt is not None:
            _answer(engine, [*history, {"role": "user", "content": args.prompt}], args, adapter)
        else:
            _converse(engine, history, args, adapter)
    return None


def _answer(engine: ChatEngine, messages: list[dict[str, str]], args: argparse.Namespace, adapter: Path | None) -> str:
    reply = engine.stream(
        messages,
        adapter,
        max_tokens=args.max_tokens,
        temperature=args.temperature,
        seed=args.seed,
    )
    pieces = []
    for piece in reply:
        print(piece, end="", flush=True)
        pieces.append(piece)
    print(flush=True)
    return "".join(pieces)


def _converse(
    engine: ChatEngine, history: list[dict[str, str]], args: argparse.Namespace, adapter: Path | None
) -> None:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - gives input() line editing and history

    note("ctrl-D leaves, ctrl-C stops an answer")
    while True:
        try:
            text = input("> " if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            note("")
            return
        if not text:
            continue
        history.append({"role": "user", "content": text})
        try:
            history.append({"role": "assistant", "content": _answer(engine, history, args, adapter)})
        except KeyboardInterrupt:
            history.pop()
            note("\nstopped")
