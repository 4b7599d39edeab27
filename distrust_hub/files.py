"""Files on disk: JSON, JSON Lines, hashes, and writes that are whole or not there at all."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import math
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from distrust_hub.errors import ArtifactError, DataError, InputNotFoundError, TemplateNotFoundError

_CHUNK_BYTES = 1 << 20

MAX_JSON_DEPTH = 100
"""Levels of a JSON file; tokenizers, the deepest of those in use, have about ten."""

MAX_METADATA_CHARACTERS = 200_000
"""More is no card, and takes seconds to read; the longest card of ours has some thousand."""


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that replaces ``path`` only when the block ends without an error.

    The data is written beside the target, flushed to disk and renamed; on any error (a full disk,
    Ctrl-C) the partial file is removed and the old one is intact.

    Args:
        path: Target; missing parent folders are made.
        mode: ``"w"`` (UTF-8, ``\\n`` line ends) or ``"wb"``.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    stream = temporary.open(mode.replace("w", "x"), **text)  # type: ignore[call-overload]
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def well_formed(text: str) -> str:
    """The text with a question mark for each lone surrogate, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def shipped_text(in_package: str, in_source: str) -> str:
    """A text file that the wheel has inside the package and the source tree at its top.

    Args:
        in_package: Path below the package.
        in_source: Path below the source tree.

    Raises:
        TemplateNotFoundError: If it is in neither place, naming both.
    """
    package = Path(__file__).resolve().parent
    places = (package / in_package, package.parent / in_source)
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise TemplateNotFoundError(f"neither {places[0]} nor {places[1]} is there; install the package again")


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file as 64 hex digits, read in constant memory."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def combined_sha256(hashes: Sequence[tuple[str, str]]) -> str:
    """One SHA-256 for several files: that of the file, or of ``name sha256`` lines where there is not exactly one.

    Args:
        hashes: Name and SHA-256 of each file, in a fixed order.
    """
    if len(hashes) == 1:
        return hashes[0][1]
    return hashlib.sha256("".join(f"{name} {sha256}\n" for name, sha256 in hashes).encode()).hexdigest()


def dump_json(value: Any) -> str:
    """The one JSON spelling of our artifacts: two spaces, sorted keys, no NaN, final newline."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` atomically in our JSON spelling. Raises ValueError on NaN and infinity."""
    text = dump_json(value)
    with atomic_write(path) as stream:
        stream.write(text)


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        InputNotFoundError: If the file is missing.
        ArtifactError: If it is not JSON, or nested so deeply that whoever walks through it would fail.
    """
    file = Path(path)
    if not file.is_file():
        raise InputNotFoundError(f"{file}: no such file")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{file}: not valid JSON ({error}); write it again or restore it") from error
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        lists = [entry.values() if isinstance(entry, dict) else entry for entry in level if type(entry) in (dict, list)]
        level = [entry for entries in lists for entry in entries]
        if not level:
            return value
    raise ArtifactError(f"{file}: nested deeper than {MAX_JSON_DEPTH} levels; write it again or restore it")


def parse_metadata(text: str) -> Any:
    """The YAML at the top of a card, which anybody may have written.

    Raises:
        ValueError: If it has more than MAX_METADATA_CHARACTERS or is not YAML, as a clause: "is not YAML: ...".
    """
    import yaml

    if len(text) > MAX_METADATA_CHARACTERS:
        raise ValueError(f"has {len(text):,} characters; expected at most {MAX_METADATA_CHARACTERS:,}")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # also dates that are none, values that do not fit their tag, and deep nesting
        raise ValueError(f"is not YAML: {' '.join(str(error).split())}") from error


def iter_jsonl(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number from 1, row)`` of a JSON Lines file; blank lines are passed over.

    Raises:
        InputNotFoundError: If the file is missing.
        DataError: If a line is not a JSON object, naming file and line.
    """
    file = Path(path)
    if not file.is_file():
        raise InputNotFoundError(f"{file}: no such file")
    with file.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            if not raw.strip():
                continue
            try:
                row = json.loads(raw)
            except (ValueError, RecursionError) as error:
                raise DataError(f"not valid JSON ({error}); fix or remove the line", path=file, line=number) from error
            if not isinstance(row, dict):
                found = type(row).__name__
                raise DataError(f"expected a JSON object, found {found}", path=file, line=number)
            yield number, row


def jsonl_line(row: dict[str, Any]) -> str:
    """One row as a JSON line with its final newline; key order is kept."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any, other: Callable[[Any], Any] | None = None) -> Any:
    """A value of a table as JSON can hold it.

    Numbers that are not finite become None, decimals numbers, dates and times ISO text, other scalars their text,
    bytes UTF-8 text or else base64, arrays lists, and lone surrogates question marks.

    Args:
        value: Any value.
        other: What to make of anything else, such as an image.

    Raises:
        TypeError: For anything else where ``other`` is None, with the name of its type as the message.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, (float, Decimal)):
        whole = isinstance(value, Decimal) and value == value.to_integral_value()
        return None if not math.isfinite(value) else int(value) if whole else float(value)
    if isinstance(value, Mapping):
        return {plain(str(name)): plain(entry, other) for name, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry, other) for entry in value]
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return base64.b64encode(value).decode("ascii")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (timedelta, UUID)):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy
        return plain(value.tolist(), other)
    if other is None:
        raise TypeError(type(value).__name__)
    return other(value)


def type_name(value: Any) -> str:
    """What ``plain`` may put for an image or a sound: ``<PngImageFile>``; its own text holds a place in memory."""
    return f"<{type(value).__name__}>"


def write_jsonl(path: str | Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows atomically as JSON Lines and return how many there were."""
    count = 0
    with atomic_write(path) as stream:
        for row in rows:
            stream.write(jsonl_line(row))
            count += 1
    return count
