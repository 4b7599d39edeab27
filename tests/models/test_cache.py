from __future__ import annotations

from pathlib import Path

import pytest

from distrust_hub.files import sha256_file
from distrust_hub.models.cache import build_folder, cache_dir, cached_sha256, recall, remember


def test_cache_dir_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("DISTRUST_HUB_CACHE", str(tmp_path / "x"))
    assert cache_dir() == tmp_path / "x"
    monkeypatch.delenv("DISTRUST_HUB_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "distrust-hub"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_dir() == Path.home() / "Library" / "Caches" / "distrust-hub"


def test_build_folder_appears_whole_or_not_at_all(tmp_path):
    def fail() -> None:
        with build_folder(tmp_path / "bad") as folder:
            (folder / "half").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []
    with build_folder(tmp_path / "good") as folder:
        (folder / "file").write_text("x")
        assert not (tmp_path / "good").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["good"]


def test_build_folder_keeps_the_one_another_process_finished_first(tmp_path):
    with build_folder(tmp_path / "out") as folder:
        (folder / "mine").write_text("x")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("x")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["theirs"]
    assert len(list(tmp_path.iterdir())) == 1


def test_remember_survives_damage_and_a_folder_that_cannot_be_written(cache, monkeypatch, tmp_path):
    remember("a.json", "k", [1])
    assert recall("a.json", "k") == [1]
    (cache / "a.json").write_text("{broken")
    assert recall("a.json", "k") is None
    remember("a.json", "k", 2)
    assert recall("a.json", "k") == 2
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DISTRUST_HUB_CACHE", str(tmp_path / "file"))
    remember("a.json", "k", 3)
    assert recall("a.json", "k") is None


def test_cached_sha256_notices_a_changed_file(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"one")
    assert cached_sha256(file) == sha256_file(file) == cached_sha256(file)
    file.write_bytes(b"other")
    assert cached_sha256(file) == sha256_file(file)
