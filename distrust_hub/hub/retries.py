"""Try again what failed on the way, as ``huggingface_hub`` does by itself for some of its calls only."""

from __future__ import annotations

import email.utils
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import TypeVar

from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError

logger = logging.getLogger(__name__)

T = TypeVar("T")

WAITS = (1.0, 2.0, 4.0, 8.0, 8.0)
"""Seconds before each new try, unless the Hub asks for more."""

MAX_WAIT = 300
"""Seconds the Hub may ask us to wait; asked for more, we stop and say so."""

_TRANSIENT = frozenset((408, 429, 500, 502, 503, 504))
_BROKEN_OFF = frozenset(
    ("CloseError", "PoolTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError", "WriteError", "WriteTimeout")
)
"""Names of the HTTP client's errors for a connection that broke; one that was never made is reported at once."""


def retrying(call: Callable[[], T]) -> T:
    """What ``call`` returns, tried again after a transient failure; it must be safe to repeat.

    Transient are 408, 429 and 5xx (``Retry-After`` is obeyed up to MAX_WAIT), answers cut short, and dropped
    connections. Everything else is raised as it is, as is the last failure.
    """
    for wait in WAITS:
        try:
            return call()
        except (HTTPError, LocalEntryNotFoundError, json.JSONDecodeError) as error:
            if not is_transient(error):
                raise
            asked = seconds_to_wait(_cause(error))
            if asked > MAX_WAIT:
                raise
            pause = max(wait, asked)
            logger.info("the Hub did not answer (%s); trying again in %g s", type(_cause(error)).__name__, pause)
            time.sleep(pause)
    return call()


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    cause = _cause(error)
    if isinstance(cause, HfHubHTTPError):
        return cause.response.status_code in _TRANSIENT
    return isinstance(cause, json.JSONDecodeError) or type(cause).__name__ in _BROKEN_OFF


def seconds_to_wait(error: BaseException) -> float:
    """How long the Hub asks to wait, from ``Retry-After`` or its rate-limit header; 0 where it does not say."""
    headers: Mapping[str, str] = error.response.headers if isinstance(error, HfHubHTTPError) else {}
    window = re.search(r";\s*r=0\s*;\s*t=(\d{1,9})", headers.get("ratelimit", ""))
    return max(_until(headers.get("Retry-After", "")), float(window[1]) if window else 0.0)


def _until(retry_after: str) -> float:
    """Seconds that a ``Retry-After`` header asks for: a number or a date; 0 where it is neither, or past."""
    if re.fullmatch(r"\s*\d{1,9}\s*", retry_after):
        return float(retry_after)
    try:
        date = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    now = datetime.now(timezone.utc)
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=timezone.utc)) - now).total_seconds())


def _cause(error: BaseException) -> BaseException:
    """The failure behind "not in the cache"."""
    return error.__cause__ or error if isinstance(error, LocalEntryNotFoundError) else error
