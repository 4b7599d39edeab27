"""Who is asking and what they may do; ``whoami``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .store import Repo, User
from .wire import HubError, Request, Response, Route

if TYPE_CHECKING:
    from .server import HubServer


def current_user(hub: HubServer, request: Request) -> User | None:
    """The token's owner, or None without a token; an unknown token is refused everywhere, as on the Hub."""
    if request.token is None:
        return None
    user = hub.store.users.get(request.token)
    if user is None:
        raise HubError(401, "Invalid credentials in Authorization header")
    return user


def readable_repo(hub: HubServer, request: Request, repo_type: str, repo_id: str) -> Repo:
    """The repository, or the Hub's answer to a stranger: private and missing look the same."""
    user = current_user(hub, request)
    repo = hub.store.repos.get((repo_type, repo_id))
    if repo is not None and (not repo.private or _is_member(user, repo)):
        return repo
    if user is None:
        raise HubError(401, "Invalid username or password.", "RepoNotFound")
    raise HubError(404, "Repository not found", "RepoNotFound")


def require_contents(hub: HubServer, request: Request, repo: Repo) -> None:
    """Refuse file contents of a gated repository to anyone but its owner."""
    user = current_user(hub, request)
    if not repo.gated or _is_member(user, repo):
        return
    message = f"Access to {repo.type} {repo.id} is restricted"
    if user is None:
        raise HubError(401, f"{message}. You must have access to it and be authenticated to access it.", "GatedRepo")
    raise HubError(403, f"{message} and you are not in the authorized list.", "GatedRepo")


def writable_repo(hub: HubServer, request: Request, repo_type: str, repo_id: str) -> tuple[Repo, User]:
    repo = readable_repo(hub, request, repo_type, repo_id)
    user = current_user(hub, request)
    if user is None:
        raise HubError(401, "Invalid username or password.")
    if repo.namespace not in user.namespaces:
        raise HubError(403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request")
    if not user.can_write:
        raise HubError(403, "Forbidden: you must use a write token to upload to a repository.")
    return repo, user


def contributor(hub: HubServer, request: Request, repo_type: str, repo_id: str) -> tuple[Repo, User]:
    """Whoever may open a pull request: everybody who sees the repository and may write somewhere."""
    repo = readable_repo(hub, request, repo_type, repo_id)
    user = current_user(hub, request)
    if user is None:
        raise HubError(401, "Invalid username or password.")
    if not user.can_open_pull_requests:
        raise HubError(403, "Forbidden: you must use a write token to upload to a repository.")
    return repo, user


def require_namespace(hub: HubServer, request: Request, namespace: str | None, action: str) -> tuple[User, str]:
    """The user and the namespace (their own if not given) in which they may do `action`."""
    user = current_user(hub, request)
    if user is None:
        raise HubError(401, "Invalid username or password.")
    namespace = namespace or user.name
    if namespace not in user.namespaces or not user.can_write:
        raise HubError(403, f'You don\'t have the rights to {action} under the namespace "{namespace}"')
    return user, namespace


def _is_member(user: User | None, repo: Repo) -> bool:
    return user is not None and repo.namespace in user.namespaces


def whoami(hub: HubServer, request: Request) -> Response:
    user = current_user(hub, request)
    if user is None:
        raise HubError(401, "Invalid username or password.")
    token: dict[str, object] = {"displayName": f"{user.name}-{user.role}", "role": user.role}
    if user.role == "fineGrained":
        everywhere = [name for name in user.permissions if name == "discussion.write"]
        scoped = [name for name in user.permissions if name not in everywhere]
        scope = {"entity": {"type": "user", "name": user.name}, "permissions": scoped}
        token["fineGrained"] = {"canReadGatedRepos": False, "global": everywhere, "scoped": [scope]}
    return Response.json(
        {
            "type": "user",
            "name": user.name,
            "fullname": user.name,
            "isPro": False,
            "orgs": [{"type": "org", "name": org, "fullname": org, "roleInOrg": "write"} for org in user.orgs],
            "auth": {"type": "access_token", "accessToken": token},
        }
    )


def auth_check(hub: HubServer, request: Request, type: str, id: str, write: str) -> Response:
    repo = readable_repo(hub, request, type, id)
    require_contents(hub, request, repo)
    if write:
        writable_repo(hub, request, type, id)
    return Response.json({})


ROUTES: list[Route] = [
    ("GET", r"/api/whoami-v2", whoami),
    ("GET", r"/api/(?P<type>model|dataset|space)s/(?P<id>[^/]+/[^/]+)/auth-check(?P<write>/write)?", auth_check),
]
