"""What this machine is: chip, cores, memory, and which MLX backend it would use. MLX is not imported."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Literal

from distrust_hub.models.cgroups import core_limit, memory_limit_bytes, read_text

Backend = Literal["metal", "cuda", "cpu"]
_COMMAND_SECONDS = 20
_NVIDIA = re.compile(r"nvidia|geforce|quadro|tesla|\brtx\b|\bgtx\b", re.IGNORECASE)
_NVIDIA_CODE = re.compile(r"\b[ahblt]\d{1,3}s?\b", re.IGNORECASE)
"""A100, H200, B200, L40S, T4: cards that go by their number alone."""
_OTHER_MAKERS = re.compile(r"\b(intel|arc|amd|radeon)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Machine:
    """A machine as far as training cares.

    Attributes:
        system: Operating system and release (``macOS 15.1``, ``Linux 6.8.0``).
        chip: Processor, or the graphics card on CUDA.
        architecture: ``arm64``, ``x86_64``, ...
        cpu_cores: Cores this process may use.
        gpu_cores: Cores of an Apple GPU, if known.
        memory_bytes: Memory a model can live in: unified memory, a graphics card's, or RAM (a container's limit).
        backend: What MLX computes on.
        python: Python version.
    """

    system: str
    chip: str
    architecture: str
    cpu_cores: int
    gpu_cores: int | None
    memory_bytes: int
    backend: Backend
    python: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value."""
        return dataclasses.asdict(self)


def detect_machine() -> Machine:
    """Look at this machine. Parts that cannot be found are ``unknown``, None or 0, never guessed."""
    machine = _detect_macos() if sys.platform == "darwin" else _detect_linux()
    return dataclasses.replace(machine, python=platform.python_version())


def _detect_macos() -> Machine:
    facts = parse_sysctl(_output("sysctl", "machdep.cpu.brand_string", "hw.memsize", "hw.ncpu"))
    apple = platform.machine() == "arm64"
    return Machine(
        system=f"macOS {platform.mac_ver()[0]}",
        chip=facts.get("machdep.cpu.brand_string", "unknown"),
        architecture=platform.machine(),
        cpu_cores=int(facts.get("hw.ncpu", os.cpu_count() or 1)),
        gpu_cores=parse_gpu_cores(_output("system_profiler", "SPDisplaysDataType", "-json")) if apple else None,
        memory_bytes=int(facts.get("hw.memsize", 0)),
        backend="metal" if apple else "cpu",
        python="",
    )


def _detect_linux() -> Machine:
    card = parse_nvidia_smi(_output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"))
    cuda = card is not None and _installed("mlx-cuda-12", "mlx-cuda-13")
    memory = parse_meminfo(_read("/proc/meminfo"))
    memory = min(memory, memory_limit_bytes(_read) or memory)
    chip = parse_cpuinfo(_read("/proc/cpuinfo")) or platform.processor() or "unknown"
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        chip=card[0] if card and cuda else chip,
        architecture=platform.machine(),
        cpu_cores=usable_cores(),
        gpu_cores=None,
        memory_bytes=card[1] or memory if card and cuda else memory,
        backend="cuda" if cuda else "cpu",
        python="",
    )


def on_zero_gpu() -> bool:
    """Whether this is a Space that is lent a GPU for single requests."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def named_machine(chip: str, memory_bytes: int) -> Machine:
    """A machine that is not this one, for ``recommend --chip --memory-gb``.

    Args:
        chip: As its maker calls it (``Apple M3 Pro``, ``M2``, ``NVIDIA RTX 4090``, ``AMD EPYC``); decides the backend.
        memory_bytes: Unified memory, the graphics card's, or RAM.
    """
    backend: Backend = "cpu"
    if re.search(r"\b(apple|m[1-9])\b", chip, re.IGNORECASE):
        backend = "metal"
    elif _NVIDIA.search(chip) or (_NVIDIA_CODE.search(chip) and not _OTHER_MAKERS.search(chip)):
        backend = "cuda"
    return Machine("unknown", chip, "unknown", 0, None, memory_bytes, backend, "unknown")


def parse_sysctl(text: str) -> dict[str, str]:
    """``key: value`` lines of macOS ``sysctl``."""
    pairs = (line.partition(": ") for line in text.splitlines())
    return {key: value.strip() for key, found, value in pairs if found}


def parse_gpu_cores(text: str) -> int | None:
    """GPU cores from ``system_profiler SPDisplaysDataType -json``; None if it does not say."""
    try:
        displays = json.loads(text)["SPDisplaysDataType"]
        return next(int(entry["sppci_cores"]) for entry in displays if "sppci_cores" in entry)
    except (ValueError, KeyError, TypeError, StopIteration):
        return None


def parse_cpuinfo(text: str) -> str | None:
    """Processor name of ``/proc/cpuinfo``: x86 has a model name, arm64 often only numbers."""
    facts = parse_sysctl(text.replace("\t", "").replace(":", ": "))
    if name := facts.get("model name") or facts.get("Hardware") or facts.get("Model"):
        return name
    part = facts.get("CPU part")
    return f"arm64 implementer {facts.get('CPU implementer', '?')} part {part}" if part else None


def parse_meminfo(text: str) -> int:
    """Bytes of ``MemTotal`` in ``/proc/meminfo``; 0 if absent."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def parse_nvidia_smi(text: str) -> tuple[str, int] | None:
    """Name and bytes of the largest card in ``nvidia-smi --query-gpu=name,memory.total`` CSV (MiB), or None.

    A chip that shares the machine's memory (GB10) has ``[N/A]``, which gives 0.
    """
    found = re.findall(r"^(.+),\s*(?:(\d+)|\[N/A\])\s*$", text, re.MULTILINE)
    cards = [(name.strip(), int(mib or 0) << 20) for name, mib in found]
    return max(cards, key=lambda card: card[1]) if cards else None


def _output(*command: str) -> str:
    """Standard output of a command; empty if it is absent, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _read(path: str) -> str:
    return read_text(path)


def usable_cores() -> int:
    """Cores this process may use: those it is bound to, or what a container's CPU quota is worth where that is less."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(bound, core_limit(_read) or bound)


def _installed(*packages: str) -> bool:
    return any(package_versions(packages).values())


def package_versions(packages: tuple[str, ...]) -> dict[str, str | None]:
    """Installed version of each package, None where it is not installed."""
    versions: dict[str, str | None] = {}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions
