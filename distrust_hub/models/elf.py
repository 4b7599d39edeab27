"""Point imported functions of a loaded ELF library at other addresses (Linux, 64-bit, little-endian).

A shared library calls functions of other libraries through slots that the dynamic linker fills. The slots of a
function are listed in the library's relocation tables, so a replacement can be written there at run time: no
compiler, no file, and no dependence on load order or symbol names. Layout: System V ABI, "ELF-64 Object
File Format" 1.5, with the relocation types of the x86-64 and AArch64 supplements.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
import struct
from collections.abc import Mapping
from pathlib import Path

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_PLTRELSZ, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ, _DT_JMPREL = 2, 5, 6, 7, 8, 23
_FUNCTION_SLOTS = {"x86_64": (6, 7), "aarch64": (1025, 1026)}
"""GLOB_DAT and JUMP_SLOT of each machine."""
_PROT = {"r": mmap.PROT_READ, "w": mmap.PROT_WRITE, "x": mmap.PROT_EXEC}


class ElfError(Exception):
    """The library or the process does not look as expected; nothing was changed."""


def import_slots(path: Path, names: set[str], machine: str) -> dict[str, list[int]]:
    """Where a library keeps the addresses of functions it imports.

    Args:
        path: The ELF file.
        names: Functions looked for.
        machine: ``x86_64`` or ``aarch64``.

    Returns:
        For each function found, the slots' addresses relative to where the library is loaded.

    Raises:
        ElfError: If it is not a 64-bit little-endian shared library for a known machine.
    """
    if machine not in _FUNCTION_SLOTS:
        raise ElfError(f"machine is {machine}; known: {', '.join(_FUNCTION_SLOTS)}")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _find_slots(data, names, _FUNCTION_SLOTS[machine])
        except (struct.error, KeyError, ValueError) as error:
            raise ElfError(f"{path.name}: unexpected layout ({error})") from error


def _find_slots(data: mmap.mmap, names: set[str], kinds: tuple[int, ...]) -> dict[str, list[int]]:
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    table, entry_size, count = (
        struct.unpack_from(form, data, at)[0] for form, at in (("<Q", 32), ("<H", 54), ("<H", 56))
    )
    loads, dynamic = [], None
    for index in range(count):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, table + index * entry_size)
        if kind == _PT_LOAD:
            loads.append((address, size, offset))
        elif kind == _PT_DYNAMIC:
            dynamic = (offset, size)
    if dynamic is None:
        raise ValueError("no dynamic section")
    tags = dict(struct.iter_unpack("<qQ", data[dynamic[0] : sum(dynamic)]))

    def at(address: int) -> int:
        """File offset of a virtual address."""
        return next(address - start + offset for start, size, offset in loads if start <= address < start + size)

    strings, symbols = at(tags[_DT_STRTAB]), at(tags[_DT_SYMTAB])
    found: dict[str, list[int]] = {}
    for start, size in ((_DT_JMPREL, _DT_PLTRELSZ), (_DT_RELA, _DT_RELASZ)):
        if start not in tags:
            continue
        begin = at(tags[start])
        for slot, info, _ in struct.iter_unpack("<QQq", data[begin : begin + tags[size]]):
            if info & 0xFFFFFFFF not in kinds:
                continue
            text = strings + struct.unpack_from("<I", data, symbols + 24 * (info >> 32))[0]
            name = data[text : data.find(b"\0", text)].decode("ascii", "replace")
            if name in names:
                found.setdefault(name, []).append(slot)
    return found


class _PhdrInfo(ctypes.Structure):
    """The first two members of ``struct dl_phdr_info``."""

    _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]


def load_address(path: Path) -> int:
    """Address a library of this process is loaded at.

    Raises:
        ElfError: If it is not loaded.
    """
    wanted, found = path.resolve(), []
    callback_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_PhdrInfo), ctypes.c_size_t, ctypes.c_void_p)

    def visit(info: ctypes._Pointer[_PhdrInfo], _size: int, _data: int | None) -> int:
        name = info.contents.name
        if name and Path(name.decode()).resolve() == wanted:
            found.append(info.contents.address or 0)
        return 0

    ctypes.CDLL(None).dl_iterate_phdr(callback_type(visit), None)
    if not found:
        raise ElfError(f"{path.name} is not loaded in this process")
    return int(found[0])


def redirect(library: Path, replacements: Mapping[str, int]) -> None:
    """Let a loaded library call other functions in place of some it imports.

    Args:
        library: A library loaded in this process.
        replacements: {imported function: address to call}. Every one must be imported by the library.

    Raises:
        ElfError: If one is not, or the memory cannot be changed; then nothing was changed.
    """
    slots = import_slots(library, set(replacements), platform.machine())
    if missing := sorted(set(replacements) - set(slots)):
        raise ElfError(f"{library.name} does not import {', '.join(missing)}")
    base = load_address(library)
    for name, address in replacements.items():
        for slot in slots[name]:
            _write_pointer(base + slot, address)


def _write_pointer(place: int, value: int) -> None:
    """Store 8 aligned bytes, in read-only memory too (RELRO), and restore its protection."""
    libc = ctypes.CDLL(None, use_errno=True)
    page = place & ~(mmap.PAGESIZE - 1)
    before = _protection(place)
    arguments = ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE)
    if libc.mprotect(*arguments, before | mmap.PROT_WRITE):
        raise ElfError(f"mprotect failed with errno {ctypes.get_errno()}")
    ctypes.c_uint64.from_address(place).value = value
    libc.mprotect(*arguments, before)


def _protection(address: int) -> int:
    for line in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        span, flags = line.split(maxsplit=2)[:2]
        low, high = (int(end, 16) for end in span.split("-"))
        if low <= address < high:
            return sum(_PROT[flag] for flag in flags if flag in _PROT)
    raise ElfError("address is not mapped")
