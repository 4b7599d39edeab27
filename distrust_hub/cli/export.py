"""Convert an adapter to PEFT's or mlx-lm's format, or fuse it into a full model."""

from __future__ import annotations

import argparse
from pathlib import Path

from distrust_hub.cli.output import command, next_steps
from distrust_hub.errors import OutputExistsError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("adapter", metavar="DIR", help="adapter: folder or Hub id [@revision]")
    parser.add_argument("--to", choices=("peft", "mlx", "fused"), required=True, help="what to write")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="folder to write; must not exist")
    parser.add_argument("--q-bits", type=int, choices=(2, 3, 4, 5, 6, 8), help="fused: quantise to bits per weight")
    parser.add_argument("--q-group-size", type=int, choices=(32, 64, 128), help="weights per scale (default: 64)")
    parser.add_argument(
        "--model", metavar="M", help="base model to check against and fuse into (default: the adapter's)"
    )


def run(args: argparse.Namespace) -> int | None:
    """Verify, convert, and print the folder written."""
    out = Path(args.output)
    if out.exists():
        raise OutputExistsError(f"{out}: already exists; choose another folder or remove it")
    if (args.q_bits and args.to != "fused") or (args.q_group_size and not args.q_bits):
        raise UsageError("--q-bits is for --to fused, and --q-group-size for --q-bits")
    if args.to == "fused":
        from distrust_hub.adapters.fuse import fuse_adapter

        quantize = {"quantize_bits": args.q_bits, "quantize_group_size": args.q_group_size or 64}
        fuse_adapter(args.adapter, args.model, out, **quantize)
        steps = [command("chat", "--model", out)]
    else:
        _convert(args, out)
        steps = [command("chat", "--adapter-path", out), command("export", out, "--to", "fused", "-o", f"{out}-fused")]
    print(out)
    next_steps(*steps)
    return None


def _convert(args: argparse.Namespace, out: Path) -> None:
    from distrust_hub.adapters.folder import read_adapter
    from distrust_hub.adapters.locate import locate_adapter
    from distrust_hub.adapters.mlx_format import write_adapter
    from distrust_hub.adapters.peft_format import save_peft
    from distrust_hub.adapters.verify import verify_adapter
    from distrust_hub.models.cache import build_folder
    from distrust_hub.models.resolve import resolve_base

    folder = locate_adapter(args.adapter)
    verify_adapter(folder, resolve_base(args.model) if args.model else None)
    with build_folder(out) as temporary:
        (save_peft if args.to == "peft" else write_adapter)(temporary, *read_adapter(folder))
