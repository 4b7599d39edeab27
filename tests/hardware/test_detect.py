from __future__ import annotations

import json
import platform

import pytest

from distrust_hub.hardware import detect
from distrust_hub.hardware.apple import APPLE_CHIPS, apple_chip
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


MACS = [  # what sysctl and system_profiler print, and what is to be read from it
    ("Apple M1", 8 * GIB, 8, '{"SPDisplaysDataType": [{"_name": "Apple M1", "sppci_cores": "7"}]}', 7),
    ("Apple M2 Ultra", 192 * GIB, 24, '{"SPDisplaysDataType": [{"sppci_cores": "76"}, {"_name": "AirPlay"}]}', 76),
    ("Apple M3 Max", 64 * GIB, 16, '{"SPDisplaysDataType": [{"_name": "USB"}, {"sppci_cores": "40"}]}', 40),
    ("Apple M4", 16 * GIB, 10, "", None),
    ("Apple M5", 32 * GIB, 10, '{"SPDisplaysDataType": [{"sppci_cores": "10"}]}', 10),
]


@pytest.mark.parametrize(("chip", "memory", "cores", "displays", "gpu"), MACS)
def test_macs_are_read_from_what_they_print(monkeypatch, chip, memory, cores, displays, gpu):
    sysctl = f"machdep.cpu.brand_string: {chip}\nhw.memsize: {memory}\nhw.ncpu: {cores}\n"
    commands = {"sysctl": sysctl, "system_profiler": displays}
    fake_system(monkeypatch, system="darwin", machine="arm64", commands=commands)
    machine = detect_machine()
    assert (machine.chip, machine.memory_bytes, machine.cpu_cores, machine.gpu_cores) == (chip, memory, cores, gpu)
    assert apple_chip(machine.chip).memory_gb * GIB >= memory


def test_intel_mac_is_cpu(monkeypatch):
    sysctl = (
        "machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz\nhw.memsize: 17179869184\nhw.ncpu: 12\n"
    )
    fake_system(monkeypatch, system="darwin", machine="x86_64", commands={"sysctl": sysctl})
    machine = detect_machine()
    assert (machine.backend, machine.gpu_cores, machine.cpu_cores) == ("cpu", None, 12)


def test_mac_whose_commands_fail_is_unknown_not_guessed(monkeypatch):
    fake_system(monkeypatch, system="darwin", machine="arm64")
    machine = detect_machine()
    assert (machine.chip, machine.memory_bytes, machine.gpu_cores) == ("unknown", 0, None)


PI_CPUINFO = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"


def test_linux_boards_are_named_by_their_model(monkeypatch):
    files = {"/proc/cpuinfo": PI_CPUINFO, "/proc/meminfo": MEMINFO}
    fake_system(monkeypatch, system="linux", machine="aarch64", files=files)
    assert detect_machine().chip == "Raspberry Pi 5 Model B Rev 1.0"


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


def on_linux(monkeypatch, **files):
    """This machine as one with these files, named by their path."""
    files = {**LINUX_FILES, **{f"/{path}": text for path, text in files.items()}}
    fake_system(monkeypatch, system="linux", machine="x86_64", files=files)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(64)), raising=False)
    return detect_machine()


