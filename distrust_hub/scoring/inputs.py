"""Rows to score, one at a time, from files, folders, standard input and Hub datasets."""

from __future__ import annotations

import glob
import io
import json
import logging
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from distrust_hub.artifacts import CARD_FILE, Manifest
from distrust_hub.errors import DataError, InputNotFoundError, MissingDependencyError
from distrust_hub.files import plain
from distrust_hub.scoring.compressed import COMPRESSED_SUFFIXES, Lines, check_ratio, open_compressed
from distrust_hub.scoring.encodings import decoded, encoding_of, lines_in_utf8
from distrust_hub.scoring.tables import check_names, csv_rows

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = 64 << 20
"""Longest line read; a longer one is an error, not a full memory."""

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".csv", ".tsv", ".txt", ".md", ".parquet")
"""Forms read in a folder. A ``.json`` file is read where it is named itself: in folders such files describe others."""

SKIP_HINT = "; --on-error skip leaves such rows out"
"""Said where a bad row ends a run that could go on without it."""

REJECTED = ".rejected.jsonl"
"""End of the name of a file with the rows that a run passed over: no input, unless it is named itself."""

_SHOWN = 3


class InputRow(NamedTuple):
    """A row, or what is wrong with it.

    Attributes:
        path: Where it is from, for messages.
        line: Line or row number from 1.
        row: The row; None where ``problem`` is set.
        problem: What is wrong, None for a good row.
    """

    path: str
    line: int
    row: dict[str, Any] | None
    problem: str | None = None


class RawLine(NamedTuple):
    """A line of JSON Lines as it stands in the file, for the process that scores it to read."""

    path: str
    line: int
    data: bytes

    def parsed(self) -> InputRow:
        """The row, or what is wrong with it."""
        try:
            row = json.loads(self.data)
        except (ValueError, RecursionError) as error:
            return InputRow(self.path, self.line, None, f"not valid JSON ({error}); fix or remove the line")
        if isinstance(row, dict):
            return InputRow(self.path, self.line, row)
        return InputRow(self.path, self.line, None, f"expected a JSON object, found {type(row).__name__}")


def iter_source(
    source: str | Path, *, text_column: str = "text", split: str = "train", config: str | None = None
) -> Iterator[InputRow]:
    """Rows of a file, folder, glob, ``-`` (JSON Lines on standard input) or Hub dataset id.

    Raises:
        InputNotFoundError: If nothing is there.
        DataError: If a file has a form that is not read, or none is found in a folder.
    """
    for item in iter_unparsed(source, text_column=text_column, split=split, config=config):
        yield item.parsed() if isinstance(item, RawLine) else item


def iter_unparsed(
    source: str | Path,
    *,
    text_column: str = "text",
    split: str = "train",
    config: str | None = None,
    leave_out: Collection[Path] = (),
) -> Iterator[InputRow | RawLine]:
    """What ``iter_source`` gives, with the lines of JSON Lines not yet parsed; for ``leave_out`` see source_files."""
    name = str(source)
    if name == "-":
        yield from _jsonl(sys.stdin.buffer, "stdin")
        return
    files = source_files(name, leave_out)
    if files is None:
        yield from _hub_rows(name, split, config)
        return
    _warn_of_unread(Path(name), {*files, *leave_out})
    for file in files:
        yield from _file_rows(file, text_column)


def _warn_of_unread(folder: Path, known: Collection[Path]) -> None:
    """Name the files of a folder that are passed over for their form, but for what describes a data set."""
    if not folder.is_dir():
        return
    seen = (file for file in sorted(folder.rglob("*")) if file.is_file() and not _is_hidden(file, folder))
    others = (file for file in seen if not {file, file.resolve()} & set(known))
    passed_over = ("README", "LICENSE", Manifest.FILE_NAME)
    unread = [
        file.name for file in others if not file.name.startswith(passed_over) and not file.name.endswith(REJECTED)
    ]
    if unread:
        names = ", ".join(unread[:_SHOWN]) + (", ..." if unread[_SHOWN:] else "")
        logger.warning("%s: %d files are not read, for their form: %s", folder.name, len(unread), names)


def source_files(name: str, leave_out: Collection[Path] = ()) -> list[Path] | None:
    """Files a source stands for, in sorted order, of a folder without hidden ones; None where it is a Hub dataset id.

    Args:
        name: File, folder, glob or Hub dataset id.
        leave_out: Resolved paths that a folder or glob does not stand for.
    """
    if not name.strip():
        raise InputNotFoundError("an input has an empty name; give a file, folder or Hub dataset")
    names = {file.name for file in leave_out}

    def wanted(file: Path) -> bool:
        if file.name == CARD_FILE or file.name.endswith(REJECTED):
            return False
        return file.is_file() and not (file.name in names and file.resolve() in leave_out)

    path = Path(name)
    if path.is_dir():
        named = (p for p in path.rglob("*") if p.name.lower().endswith(SUFFIXES) and not _is_hidden(p, path))
        files = sorted(filter(wanted, named))
        if not files:
            raise DataError(f"no file to score in this folder; expected {', '.join(SUFFIXES)}", path=path)
        return files
    if path.is_file():
        return [path]
    if any(sign in name for sign in "*?["):
        files = sorted(filter(wanted, map(Path, glob.glob(name, recursive=True))))
        if files:
            return files
    elif not name.lower().endswith(SUFFIXES) and _on_hub(name):
        return None
    raise InputNotFoundError(
        f"{name}: no such file, folder or Hub dataset; check the path (a Hub dataset is OWNER/NAME)"
    )


def _is_hidden(file: Path, folder: Path) -> bool:
    """Whether a file below a folder is hidden or in a hidden folder: autosaves, halves of Mac files, caches."""
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _on_hub(name: str) -> bool:
    from distrust_hub.hub.client import is_repo_id, split_revision

    return is_repo_id(split_revision(name)[0])


