"""Open the browser app: score text, talk to a model with or without an adapter, and find published adapters."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import ipaddress
from pathlib import Path

from distrust_hub.cli.options import add_config_arguments, config_from_args
from distrust_hub.cli.output import next_steps, note, status
from distrust_hub.errors import MissingDependencyError, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``distrust-hub app``."""
    from distrust_hub.app.limits import Limits

    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, metavar="N", help="port to listen on (default: the first free from 7860)")
    parser.add_argument("--model", metavar="M", help="base model of the Chat tab: Hub id, folder or .gguf file")
    parser.add_argument("--adapter-path", metavar="A", help="adapter of the Chat tab: Hub id or folder")
    parser.add_argument("--share", action="store_true", help="make a public link through gradio's servers")
    parser.add_argument(
        "--auth-file", metavar="FILE", help="name:password lines of who may use it (or DISTRUST_HUB_APP_AUTH)"
    )
    parser.add_argument("--mcp", action="store_true", help="offer scoring, and nothing else, as an MCP tool")
    parser.add_argument("--root-path", metavar="PATH", help="path behind a reverse proxy, such as /distrust")
    parser.add_argument("--push-space", metavar="REPO_ID", help="create or update a Space that runs it, and stop")
    parser.add_argument("--zero-gpu", action="store_true", help="with --push-space: for ZeroGPU, with PyTorch")
    parser.add_argument(
        "--private", action="store_true", help="with --push-space: private if it is created; refuse a public one"
    )
    parser.add_argument("--dry-run", action="store_true", help="with --push-space: all but the commit; list the files")
    add_config_arguments(parser.add_argument_group("limits for each visitor"), Limits)


def run(args: argparse.Namespace) -> int | None:
    """Serve the app until Ctrl-C, or publish it."""
    from distrust_hub.app.limits import Limits

    if args.push_space:
        here = ("port", "share", "auth_file", "mcp", "root_path", *(entry.name for entry in dataclasses.fields(Limits)))
        if unused := [name for name in here if getattr(args, name, None)]:
            option = unused[0].replace("_", "-")
            raise UsageError(f"--{option} is for an app on this machine and would not hold in the Space; leave it out")
        _push(args)
        return None
    if unused := [name for name in ("zero_gpu", "private", "dry_run") if getattr(args, name)]:
        raise UsageError(f"--{unused[0].replace('_', '-')} is for --push-space; give --push-space REPO_ID too")
    from distrust_hub.app.auth import read_credentials

    if importlib.util.find_spec("gradio") is None:
        raise MissingDependencyError("gradio", "app", "the app")
    if args.mcp and importlib.util.find_spec("mcp") is None:
        raise MissingDependencyError("mcp", "mcp", "--mcp")
    limits, auth = config_from_args(Limits, args), read_credentials(args.auth_file)
    if args.mcp and auth:
        raise UsageError("--mcp cannot ask for names and passwords; leave them out, or run a second app for it")
    _check_local(args.model, args.adapter_path)
    status("starting the app ...")
    from distrust_hub.app.conversation import ChatService
    from distrust_hub.app.ui import build_app, launch_app

    local = _is_loopback(args.host) and not args.share
    with ChatService(args.model, args.adapter_path, local=local, limits=limits) as chat:
        launch_app(
            build_app(chat),
            host=args.host,
            port=args.port,
            share=args.share,
            auth=auth,
            mcp_server=args.mcp,
            root_path=args.root_path,
            max_file_size=limits.upload_bytes,
        )
    return None


def _push(args: argparse.Namespace) -> None:
    from distrust_hub.app.deploy import push_space

    url, files = push_space(
        args.push_space,
        model=args.model,
        adapter=args.adapter_path,
        zero_gpu=args.zero_gpu,
        private=args.private,
        dry_run=args.dry_run,
    )
    print("\n".join(files) if args.dry_run else url)
    if args.dry_run:
        note(f"dry run: nothing was written to {url}")
    elif args.zero_gpu:
        next_steps(f"open {url}/settings and choose the hardware ZeroGPU")


def _check_local(model: str | None, adapter: str | None) -> None:
    """Refuse at once what is on this machine and cannot be used; a Hub id is fetched when the first visitor asks."""
    from distrust_hub.adapters.locate import locate_adapter
    from distrust_hub.adapters.verify import verify_adapter
    from distrust_hub.hub.client import is_repo_id, split_revision
    from distrust_hub.models.resolve import resolve_base

    if model and (Path(model).exists() or not is_repo_id(model)):
        resolve_base(model)
    if adapter and (Path(adapter).exists() or not is_repo_id(split_revision(adapter)[0])):
        verify_adapter(locate_adapter(adapter))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; expected 1 to 65535") from None
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{value} is not a port; expected 1 to 65535")
    return value