GROUP = "sys/fs/cgroup"
OWN = "proc/self/cgroup"
MEMORY_LIMITS = {  # files of the machine, and the bytes that are left of its 8 GB
    "none": ({}, 8046200 * 1024),
    "v2, unlimited": ({f"{GROUP}/memory.max": "max\n"}, 8046200 * 1024),
    "v2, container": ({OWN: "0::/\n", f"{GROUP}/memory.max": "2147483648\n"}, 2 * GIB),
    "v2, job below a slice": (
        {
            OWN: "0::/a.slice/job\n",
            f"{GROUP}/a.slice/memory.max": "1073741824",
            f"{GROUP}/a.slice/job/memory.max": "max",
        },
        GIB,
    ),
    "v2, the lowest": (
        {OWN: "0::/a/b\n", f"{GROUP}/a/memory.max": "3221225472\n", f"{GROUP}/a/b/memory.max": "2147483648\n"},
        2 * GIB,
    ),
    "v1, unlimited": ({f"{GROUP}/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8046200 * 1024),
    "v1, Docker": (
        {
            OWN: "5:cpu,cpuacct:/docker/1f\n4:memory:/docker/1f\n",
            f"{GROUP}/memory/memory.limit_in_bytes": "1073741824\n",
        },
        GIB,
    ),
    "v1, Slurm": (
        {OWN: "4:memory:/slurm/job_7\n", f"{GROUP}/memory/slurm/job_7/memory.limit_in_bytes": "2147483648\n"},
        2 * GIB,
    ),
    "more than there is": ({f"{GROUP}/memory.max": "99999999999\n"}, 8046200 * 1024),
}
CORE_LIMITS = {
    "none": ({}, 64),
    "v2, unlimited": ({f"{GROUP}/cpu.max": "max 100000\n"}, 64),
    "v2": ({f"{GROUP}/cpu.max": "200000 100000\n"}, 2),
    "v2, a part of one": ({f"{GROUP}/cpu.max": "10000 100000\n"}, 1),
    "v2, rounded up": ({OWN: "0::/pod\n", f"{GROUP}/pod/cpu.max": "150000 100000\n"}, 2),
    "v1, unlimited": ({f"{GROUP}/cpu/cpu.cfs_quota_us": "-1\n", f"{GROUP}/cpu/cpu.cfs_period_us": "100000\n"}, 64),
    "v1": ({f"{GROUP}/cpu/cpu.cfs_quota_us": "400000\n", f"{GROUP}/cpu/cpu.cfs_period_us": "100000\n"}, 4),
}


@pytest.mark.parametrize(("files", "expected"), MEMORY_LIMITS.values(), ids=MEMORY_LIMITS)
def test_memory_limit_of_control_groups_counts_where_it_is_lower(monkeypatch, files, expected):
    assert on_linux(monkeypatch, **files).memory_bytes == expected


@pytest.mark.parametrize(("files", "expected"), CORE_LIMITS.values(), ids=CORE_LIMITS)
def test_cpu_quota_of_control_groups_counts_where_it_is_lower(monkeypatch, files, expected):
    assert on_linux(monkeypatch, **files).cpu_cores == expected


def test_a_cuda_chip_without_memory_of_its_own_has_the_machine_s(monkeypatch):
    commands = {"nvidia-smi": "NVIDIA GB10, [N/A]\n"}
    fake_system(
        monkeypatch, system="linux", machine="aarch64", commands=commands, files=LINUX_FILES, packages=("mlx-cuda-13",)
    )
    machine = detect_machine()
    assert (machine.chip, machine.backend, machine.memory_bytes) == ("NVIDIA GB10", "cuda", 8046200 * 1024)


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
        ("A100 80GB", "cuda"),
        ("Intel Arc B580", "cpu"),
        ("Arc A770", "cpu"),
        ("AMD EPYC 7R32", "cpu"),
        ("Intel Core i7", "cpu"),
    ],
)
def test_named_machine_takes_the_backend_from_the_chip(chip, backend):
    assert named_machine(chip, GIB).backend == backend


def test_apple_chips_are_found_by_what_people_and_macos_call_them():
    assert apple_chip("Apple M3 Pro") == apple_chip("m3 pro") == apple_chip(" M3 PRO ")
    assert apple_chip("Apple M3 Pro").gpu_cores == 18
    assert apple_chip("M1").bandwidth_gb_s is None  # no page read says
    for name in ("Apple M9", "Apple", "NVIDIA M40", "Intel Core i7", ""):
        assert apple_chip(name) is None


def test_every_apple_chip_names_where_its_figures_are_from():
    assert len({chip.name for chip in APPLE_CHIPS}) == len(APPLE_CHIPS)
    assert {chip.name.split()[0] for chip in APPLE_CHIPS} == {"M1", "M2", "M3", "M4", "M5"}
    for chip in APPLE_CHIPS:
        assert chip.pages
        assert all(page.startswith("http") for page in chip.pages)
        assert 0 < chip.gpu_cores <= 80
        assert chip.memory_gb >= 16
