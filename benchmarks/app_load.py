"""Twenty visitors at once: how long a score takes in the app beside a Gradio handler that does nothing.

    python benchmarks/app_load.py [--visitors 20] [--requests 10] [--json FILE]

One server process runs the app and, in the same page, a handler that returns a constant. Every visitor sends texts of
2,000 characters one after the other, in the way a browser does, to one handler and then to the other, in turns.
Figures are seconds from sending to the complete answer; what counts is their ratio. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

CHARACTERS = 2_000
ROUNDS = 3
WORDS = (
    "14 March {n}. I weighed the second crucible, 12.418 g, on the balance. According to the Ministry, studies show "
    "that the programme has delivered benefits. My dear Agnes, I walked up to the north field and counted the ewes. "
)


@dataclass(frozen=True)
class Handler:
    """One event of the page: its number, and what a visitor sends to it."""

    index: int
    inputs: int

    def payload(self, text: str) -> list[Any]:
        """The text, and nothing in the other fields."""
        return [text, *[""] * (self.inputs - 1)]


def text_of(number: int) -> str:
    """A text of CHARACTERS characters; different numbers give different texts."""
    return (WORDS.format(n=1900 + number % 100) * 20)[:CHARACTERS]


def send(port: int, handler: Handler, text: str) -> list[Any]:
    """Queue one request as a browser does and wait for its result.

    Raises:
        RuntimeError: If the server refuses it or ends the stream without a result.
    """
    session = secrets.token_hex(6)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        body = {"data": handler.payload(text), "fn_index": handler.index, "session_hash": session}
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/gradio_api/queue/join", json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"queue/join answered {response.status}: {answer[:200]!r}")
        connection.request("GET", f"/gradio_api/queue/data?session_hash={session}")
        for line in connection.getresponse():
            if not line.startswith(b"data:"):
                continue
            message = json.loads(line[5:])
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise RuntimeError(f"the handler failed: {message['output']}")
                return list(message["output"]["data"])
    raise RuntimeError("the stream ended without a result")


def load(port: int, handler: Handler, visitors: int, requests: int) -> list[float]:
    """Seconds of every request; ``visitors`` at once, each sending ``requests`` one after the other."""

    def visit(number: int) -> list[float]:
        times = []
        for turn in range(requests):
            start = time.perf_counter()
            send(port, handler, text_of(number * requests + turn))
            times.append(time.perf_counter() - start)
        return times

    with ThreadPoolExecutor(visitors) as pool:
        return [seconds for times in pool.map(visit, range(visitors)) for seconds in times]


def serve(port: int) -> None:
    """The app with the empty handler beside it, until the process is ended."""
    import gradio as gr

    from distrust_hub.app.ui import build_app, launch_app

    demo = build_app()
    with demo:
        gr.api(_nothing, api_name="nothing", concurrency_limit=4)
    launch_app(demo, host="127.0.0.1", port=port)


def _nothing(text: str) -> str:
    return "nothing"


@contextlib.contextmanager
def served() -> Iterator[int]:
    """The port of a server process, while the context is open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, __file__, "--serve", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.2)
        else:
            raise RuntimeError("the server did not start")
        yield port
    finally:
        process.terminate()
        process.wait()


def handlers(port: int) -> dict[str, Handler]:
    """The public function, the page's own event on typing, and the empty one, from the page's description."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", "/config")
        events = json.loads(connection.getresponse().read())["dependencies"]
    named = {event["api_name"]: event for event in events}
    typing = next(event for event in events if len(event["targets"]) == 5 and event["targets"][0][1] == "change")
    found = {"nothing": named.get("nothing"), "score, page": typing, "score, function": named["score"]}
    return {name: Handler(event["id"], len(event["inputs"])) for name, event in found.items() if event}


def measure(visitors: int, requests: int) -> dict[str, Any]:
    """All figures with the machine they belong to."""
    times: dict[str, list[float]] = {}
    with served() as port:
        found = handlers(port)
        for handler in found.values():
            send(port, handler, text_of(0))
        for _ in range(ROUNDS):
            for name, handler in found.items():
                times.setdefault(name, []).extend(load(port, handler, visitors, requests))
    result: dict[str, Any] = {"visitors": visitors, "requests": ROUNDS * visitors * requests, "characters": CHARACTERS}
    for name, seconds in times.items():
        cuts = statistics.quantiles(seconds, n=20)
        result[name] = {"answered": len(seconds), "p50": statistics.median(seconds), "p95": cuts[18]}
    for name in times:
        result[name]["p50_ratio"] = result[name]["p50"] / result["nothing"]["p50"]
        result[name]["p95_ratio"] = result[name]["p95"] / result["nothing"]["p95"]
    return {"machine": platform.processor() or platform.machine(), "load_average": os.getloadavg()[0], **result}


def main() -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--requests", type=int, default=10, help="of each visitor, in each of three rounds")
    parser.add_argument("--json", metavar="FILE", help="write everything here")
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve)
        return
    result = measure(args.visitors, args.requests)
    print(f"{result['visitors']} visitors, {result['requests']} requests a handler, load {result['load_average']:.1f}")
    for name in ("nothing", "score, page", "score, function"):
        entry = result[name]
        times = f"p50 {entry['p50'] * 1000:6.0f} ms  p95 {entry['p95'] * 1000:6.0f} ms"
        ratios = f"{entry['p50_ratio']:.2f} and {entry['p95_ratio']:.2f} times nothing"
        print(f"{name:<16} {times}  {ratios}  ({entry['answered']} answered)")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as stream:
            json.dump(result, stream, indent=2)


if __name__ == "__main__":
    main()
