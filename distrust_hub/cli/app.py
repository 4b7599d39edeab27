"""Open the browser app: score text, and talk to a model with or without an adapter."""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress

from distrust_hub.cli.output import note
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
    note("starting the app ...")
    from distrust_hub.app.conversation import ChatService
    from distrust_hub.app.ui import build_app, launch_app

    with ChatService(args.model, args.adapter_path, local=_is_loopback(args.host)) as chat:
        launch_app(build_app(chat), host=args.host, port=args.port)
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{value} is not a port; expected 1 to 65535")
    return value
