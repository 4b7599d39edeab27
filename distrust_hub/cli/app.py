"""Open the browser app: score text, and talk to a model with or without an adapter."""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
from pathlib import Path

from distrust_hub.cli.output import status
from distrust_hub.errors import MissingDependencyError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``distrust-hub app``."""
    parser.add_argument("--host", default="127.0.0.1", metavar="HOST", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, metavar="N", help="port to listen on (default: the first free from 7860)")
    parser.add_argument("--model", metavar="M", help="base model of the Chat tab: Hub id, folder or .gguf file")
    parser.add_argument("--adapter-path", metavar="A", help="adapter of the Chat tab: Hub id or folder")


def run(args: argparse.Namespace) -> int | None:
    """Serve the app until Ctrl-C."""
    if importlib.util.find_spec("gradio") is None:
        raise MissingDependencyError("gradio", "app", "the app")
    _check_local(args.model, args.adapter_path)
    status("starting the app ...")
    from distrust_hub.app.conversation import ChatService
    from distrust_hub.app.ui import build_app, launch_app

    with ChatService(args.model, args.adapter_path, local=_is_loopback(args.host)) as chat:
        launch_app(build_app(chat), host=args.host, port=args.port)
    return None


def _check_local(model: str | None, adapter: str | None) -> None:
    """Refuse at once what is on this machine and cannot be used; a Hub id is fetched when the first visitor asks."""
    from distrust_hub.adapters.folder import locate_adapter
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
