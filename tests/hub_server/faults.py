"""What can go wrong on the way to a Hub, switched on by a test: ``hub.faults.append(Fault(...))``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from .wire import Request, Response


@dataclass
class Fault:
    """One thing that goes wrong, for the requests it matches.

    Args:
        kind: ``status`` answers with an error page; ``drop`` hangs up before the request is looked at; ``lose`` does
            what is asked and hangs up instead of answering; ``cut`` hangs up half way through the answer's body;
            ``slow`` sends the body in ten pieces with a pause before each.
        on: regular expression searched for in ``METHOD target``.
        times: how many matching requests it strikes; all when None.
        after: matching requests that pass first.
        status: HTTP status of kind ``status``.
        message: what the Hub says with it.
        headers: headers with it, such as ``Retry-After``.
        seconds: pause of kind ``slow``.
    """

    kind: Literal["status", "drop", "lose", "cut", "slow"]
    on: str = ""
    times: int | None = 1
    after: int = 0
    status: int = 503
    message: str = "Service Unavailable"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.02
    seen: int = 0

    def strikes(self, request: Request) -> bool:
        """Whether this request is one of those that go wrong; counts it."""
        if not re.search(self.on, f"{request.method} {request.target}"):
            return False
        self.seen += 1
        return self.after < self.seen and (self.times is None or self.seen <= self.after + self.times)

    def answer(self, request: Request, dispatch: Callable[[Request], Response]) -> Response:
        if self.kind == "status":
            headers = {"Content-Type": "text/html", "X-Error-Message": self.message, **self.headers}
            return Response(self.status, headers, f"<html>{self.message}</html>".encode())
        if self.kind == "drop":
            return Response(hang_up=0.0)
        response = dispatch(request)
        if self.kind == "slow":
            response.pause = self.seconds
        else:
            response.hang_up = 0.0 if self.kind == "lose" else 0.5
        return response
