"""HTTP for the test Hub: requests with a streamed body, responses with bytes or a file, and the Hub's error headers."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

CHUNK_BYTES = 1 << 20


class HubError(Exception):
    """An HTTP error answer.

    Args:
        status: HTTP status code.
        message: sent as ``X-Error-Message`` and in the JSON body.
        code: sent as ``X-Error-Code``; the client maps it to an exception class.
        body: further fields of the JSON body.
        headers: further headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.body = body or {}
        self.headers = headers or {}

    def to_response(self) -> Response:
        headers = {"X-Error-Message": self.message, **self.headers}
        if self.code is not None:
            headers["X-Error-Code"] = self.code
        return Response.json({"error": self.message, **self.body}, status=self.status, headers=headers)


@dataclass
class Request:
    """One HTTP request; ``body`` is read as a stream so that an upload never has to fit in memory."""

    method: str
    target: str
    headers: dict[str, str]
    body: BinaryIO

    @property
    def path(self) -> str:
        """Path as sent, still percent-encoded (a branch name may hold ``%2F``)."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def token(self) -> str | None:
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() or None if scheme.lower() == "bearer" else None

    def flag(self, name: str) -> bool:
        return self.query.get(name, [""])[0].lower() in ("1", "true")

    def first(self, name: str) -> str | None:
        return self.query.get(name, [None])[0]

    def json(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body.read() or b"{}")
        except ValueError:
            raise HubError(400, "Invalid JSON body") from None
        if not isinstance(value, dict):
            raise HubError(400, "Expected a JSON object")
        return value


@dataclass
class Response:
    """An answer: either ``content``, or ``length`` bytes of ``file`` from ``offset``.

    With ``hang_up`` only that share of the body is sent before the connection is closed (0: not even a status); with
    ``pause`` the body goes in ten pieces, that many seconds before each.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    file: Path | None = None
    offset: int = 0
    length: int = 0
    hang_up: float | None = None
    pause: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.content) if self.file is None else self.length

    def open(self) -> BinaryIO:
        """The body as a stream, at its first byte."""
        if self.file is None:
            return io.BytesIO(self.content)
        source = self.file.open("rb")
        source.seek(self.offset)
        return source

    @classmethod
    def json(cls, value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        content = json.dumps(value, default=str).encode()
        return cls(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, content)


Handler = Callable[..., Response]
Route = tuple[str, str, Handler]


def compile_routes(hub: Any, routes: Iterable[Route]) -> Callable[[Request], Response]:
    """Make one function from a route table of (method, pattern, handler).

    Named groups of the pattern reach the handler as keyword arguments, percent-decoded.
    HEAD requests are answered by the GET handler; the body is left out when sending.
    """
    table = [(method, re.compile(pattern), handler) for method, pattern, handler in routes]

    def dispatch(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        for wanted, pattern, handler in table:
            match = pattern.fullmatch(request.path) if wanted == method else None
            if match is not None:
                groups = {name: unquote(value or "") for name, value in match.groupdict().items()}
                return handler(hub, request, **groups)
        raise HubError(404, f"Sorry, we can't find the page you are looking for: {method} {request.path}")

    return dispatch


class _SizedBody(io.RawIOBase):
    """A request body with Content-Length."""

    def __init__(self, source: io.BufferedIOBase, remaining: int):
        self._source = source
        self._remaining = remaining

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(min(len(buffer), self._remaining))
        self._remaining -= len(data)
        buffer[: len(data)] = data
        return len(data)


class _ChunkedBody(io.RawIOBase):
    """A request body with ``Transfer-Encoding: chunked``."""

    def __init__(self, source: io.BufferedIOBase):
        self._source = source
        self._in_chunk = 0
        self._done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._in_chunk == 0 and not self._done:
            self._in_chunk = int(self._source.readline().split(b";")[0].strip() or b"0", 16)
            if self._in_chunk == 0:
                self._done = True
                while self._source.readline() not in (b"\r\n", b"\n", b""):
                    pass
        if self._done:
            return 0
        data = self._source.read(min(len(buffer), self._in_chunk))
        self._in_chunk -= len(data)
        if self._in_chunk == 0:
            self._source.readline()
        buffer[: len(data)] = data
        return len(data)


def make_http_handler(answer: Callable[[Request], Response]) -> type[BaseHTTPRequestHandler]:
    """A request handler class for ``ThreadingHTTPServer`` that passes every request to `answer`."""

    class HubRequestHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            request = self._read_request()
            response = answer(request)
            if response.hang_up == 0.0:
                self._hang_up()
                return
            while request.body.read(CHUNK_BYTES):  # keep-alive: the next request starts after this body
                pass
            self._send(response)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

        def _read_request(self) -> Request:
            headers = {name.lower(): value for name, value in self.headers.items()}
            raw: io.RawIOBase
            if "chunked" in headers.get("transfer-encoding", "").lower():
                raw = _ChunkedBody(self.rfile)
            else:
                raw = _SizedBody(self.rfile, int(headers.get("content-length", 0)))
            return Request(self.command, self.path, headers, io.BufferedReader(raw, CHUNK_BYTES))

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(response.size))
            self.end_headers()
            if self.command == "HEAD":
                return
            piece = max(1, response.size // 10) if response.pause else CHUNK_BYTES
            with response.open() as source:
                body = _SizedBody(source, int(response.size * (1.0 if response.hang_up is None else response.hang_up)))
                while chunk := body.read(piece):
                    time.sleep(response.pause)
                    self.wfile.write(chunk)
            if response.hang_up is not None:
                self._hang_up()

        def _hang_up(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):  # the client was quicker
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: ``HubServer.requests`` is the log."""

    return HubRequestHandler
