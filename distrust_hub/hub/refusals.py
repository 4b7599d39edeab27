"""Whatever the Hub client raises, as one HubError of one line that says what to do."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from huggingface_hub import constants
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from distrust_hub.errors import DistrustHubError, HubAuthError, HubError, HubNotFoundError, HubOfflineError
from distrust_hub.hub.retries import seconds_to_wait
from distrust_hub.pii import redact

_BEARER = "Bearer "
LOGIN = "run: hf auth login, or set HF_TOKEN"


@contextlib.contextmanager
def hub_errors(repo_id: str | None = None, repo_type: str = "model", revision: str | None = None) -> Iterator[None]:
    """Turn whatever the Hub client raises in the block into a HubError of one line with the fix.

    Args:
        repo_id: Repo the block is about, for the message.
        repo_type: ``model``, ``dataset`` or ``space``.
        revision: Revision the block asks for, for the message.
    """
    try:
        yield
    except (HTTPError, LocalEntryNotFoundError, LocalTokenNotFoundError, OfflineModeIsEnabled) as error:
        raise _translate(error, repo_id, repo_type, revision) from error
    except RuntimeError as error:  # how the client reports the upload of one file, and its transfer library everything
        if isinstance(error, DistrustHubError):
            raise
        if isinstance(error.__cause__, HTTPError):
            raise _translate(error.__cause__, repo_id, repo_type, revision) from error
        message = f"the transfer of {repo_name(repo_id, repo_type)} broke off ({redact(str(error))[:200]}); run again"
        raise HubError(message, repo_id=repo_id, repo_type=repo_type) from error
    except EntryNotFoundError as error:
        message = f"{repo_name(repo_id, repo_type)} lacks a file that was asked for ({redact(str(error))[:200]})"
        raise HubNotFoundError(message, repo_id=repo_id, repo_type=repo_type) from error
    except HFValidationError as error:
        raise bad_repo_id(repo_id, repo_type) from error
    except UnicodeEncodeError as error:  # of a header; it holds the token, so it is not kept as the cause
        if not error.object.startswith(_BEARER):
            raise
        where = f"character {error.start - len(_BEARER) + 1}"
        message = f"the Hugging Face token has a letter or sign that no token has ({where}); copy it again, {LOGIN}"
        raise HubAuthError(message, repo_id=repo_id, repo_type=repo_type) from None
    except json.JSONDecodeError as error:
        message = f"the answer of {hub_address()} is not the Hub's (a proxy's page?); check the connection"
        raise HubError(message, repo_id=repo_id, repo_type=repo_type) from error


def bad_repo_id(repo_id: str | None, repo_type: str | None) -> HubError:
    """The error for a repo id that is not spelled like one."""
    message = f"{repo_id!r} is not a repo id; write it as owner/name with letters, digits, '-', '_' and '.'"
    return HubError(message, repo_id=repo_id, repo_type=repo_type)


def hub_address(endpoint: str | None = None) -> str:
    """Where the Hub is, to be shown: without the name and password that an address may hold."""
    return redact(endpoint or constants.ENDPOINT)


def repo_page(repo_id: str | None, repo_type: str | None, endpoint: str | None = None) -> str:
    """Address of the page of a repo."""
    kind = "" if repo_type in (None, "model") else f"{repo_type}s/"
    return f"{hub_address(endpoint)}/{kind}{repo_id}"


def repo_name(repo_id: str | None, repo_type: str | None) -> str:
    """How a repo is called in a message."""
    return f"{repo_type or 'model'} {redact(repo_id)}" if repo_id else "the repo"


def _translate(error: BaseException, repo_id: str | None, repo_type: str | None, revision: str | None) -> HubError:
    name = repo_name(repo_id, repo_type)

    def hub(message: str) -> HubError:
        return HubError(message, repo_id=repo_id, repo_type=repo_type)

    def offline(message: str) -> HubError:
        return HubOfflineError(message, repo_id=repo_id, repo_type=repo_type)

    def auth(message: str) -> HubError:
        return HubAuthError(message, repo_id=repo_id, repo_type=repo_type)

    if isinstance(error, LocalEntryNotFoundError):
        if isinstance(error.__cause__, (HTTPError, OfflineModeIsEnabled)):
            return _translate(error.__cause__, repo_id, repo_type, revision)
        return offline(f"{name} is not in the cache and the Hub cannot be asked; unset HF_HUB_OFFLINE or connect")
    if isinstance(error, OfflineModeIsEnabled):
        return offline(f"{name} is not in the cache and HF_HUB_OFFLINE is set; unset it to use the Hub")
    if isinstance(error, LocalTokenNotFoundError):
        return auth(f"no Hugging Face token; {LOGIN}")
    if not isinstance(error, HfHubHTTPError):
        kind = type(error).__name__
        return offline(f"cannot reach {hub_address()} ({kind}); check the connection and HF_ENDPOINT, then run again")
    if isinstance(error, GatedRepoError):
        return auth(f"{name} is gated; accept its terms at {repo_page(repo_id, repo_type)}, then {LOGIN}")
    if isinstance(error, RepositoryNotFoundError):
        message = f"{name} is not on the Hub, or is private and this token does not see it; check the name, or {LOGIN}"
        return HubNotFoundError(message, repo_id=repo_id, repo_type=repo_type)
    if isinstance(error, RevisionNotFoundError):
        shown = f" {redact(revision)!r}" if revision else ""
        message = f"{name} has no revision{shown}; see {repo_page(repo_id, repo_type)}/tree/main for those it has"
        return HubNotFoundError(message, repo_id=repo_id, repo_type=repo_type)
    if isinstance(error, EntryNotFoundError):
        file = error.response.url.path.rsplit("/", 1)[-1]
        message = f"{name} has no file {redact(file)!r}"
        return HubNotFoundError(message, repo_id=repo_id, repo_type=repo_type)
    if isinstance(error, DisabledRepoError):
        return hub(f"{name} was disabled by the Hub; ask its owner")
    return _translate_status(error, name, hub, auth)


def _translate_status(error: HfHubHTTPError, name: str, hub: Any, auth: Any) -> HubError:
    status = error.response.status_code
    said = redact(error.server_message or str(error))[:200]
    if status == 401:
        message = f"the Hugging Face token is not valid; make one at {hub_address()}/settings/tokens, then {LOGIN}"
        return auth(message)
    if status == 402 or (status == 403 and re.search("storage|quota", said.lower())):
        return hub(f"no storage left for {name} ({said}); free some or make the repo public")
    if status == 403 and "write token" in said.lower():
        return auth(f"the Hugging Face token may not write to {name}; make one with write permission, then {LOGIN}")
    if status == 403:
        return auth(f"{name} belongs to someone else or this token may not write there; use your own repo ({said})")
    if status in (409, 412):
        return hub(f"{name} changed while this ran; look at the other commit, then run again")
    if status == 413:
        return hub(f"the Hub refused the upload to {name} as too large ({said})")
    if status == 429:
        wait = seconds_to_wait(error)
        pause = f"in {wait:.0f} seconds" if wait else "in a few minutes"
        return hub(f"the Hub's rate limit is reached; run again {pause}")
    if status >= 500:
        return hub(f"the Hub answered {status} for {name}; run again in a few minutes")
    return hub(f"the Hub refused the request for {name} with status {status} ({said})")
