"""The Hub client: who we are, what we may write, and downloads by revision.

``HF_ENDPOINT``, ``HF_TOKEN`` (or the saved login), ``HF_HOME`` and ``HF_HUB_OFFLINE`` are read by
``huggingface_hub`` itself; nothing here takes or prints a token.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, get_session, get_token, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

from distrust_hub import __version__
from distrust_hub.errors import HubAuthError, HubError
from distrust_hub.hub.refusals import LOGIN, bad_repo_id, hub_address, hub_errors, repo_name
from distrust_hub.hub.retries import retrying

__all__ = [
    "WriteAccess",
    "check_can_write",
    "hub_api",
    "hub_errors",
    "is_repo_id",
    "reach",
    "snapshot",
    "split_revision",
]

log = logging.getLogger(__name__)

TAG = "distrust-hub"
"""Tag of everything this package publishes; ``list_published`` finds repos by it."""

_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_UNSAFE_NAME = re.compile(r"Invalid filename '(.*?)': cannot", re.DOTALL)
"""How ``huggingface_hub`` refuses a file name that would leave the cache."""
_WRITING_ROLES = {"admin", "write", "contributor", None}


@dataclass(frozen=True)
class WriteAccess:
    """What the preflight found.

    Attributes:
        repo_id: Full ``owner/name``, the present one of a renamed repo; a bare name is completed with the user's own.
        user: Name the token belongs to.
        exists: The repo is there already.
        sha: Head commit that will be built on, main's for a new branch; None where the repo is still to be made.
        new_branch: The branch to write to is still to be made.
        private: The repo is there and private.
    """

    repo_id: str
    user: str
    exists: bool
    sha: str | None = None
    new_branch: bool = False
    private: bool = False


def hub_api() -> HfApi:
    """A client with the token and endpoint of the environment, or of the saved login."""
    return HfApi(library_name="distrust-hub", library_version=__version__)


def reach(api: HfApi) -> None:
    """One request that is not tried again: without a connection, listing calls would ask for half a minute.

    Raises whatever the client raises; to be called within ``hub_errors``.
    """
    get_session().head(api.endpoint, timeout=constants.HF_HUB_ETAG_TIMEOUT)


def is_repo_id(text: object) -> bool:
    """Whether ``text`` is spelled like ``owner/name``."""
    return isinstance(text, str) and _REPO_ID.fullmatch(text) is not None and ".." not in text


def split_revision(text: str) -> tuple[str, str | None]:
    """Split ``owner/name@revision``; the revision is None where there is none."""
    repo_id, _, revision = text.partition("@")
    return repo_id, revision or None


def check_can_write(
    repo_id: str,
    repo_type: str = "model",
    *,
    revision: str | None = None,
    create_pr: bool = False,
    private: bool = False,
    dry_run: bool = False,
    api: HfApi | None = None,
) -> WriteAccess:
    """Check token, role, owner and repo before any work is done. Creates nothing.

    Args:
        repo_id: ``owner/name``, or a bare name in the user's own namespace.
        repo_type: ``model``, ``dataset`` or ``space``.
        revision: Branch to be written to, or ``refs/pr/N`` to add to a pull request of one's own; main when None.
        create_pr: A pull request needs an existing repo but not its ownership.
        private: Refuse a repo that is there and public.
        dry_run: Without a token ask nothing, say so, and take the repo for a new one.
        api: Client to use.

    Raises:
        HubAuthError: No token, an invalid one, one that cannot write, or a repo of someone else.
        HubNotFoundError: A pull request to a repo that is not there.
        HubError: The Hub cannot be reached, the repo id is malformed, or the repo is public and should be private.
    """
    if create_pr and revision not in (None, "main"):
        raise HubError(
            f"a pull request goes to main and not to {revision}; leave out --revision, or add to an open one with "
            "--revision refs/pr/N alone",
            repo_id=repo_id,
            repo_type=repo_type,
        )
    api = api or hub_api()
    bare = is_repo_id(f"x/{repo_id}")
    if not bare and not is_repo_id(repo_id):
        raise bad_repo_id(repo_id, repo_type)
    if dry_run and not bare and not (get_token() if api.token is None else api.token):
        log.warning("no Hugging Face token: not checked whether you may write to %s, nor what is there", repo_id)
        return WriteAccess(repo_id, user="", exists=False)
    with hub_errors(repo_id, repo_type):
        account = retrying(api.whoami)
    user = str(account["name"])
    repo_id = f"{user}/{repo_id}" if bare else repo_id
    pull_request = create_pr or (revision or "").startswith("refs/pr/")
    _check_token_may_write(account, repo_id, repo_type, pull_request)
    if not pull_request:
        _check_namespace(account, repo_id, repo_type)
    access = _existing(api, repo_id, repo_type, revision, create_pr, user)
    if private and access.exists and not access.private:
        raise HubError(
            f"{repo_name(repo_id, repo_type)} is there and public, and --private was asked for; make it private in its "
            "settings, take another name, or leave out --private",
            repo_id=repo_id,
            repo_type=repo_type,
        )
    return access


def _existing(
    api: HfApi, repo_id: str, repo_type: str, revision: str | None, create_pr: bool, user: str
) -> WriteAccess:
    with hub_errors(repo_id, repo_type, revision):
        try:
            info = retrying(lambda: api.repo_info(repo_id, repo_type=repo_type, revision=revision))
            return WriteAccess(_name_now(repo_id, info.id), user, exists=True, sha=info.sha, private=bool(info.private))
        except RevisionNotFoundError:
            if create_pr or str(revision).startswith("refs/"):
                raise
            info = retrying(lambda: api.repo_info(repo_id, repo_type=repo_type))
            private = bool(info.private)
            name = _name_now(repo_id, info.id)
            return WriteAccess(name, user, exists=True, sha=info.sha, new_branch=True, private=private)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            if create_pr:
                raise
            return WriteAccess(repo_id, user, exists=False, new_branch=revision is not None)


def _name_now(asked: str, found: str) -> str:
    """The name of a repo that was renamed: the Hub answers under the old one too, but not to every request."""
    if asked.lower() != found.lower():
        log.warning("%s is called %s now", asked, found)
    return found


def _check_token_may_write(account: dict[str, Any], repo_id: str, repo_type: str, pull_request: bool) -> None:
    token = account.get("auth", {}).get("accessToken") or {}
    role = token.get("role")
    allowed = role != "read"
    if role == "fineGrained":
        grants, owners = token.get("fineGrained") or {}, {repo_id, repo_id.split("/")[0]}
        permissions = set(grants.get("global", ()))
        for scope in grants.get("scoped", ()):
            if scope.get("entity", {}).get("name") in owners:
                permissions.update(scope.get("permissions", ()))
        allowed = "repo.write" in permissions or (pull_request and "discussion.write" in permissions)
    if not allowed:
        raise HubAuthError(
            f"the Hugging Face token of {account['name']} may only read {repo_name(repo_id, repo_type)}; make one with "
            f"write permission at {hub_address()}/settings/tokens, then {LOGIN}",
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
        try:
            folder = retrying(
                lambda: snapshot_download(
                    repo_id,
                    repo_type=repo_type,
                    revision=revision,
                    allow_patterns=None if allow_patterns is None else list(allow_patterns),
                    endpoint=api.endpoint,
                    token=api.token,
                    library_name="distrust-hub",
                    library_version=__version__,
                )
            )
        except ValueError as error:
            found = _UNSAFE_NAME.match(str(error))
            if found is None:
                raise
            unsafe = f"a file with the unsafe name {found[1][:80]!r}"
            message = f"{repo_name(repo_id, repo_type)} holds {unsafe}; do not use this repo"
            raise HubError(message, repo_id=repo_id, repo_type=repo_type) from error
    return Path(folder), Path(folder).name
