from __future__ import annotations

import json
import platform

import pytest

from distrust_hub.hardware import detect
from distrust_hub.hardware.detect import (
    detect_machine,
    named_machine,
    parse_cpuinfo,
    parse_gpu_cores,
    parse_meminfo,
    parse_nvidia_smi,
    parse_sysctl,
)

GIB = 1 << 30
SYSCTL = "machdep.cpu.brand_string: Apple M3 Pro\nhw.memsize: 19327352832\nhw.ncpu: 11\n"
DISPLAYS = json.dumps({"SPDisplaysDataType": [{"_name": "Apple M3 Pro", "sppci_cores": "14", "sppci_model": "x"}]})
X86_CPUINFO = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 7R32\nflags\t\t: fpu sse avx2\n"
ARM_CPUINFO = "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
MEMINFO = "MemTotal:        8046200 kB\nMemFree:          123456 kB\n"
SMI = "NVIDIA GeForce RTX 3060, 12288\nNVIDIA A100-SXM4-40GB, 40960\n"


def test_parsers_read_captured_output():
    assert parse_sysctl(SYSCTL)["hw.memsize"] == "19327352832"
    assert parse_gpu_cores(DISPLAYS) == 14
    assert parse_cpuinfo(X86_CPUINFO) == "AMD EPYC 7R32"
    assert parse_cpuinfo(ARM_CPUINFO) == "arm64 implementer 0x41 part 0xd0c"
    assert parse_meminfo(MEMINFO) == 8046200 * 1024
    assert parse_nvidia_smi(SMI) == ("NVIDIA A100-SXM4-40GB", 40960 << 20)


@pytest.mark.parametrize("text", ["", "garbage", "{}", '{"SPDisplaysDataType": [{}]}', "NVIDIA-SMI has failed"])
def test_parsers_find_nothing_in_nothing(text):
    assert parse_gpu_cores(text) is None
    assert parse_cpuinfo(text) is None
    assert parse_meminfo(text) == 0
    assert parse_nvidia_smi(text) is None


def fake_system(monkeypatch, *, system, machine, commands=(), files=(), packages=()):
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.mac_ver", lambda: ("15.1", ("", "", ""), ""))
    monkeypatch.setattr(detect, "_output", lambda *command: dict(commands).get(command[0], ""))
    monkeypatch.setattr(detect, "_read", lambda path: dict(files).get(path, ""))
    monkeypatch.setattr(detect, "_installed", lambda *names: bool(set(names) & set(packages)))


def test_apple_silicon_is_metal_with_unified_memory(monkeypatch):
    commands = {"sysctl": SYSCTL, "system_profiler": DISPLAYS}
    fake_system(monkeypatch, system="darwin", machine="arm64", commands=commands)
    machine = detect_machine()
    assert (machine.system, machine.chip, machine.backend) == ("macOS 15.1", "Apple M3 Pro", "metal")
    assert (machine.cpu_cores, machine.gpu_cores, machine.memory_bytes) == (11, 14, 18 * GIB)
    assert machine.python == platform.python_version()


LINUX_FILES = {"/proc/cpuinfo": X86_CPUINFO, "/proc/meminfo": MEMINFO}


def test_linux_without_a_card_is_cpu(monkeypatch):
    fake_system(monkeypatch, system="linux", machine="x86_64", files=LINUX_FILES)
    machine = detect_machine()
    assert (machine.chip, machine.backend, machine.memory_bytes) == ("AMD EPYC 7R32", "cpu", 8046200 * 1024)


def test_container_limit_counts_where_it_is_lower(monkeypatch):
    files = {**LINUX_FILES, "/sys/fs/cgroup/memory.max": "2147483648\n"}
    fake_system(monkeypatch, system="linux", machine="x86_64", files=files)
    assert detect_machine().memory_bytes == 2 * GIB
    fake_system(monkeypatch, system="linux", machine="x86_64", files={**files, "/sys/fs/cgroup/memory.max": "max\n"})
    assert detect_machine().memory_bytes == 8046200 * 1024


@pytest.mark.parametrize(("packages", "backend"), [(("mlx-cuda-12",), "cuda"), ((), "cpu")])
def test_card_counts_only_with_the_cuda_build_of_mlx(monkeypatch, packages, backend):
    commands = {"nvidia-smi": SMI}
    fake_system(monkeypatch, system="linux", machine="x86_64", commands=commands, files=LINUX_FILES, packages=packages)
    machine = detect_machine()
    assert machine.backend == backend
    assert machine.memory_bytes == (40 * GIB if backend == "cuda" else 8046200 * 1024)


def test_detect_machine_on_this_one_is_plausible():
    machine = detect_machine()
    assert machine.cpu_cores >= 1
    assert machine.memory_bytes > 100 << 20
    assert json.loads(json.dumps(machine.to_json()))["backend"] in ("metal", "cuda", "cpu")


@pytest.mark.parametrize(
    ("chip", "backend"),
    [
        ("Apple M3 Pro", "metal"),
        ("m2", "metal"),
        ("NVIDIA RTX 4090", "cuda"),
        ("A100", "cuda"),
        ("H200", "cuda"),
        ("L40S", "cuda"),
        ("T4", "cuda"),
        ("AMD EPYC 7R32", "cpu"),
        ("Intel Core i7", "cpu"),
    ],
)
def test_named_machine_takes_the_backend_from_the_chip(chip, backend):
    assert named_machine(chip, GIB).backend == backend
