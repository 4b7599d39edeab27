"""Discussions and pull requests: list, open, read, close, merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .accounts import contributor, readable_repo, writable_repo
from .repos import timestamp
from .store import Discussion, Repo
from .wire import HubError, Request, Response, Route

if TYPE_CHECKING:
    from .server import HubServer


def listing(hub: HubServer, request: Request, type: str, id: str) -> Response:
    """All of them on one page, newest first; ``author``, ``type`` and ``status`` narrow the list."""
    repo = readable_repo(hub, request, type, id)
    author, kind, status = request.first("author"), request.first("type"), request.first("status")
    found = [
        _describe(repo, entry)
        for entry in reversed(repo.discussions.values())
        if author in (None, entry.author)
        and kind in (None, "all", "pull_request" if entry.is_pull_request else "discussion")
        and status in (None, "all", entry.status)
    ]
    return Response.json({"discussions": found, "count": len(found), "start": 0})


def details(hub: HubServer, request: Request, type: str, id: str, num: str) -> Response:
    repo = readable_repo(hub, request, type, id)
    entry = _find(repo, num)
    changes = {"base": "refs/heads/main", "mergeCommitId": None}
    answer = {**_describe(repo, entry), "events": [], "filesWithConflicts": [], "diff": "", "changes": changes}
    return Response.json(answer)


def create(hub: HubServer, request: Request, type: str, id: str) -> Response:
    repo, user = contributor(hub, request, type, id)
    asked = request.json()
    with hub.store.lock:
        entry = repo.open_discussion(
            asked["title"], user.name, is_pull_request=bool(asked.get("pullRequest")), description=asked["description"]
        )
        if entry.is_pull_request:
            entry.status = "draft"
            repo.refs[entry.ref] = repo.refs["refs/heads/main"]
    return Response.json({"num": entry.num})


def change_status(hub: HubServer, request: Request, type: str, id: str, num: str) -> Response:
    repo, user = contributor(hub, request, type, id)
    entry = _find(repo, num)
    if user.name != entry.author:
        repo, _ = writable_repo(hub, request, type, id)
    entry.status = request.json()["status"]
    event = {
        "id": f"{num}-{entry.status}",
        "type": "status-change",
        "author": {"name": user.name},
        "createdAt": timestamp(entry.created_at),
        "data": {"status": entry.status},
    }
    return Response.json({"newStatus": event})


def merge(hub: HubServer, request: Request, type: str, id: str, num: str) -> Response:
    """Main gets the pull request's files where they differ from the commit it started from."""
    repo, user = writable_repo(hub, request, type, id)
    entry = _find(repo, num)
    if not entry.is_pull_request or entry.status not in ("open", "draft"):
        raise HubError(400, f"Discussion {num} cannot be merged: it is {entry.status}")
    with hub.store.lock:
        changed, main = repo.refs[entry.ref], repo.refs["refs/heads/main"]
        known = {commit.oid for commit in main.history()}
        start = next(commit for commit in changed.history() if commit.oid in known)
        tree = {path: blob for path, blob in main.tree.items() if path in changed.tree or path not in start.tree} | {
            path: blob for path, blob in changed.tree.items() if start.tree.get(path) != blob
        }
        repo.commit("refs/heads/main", tree, f"{entry.title} (#{num})", "", user.name)
        entry.status = "merged"
    return Response.json({})


def _find(repo: Repo, num: str) -> Discussion:
    if int(num) not in repo.discussions:
        raise HubError(404, f"Discussion {num} not found")
    return repo.discussions[int(num)]


def _describe(repo: Repo, entry: Discussion) -> dict[str, Any]:
    return {
        "num": entry.num,
        "title": entry.title,
        "author": {"name": entry.author},
        "createdAt": timestamp(entry.created_at),
        "status": entry.status,
        "isPullRequest": entry.is_pull_request,
        "repo": {"name": repo.id, "type": repo.type},
    }


_DISCUSSIONS = r"/api/(?P<type>model|dataset|space)s/(?P<id>[^/]+/[^/]+)/discussions"

ROUTES: list[Route] = [
    ("GET", _DISCUSSIONS, listing),
    ("POST", _DISCUSSIONS, create),
    ("GET", _DISCUSSIONS + r"/(?P<num>\d+)", details),
    ("POST", _DISCUSSIONS + r"/(?P<num>\d+)/status", change_status),
    ("POST", _DISCUSSIONS + r"/(?P<num>\d+)/merge", merge),
]
