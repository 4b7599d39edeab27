"""Reading a revision: folder listings, path details and file contents."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .accounts import readable_repo, require_contents
from .repos import commit_at, timestamp
from .store import Commit, lfs_pointer
from .wire import HubError, Request, Response, Route

if TYPE_CHECKING:
    from .server import HubServer


def listing(hub: HubServer, request: Request, type: str, id: str, revision: str, path: str) -> Response:
    repo = readable_repo(hub, request, type, id)
    commit = commit_at(repo, revision)
    files = commit.below(path)
    if path and not files:
        raise HubError(404, f'{path} does not exist on "{revision}"', "EntryNotFound")
    depth = path.count("/") + 1 if path else 0
    found = set(files)
    for file in files:
        parts = file.split("/")
        found.update("/".join(parts[:end]) for end in range(depth + 1, len(parts)))
    if not request.flag("recursive"):
        found = {entry for entry in found if entry.count("/") == depth}
    return Response.json([_entry(commit, entry, request.flag("expand")) for entry in sorted(found)])


def paths_info(hub: HubServer, request: Request, type: str, id: str, revision: str) -> Response:
    """Details of the asked paths; those that do not exist are left out."""
    repo = readable_repo(hub, request, type, id)
    commit = commit_at(repo, revision)
    form = parse_qs(request.body.read().decode())
    expand = form.get("expand", [""])[0].lower() == "true"
    paths = [path for path in form.get("paths", []) if path in commit.tree or commit.below(path)]
    return Response.json([_entry(commit, path, expand) for path in paths])


def _entry(commit: Commit, path: str, expand: bool) -> dict[str, Any]:
    blob = commit.tree.get(path)
    entry: dict[str, Any]
    if blob is None:
        below = sorted((name, content.oid) for name, content in commit.below(path).items())
        entry = {"type": "directory", "oid": hashlib.sha1(repr(below).encode()).hexdigest(), "size": 0, "path": path}
    else:
        entry = {"type": "file", "oid": blob.oid, "size": blob.size, "path": path}
        if blob.sha256:
            pointer_size = len(lfs_pointer(blob.sha256, blob.size))
            entry["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": pointer_size}
    if expand:
        change = commit.last_change(path)
        entry["lastCommit"] = {"id": change.oid, "title": change.title, "date": timestamp(change.date)}
    return entry


def resolve(hub: HubServer, request: Request, type: str, id: str, revision: str, path: str) -> Response:
    """A file's content, whole or the asked range."""
    repo = readable_repo(hub, request, type or "model", id)
    require_contents(hub, request, repo)
    commit = commit_at(repo, revision)
    blob = commit.tree.get(path)
    if blob is None:
        # With the commit, the client can cache that this file does not exist there.
        raise HubError(404, "Entry not found", "EntryNotFound", headers={"X-Repo-Commit": commit.oid})
    headers = {
        "Content-Type": "application/octet-stream" if blob.sha256 else "text/plain; charset=utf-8",
        "Content-Disposition": f'inline; filename="{path.rsplit("/", 1)[-1]}"',
        "Accept-Ranges": "bytes",
        "ETag": f'"{blob.etag}"',
        "X-Repo-Commit": commit.oid,
    }
    if blob.sha256:
        headers |= {"X-Linked-Etag": f'"{blob.sha256}"', "X-Linked-Size": str(blob.size)}
    response = Response(200, headers, file=repo.blobs.path(blob), length=blob.size)
    return _cut(response, request.headers["range"]) if "range" in request.headers else response


def _cut(whole: Response, header: str) -> Response:
    """Answer a Range header (RFC 9110, section 14): one byte range; anything else gets the whole file."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or not any(match.groups()):
        return whole
    size = whole.length
    if match[1]:
        start, end = int(match[1]), min(int(match[2] or size - 1), size - 1)
    else:
        start, end = max(size - int(match[2]), 0), size - 1
    if start > end:
        return Response(416, {"Content-Range": f"bytes */{size}"})
    headers = {**whole.headers, "Content-Range": f"bytes {start}-{end}/{size}"}
    return Response(206, headers, file=whole.file, offset=start, length=end - start + 1)


_REPO = r"/api/(?P<type>model|dataset|space)s/(?P<id>[^/]+/[^/]+)"

ROUTES: list[Route] = [
    ("GET", _REPO + r"/tree/(?P<revision>[^/]+)(?:/(?P<path>.*?))?/?", listing),
    ("POST", _REPO + r"/paths-info/(?P<revision>[^/]+)", paths_info),
    (
        "GET",
        r"/(?:(?P<type>dataset|space)s/)?(?P<id>[^/]+(?:/[^/]+)?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)",
        resolve,
    ),
]
