from __future__ import annotations

import ctypes
import platform
import sys
from pathlib import Path

import pytest

from distrust_hub.models.elf import ElfError, import_slots, load_address, redirect

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="ELF on a known machine"
)


IMPORTED = "PyErr_Format"


def loaded_library(name: str) -> Path:
    """Path of a library of this process, by part of its name."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[-1]
        if name in path.rpartition("/")[2]:
            return Path(path)
    pytest.skip(f"{name} is not loaded")


@pytest.fixture
def importer() -> Path:
    """A library that imports functions: an extension module of Python itself."""
    import _json  # noqa: F401

    path = loaded_library("_json")
    if not import_slots(path, {IMPORTED}, platform.machine()):
        pytest.skip(f"this build of Python's _json does not import {IMPORTED}")
    return path


def test_load_address_is_where_the_maps_say(importer):
    first = next(line for line in Path("/proc/self/maps").read_text().splitlines() if str(importer) in line)
    assert load_address(importer) == int(first.split("-")[0], 16)


def test_load_address_of_a_library_not_loaded_is_an_error(tmp_path):
    with pytest.raises(ElfError, match=r"other\.so is not loaded"):
        load_address(tmp_path / "other.so")


def test_import_slots_hold_the_address_of_the_function(importer):
    slots = import_slots(importer, {IMPORTED, "no_such_function"}, platform.machine())
    assert set(slots) == {IMPORTED}
    for slot in slots[IMPORTED]:
        assert ctypes.c_uint64.from_address(load_address(importer) + slot).value != 0


def test_redirect_writes_the_slot_and_can_be_undone(importer):
    place = load_address(importer) + import_slots(importer, {IMPORTED}, platform.machine())[IMPORTED][0]
    before = ctypes.c_uint64.from_address(place).value
    other = ctypes.cast(ctypes.pythonapi.PyErr_SetString, ctypes.c_void_p).value
    redirect(importer, {IMPORTED: other})
    try:
        assert ctypes.c_uint64.from_address(place).value == other
    finally:
        redirect(importer, {IMPORTED: before})
    assert ctypes.c_uint64.from_address(place).value == before


def test_redirect_changes_nothing_if_a_function_is_not_imported(importer):
    place = load_address(importer) + import_slots(importer, {IMPORTED}, platform.machine())[IMPORTED][0]
    before = ctypes.c_uint64.from_address(place).value
    with pytest.raises(ElfError, match="does not import no_such_function"):
        redirect(importer, {IMPORTED: 1, "no_such_function": 1})
    assert ctypes.c_uint64.from_address(place).value == before


def test_import_slots_refuses_other_machines_and_files(importer, tmp_path):
    with pytest.raises(ElfError, match="riscv64"):
        import_slots(importer, {IMPORTED}, "riscv64")
    for content in (b"MZ" + bytes(200), importer.read_bytes()[:500], b"\x7fELF\x01\x01" + bytes(200)):
        (tmp_path / "odd.so").write_bytes(content)
        with pytest.raises(ElfError, match=r"odd\.so"):
            import_slots(tmp_path / "odd.so", {IMPORTED}, platform.machine())
