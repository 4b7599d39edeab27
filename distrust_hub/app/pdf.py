"""Text of a PDF, read in a child process with bounds on pages, time and memory. No gradio here.

A PDF can be made to keep any reader busy or to fill the memory; then the child ends and the app goes on.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from distrust_hub.app.limits import Limits
from distrust_hub.errors import DataError, MissingDependencyError

_MEMORY_BYTES = 1 << 30
_TOLD = 3
"""Exit code of the child when its last line is for the visitor."""


def pdf_text(path: str | Path, limits: Limits) -> str:
    """The text of all pages, one empty line between pages.

    Args:
        path: The file.
        limits: Bounds on pages, seconds and characters.

    Raises:
        DataError: If it is damaged or encrypted, has too many pages or no text, or takes too long.
        MissingDependencyError: If pypdf is not installed.
    """
    file = Path(path)
    if importlib.util.find_spec("pypdf") is None:
        raise MissingDependencyError("pypdf", "app", "reading PDF")
    command = [sys.executable, "-m", "distrust_hub.app.pdf", str(file), str(limits.pdf_pages), str(limits.text_chars)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.file_seconds, check=False)
    except subprocess.TimeoutExpired:
        problem = f"took more than {limits.file_seconds} seconds to read; save its text as .txt and score that"
        raise DataError(problem, path=file.name) from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        told = done.returncode == _TOLD and lines
        problem = lines[-1] if told else "is not a PDF that can be read; save its text as .txt"
        raise DataError(problem, path=file.name)
    text = done.stdout.decode("utf-8", "replace").strip()
    if not text:
        raise DataError("holds no text, only images perhaps; run it through OCR first", path=file.name)
    return text


def _child(path: str, max_pages: int, max_chars: int) -> int:
    """Write the text to stdout; _TOLD and one line on stderr for what the visitor should know."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    import pypdf

    reader = pypdf.PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        sys.stderr.write("is protected by a password; save a copy without one\n")
        return _TOLD
    if len(reader.pages) > max_pages:
        sys.stderr.write(f"has {len(reader.pages)} pages and the app reads {max_pages}; split it\n")
        return _TOLD
    length = 0
    for page in reader.pages:
        text = page.extract_text()
        sys.stdout.buffer.write((text + "\n\n").encode("utf-8", "replace"))
        length += len(text)
        if length > max_chars:  # the caller refuses it for its length
            break
    return 0


if __name__ == "__main__":
    sys.exit(_child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
