"""The Hub client: who we are, what we may write, downloads by revision, and every Hub error in one line.

``HF_ENDPOINT``, ``HF_TOKEN`` (or the saved login), ``HF_HOME`` and ``HF_HUB_OFFLINE`` are read by
``huggingface_hub`` itself; nothing here takes or prints a token.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, snapshot_download
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

from distrust_hub import __version__
from distrust_hub.errors import HubAuthError, HubError, HubNotFoundError

TAG = "distrust-hub"
"""Tag of everything this package publishes; ``list_published`` finds repos by it."""

_LOGIN = "run: hf auth login, or set HF_TOKEN"
_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}")
_WRITING_ROLES = {"admin", "write", "contributor", None}


@dataclass(frozen=True)
class WriteAccess:
    """What the preflight found.

    Attributes:
        repo_id: Full ``owner/name``; a bare name is completed with the user's own.
        user: Name the token belongs to.
        exists: The repo is there already.
        sha: Head commit of the branch to write to, None where repo or branch is still to be made.
    """

    repo_id: str
    user: str
    exists: bool
    sha: str | None = None


def hub_api() -> HfApi:
    """A client with the token and endpoint of the environment, or of the saved login."""
    return HfApi(library_name="distrust-hub", library_version=__version__)


def is_repo_id(text: object) -> bool:
    """Whether ``text`` is spelled like ``owner/name``."""
    return isinstance(text, str) and _REPO_ID.fullmatch(text) is not None and ".." not in text


def split_revision(text: str) -> tuple[str, str | None]:
    """Split ``owner/name@revision``; the revision is None where there is none."""
    repo_id, _, revision = text.partition("@")
    return repo_id, revision or None


def redact(text: str) -> str:
    """One line of ``text`` without anything that looks like a token."""
    return " ".join(_TOKEN.sub("hf_***", text).split())


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
    except EntryNotFoundError as error:
        message = f"{_name(repo_id, repo_type)} lacks a file that was asked for ({redact(str(error))[:200]})"
        raise HubNotFoundError(message, repo_id=repo_id, repo_type=repo_type) from error
    except HFValidationError as error:
        message = f"{repo_id!r} is not a repo id; write it as owner/name with letters, digits, '-', '_' and '.'"
        raise HubError(message, repo_id=repo_id, repo_type=repo_type) from error


def check_can_write(
    repo_id: str,
    repo_type: str = "model",
    *,
    revision: str | None = None,
    create_pr: bool = False,
    api: HfApi | None = None,
) -> WriteAccess:
    """Check token, role, owner and repo before any work is done. Creates nothing.

    Args:
        repo_id: ``owner/name``, or a bare name in the user's own namespace.
        repo_type: ``model`` or ``dataset``.
        revision: Branch to be written to; main when None.
        create_pr: A pull request needs an existing repo but not its ownership.
        api: Client to use.

    Raises:
        HubAuthError: No token, an invalid one, one that cannot write, or a repo of someone else.
        HubNotFoundError: A pull request to a repo that is not there.
        HubError: The Hub cannot be reached, or the repo id is malformed.
    """
    api = api or hub_api()
    bare = is_repo_id(f"x/{repo_id}")
    if not bare and not is_repo_id(repo_id):
        raise HubError(
            f"{repo_id!r} is not a repo id; write it as owner/name with letters, digits, '-', '_' and '.'",
            repo_id=repo_id,
            repo_type=repo_type,
        )
    with hub_errors(repo_id, repo_type):
        account = api.whoami()
    user = str(account["name"])
    repo_id = f"{user}/{repo_id}" if bare else repo_id
    _check_token_may_write(account, repo_id, repo_type)
    if not create_pr:
        _check_namespace(account, repo_id, repo_type)
    return _existing(api, repo_id, repo_type, revision, create_pr, user)


def _existing(
    api: HfApi, repo_id: str, repo_type: str, revision: str | None, create_pr: bool, user: str
) -> WriteAccess:
    with hub_errors(repo_id, repo_type, revision):
        try:
            info = api.repo_info(repo_id, repo_type=repo_type, revision=revision)
            return WriteAccess(repo_id, user, exists=True, sha=info.sha)
        except RevisionNotFoundError:
            return WriteAccess(repo_id, user, exists=True)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            if create_pr:
                raise
            return WriteAccess(repo_id, user, exists=False)


def _check_token_may_write(account: dict[str, Any], repo_id: str, repo_type: str) -> None:
    token = account.get("auth", {}).get("accessToken") or {}
    role = token.get("role")
    allowed = role != "read"
    if role == "fineGrained":
        owners = {repo_id, repo_id.split("/")[0]}
        allowed = any(
            scope.get("entity", {}).get("name") in owners and "repo.write" in scope.get("permissions", ())
            for scope in (token.get("fineGrained") or {}).get("scoped", ())
        )
    if not allowed:
        raise HubAuthError(
            f"the Hugging Face token of {account['name']} may only read {_name(repo_id, repo_type)}; make one with "
            f"write permission at {constants.ENDPOINT}/settings/tokens, then {_LOGIN}",
            repo_id=repo_id,
            repo_type=repo_type,
        )


def _check_namespace(account: dict[str, Any], repo_id: str, repo_type: str) -> None:
    owner = repo_id.split("/")[0]
    mine = [org["name"] for org in account.get("orgs", []) if org.get("roleInOrg") in _WRITING_ROLES]
    names = {str(name).lower() for name in [account["name"], *mine]}
    if owner.lower() not in names:
        raise HubAuthError(
            f"{repo_id} belongs to {owner} and you are {account['name']}; push to {account['name']}/"
            f"{repo_id.split('/')[1]}, or open a pull request with --create-pr",
            repo_id=repo_id,
            repo_type=repo_type,
        )


def snapshot(
    repo_id: str,
    *,
    revision: str | None = None,
    repo_type: str = "model",
    allow_patterns: Sequence[str] | None = None,
    api: HfApi | None = None,
) -> tuple[Path, str]:
    """Download a repo at a revision into the cache, or find it there.

    Args:
        repo_id: ``owner/name``.
        revision: Branch, tag or commit; main when None.
        repo_type: ``model`` or ``dataset``.
        allow_patterns: Only files that match one of these; all when None.
        api: Client whose endpoint and token are used.

    Returns:
        The folder, and the commit it holds (40 hex digits).

    Raises:
        HubError: With the reason and the fix; HubNotFoundError and HubAuthError where they apply.
    """
    api = api or hub_api()
    with hub_errors(repo_id, repo_type, revision):
        folder = snapshot_download(
            repo_id,
            repo_type=repo_type,
            revision=revision,
            allow_patterns=None if allow_patterns is None else list(allow_patterns),
            endpoint=api.endpoint,
            token=api.token,
            library_name="distrust-hub",
            library_version=__version__,
        )
    return Path(folder), Path(folder).name


def _name(repo_id: str | None, repo_type: str | None) -> str:
    return f"{repo_type or 'model'} {redact(repo_id)}" if repo_id else "the repo"


def _translate(error: BaseException, repo_id: str | None, repo_type: str | None, revision: str | None) -> HubError:
    name = _name(repo_id, repo_type)

    def hub(message: str) -> HubError:
        return HubError(message, repo_id=repo_id, repo_type=repo_type)

    def auth(message: str) -> HubError:
        return HubAuthError(message, repo_id=repo_id, repo_type=repo_type)

    if isinstance(error, LocalEntryNotFoundError):
        if isinstance(error.__cause__, (HTTPError, OfflineModeIsEnabled)):
            return _translate(error.__cause__, repo_id, repo_type, revision)
        return hub(f"{name} is not in the cache and the Hub cannot be asked; unset HF_HUB_OFFLINE or connect")
    if isinstance(error, OfflineModeIsEnabled):
        return hub(f"{name} is not in the cache and HF_HUB_OFFLINE is set; unset it to use the Hub")
    if isinstance(error, LocalTokenNotFoundError):
        return auth(f"no Hugging Face token; {_LOGIN}")
    if not isinstance(error, HfHubHTTPError):
        kind = type(error).__name__
        return hub(f"cannot reach {constants.ENDPOINT} ({kind}); check the connection and HF_ENDPOINT, then run again")
    if isinstance(error, GatedRepoError):
        return auth(f"{name} is gated; accept its terms at {constants.ENDPOINT}/{repo_id}, then {_LOGIN}")
    if isinstance(error, RepositoryNotFoundError):
        message = f"{name} is not on the Hub, or is private and this token does not see it; check the name, or {_LOGIN}"
        return HubNotFoundError(message, repo_id=repo_id, repo_type=repo_type)
    if isinstance(error, RevisionNotFoundError):
        shown = f" {redact(revision)!r}" if revision else ""
        message = f"{name} has no revision{shown}; see {constants.ENDPOINT}/{repo_id}/tree/main for those it has"
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
        message = (
            f"the Hugging Face token is not valid; make one at {constants.ENDPOINT}/settings/tokens, then {_LOGIN}"
        )
        return auth(message)
    if status == 403 and "storage" in said.lower():
        return hub(f"no storage left for {name} ({said}); free some or make the repo public")
    if status == 403 and "write token" in said.lower():
        return auth(f"the Hugging Face token may not write to {name}; make one with write permission, then {_LOGIN}")
    if status == 403:
        return auth(f"{name} belongs to someone else or this token may not write there; use your own repo ({said})")
    if status in (409, 412):
        return hub(f"{name} changed while this ran; look at the other commit, then run again")
    if status == 413:
        return hub(f"the Hub refused the upload to {name} as too large ({said})")
    if status == 429:
        wait = error.response.headers.get("Retry-After")
        pause = f"in {redact(wait)} seconds" if wait and wait.isdigit() else "in a few minutes"
        return hub(f"the Hub's rate limit is reached; run again {pause}")
    if status >= 500:
        return hub(f"the Hub answered {status} for {name}; run again in a few minutes")
    return hub(f"the Hub refused the request for {name} with status {status} ({said})")
