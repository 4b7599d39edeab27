"""What control groups leave this process on Linux: the limits of containers, Slurm jobs and systemd slices.

A limit holds for all groups below it, so every group from the process's own up to the root counts. In a container the
root that is mounted is the container's own group, whatever its path is outside.

Source: the kernel's Documentation/admin-guide, cgroup-v1/memory.rst and cgroup-v2.rst.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

_MOUNT = "/sys/fs/cgroup"

Read = Callable[[str], str]


def read_text(path: str) -> str:
    """Content of a file; empty if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def memory_limit_bytes(read: Read = read_text) -> int | None:
    """The lowest memory limit of the process's groups, None without one."""
    names = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))
    found = [read(f"{group}/{file}").strip() for kind, file in names for group in _groups(kind, read)]
    return min((int(text) for text in found if text.isdigit()), default=None)


def core_limit(read: Read = read_text) -> int | None:
    """Cores that the lowest CPU quota of the process's groups is worth, rounded up, None without one."""
    found = [read(f"{group}/cpu.max") for group in _groups("", read)]
    found += [f"{read(f'{g}/cpu.cfs_quota_us')} {read(f'{g}/cpu.cfs_period_us')}" for g in _groups("cpu", read)]
    pairs = [match for text in found if (match := re.fullmatch(r"(\d+)\s+([1-9]\d*)", text.strip()))]
    return min((max(1, math.ceil(int(pair[1]) / int(pair[2]))) for pair in pairs), default=None)


def _groups(controller: str, read: Read) -> Iterator[str]:
    """Folders of the process's group and those above it; version 2, which has one tree, for an empty controller."""
    lines = (line.split(":", 2) for line in read("/proc/self/cgroup").splitlines())
    own = next((line[2] for line in lines if len(line) == 3 and controller in line[1].split(",")), "/")
    path = PurePosixPath("/", own)
    for group in (path, *path.parents):
        yield f"{_MOUNT}/{controller}{group}".replace("//", "/").rstrip("/")
