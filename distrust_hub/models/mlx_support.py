"""Why MLX cannot be imported here."""

from __future__ import annotations

import importlib.metadata
import platform
import sys


def mlx_problem() -> str | None:
    """Why MLX cannot run here, or None if it is installed. It is not imported."""
    try:
        importlib.metadata.version("mlx")
    except importlib.metadata.PackageNotFoundError:
        return why_mlx_is_missing() or 'not installed; run: pip install "distrust-hub[train]"'
    return None


def why_mlx_is_missing(detail: str = "") -> str:
    """The likely cause, as one clause; empty if the package simply is not installed.

    Args:
        detail: Text of the ImportError.
    """
    if sys.platform == "darwin":
        if platform.machine() != "arm64":
            return "this Python runs as x86-64: use a native arm64 Python, not one under Rosetta"
        release = platform.mac_ver()[0]
        if release and int(release.split(".")[0]) < 14:
            return f"macOS is {release}; MLX needs 14 or newer"
    elif sys.platform == "linux":
        name, version = platform.libc_ver()
        if name == "glibc" and tuple(map(int, version.split(".")[:2])) < (2, 35):
            return f"glibc is {version}; MLX needs 2.35 or newer, such as Ubuntu 22.04 or Debian 12"
        if name != "glibc":
            return "MLX needs glibc; this system has another C library"
    else:
        return f"MLX runs on macOS and Linux, not on {sys.platform}"
    return detail if detail and "No module named" not in detail else ""
