from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from distrust_hub.errors import ModelError
from distrust_hub.models.weights import PlannedTensor, convert_npz, read_header, write_safetensors


def test_write_safetensors_is_read_back_by_the_reference_reader(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.normal(size=(3, 5)).astype(np.float32),
        "b": rng.normal(size=(7,)).astype(np.float16),
        "c": np.arange(4, dtype=np.int64),
        "d": np.asfortranarray(rng.normal(size=(2, 3))),
    }
    plan = [PlannedTensor(name, a.dtype, a.shape, lambda a=a: a) for name, a in arrays.items()]
    write_safetensors(tmp_path / "m.safetensors", plan)
    read = load_file(tmp_path / "m.safetensors")
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype
    assert read_header(tmp_path / "m.safetensors")["a"]["shape"] == [3, 5]


def header_file(path, header: dict, data: bytes = b""):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 8]}, "does not fit"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 80]}, "does not fit"),
        ({"dtype": "F32", "shape": [-2, -1], "data_offsets": [0, 8]}, "does not fit"),
        ({"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}, "'F99'"),
        ({"dtype": "F32"}, "damaged entry"),
    ],
)
def test_read_header_refuses_a_bad_entry_by_name(tmp_path, entry, named):
    path = header_file(tmp_path / "m.safetensors", {"layer.weight": entry}, bytes(8))
    with pytest.raises(ModelError, match=named) as caught:
        read_header(path)
    assert "layer.weight" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"short", struct.pack("<Q", 1 << 62) + b"{}", struct.pack("<Q", 4) + b"nope"])
def test_read_header_refuses_a_damaged_file(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.safetensors"):
        read_header(path)


def test_read_header_refuses_a_truncated_file(tmp_path):
    save_file({"w": np.ones((4, 4), np.float32)}, str(tmp_path / "m.safetensors"))
    whole = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "m.safetensors").write_bytes(whole[:-1])
    with pytest.raises(ModelError, match="'w'"):
        read_header(tmp_path / "m.safetensors")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_convert_npz_keeps_names_types_and_values(tmp_path, save):
    arrays = {"model.norm.weight": np.ones(4, np.float16), "x": np.random.default_rng(0).normal(size=(3, 2))}
    save(tmp_path / "w.npz", **arrays)
    convert_npz(tmp_path / "w.npz", tmp_path / "m.safetensors")
    read = load_file(tmp_path / "m.safetensors")
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


class Payload:
    """Unpickling this would create a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_convert_npz_refuses_object_arrays_by_name_and_runs_nothing(tmp_path):
    np.savez(tmp_path / "w.npz", good=np.ones(2), evil=np.array([Payload(tmp_path / "owned")], dtype=object))
    with pytest.raises(ModelError, match="'evil' is an object array"):
        convert_npz(tmp_path / "w.npz", tmp_path / "m.safetensors")
    assert not (tmp_path / "owned").exists()
    assert not (tmp_path / "m.safetensors").exists()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


@pytest.mark.parametrize(
    ("members", "named"),
    [
        (
            {"w.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824, 1073741824)}", bytes(8))},
            "'w'",
        ),
        ({"w.npy": b"\x93NUMPY\x09\x00" + bytes(20)}, r"npy format"),
        ({"w.npy": b"not an array"}, "damaged"),
        ({"w.npy": npy("{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}", bytes(16))}, "type <U4"),
        ({"run.py": b"print()"}, r"'run\.py' is not an array"),
        ({}, "holds no arrays"),
    ],
)
def test_convert_npz_refuses_bad_members(tmp_path, members, named):
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ModelError, match=named):
        convert_npz(tmp_path / "w.npz", tmp_path / "m.safetensors")


def test_convert_npz_names_a_file_whose_values_are_damaged(tmp_path):
    """Found while they are copied: the size in the header does not tell."""
    target = tmp_path / "m.safetensors"
    with zipfile.ZipFile(tmp_path / "short.npz", "w") as archive:
        archive.writestr("a.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (20,), }", b"x" * 150))
    np.savez(tmp_path / "flipped.npz", a=np.zeros(1000))
    whole = bytearray((tmp_path / "flipped.npz").read_bytes())
    whole[5000] ^= 1
    (tmp_path / "flipped.npz").write_bytes(whole)
    for name, why in (("short", "expected 160 bytes got 150"), ("flipped", "Bad CRC-32")):
        with pytest.raises(ModelError, match=rf"{name}\.npz: damaged \.npz file \(.*{why}.*\); save or download it"):
            convert_npz(tmp_path / f"{name}.npz", target)


def test_convert_npz_refuses_a_zip_bomb_and_other_files(tmp_path):
    stream = io.BytesIO()
    np.save(stream, np.zeros(1 << 20, np.float32))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", stream.getvalue())
    with pytest.raises(ModelError, match="'zeros' unpacks to"):
        convert_npz(tmp_path / "bomb.npz", tmp_path / "m.safetensors")
    (tmp_path / "p.npz").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelError, match=r"damaged \.npz"):
        convert_npz(tmp_path / "p.npz", tmp_path / "m.safetensors")
