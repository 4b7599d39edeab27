"""What the test Hub keeps: users and tokens, and repositories with git-like commits.

File contents lie on disk, named by their hash; everything else is held in memory for the life of the server.
A commit is a full snapshot of paths, so any revision can be read without walking history.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, Literal

from .wire import CHUNK_BYTES

RepoType = Literal["model", "dataset", "space"]
Role = Literal["read", "write", "fineGrained"]

# A new repository on the Hub holds this one file; the suffixes are those stored through LFS whatever their size.
LFS_SUFFIXES = (
    *(".arrow", ".bin", ".ckpt", ".gguf", ".gz", ".h5", ".model", ".msgpack", ".npy", ".npz", ".onnx", ".parquet"),
    *(".pickle", ".pkl", ".pt", ".pth", ".safetensors", ".tar", ".tgz", ".wav", ".xz", ".zip", ".zst"),
)
GIT_ATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES).encode()


@dataclass(frozen=True)
class User:
    """Who a token belongs to and what it may do."""

    name: str
    role: Role
    permissions: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (self.name, *self.orgs)

    @property
    def can_write(self) -> bool:
        return self.role == "write" or "repo.write" in self.permissions

    @property
    def can_open_pull_requests(self) -> bool:
        return self.can_write or "discussion.write" in self.permissions


@dataclass(frozen=True)
class Blob:
    """A file's content: git object id, size in bytes and, for LFS files, the SHA-256 of the content."""

    oid: str
    size: int
    sha256: str | None = None

    @property
    def etag(self) -> str:
        return self.sha256 or self.oid


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: Commit | None
    tree: dict[str, Blob]
    title: str
    message: str
    author: str
    date: datetime

    def history(self) -> Iterator[Commit]:
        """This commit and its ancestors, newest first."""
        commit: Commit | None = self
        while commit is not None:
            yield commit
            commit = commit.parent

    def below(self, folder: str) -> dict[str, Blob]:
        """Files under `folder` (``""`` is the root), by full path."""
        return {path: blob for path, blob in self.tree.items() if not folder or path.startswith(folder + "/")}

    def last_change(self, path: str) -> Commit:
        """The newest commit in which file or folder `path` differs from its parent."""
        for commit in self.history():
            before = commit.parent
            if before is None or (commit.tree.get(path), commit.below(path)) != (
                before.tree.get(path),
                before.below(path),
            ):
                return commit
        return self


@dataclass
class Discussion:
    """A discussion or pull request; the commits of a pull request are at ``refs/pr/<num>``."""

    num: int
    title: str
    author: str
    is_pull_request: bool
    status: str = "open"
    description: str = ""
    created_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def ref(self) -> str:
        return f"refs/pr/{self.num}"


@dataclass
class Repo:
    """A repository. ``refs`` maps full names (``refs/heads/main``) to commits."""

    type: RepoType
    id: str
    private: bool
    blobs: BlobStore
    gated: bool | str = False
    sdk: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    refs: dict[str, Commit] = field(default_factory=dict)
    by_oid: dict[str, Commit] = field(default_factory=dict)
    discussions: dict[int, Discussion] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]

    @property
    def url_path(self) -> str:
        return f"/{self.id}" if self.type == "model" else f"/{self.type}s/{self.id}"

    def find(self, revision: str) -> Commit | None:
        """The commit named by a branch, a tag, a full ref or a 40-digit commit id."""
        names = (f"refs/heads/{revision}", f"refs/tags/{revision}", revision)
        return next((self.refs[name] for name in names if name in self.refs), None) or self.by_oid.get(revision)

    def open_discussion(self, title: str, author: str, *, is_pull_request: bool, description: str = "") -> Discussion:
        discussion = Discussion(len(self.discussions) + 1, title, author, is_pull_request, description=description)
        self.discussions[discussion.num] = discussion
        return discussion

    def commit(self, ref: str, tree: dict[str, Blob], title: str, message: str, author: str) -> Commit:
        parent = self.refs.get(ref)
        unique = f"{self.type}/{self.id} {parent and parent.oid} {title} {secrets.token_hex(8)}"
        now = datetime.now(timezone.utc)
        commit = Commit(hashlib.sha1(unique.encode()).hexdigest(), parent, tree, title, message, author, now)
        self.by_oid[commit.oid] = self.refs[ref] = commit
        return commit

    def commits(self, revision: str = "main") -> list[Commit]:
        """Commits of a revision, newest first; KeyError when the revision is unknown."""
        return list(self._at(revision).history())

    def files(self, revision: str = "main") -> list[str]:
        return sorted(self._at(revision).tree)

    def read(self, path: str, revision: str = "main") -> bytes:
        """Content of a file; KeyError when the revision or the path is unknown."""
        return self.blobs.path(self._at(revision).tree[path]).read_bytes()

    def _at(self, revision: str) -> Commit:
        commit = self.find(revision)
        if commit is None:
            raise KeyError(f"{self.type} {self.id} has no revision {revision}")
        return commit


class BlobStore:
    """Contents on disk, named by git object id (small files) or SHA-256 (LFS objects)."""

    def __init__(self, root: Path):
        self._git = root / "git"
        self._lfs = root / "lfs"
        self._incoming = root / "incoming"
        for folder in (self._git, self._lfs, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, blob: Blob) -> Path:
        return self._lfs / blob.sha256 if blob.sha256 else self._git / blob.oid

    def add_regular(self, content: bytes) -> Blob:
        oid = _git_oid(content)
        (self._git / oid).write_bytes(content)
        return Blob(oid, len(content))

    def has_lfs(self, sha256: str) -> bool:
        return re.fullmatch("[0-9a-f]{64}", sha256) is not None and (self._lfs / sha256).is_file()

    def add_lfs(self, source: BinaryIO, sha256: str, size: int) -> bool:
        """Store an upload; False, and nothing kept, when its size or hash is not the announced one."""
        incoming = self._incoming / secrets.token_hex(8)
        digest = hashlib.sha256()
        with incoming.open("wb") as target:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                target.write(chunk)
        if (digest.hexdigest(), incoming.stat().st_size) != (sha256, size):
            incoming.unlink()
            return False
        shutil.move(incoming, self._lfs / sha256)
        return True

    def lfs_blob(self, sha256: str) -> Blob:
        size = (self._lfs / sha256).stat().st_size
        return Blob(_git_oid(lfs_pointer(sha256, size)), size, sha256)


class Store:
    """All state of one server. Hold ``lock`` while changing or listing repositories."""

    def __init__(self, root: Path):
        self.blobs = BlobStore(root)
        self.users: dict[str, User] = {}
        self.repos: dict[tuple[str, str], Repo] = {}
        self.lock = threading.RLock()

    def create_repo(self, repo_type: RepoType, repo_id: str, private: bool, sdk: str | None, author: str) -> Repo:
        repo = Repo(repo_type, repo_id, private, self.blobs, sdk=sdk)
        tree = {".gitattributes": self.blobs.add_regular(GIT_ATTRIBUTES)}
        repo.commit("refs/heads/main", tree, "initial commit", "", author)
        self.repos[repo_type, repo_id] = repo
        return repo


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The text git keeps in place of an LFS file (git-lfs specification, "The Pointer")."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def _git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