def _file_rows(path: Path, text_column: str) -> Iterator[InputRow | RawLine]:
    name = path.name.lower()
    if name.endswith(COMPRESSED_SUFFIXES):
        with open_compressed(path) as lines:
            yield from _jsonl(lines, str(path))
    elif name.endswith(".jsonl"):
        with path.open("rb") as stream:
            yield from _jsonl(lines_in_utf8(stream), str(path))
    elif name.endswith(".json"):
        yield from _json(path)
    elif name.endswith((".csv", ".tsv")):
        for line, values, wrong in csv_rows(path, MAX_LINE_BYTES):
            yield InputRow(str(path), line, values, wrong)
    elif name.endswith(".parquet"):
        yield from _parquet(path)
    elif name.endswith((".txt", ".md")):
        if path.stat().st_size > MAX_LINE_BYTES:
            yield InputRow(str(path), 1, None, f"longer than {MAX_LINE_BYTES:,} bytes; split it")
            return
        row, problem = {"id": path.stem, text_column: decoded(path.read_bytes())}, None
        if "\0" in row[text_column]:
            problem = "holds zero bytes, as no text does; save the document as text in UTF-8"
        elif not row[text_column].strip():
            problem = "holds no text; remove the file"
        yield InputRow(str(path), 1, None if problem else row, problem)
    else:
        raise DataError(f"cannot read this form; expected {', '.join(SUFFIXES)}, .json", path=path)


def _jsonl(stream: Lines, path: str) -> Iterator[InputRow | RawLine]:
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(MAX_LINE_BYTES)
            yield InputRow(path, number, None, f"line is longer than {MAX_LINE_BYTES:,} bytes; split the document")
            continue
        if not raw.isspace():
            yield RawLine(path, number, raw)


def _json(path: Path) -> Iterator[InputRow | RawLine]:
    """Objects of a JSON list, one after the other in bounded memory; a file that is no list is read as JSON Lines."""
    with path.open("rb") as stream:
        encoding, errors = encoding_of(stream.peek(4))
        if not stream.peek(1 << 10).decode(encoding, "ignore").lstrip().startswith("["):
            yield from _jsonl(lines_in_utf8(stream), str(path))
            return
        number = 0
        for number, (row, problem) in enumerate(_list_items(io.TextIOWrapper(stream, encoding, errors)), 1):
            if problem is None and not isinstance(row, dict):
                problem = f"expected a JSON object, found {type(row).__name__}"
            yield InputRow(str(path), number, None if problem else row, problem)


def _list_items(stream: io.TextIOWrapper) -> Iterator[tuple[Any, str | None]]:
    """(item, None) of a JSON list, or (None, what is wrong) as the last where it breaks off."""
    decoder, buffer, ended = json.JSONDecoder(), stream.read(1 << 20).lstrip()[1:], False
    while True:
        buffer = buffer.lstrip().removeprefix(",").lstrip()
        try:
            if not buffer.startswith("]"):
                item, end = decoder.raw_decode(buffer)
                if ended or end < len(buffer):  # a number at the end of the buffer may go on
                    yield item, None
                    buffer = buffer[end:]
                    continue
            elif not buffer[1:].strip():
                return
        except (ValueError, RecursionError) as error:
            if ended or len(buffer) > MAX_LINE_BYTES:
                yield None, f"not a valid JSON list from here on ({error}); mend or split it"
                return
        more = stream.read(max(1 << 20, len(buffer)))
        buffer, ended = buffer + more, not more
        if ended and buffer.startswith("]"):
            yield None, "text stands behind the end of the list; mend it"
            return


def _parquet(path: Path) -> Iterator[InputRow]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow", "data", "reading parquet") from error
    try:
        number = 0
        with parquet.ParquetFile(path) as file:
            check_names(file.schema_arrow.names, path)
            groups = range(file.metadata.num_row_groups)
            check_ratio(sum(file.metadata.row_group(i).total_byte_size for i in groups), path.stat().st_size, path)
            for batch in file.iter_batches(batch_size=1024):
                for row, problem in _batch_rows(batch):
                    number += 1
                    yield InputRow(str(path), number, row, problem)
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"not a parquet file ({str(error).splitlines()[0]})", path=path) from error
    except OSError as error:
        if error.errno:  # not of the file's content
            raise
        raise DataError(f"damaged parquet file ({str(error).splitlines()[0]}); fetch it again", path=path) from error


def _batch_rows(batch: Any) -> Iterator[tuple[dict[str, Any] | None, str | None]]:
    """Each row, or None and what is wrong with it; one by one, which is slow, only where one cannot be read."""
    try:
        rows = batch.to_pylist()
    except (ValueError, OverflowError):  # bytes that are no UTF-8, dates that no calendar has
        yield from (_parquet_row(batch, place) for place in range(batch.num_rows))
    else:
        yield from ((plain(row), None) for row in rows)


def _parquet_row(batch: Any, place: int) -> tuple[dict[str, Any] | None, str | None]:
    row = {}
    for name, column in zip(batch.schema.names, batch.columns):
        try:
            row[name] = column[place].as_py()
        except (ValueError, OverflowError) as error:
            return None, f"column {name!r} cannot be read ({error}); mend or remove the value"
    return plain(row), None


def _hub_rows(name: str, split: str, config: str | None) -> Iterator[InputRow]:
    from distrust_hub.hub.client import split_revision
    from distrust_hub.hub.rows import iter_rows

    repo_id, revision = split_revision(name)
    for number, row in enumerate(iter_rows(repo_id, split=split, config=config, revision=revision), start=1):
        yield InputRow(repo_id, number, dict(row))
