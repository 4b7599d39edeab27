"""One commit: look for secrets first, make repo and branch last, never leave a commit that changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from distrust_hub.artifacts import CARD_FILE
from distrust_hub.cards.check import first_paragraph
from distrust_hub.cards.edits import extract_notes, is_untouched
from distrust_hub.cards.render import read_card
from distrust_hub.errors import HubError
from distrust_hub.files import well_formed
from distrust_hub.hub.client import WriteAccess
from distrust_hub.hub.refusals import hub_errors, repo_page
from distrust_hub.hub.retries import retrying
from distrust_hub.pii import SECRETS, redact

Content = Path | bytes

_LOCAL_PATH = re.compile(
    r"(?:(?<![\w./:-])(?:/home|/Users|/root|/tmp|/mnt|/var/folders|/private|/workspace|/content)/[^\s\"'`)]+"
    r"|file://|\b[A-Za-z]:\\{1,2}Users\\)"
)
_ABSOLUTE_VALUE = re.compile(r'"(?:/[^/\s"]+/[^"]*|~/[^"]*|[A-Za-z]:\\\\[^"]*)"')
_TEXT_SUFFIXES = (".json", ".jsonl", ".yaml", ".yml", ".md", ".svg")


@dataclass(frozen=True)
class PushResult:
    """What was, or with a dry run would be, published.

    Attributes:
        url: Address of the repo, or of the pull request.
        sha: The commit; the unchanged head when there was nothing to change; None for a dry run.
        files: Paths in the repo, sorted.
        card: Text of README.md there.
        kept_card: A card edited by hand on the Hub was left as it is.
        unchanged: The Hub held all of it already: no commit was made, and no pull request opened.
        place: What ``pull`` takes to get it: ``owner/name``, with ``@revision`` for a branch or pull request.
    """

    url: str
    sha: str | None
    files: tuple[str, ...]
    card: str
    kept_card: bool = False
    unchanged: bool = False
    place: str = ""


def refuse_secrets(files: Mapping[str, Content]) -> None:
    """Raise HubError if a JSON, YAML, Markdown or SVG file holds a token, a key or an absolute local path.

    The message names file and kind, never the secret.
    """
    for name, content in files.items():
        if not name.endswith(_TEXT_SUFFIXES):
            continue
        text = _bytes(content).decode("utf-8", "replace")
        for kind, pattern in SECRETS.items():
            if pattern.search(text):
                raise HubError(f"{name} holds {kind}; remove it, revoke it if it was ever shared, and push again")
        found = _LOCAL_PATH.search(text) or (_ABSOLUTE_VALUE.search(text) if name.endswith(".json") else None)
        if found:
            raise HubError(f"{name} holds a path of this machine ({redact(found[0])[:80]}); remove it and push again")


def choose_card(local: Path, there: str | None, replace: bool, render: Callable[[str], str]) -> tuple[str, bool]:
    """Which card to publish: hand edits on the Hub win over hand edits here, and those over a fresh card.

    Args:
        local: README.md of the folder, which need not exist.
        there: README.md on the Hub, or None.
        replace: Overwrite hand edits on the Hub.
        render: Makes a fresh card around the given notes.

    Returns:
        The text, and whether it is the one on the Hub, kept as it is.

    Raises:
        ArtifactError: If the folder's is not UTF-8.
    """
    if there is not None and not replace and first_paragraph(there) and not is_untouched(there):
        return there, True
    here = read_card(local) if local.is_file() else None
    if here is not None and not is_untouched(here):
        return here, False
    return render(extract_notes(here or "") or extract_notes(there or "")), False


def refuse_card(problems: list[str], kept: bool, repo_id: str, repo_type: str) -> None:
    """Raise HubError if a card has problems."""
    if problems:
        where = f"{CARD_FILE} on the Hub, edited by hand," if kept else CARD_FILE
        mend = "; mend it there, or replace it with --replace-card" if kept else ""
        message = f"{where} cannot stand: {'; '.join(problems)}{mend}"
        raise HubError(message, repo_id=repo_id, repo_type=repo_type)


def remote_files(api: HfApi, access: WriteAccess, repo_type: str) -> set[str]:
    """Paths at the head that will be built on; empty for a new repo."""
    if access.sha is None:
        return set()
    with hub_errors(access.repo_id, repo_type):
        return set(retrying(lambda: api.list_repo_files(access.repo_id, revision=access.sha, repo_type=repo_type)))


def remote_card(api: HfApi, access: WriteAccess, repo_type: str) -> str | None:
    """README.md at the head that will be built on, or None."""
    if access.sha is None:
        return None
    with hub_errors(access.repo_id, repo_type):
        try:
            path = retrying(
                lambda: api.hf_hub_download(access.repo_id, CARD_FILE, revision=access.sha, repo_type=repo_type)
            )
        except LocalEntryNotFoundError:  # not "no such file": the Hub did not answer
            raise
        except EntryNotFoundError:
            return None
    return Path(path).read_text(encoding="utf-8", errors="replace")


def commit_files(
    api: HfApi,
    access: WriteAccess,
    repo_type: str,
    files: Mapping[str, Content],
    *,
    delete: Sequence[str] = (),
    private: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
    message: str,
) -> tuple[str, str]:
    """Make the repo and branch if they are not there, then one commit with everything.

    Every step is tried again after a transient failure. A commit whose answer was lost on the way is found on the Hub
    and not made twice.

    Args:
        access: What ``check_can_write`` found; a commit made since then is a conflict, not overwritten.
        files: Path in the repo -> local file or content.
        delete: Paths in the repo to remove, where they are there.

    Returns:
        (address of the repo or pull request, commit).
    """
    repo_id = access.repo_id
    with hub_errors(repo_id, repo_type, revision):
        parent = _make_place(api, access, repo_type, private, None if create_pr else revision)
        before = _pull_requests(api, access, repo_type, message) if create_pr else set()

        def send() -> tuple[str, str]:
            landed = _pull_requests(api, access, repo_type, message) - before if create_pr else None
            if landed:
                return _pull_request(api, repo_id, repo_type, max(landed))
            there = set(api.list_repo_files(repo_id, revision=revision, repo_type=repo_type)) if delete else set()
            operations: list[CommitOperationAdd | CommitOperationDelete] = [
                *(CommitOperationAdd(path, content) for path, content in sorted(files.items())),
                *(CommitOperationDelete(path, is_folder=False) for path in sorted(there.intersection(delete))),
            ]
            info = api.create_commit(
                repo_id,
                operations,
                commit_message=well_formed(message),
                repo_type=repo_type,
                revision=revision,
                create_pr=create_pr,
                parent_commit=parent,
            )
            return info.pr_url or repo_page(repo_id, repo_type, api.endpoint), str(info.oid)

        try:
            return retrying(send)
        except ValueError as error:
            if isinstance(error, OSError) or "Invalid metadata" not in str(error):
                raise
            raise HubError(f"the Hub refuses the card: {redact(str(error))[:300]}; run: distrust-hub card") from error


def _make_place(api: HfApi, access: WriteAccess, repo_type: str, private: bool, branch: str | None) -> str | None:
    """Make repo and branch where they are missing; the commit to build on."""
    parent = access.sha
    if not access.exists:
        retrying(lambda: api.create_repo(access.repo_id, repo_type=repo_type, private=private, exist_ok=True))
        parent = retrying(lambda: api.repo_info(access.repo_id, repo_type=repo_type)).sha
    if branch and access.new_branch:
        retrying(lambda: api.create_branch(access.repo_id, branch=branch, repo_type=repo_type, exist_ok=True))
    return parent


def _pull_requests(api: HfApi, access: WriteAccess, repo_type: str, title: str) -> set[int]:
    """Numbers of the user's pull requests of that title."""
    found = retrying(
        lambda: list(
            api.get_repo_discussions(
                access.repo_id, repo_type=repo_type, author=access.user, discussion_type="pull_request"
            )
        )
    )
    return {entry.num for entry in found if entry.title == title}


def _pull_request(api: HfApi, repo_id: str, repo_type: str, number: int) -> tuple[str, str]:
    """(address, commit) of a pull request."""
    head = retrying(lambda: api.repo_info(repo_id, repo_type=repo_type, revision=f"refs/pr/{number}"))
    return f"{repo_page(repo_id, repo_type, api.endpoint)}/discussions/{number}", str(head.sha)


def place_of(repo_id: str, url: str, revision: str | None) -> str:
    """The repo with the branch, or the pull request of that address, that was written to."""
    number = re.search(r"/discussions/(\d+)$", url)
    branch = f"refs/pr/{number[1]}" if number else revision
    return repo_id if branch in (None, "main") else f"{repo_id}@{branch}"


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()
