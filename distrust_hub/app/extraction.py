"""Text of a PDF or a web page, read in a child process with bounds on time, memory and pages. No gradio here.

Either can be made to keep any reader busy or to fill the memory; then the child ends and the app goes on.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from distrust_hub.app.limits import Limits
from distrust_hub.app.web_page import html_text
from distrust_hub.errors import DataError, MissingDependencyError
from distrust_hub.scoring.encodings import decoded

_MEMORY_BYTES = 1 << 30
_TOLD = 3
"""Exit code of the child when its last line is for the visitor."""


def extracted_text(path: str | Path, limits: Limits) -> str:
    """The text of a PDF's pages, one empty line between pages, or of a web page.

    Args:
        path: The file; one that does not end in ``.pdf`` is read as HTML.
        limits: Bounds on seconds, pages and characters.

    Raises:
        DataError: If it is damaged or encrypted, has too many pages or no text, or takes too long.
        MissingDependencyError: If it is a PDF and pypdf is not installed.
    """
    file = Path(path)
    if _is_pdf(file) and importlib.util.find_spec("pypdf") is None:
        raise MissingDependencyError("pypdf", "app", "reading PDF")
    bounds = (str(limits.pdf_pages), str(limits.text_chars))
    command = [sys.executable, "-m", "distrust_hub.app.extraction", str(file), *bounds]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.file_seconds, check=False)
    except subprocess.TimeoutExpired:
        problem = f"took more than {limits.file_seconds} seconds to read; save its text as .txt and score that"
        raise DataError(problem, path=file.name) from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        told = done.returncode == _TOLD and lines
        problem = lines[-1] if told else f"cannot be read as {_kind(file)}; save its text as .txt"
        raise DataError(problem, path=file.name)
    text = done.stdout.decode("utf-8", "replace").strip()
    if not text:
        why = "only images perhaps; run it through OCR first" if _is_pdf(file) else "only scripts perhaps"
        raise DataError(f"holds no text, {why}", path=file.name)
    return text


def _is_pdf(file: Path) -> bool:
    return file.suffix.lower() == ".pdf"


def _kind(file: Path) -> str:
    return "PDF" if _is_pdf(file) else "HTML"


class _ForVisitor(Exception):
    """What a visitor should know about the file."""


def _child(file: Path, max_pages: int, max_chars: int) -> int:
    """Write the text to stdout; _TOLD and one line on stderr for what the visitor should know."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    length = 0
    try:
        for part in _pages(file, max_pages) if _is_pdf(file) else [html_text(decoded(file.read_bytes()))]:
            sys.stdout.buffer.write((part + "\n\n").encode("utf-8", "replace"))
            length += len(part)
            if length > max_chars:  # the caller refuses it for its length
                break
    except _ForVisitor as told:
        sys.stderr.write(f"{told}\n")
        return _TOLD
    return 0


def _pages(file: Path, most: int) -> Iterator[str]:
    import pypdf

    reader = pypdf.PdfReader(file)
    if reader.is_encrypted and not reader.decrypt(""):
        raise _ForVisitor("is protected by a password; save a copy without one")
    if len(reader.pages) > most:
        raise _ForVisitor(f"has {len(reader.pages)} pages and the app reads {most}; split it")
    for page in reader.pages:
        yield page.extract_text()


if __name__ == "__main__":
    sys.exit(_child(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
