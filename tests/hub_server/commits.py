"""Writing: which files go through LFS, and the commit itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .accounts import contributor, writable_repo
from .repos import commit_at
from .store import LFS_SUFFIXES, Blob, Repo, User
from .wire import HubError, Request, Response, Route

if TYPE_CHECKING:
    from .server import HubServer

# Larger files must be LFS whatever their name (the Hub's limit for regular files).
MAX_REGULAR_BYTES = 10 * 1024 * 1024

Change = Callable[[dict[str, Blob]], None]


def preupload(hub: HubServer, request: Request, type: str, id: str, revision: str) -> Response:
    """Say for each announced file how to send it, and its present content hash so that no-ops can be skipped."""
    repo, _ = _committer(hub, request, type, id, revision)
    commit = commit_at(repo, revision)
    files = []
    for file in request.json()["files"]:
        path, known = file["path"], commit.tree.get(file["path"])
        lfs = path.endswith(LFS_SUFFIXES) or file["size"] > MAX_REGULAR_BYTES
        files.append(
            {
                "path": path,
                "uploadMode": "lfs" if lfs else "regular",
                "shouldIgnore": False,
                "oid": known.etag if known else None,
            }
        )
    return Response.json({"files": files, "commitOid": commit.oid})


def create_commit(hub: HubServer, request: Request, type: str, id: str, revision: str) -> Response:
    """Apply a commit sent as NDJSON: a header line, then one operation a line. All of it or nothing."""
    repo, user = _committer(hub, request, type, id, revision)
    header: dict[str, Any] = {}
    changes: list[Change] = []
    for line in request.body:
        item = json.loads(line)
        if item["key"] == "header":
            header = item["value"]
        else:
            changes.append(_read_change(repo, item["key"], item["value"]))
    if not header.get("summary"):
        raise HubError(400, "Commit summary must not be empty")
    ref = revision if revision.startswith("refs/pr/") else f"refs/heads/{revision}"
    with hub.store.lock:
        head = repo.refs.get(ref)
        if head is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        if header.get("parentCommit") not in (None, head.oid):
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(head.tree)
        for change in changes:
            change(tree)
        answer: dict[str, Any] = {"success": True, "hookOutput": ""}
        if request.flag("create_pr"):
            opened = repo.open_discussion(header["summary"], user.name, is_pull_request=True)
            ref, repo.refs[opened.ref] = opened.ref, head
            answer["pullRequestUrl"] = f"{hub.url}{repo.url_path}/discussions/{opened.num}"
        commit = repo.commit(ref, tree, header["summary"], header.get("description", ""), user.name)
    url = f"{hub.url}{repo.url_path}/commit/{commit.oid}"
    return Response.json({**answer, "commitOid": commit.oid, "commitUrl": url})


def _read_change(repo: Repo, key: str, value: dict[str, Any]) -> Change:
    path = value["path"]
    if not path or any(part in ("", ".", "..") for part in path.rstrip("/").split("/")):
        raise HubError(400, f"Invalid path: {path!r}")
    if key == "file":
        content = value["content"]
        data = base64.b64decode(content) if value.get("encoding") == "base64" else content.encode()
        return _put(path, repo.blobs.add_regular(data))
    if key == "lfsFile":
        if not repo.blobs.has_lfs(value["oid"]):
            raise HubError(400, f"An LFS pointer pointed to a file that does not exist. Offending file: {path}")
        return _put(path, repo.blobs.lfs_blob(value["oid"]))
    if key == "deletedFile":
        return lambda tree: _drop([path] if path in tree else [], path, tree)
    if key == "deletedFolder":
        prefix = path.rstrip("/") + "/"
        return lambda tree: _drop([name for name in tree if name.startswith(prefix)], path, tree)
    raise HubError(400, f"Unknown operation: {key}")


def _put(path: str, blob: Blob) -> Change:
    return lambda tree: tree.update({path: blob})


def _drop(found: list[str], asked: str, tree: dict[str, Blob]) -> None:
    if not found:
        raise HubError(404, f"A file with this name doesn't exist: {asked}", "EntryNotFound")
    for path in found:
        del tree[path]


def _committer(hub: HubServer, request: Request, repo_type: str, repo_id: str, revision: str) -> tuple[Repo, User]:
    """Anybody may open a pull request and add to their own; a branch takes a member."""
    repo, user = contributor(hub, request, repo_type, repo_id)
    own = any(entry.ref == revision and entry.author == user.name for entry in repo.discussions.values())
    return (repo, user) if own or request.flag("create_pr") else writable_repo(hub, request, repo_type, repo_id)


_REPO = r"/api/(?P<type>model|dataset|space)s/(?P<id>[^/]+/[^/]+)"

ROUTES: list[Route] = [
    ("POST", _REPO + r"/preupload/(?P<revision>[^/]+)", preupload),
    ("POST", _REPO + r"/commit/(?P<revision>[^/]+)", create_commit),
]
