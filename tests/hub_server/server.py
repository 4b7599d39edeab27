"""``HubServer``: the running test Hub and the handle tests hold on it."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from . import accounts, commits, discussions, lfs, repos, tree
from .faults import Fault
from .store import Repo, RepoType, Role, Store, User
from .wire import HubError, Request, Response, compile_routes, make_http_handler


@dataclass(frozen=True)
class LoggedRequest:
    """One request as it arrived; ``path`` includes the query string, and no token is kept."""

    method: str
    path: str
    has_auth: bool
    user_agent: str
    host: str


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that hangs up is not a fault of the Hub
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class HubServer:
    """A Hub on a free loopback port, from ``__enter__`` to ``__exit__``.

    Args:
        root: a folder for file contents; made if absent.

    Example:
        >>> with HubServer(tmp_path) as hub:
        ...     api = HfApi(endpoint=hub.url, token=hub.add_user("ada"))
        ...     api.create_repo("ada/notes", repo_type="dataset")
        ...     hub.repo("ada/notes", "dataset").files()
    """

    def __init__(self, root: Path):
        self.store = Store(root)
        self.requests: list[LoggedRequest] = []
        self.faults: list[Fault] = []
        self.renamed: dict[str, str] = {}
        self.pending_uploads: dict[str, tuple[str, int]] = {}
        modules = (accounts, commits, discussions, tree, lfs, repos)
        routes = [route for module in modules for route in module.ROUTES]
        self._counting = threading.Lock()
        self._dispatch = compile_routes(self, routes)
        self._listener = _Listener(("127.0.0.1", 0), make_http_handler(self.answer))
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The value for ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self._listener.server_port}"

    @property
    def storage_url(self) -> str:
        """Where large files are uploaded to: another host, as on the Hub, which must never see a token."""
        return f"http://localhost:{self._listener.server_port}"

    def add_user(
        self, name: str, role: Role = "write", permissions: Sequence[str] = (), orgs: Sequence[str] = ()
    ) -> str:
        """Give `name` a new token and return it; call again for a second token of the same user.

        Args:
            name: the user's namespace.
            role: the token's role; a ``fineGrained`` token may write only with the permission ``repo.write``, and open
                pull requests with ``discussion.write`` too, which holds everywhere.
            permissions: what a ``fineGrained`` token may do.
            orgs: organizations whose repositories the user may read and write.
        """
        token = "hf_" + secrets.token_hex(17)
        self.store.users[token] = User(name, role, tuple(permissions), tuple(orgs))
        return token

    def repo(self, repo_id: str, repo_type: RepoType = "model") -> Repo:
        """The repository, to look at with ``commits``, ``files`` and ``read``; KeyError if there is none."""
        return self.store.repos[repo_type, repo_id]

    def has_repo(self, repo_id: str, repo_type: RepoType = "model") -> bool:
        return (repo_type, repo_id) in self.store.repos

    def answer(self, request: Request) -> Response:
        """Log a request and answer it: the one place every request passes."""
        agent, host = request.headers.get("user-agent", ""), request.headers.get("host", "")
        has_auth = "authorization" in request.headers
        self.requests.append(LoggedRequest(request.method, request.target, has_auth, agent, host))
        with self._counting:
            fault = next((fault for fault in self.faults if fault.strikes(request)), None)
        return self._reply(request) if fault is None else fault.answer(request, self._reply)

    def rename(self, old: str, new: str) -> None:
        """Move a model; whoever asks for the old name is sent to the new one with a 307, as on the Hub."""
        repo = self.store.repos.pop(("model", old))
        repo.id = new
        self.store.repos["model", new] = repo
        self.renamed[old] = new

    def _reply(self, request: Request) -> Response:
        for old, new in self.renamed.items():
            if f"/{old}/" in f"{request.path}/":
                moved = request.target.replace(f"/{old}", f"/{new}", 1)
                return Response(307, {"Location": moved})
        try:
            return self._dispatch(request)
        except HubError as error:
            return error.to_response()
