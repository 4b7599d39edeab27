"""Repositories: create, delete, settings, info, lists, branches, tags, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .accounts import current_user, readable_repo, require_namespace, writable_repo
from .metadata import card_data, front_matter, tags
from .store import Blob, Commit, Repo, RepoType, lfs_pointer
from .wire import HubError, Request, Response, Route

if TYPE_CHECKING:
    from .server import HubServer


def commit_at(repo: Repo, revision: str) -> Commit:
    commit = repo.find(revision or "main")
    if commit is None:
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return commit


def create(hub: HubServer, request: Request) -> Response:
    payload = request.json()
    repo_type: RepoType = payload.setdefault("type", "model")
    if repo_type not in ("model", "dataset", "space"):
        raise HubError(400, f"Invalid repo type: {repo_type}")
    user, namespace = require_namespace(hub, request, payload.get("organization"), f"create a {repo_type}")
    repo_id = f"{namespace}/{payload['name']}"
    private = payload.get("visibility") == "private" or payload.get("private") is True
    with hub.store.lock:
        repo = hub.store.repos.get((repo_type, repo_id))
        if repo is not None:
            body = {"url": hub.url + repo.url_path}
            raise HubError(409, f"You already created this {repo_type} repo: {repo_id}", body=body)
        repo = hub.store.create_repo(repo_type, repo_id, private, payload.get("sdk"), user.name)
    return Response.json({"url": hub.url + repo.url_path, "name": repo_id})


def delete(hub: HubServer, request: Request) -> Response:
    payload = request.json()
    repo_type = payload.get("type") or "model"
    user = current_user(hub, request)
    namespace = payload.get("organization") or (user.name if user else "")
    repo, _ = writable_repo(hub, request, repo_type, f"{namespace}/{payload['name']}")
    with hub.store.lock:
        del hub.store.repos[repo.type, repo.id]
    return Response.json({})


def settings(hub: HubServer, request: Request, type: str, id: str) -> Response:
    repo, _ = writable_repo(hub, request, type, id)
    payload = request.json()
    repo.private = payload.get("visibility", "private" if repo.private else "public") == "private"
    repo.gated = payload.get("gated", repo.gated)
    return Response.json({"private": repo.private, "gated": repo.gated})


def info(hub: HubServer, request: Request, type: str, id: str, revision: str = "main") -> Response:
    repo = readable_repo(hub, request, type, id)
    everything = _describe(repo, commit_at(repo, revision), blobs=request.flag("blobs"))
    return Response.json(_select(everything, request.query.get("expand")))


def list_repos(hub: HubServer, request: Request, type: str) -> Response:
    """Repositories the caller may see, newest change first."""
    user = current_user(hub, request)
    author, search, limit = request.first("author"), request.first("search"), request.first("limit")
    wanted = set(request.query.get("filter", []))
    with hub.store.lock:
        repos = [repo for repo in hub.store.repos.values() if repo.type == type]
    found = []
    for repo in repos:
        visible = not repo.private or (user is not None and repo.namespace in user.namespaces)
        if not visible or author not in (None, repo.namespace) or (search or "").lower() not in repo.id.lower():
            continue
        item = _describe(repo, commit_at(repo, "main"))
        if wanted <= set(item["tags"]):
            found.append(item)
    found.sort(key=lambda item: item["lastModified"], reverse=True)
    hidden = set() if request.flag("full") else {"siblings", "cardData"}
    if request.flag("cardData"):
        hidden.discard("cardData")
    expand = request.query.get("expand")
    shown = [{k: v for k, v in _select(item, expand).items() if expand or k not in hidden} for item in found]
    return Response.json(shown[: int(limit) if limit else None])


def _describe(repo: Repo, commit: Commit, blobs: bool = False) -> dict[str, Any]:
    card = card_data(repo, commit)
    described: dict[str, Any] = {
        "id": repo.id,
        "author": repo.namespace,
        "sha": commit.oid,
        "createdAt": timestamp(repo.created_at),
        "lastModified": timestamp(commit.date),
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": tags(repo, commit, card),
        "cardData": card,
        "siblings": [_sibling(path, blob, blobs) for path, blob in sorted(commit.tree.items())],
    }
    if repo.type == "model":
        described["modelId"] = repo.id
        described.update({name: card[name] for name in ("library_name", "pipeline_tag") if name in card})
    if repo.type == "space":
        described["sdk"] = card.get("sdk", repo.sdk)
    return described


def _sibling(path: str, blob: Blob, details: bool) -> dict[str, Any]:
    sibling: dict[str, Any] = {"rfilename": path}
    if details:
        sibling |= {"size": blob.size, "blobId": blob.oid}
        if blob.sha256:
            pointer_size = len(lfs_pointer(blob.sha256, blob.size))
            sibling["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": pointer_size}
    return sibling


def _select(described: dict[str, Any], expand: list[str] | None) -> dict[str, Any]:
    if not expand:
        return described
    return {name: value for name, value in described.items() if name == "id" or name in expand}


def timestamp(date: Any) -> str:
    return f"{date:%Y-%m-%dT%H:%M:%S}.{date.microsecond // 1000:03d}Z"


def refs(hub: HubServer, request: Request, type: str, id: str) -> Response:
    repo = readable_repo(hub, request, type, id)

    def below(prefix: str) -> list[dict[str, str]]:
        return [
            {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": commit.oid}
            for ref, commit in repo.refs.items()
            if ref.startswith(prefix)
        ]

    answer: dict[str, Any] = {"branches": below("refs/heads/"), "converts": [], "tags": below("refs/tags/")}
    if request.flag("include_prs"):
        answer["pullRequests"] = below("refs/pr/")
    return Response.json(answer)


def create_branch(hub: HubServer, request: Request, type: str, id: str, branch: str) -> Response:
    repo, _ = writable_repo(hub, request, type, id)
    start = commit_at(repo, request.json().get("startingPoint") or "main")
    ref = f"refs/heads/{branch}"
    with hub.store.lock:
        if ref in repo.refs:
            raise HubError(409, f"Reference already exists: {ref}")
        repo.refs[ref] = start
    return Response.json({})


def delete_branch(hub: HubServer, request: Request, type: str, id: str, branch: str) -> Response:
    repo, _ = writable_repo(hub, request, type, id)
    if branch == "main":
        raise HubError(403, "Cannot delete branch main")
    with hub.store.lock:
        if repo.refs.pop(f"refs/heads/{branch}", None) is None:
            raise HubError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    return Response.json({})


def create_tag(hub: HubServer, request: Request, type: str, id: str, revision: str) -> Response:
    repo, _ = writable_repo(hub, request, type, id)
    target, ref = commit_at(repo, revision), f"refs/tags/{request.json()['tag']}"
    with hub.store.lock:
        if ref in repo.refs:
            raise HubError(409, f"Tag reference exists already: {ref}")
        repo.refs[ref] = target
    return Response.json({})


def delete_tag(hub: HubServer, request: Request, type: str, id: str, revision: str) -> Response:
    repo, _ = writable_repo(hub, request, type, id)
    with hub.store.lock:
        if repo.refs.pop(f"refs/tags/{revision}", None) is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return Response.json({})


def commits(hub: HubServer, request: Request, type: str, id: str, revision: str) -> Response:
    repo = readable_repo(hub, request, type, id)
    return Response.json(
        [
            {
                "id": commit.oid,
                "title": commit.title,
                "message": commit.message,
                "authors": [{"user": commit.author}],
                "date": timestamp(commit.date),
            }
            for commit in commit_at(repo, revision).history()
        ]
    )


def validate_yaml(hub: HubServer, request: Request) -> Response:
    try:
        found = front_matter(request.json().get("content", ""))
    except ValueError as error:
        return Response.json({"errors": [{"message": str(error)}], "warnings": []}, status=400)
    warnings = [] if found else [{"message": "empty or missing yaml metadata in repo card"}]
    return Response.json({"errors": [], "warnings": warnings})


_TYPE = r"/api/(?P<type>model|dataset|space)s"
_REPO = _TYPE + r"/(?P<id>[^/]+/[^/]+)"

ROUTES: list[Route] = [
    ("POST", r"/api/repos/create", create),
    ("DELETE", r"/api/repos/delete", delete),
    ("POST", r"/api/validate-yaml", validate_yaml),
    ("GET", _TYPE, list_repos),
    ("PUT", _REPO + r"/settings", settings),
    ("GET", _REPO + r"/refs", refs),
    ("GET", _REPO + r"/commits/(?P<revision>[^/]+)", commits),
    ("POST", _REPO + r"/branch/(?P<branch>[^/]+)", create_branch),
    ("DELETE", _REPO + r"/branch/(?P<branch>[^/]+)", delete_branch),
    ("POST", _REPO + r"/tag/(?P<revision>[^/]+)", create_tag),
    ("DELETE", _REPO + r"/tag/(?P<revision>[^/]+)", delete_tag),
    ("GET", _REPO + r"/revision/(?P<revision>[^/]+)", info),
    ("GET", _TYPE + r"/(?P<id>[^/]+(/[^/]+)?)", info),
]
