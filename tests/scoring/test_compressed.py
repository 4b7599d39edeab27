"""Compressed input: the same rows, and damage and bombs refused."""

from __future__ import annotations

import builtins
import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distrust_hub.errors import DataError, MissingDependencyError
from distrust_hub.scoring import compressed
from distrust_hub.scoring.bulk import iter_scored, score_dataset

ROWS = [{"id": str(i), "text": f"March {i}, 1850. I saw {i} ships in the harbour."} for i in range(1, 31)]
PLAIN = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def zstd_compress(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.compress(data)
    return pytest.importorskip("zstandard").ZstdCompressor(write_content_size=False).compress(data)


FORMS = pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("zst", zstd_compress)])
Compress = Callable[[bytes], bytes]


@FORMS
def test_compressed_rows_are_those_of_the_plain_file(tmp_path: Path, suffix: str, compress: Compress) -> None:
    (tmp_path / "plain.jsonl").write_bytes(PLAIN)
    half = len(PLAIN) // 2
    (tmp_path / "p").mkdir()
    packed = tmp_path / "p" / f"in.jsonl.{suffix}"
    want = "".join(iter_scored(tmp_path / "plain.jsonl"))
    for content in (compress(PLAIN), compress(PLAIN[:half]) + compress(PLAIN[half:])):
        packed.write_bytes(content)
        assert "".join(iter_scored(packed)) == want
    assert "".join(iter_scored(tmp_path / "p")) == want


@FORMS
@pytest.mark.parametrize("filling", [b" ", b"\n"])
def test_a_bomb_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, compress: Compress, filling: bytes
) -> None:
    monkeypatch.setattr(compressed, "_RATIO_FREE_BYTES", 1 << 20)
    bomb = tmp_path / f"bomb.jsonl.{suffix}"
    bomb.write_bytes(compress(filling * 4_000_000 + b"\n"))
    with pytest.raises(DataError, match="unpacks to more than 500 times"):
        score_dataset(bomb, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == [bomb]


@FORMS
def test_the_unpacked_size_has_a_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, compress: Compress
) -> None:
    monkeypatch.setattr(compressed, "MAX_UNPACKED_BYTES", len(PLAIN) - 1)
    source = tmp_path / f"in.jsonl.{suffix}"
    source.write_bytes(compress(PLAIN))
    with pytest.raises(DataError, match=r"unpacks to more than [0-9,]+ bytes; split it"):
        score_dataset(source, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == [source]


def test_a_parquet_bomb_is_not_unpacked(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    bomb = tmp_path / "bomb.parquet"
    table = pyarrow.table({"text": ["x" * 1_000_000] * 20})
    parquet.write_table(table, bomb, compression="zstd", use_dictionary=False)
    with pytest.raises(DataError, match="unpacks to more than 500 times"):
        score_dataset(bomb, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == [bomb]


@FORMS
@pytest.mark.parametrize("damage", ["foreign", "cut", "flipped"])
def test_damage_is_named_and_leaves_nothing(tmp_path: Path, suffix: str, compress: Compress, damage: str) -> None:
    packed = compress(PLAIN)
    middle = len(packed) // 2
    content = {
        "foreign": b"not compressed",
        "cut": packed[:-2],
        "flipped": packed[:middle] + bytes(b ^ 0xFF for b in packed[middle : middle + 40]) + packed[middle + 40 :],
    }[damage]
    source = tmp_path / f"in.jsonl.{suffix}"
    source.write_bytes(content)
    with pytest.raises(DataError, match=f"damaged {'gzip' if suffix == 'gz' else 'zstd'} file") as caught:
        score_dataset(source, tmp_path / "out.jsonl")
    assert str(caught.value).startswith(f"{source}: ")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="in the standard library")
def test_zst_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in.jsonl.zst"
    source.write_bytes(b"")
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name == "zstandard":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"reading \.zst needs zstandard.*distrust-hub\[data\]"):
        score_dataset(source, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == [source]
