"""The package's own cache folder: converted base models, probe results, file hashes.

Nothing in it is precious; deleting it costs time only.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distrust_hub.files import atomic_write, dump_json, sha256_file


def cache_dir() -> Path:
    """Where conversions and probe results are kept; not created here.

    ``DISTRUST_HUB_CACHE`` if set, else ``~/Library/Caches/distrust-hub`` on macOS, else
    ``$XDG_CACHE_HOME/distrust-hub`` (``~/.cache/distrust-hub``).
    """
    if chosen := os.environ.get("DISTRUST_HUB_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "distrust-hub"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "distrust-hub"


@contextlib.contextmanager
def build_folder(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``target`` when the block ends without an error.

    On any error it is removed. When another process finished the same folder first, theirs stays.

    Args:
        target: Folder that must not exist yet.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        try:
            os.rename(temporary, target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def recall(name: str, key: str) -> Any:
    """The JSON value stored under ``key`` in the cache file ``name``, or None."""
    try:
        stored = json.loads((cache_dir() / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored.get(key) if isinstance(stored, dict) else None


def remember(name: str, key: str, value: Any) -> None:
    """Store a JSON value; a cache that cannot be written (read-only home, full disk) is no error."""
    path = cache_dir() / name
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = {}
    with contextlib.suppress(OSError), atomic_write(path) as stream:
        stream.write(dump_json({**(stored if isinstance(stored, dict) else {}), key: value}))


def cached_sha256(path: Path) -> str:
    """SHA-256 of a file, remembered by its path, size and modification time."""
    stat = path.stat()
    key = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    known = recall("sha256.json", key)
    if isinstance(known, str) and len(known) == 64:
        return known
    digest = sha256_file(path)
    remember("sha256.json", key, digest)
    return digest
